import Glibc

/// Numbers as people read them.
package enum Numerals {
  /// A fixed count of decimals, with a true minus sign.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
    let scale = pow(10, Double(decimals))
    let rounded = (abs(value) * scale).rounded()
    guard rounded < 1e15 else { return "\(value)" }
    let whole = Int(rounded / scale)
    let digits = String(Int(rounded) - whole * Int(scale))
    let padding = String(repeating: "0", count: max(0, decimals - digits.count))
    let sign = value < 0 && rounded > 0 ? "−" : ""
    return sign + grouped(whole) + (decimals > 0 ? "." + padding + digits : "")
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

  /// A coordinate: one decimal, and none where it is zero.
  package static func coordinate(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let tenths = Int((max(-1e7, min(1e7, value)) * 10).rounded())
    let sign = tenths < 0 ? "-" : ""
    let (whole, rest) = (abs(tenths) / 10, abs(tenths) % 10)
    return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest)"
  }

  /// Seconds as a length of time.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "–" }
    let whole = Int(seconds.rounded())
    switch whole {
    case ..<60: return "\(fixed(seconds, 1)) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    default: return "\(whole / 3600) h \(whole / 60 % 60) min"
    }
  }

  /// A moment, in seconds since 1970, as date and time of day (UTC).
  package static func moment(_ seconds: Int) -> String {
    var (time, parts) = (time_t(seconds), tm())
    guard gmtime_r(&time, &parts) != nil else { return "–" }
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return
      "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
  }
}
