import Messages

/// A text that is not the JSON it should be, in one line.
public struct JSONError: MessageError, Equatable {
  /// What is wrong.
  public enum Kind: Sendable {
    /// It is no JSON, or none of the form it should have.
    case malformed
    /// It takes more than it may.
    case beyondLimits
    /// Its checksum is not that of the rest.
    case damaged
  }

  /// What is wrong.
  public let kind: Kind
  /// What the text is, what is wrong with it, and where.
  public var message: Message { "\(source) \(reason)" }
  /// What the text is.
  let source: String
  /// What completes a sentence that begins with what the text is.
  package let reason: Message

  init(_ kind: Kind, _ source: String, _ reason: Message) {
    (self.kind, self.source, self.reason) = (kind, source, reason)
  }
}
