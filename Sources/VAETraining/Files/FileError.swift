import Glibc

/// A file operation that failed.
public struct FileError: Error, Equatable, CustomStringConvertible {
  /// The kinds of failure, which front ends tell apart.
  public enum Kind: Sendable {
    /// The path does not exist.
    case missing
    /// The path exists and must not be touched.
    case exists
    /// The path cannot be written.
    case unwritable
    /// The path cannot be read.
    case unreadable
    /// The path is not what it should be.
    case malformed
  }

  /// The kind.
  public let kind: Kind
  /// The path, what failed, and why.
  public let message: String

  /// An error in words.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The error of the system call that has just failed.
  init(writing path: String, _ code: Int32 = errno) {
    self.init(.unwritable, "cannot write \(path): \(String(cString: strerror(code)))")
  }

  /// The error of the system call that has just failed; a path that does not exist is `missing`.
  init(reading path: String, _ code: Int32 = errno) {
    if code == ENOENT || code == ENOTDIR {
      self.init(.missing, "\(path) does not exist")
    } else {
      self.init(.unreadable, "cannot read \(path): \(String(cString: strerror(code)))")
    }
  }

  /// The message.
  public var description: String { message }
}
