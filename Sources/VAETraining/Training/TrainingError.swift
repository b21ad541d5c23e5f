/// Why training cannot start or go on.
public struct TrainingError: Error, Equatable, CustomStringConvertible {
  /// The kinds of error, which front ends tell apart.
  public enum Kind: Sendable {
    /// Data or a stored run that does not fit.
    case unsuitable
    /// A loss or weights that are infinite or not a number.
    case diverged
  }

  /// The kind.
  public let kind: Kind
  /// What, where, and what to do.
  public let message: String

  /// An error.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
