import Glibc
import Messages

/// A file operation that failed, in one line.
public struct FileError: MessageError, Equatable {
  /// The kinds of failure, which front ends tell apart.
  public enum Kind: Sendable {
    /// The path does not exist.
    case missing
    /// The path exists, or is in use, and must not be touched.
    case exists
    /// The path cannot be written.
    case unwritable
    /// The path cannot be read.
    case unreadable
    /// The path is not what it should be.
    case malformed
    /// The process or the system has no more of what opening takes, whatever the path is.
    case exhausted
  }

  /// The kind.
  public let kind: Kind
  /// What was to be done, a verb such as `read`.
  public let operation: String
  /// What it was to be done to.
  public let path: String
  /// Why it could not be done.
  public let reason: Message

  /// An error.
  public init(_ kind: Kind, _ operation: String, _ path: String, _ reason: Message) {
    self.kind = kind
    self.operation = operation
    self.path = path
    self.reason = reason
  }

  /// Operation, path and reason.
  public var message: Message {
    "cannot \(operation) \(path.isEmpty ? "an empty path" : path): \(reason)"
  }

  /// The same failure as that of the path that the caller knows.
  package func at(_ path: String) -> FileError { FileError(kind, operation, path, reason) }
}

// MARK: - Failures of system calls

extension FileError {
  /// The failure of the call that has just read, or looked at, a path.
  package init(reading path: String, _ code: Int32 = errno) {
    switch code {
    case ENOENT, ENOTDIR: self.init(.missing, "read", path, "it does not exist")
    default: self.init(.unreadable, "read", path, SystemFault(code))
    }
  }

  /// The failure of the call that has just written, made or removed a path.
  package init(writing path: String, to operation: String = "write", _ code: Int32 = errno) {
    switch code {
    case EEXIST: self.init(.exists, operation, path, "it exists")
    case ENOENT: self.init(.unwritable, operation, path, "the folder it belongs to does not exist")
    default: self.init(.unwritable, operation, path, SystemFault(code))
    }
  }

  /// The failure of a call: of a kind, unless it is a lack for which the path cannot be blamed.
  package init(_ kind: Kind, _ operation: String, _ path: String, _ fault: SystemFault) {
    self.init(fault.isExhaustion ? .exhausted : kind, operation, path, Message(fault.text))
  }
}
