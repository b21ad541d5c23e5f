import Messages

/// A text that is no JSON, in one line.
public struct JSONError: MessageError, Equatable {
  /// What the text is, and what is wrong with it.
  public let message: Message

  /// An error.
  public init(_ message: Message) { self.message = message }
}
