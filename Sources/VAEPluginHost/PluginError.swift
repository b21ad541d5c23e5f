/// What is wrong with a plug-in, in one line that names it.
public struct PluginError: Error, Equatable, CustomStringConvertible {
  /// The kinds of error, which front ends tell apart.
  public enum Kind: Sendable {
    /// There is no such file.
    case missing
    /// It could not be loaded, or its description breaks the rules.
    case unusable
    /// It failed, or broke the rules, while it was at work.
    case failed
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

/// What is wrong with something of a plug-in, before it is known where that stands.
struct Misfit: Error {
  let message: String

  init(_ message: String) {
    self.message = message
  }
}
