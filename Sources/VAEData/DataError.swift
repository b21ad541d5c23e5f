import Messages

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
  /// Whoever asked for the data has asked for a stop.
  case cancelled
}
