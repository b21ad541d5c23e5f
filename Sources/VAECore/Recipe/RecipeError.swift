/// What is wrong with a recipe, in one line.
public struct RecipeError: Error, Equatable, CustomStringConvertible {
  /// The kinds of error, which front ends tell apart.
  public enum Kind: Sendable {
    /// A name or value that does not exist or is out of range.
    case invalid
    /// Not JSON, or not of a recipe's form.
    case malformed
    /// Data that the model cannot take.
    case unsuitableData
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
