import Glibc

/// Numbers as people read them.
package enum Numerals {
  /// A fixed count of decimals, with a true minus sign and groups of digits.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
    guard let digits = Digits(value, decimals) else { return "\(value)" }
    return (digits.isNegative ? "−" : "") + grouped(digits.whole) + digits.tail
  }

  /// A fixed count of decimals in ASCII, as programs read it.
  package static func plain(_ value: Double, _ decimals: Int) -> String {
    guard let digits = Digits(value, decimals) else { return "\(value)" }
    return (digits.isNegative ? "-" : "") + "\(digits.whole)" + digits.tail
  }

  /// A number rounded to a count of decimals.
  private struct Digits {
    let isNegative: Bool
    let whole: Int
    /// The point and what comes after it.
    let tail: String

    /// Nil where the number is not finite, or has more digits than are known.
    init?(_ value: Double, _ decimals: Int) {
      let scale = pow(10, Double(decimals))
      let rounded = (abs(value) * scale).rounded()
      guard decimals <= 15, rounded < 0x1p53 else { return nil }
      isNegative = value < 0 && rounded > 0
      whole = Int(rounded / scale)
      let fraction = String(Int(rounded - Double(whole) * scale))
      let padding = String(repeating: "0", count: max(0, decimals - fraction.count))
      tail = decimals > 0 ? "." + padding + fraction : ""
    }
  }

  /// As many decimals as its size calls for.
  package static func short(_ value: Double) -> String {
    let size = abs(value)
    return fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3)
  }

  /// A whole number with thin spaces between groups of three, from five digits on.
  package static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    guard digits.count > 4 else { return (value < 0 ? "−" : "") + digits }
    var text = ""
    for (position, digit) in digits.enumerated() {
      if position > 0 && (digits.count - position) % 3 == 0 { text += "\u{202f}" }
      text.append(digit)
    }
    return (value < 0 ? "−" : "") + text
  }

  /// A count of things, with an s unless it is one.
  package static func counted(_ count: Int, _ thing: String) -> String {
    "\(grouped(count)) \(thing)\(count == 1 ? "" : "s")"
  }

  /// A coordinate: one decimal, and none where it is zero.
  package static func coordinate(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let tenths = Int((max(-1e7, min(1e7, value)) * 10).rounded())
    let sign = tenths < 0 ? "-" : ""
    let (whole, rest) = (abs(tenths) / 10, abs(tenths) % 10)
    return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest)"
  }

  /// Seconds as a length of time in words.
  package static func duration(_ seconds: Double) -> String {
    guard let whole = wholeSeconds(seconds) else { return "–" }
    switch whole {
    case ..<60: return "\(fixed(seconds, 1)) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    default: return "\(whole / 3600) h \(whole / 60 % 60) min"
    }
  }

  /// Seconds as a clock shows them, of hours only where there are some.
  package static func clock(_ seconds: Double) -> String {
    guard let whole = wholeSeconds(seconds) else { return "–" }
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let tail = "\(two(whole / 60 % 60)):\(two(whole % 60))"
    return whole >= 3600 ? "\(whole / 3600):\(tail)" : tail
  }

  /// Seconds without a fraction; nil for what is no length of time.
  private static func wholeSeconds(_ seconds: Double) -> Int? {
    (0..<1e9).contains(seconds) ? Int(seconds.rounded()) : nil
  }

  /// A moment, in seconds since 1970, as date and time of day (UTC).
  package static func moment(_ seconds: Int) -> String {
    var (time, parts) = (time_t(seconds), tm())
    guard gmtime_r(&time, &parts) != nil else { return "–" }
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return
      "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
  }
}
