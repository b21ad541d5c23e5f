/// Numbers of things, as sentences say them.
public enum Count {
  /// A number with commas between groups of three digits, such as 12,345.
  public static func text(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    let text = digits.enumerated().map { position, digit in
      position > 0 && (digits.count - position) % 3 == 0 ? ",\(digit)" : "\(digit)"
    }.joined()
    return value < 0 ? "−" + text : text
  }

  /// A number with what it counts: "1 example", "12,345 examples".
  ///
  /// - Parameters:
  ///   - value: how many there are.
  ///   - unit: one of them.
  ///   - plural: several of them; nil for the unit with an s.
  public static func of(_ value: Int, _ unit: String, plural: String? = nil) -> String {
    "\(text(value)) \(value == 1 ? unit : plural ?? unit + "s")"
  }
}
