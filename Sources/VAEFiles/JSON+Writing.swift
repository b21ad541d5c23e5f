import Messages

extension JSON {
  /// The text on one line.
  public var line: String {
    var text = ""
    write(to: &text, indentation: nil)
    return text
  }

  /// The text with a member a line, lists of scalars on one line, and a line break at the end.
  public var document: String {
    var text = ""
    write(to: &text, indentation: 0)
    return text + "\n"
  }

  private func write(to text: inout String, indentation: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .number(let value): text += value.isFinite ? "\(value)" : "null"
    case .text(let value): Self.write(value, to: &text)
    case .array(let values):
      let isFlat = values.allSatisfy { if case .object = $0 { false } else { true } }
      Self.write(
        values.map { (name: nil, value: $0) }, "[", "]", to: &text, isFlat ? nil : indentation)
    case .object(let object):
      Self.write(
        object.members.map { (name: $0.name, value: $0.value) }, "{", "}", to: &text, indentation)
    }
  }

  private static func write(
    _ members: [(name: String?, value: JSON)], _ open: String, _ close: String,
    to text: inout String, _ indentation: Int?
  ) {
    text += open
    for (position, member) in members.enumerated() {
      if position > 0 { text += indentation == nil ? ", " : "," }
      if let indentation {
        text += "\n" + String(repeating: "  ", count: indentation + 1)
      }
      if let name = member.name {
        write(name, to: &text)
        text += ": "
      }
      member.value.write(to: &text, indentation: indentation.map { $0 + 1 })
    }
    if let indentation, !members.isEmpty {
      text += "\n" + String(repeating: "  ", count: indentation)
    }
    text += close
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    guard !isPlain(string) else {
      text += string
      text += "\""
      return
    }
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      // JSON is printed on terminals too.
      case _ where PlainText.isHidden(scalar):
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  /// Whether a text is ASCII without a character that has an escape, as nearly all names and sentences are: it is then
  /// taken over as a whole.
  private static func isPlain(_ string: String) -> Bool {
    string.utf8.allSatisfy {
      (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
  }
}
