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

extension DataError {
  /// A name, fit for one line of a message: without control characters.
  static func line(_ name: String) -> String {
    String(String.UnicodeScalarView(name.unicodeScalars.map { $0.value < 0x20 ? "?" : $0 }))
  }

  /// Text out of a file, fit for one line of a message: short, and without control characters.
  static func quoting(_ text: some Sequence<UInt8>, limit: Int = 80) -> String {
    let bytes = Array(text.prefix(limit + 1))
    let shown = bytes.prefix(limit).map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: "?") }
    return "\"" + String(decoding: shown, as: UTF8.self) + "\"" + (bytes.count > limit ? "…" : "")
  }
}
