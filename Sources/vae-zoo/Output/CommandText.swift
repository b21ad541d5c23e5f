import Messages

/// The command line as it could be typed again.
enum CommandText {
  static var text: String {
    joined(["vae-zoo"] + Invocation.arguments.dropFirst())
  }

  /// A command of these words.
  static func joined(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

  /// An argument as a shell takes it.
  static func quoted(_ argument: String) -> String {
    let plain = argument.unicodeScalars.allSatisfy {
      ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
        || "-_=.,:/+@%".unicodeScalars.contains($0)
    }
    guard !plain || argument.isEmpty else { return argument }
    guard
      argument.unicodeScalars.allSatisfy({ ForeignByte.byte(of: $0) == nil && $0.value >= 0x20 })
    else { return escaped(argument) }
    return "'"
      + argument.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
  }

  /// Bytes that belong to no text, and control characters, as bash, zsh and ksh take them.
  private static func escaped(_ argument: String) -> String {
    var text = "$'"
    for scalar in argument.unicodeScalars {
      let byte = ForeignByte.byte(of: scalar) ?? (scalar.value < 0x20 ? UInt8(scalar.value) : nil)
      if let byte {
        text += (byte < 0x10 ? "\\x0" : "\\x") + String(byte, radix: 16)
      } else {
        if scalar == "'" || scalar == "\\" { text += "\\" }
        text.unicodeScalars.append(scalar)
      }
    }
    return text + "'"
  }
}
