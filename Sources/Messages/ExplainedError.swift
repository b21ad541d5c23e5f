/// An error whose message each front end says in words of its own.
public protocol MessageError: Error, CustomStringConvertible {
  /// What is wrong, where, and what to do, in one line.
  var message: Message { get }
}

extension MessageError {
  /// The message in the words of recipes.
  public var description: String { message.description }
}

/// An error of one of some kinds, which front ends tell apart, with its message.
public struct ExplainedError<Kind: Equatable & Sendable>: MessageError, Equatable {
  /// The kind.
  public let kind: Kind
  /// What is wrong, where, and what to do, in one line.
  public let message: Message

  /// An error.
  public init(_ kind: Kind, _ message: Message) {
    self.kind = kind
    self.message = message
  }

  /// An error whose sentence is made elsewhere, and advises nothing.
  public init(_ kind: Kind, text: String) {
    self.init(kind, Message(text))
  }
}
