import Messages
import VAEFiles

/// Why data could not be read; the description is one line that names the file, what was found and
/// what was expected.
public typealias DataError = ExplainedError<DataFault>

/// What went wrong with data, as far as a caller treats it differently.
public enum DataFault: Sendable {
  /// A file is not what its name, its header or its format says.
  case malformed
  /// A path, or a built-in set, does not exist.
  case missing
  /// The data are well-formed or cannot be told to be otherwise, but cannot be used: a file that
  /// may not be read, values that the rule in force does not allow.
  case unusable
  /// There is no memory for them.
  case tooLarge
  /// A file could not be written.
  case unwritable
  /// The process or the system has no more of what opening a file takes.
  case exhausted
  /// Whoever asked for the data has asked for a stop.
  case cancelled
}

extension ExplainedError<DataFault> {
  /// The failure of the call that has just opened or read a path.
  init(reading path: String, _ fault: SystemFault = SystemFault()) {
    self.init(
      fault.isExhaustion ? .exhausted : .unusable, "\(path) cannot be read: \(fault.text)")
  }
}
