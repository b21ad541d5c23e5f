/// Names that nobody can know beforehand, so that nobody can have put anything there.
package enum RandomName {
  /// Sixteen hexadecimal digits of the system's own randomness.
  package static func make() -> String {
    let text = String(UInt64.random(in: 0 ... .max), radix: 16)
    return String(repeating: "0", count: length - text.utf8.count) + text
  }

  /// Whether a text is of that form.
  package static func isOne(_ text: Substring) -> Bool {
    text.utf8.count == length
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  private static let length = 16
}
