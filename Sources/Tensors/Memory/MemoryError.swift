/// What the system has not given: memory, or threads. ``withMemoryErrors(_:)`` throws it; its description is
/// one line that says what was asked for and what to do.
public struct MemoryError: Error, Hashable, Sendable {
  /// What there was not enough of.
  public enum Lack: Hashable, Sendable {
    /// Memory: the bytes of the request that was refused, and what they were for, such as "a tensor".
    case memory(bytes: Int, purpose: String)
    /// Memory for a file, whatever is computed with it: the bytes that it takes, and its path.
    case file(bytes: Int, path: String)
    /// Threads: how many were to compute together.
    case threads(Int)
  }

  /// What there was not enough of.
  public let lack: Lack
  /// What became of the work, where there is something to say of it.
  public var outcome: String?

  /// An error about a request for some bytes.
  public init(bytes: Int, purpose: String) {
    lack = .memory(bytes: bytes, purpose: purpose)
  }

  /// An error about a file that takes some bytes.
  public init(bytes: Int, reading path: String) {
    lack = .file(bytes: bytes, path: path)
  }

  /// An error about threads that could not be had.
  public init(threads: Int) {
    lack = .threads(threads)
  }
}

extension MemoryError: CustomStringConvertible {
  /// One line: what was asked for, and what to do.
  public var description: String {
    let sentence =
      switch lack {
      case .memory(let bytes, let purpose):
        "out of memory: \(purpose) needs \(Self.amount(Double(bytes))), and there is not as much to take; use smaller batches or a "
          + "smaller model, or give the process more memory"
      case .file(let bytes, let path):
        "out of memory: reading \(path) needs \(Self.amount(Double(bytes))), and there is not as much to take; free "
          + "memory, or give the process more"
      case .threads(let count):
        "the system does not give this process \(count) threads; compute with fewer threads, such as 1, or raise "
          + "its limit of processes or memory"
      }
    return sentence + (outcome.map { "; \($0)" } ?? "")
  }

  /// Bytes in the unit that suits them.
  package static func amount(_ bytes: Double) -> String {
    func tenths(_ unit: Double) -> String {
      let value = (bytes / unit * 10).rounded() / 10
      return value < 100 || value >= 1e15 ? "\(value)" : "\(Int(value))"
    }
    return switch bytes {
    case ..<1e6: "\(tenths(1e3)) kB"
    case ..<1e9: "\(tenths(1e6)) MB"
    default: "\(tenths(1e9)) GB"
    }
  }
}
