/// What the text of a cell means.
enum CellNumber {
  /// The words that stand for a value that is missing, beside a cell without any.
  private static let missingWords = Set(
    ["NA", "N/A", "#N/A", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None", "<NA>", "n/a"])

  /// A cell without the spaces around it.
  static func trimmed(_ cell: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    var cell = cell.drop(while: isSpace)
    while let last = cell.last, isSpace(last) { cell.removeLast() }
    return cell
  }

  /// Whether a cell, without the spaces around it, stands for a value that is missing.
  static func isMissing(_ cell: ArraySlice<UInt8>) -> Bool {
    cell.isEmpty || cell.count <= 4 && missingWords.contains(String(decoding: cell, as: UTF8.self))
  }

  /// The number that a cell, without the spaces around it, holds, with the digits behind its point; nil
  /// where it holds none. A number with an exponent has as many digits as there can be.
  static func parse(_ cell: ArraySlice<UInt8>) -> (value: Double, decimals: Int)? {
    var (mantissa, digits, decimals, hasPoint) = (0 as UInt64, 0, 0, false)
    var rest = cell
    var isNegative = false
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      rest = rest.dropFirst()
    }
    for byte in rest {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        digits += 1
        guard digits <= 15 else { return slowly(cell) }
        mantissa = mantissa * 10 + UInt64(byte - UInt8(ascii: "0"))
        if hasPoint { decimals += 1 }
      case UInt8(ascii: ".") where !hasPoint: hasPoint = true
      default: return slowly(cell)
      }
    }
    guard digits > 0 else { return nil }
    // Both are whole numbers that doubles have, so that the quotient is the nearest double.
    let value = Double(mantissa) / powers[decimals]
    return (isNegative ? -value : value, decimals)
  }

  /// Whether a cell, without the spaces around it, is a number but for a comma in place of its point, such as
  /// `3,14`.
  static func hasDecimalComma(_ cell: ArraySlice<UInt8>) -> Bool {
    guard let comma = cell.firstIndex(of: UInt8(ascii: ",")) else { return false }
    return parse(cell) == nil
      && parse(cell[..<comma] + [UInt8(ascii: ".")] + cell[(comma + 1)...]) != nil
  }

  private static let powers = (0...15).map { (0..<$0).reduce(1.0) { power, _ in power * 10 } }

  /// A number with many digits or an exponent.
  private static func slowly(_ cell: ArraySlice<UInt8>) -> (value: Double, decimals: Int)? {
    guard cell.count <= 400, cell.contains(where: { (48...57).contains($0) }),
      cell.allSatisfy({ (48...57).contains($0) || "+-.eE".utf8.contains($0) }),
      let value = Double(String(decoding: cell, as: UTF8.self)), value.isFinite
    else { return nil }
    let hasExponent = cell.contains { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
    let point = cell.firstIndex(of: UInt8(ascii: "."))
    let decimals = point.map { cell.endIndex - $0 - 1 } ?? 0
    return (value, hasExponent ? Int.max : decimals)
  }
}
