/// Text from elsewhere, such as a name out of a file, made fit to be shown: the one function through
/// which it goes before it reaches a terminal, a log or a page.
///
/// A terminal obeys control characters, and characters without a shape of their own make a text look
/// like another. Such characters are shown as escapes, `\u{1b}`, and bytes that are no UTF-8 as
/// `\xff`; all others stand as they are. Text that has been through here comes out the same again.
public enum PlainText {
  /// The most characters of a single value that a message shows.
  public static let longestValue = 1000
  /// The most characters of text that a message quotes out of a file.
  public static let longestQuotation = 80

  /// Whether a character is shown as an escape: C0, DEL and C1 controls, formatting such as overrides
  /// of the direction of writing, separators of lines and paragraphs, tags, and whatever else is
  /// invisible by Unicode's definition, except for the two that choose between a letter's shapes.
  public static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    // Most text ends here.
    if scalar.value < 0x7f { return scalar.value < 0x20 }
    if (0xfe0e...0xfe0f).contains(scalar.value) { return false }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: return scalar.properties.isDefaultIgnorableCodePoint
    }
  }

  /// A character as it is shown where it may not stand itself, such as `\u{202e}`.
  public static func escape(_ scalar: Unicode.Scalar) -> String {
    "\\u{" + String(scalar.value, radix: 16) + "}"
  }

  /// A byte that belongs to no UTF-8 as it is shown, such as `\xe9`.
  public static func escape(_ byte: UInt8) -> String { "\\x" + String(byte, radix: 16) }

  /// Text on one line.
  ///
  /// - Parameters:
  ///   - text: from anywhere.
  ///   - limit: the most characters that are kept; where there are more, the text ends in `…`.
  public static func line(_ text: some StringProtocol, limit: Int = .max) -> String {
    shown(text, limit: limit, isHidden)
  }

  /// Text whose line breaks stay, for tables and documents.
  public static func lines(_ text: some StringProtocol) -> String {
    shown(text, limit: .max) { $0 != "\n" && isHidden($0) }
  }

  /// Text on one line and between quotation marks, short, as a message quotes it.
  public static func quoted(_ text: some StringProtocol, limit: Int = longestQuotation) -> String {
    "\"" + shown(text, limit: limit, close: "\"", isHidden)
  }

  /// Bytes that should be UTF-8, on one line.
  public static func line(bytes: some Sequence<UInt8>, limit: Int = .max) -> String {
    shown(bytes: bytes, limit: limit, close: "")
  }

  /// Bytes that should be UTF-8, on one line and between quotation marks, short.
  public static func quoted(
    bytes: some Sequence<UInt8>, limit: Int = longestQuotation
  ) -> String {
    "\"" + shown(bytes: bytes, limit: limit, close: "\"")
  }

  private static func shown(
    _ text: some StringProtocol, limit: Int, close: String = "",
    _ isEscaped: (Unicode.Scalar) -> Bool
  ) -> String {
    var shown = ""
    for (position, scalar) in text.unicodeScalars.enumerated() {
      guard position < limit else { return shown + close + "…" }
      append(scalar, to: &shown, isEscaped(scalar))
    }
    return shown + close
  }

  private static func append(_ scalar: Unicode.Scalar, to text: inout String, _ isEscaped: Bool) {
    if let byte = ForeignByte.byte(of: scalar) {
      text += escape(byte)
    } else if isEscaped {
      text += escape(scalar)
    } else {
      text.unicodeScalars.append(scalar)
    }
  }

  private static func shown(
    bytes: some Sequence<UInt8>, limit: Int, close: String
  ) -> String {
    var shown = ""
    var bytes = bytes.makeIterator()
    // What the parser has taken since the last character, which it does not give back.
    var taken: [UInt8] = []
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = AnyIterator { () -> UInt8? in
      guard let byte = bytes.next() else { return nil }
      taken.append(byte)
      return byte
    }
    for _ in 0..<limit {
      switch parser.parseScalar(from: &iterator) {
      case .valid(let encoded):
        let scalar = Unicode.UTF8.decode(encoded)
        append(scalar, to: &shown, isHidden(scalar))
        taken.removeFirst(encoded.count)
      case .error(let length):
        for byte in taken.prefix(length) { shown += escape(byte) }
        taken.removeFirst(length)
      case .emptyInput: return shown + close
      }
    }
    return shown + close + (taken.isEmpty && iterator.next() == nil ? "" : "…")
  }
}
