import Messages

/// What is wrong with a safetensors file.
public struct SafetensorsError: Error, Equatable, CustomStringConvertible {
  /// File, tensor, and what is wrong, in one line.
  public let message: String

  /// An error in words.
  package init(_ path: String, _ reason: String) {
    message = PlainText.line("\(path): \(reason)")
  }

  /// The message.
  public var description: String { message }

  /// Text out of a file, fit for one line of a message: short and without control characters.
  package static func quoting(_ text: String) -> String { PlainText.quoted(text) }

  /// Whole numbers out of a file, as many as fit one line of a message.
  package static func listing(_ numbers: [Int], limit: Int = 8) -> String {
    let shown = numbers.prefix(limit).map(String.init).joined(separator: ", ")
    return "[\(shown)\(numbers.count > limit ? ", …" : "")]"
  }
}
