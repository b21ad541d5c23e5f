/// Reads the one Python literal that an NPY header is: a dictionary of the keys `descr`,
/// `fortran_order` and `shape`, each once, in any order.
struct PythonLiteralParser {
  struct ArrayDescription {
    var type: [UInt8]
    var isFortranOrder: Bool
    var sizes: [Int]
  }

  private let text: [UInt8]
  private var position = 0

  init(_ text: [UInt8]) { self.text = text }

  /// The description, nil where the text is anything else.
  mutating func arrayDescription() -> ArrayDescription? {
    var type: [UInt8]?
    var isFortranOrder: Bool?
    var sizes: [Int]?
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = string(), take(":") else { return nil }
      switch String(decoding: key, as: UTF8.self) {
      case "descr" where type == nil:
        guard let value = string() else { return nil }
        type = value
      case "fortran_order" where isFortranOrder == nil:
        guard let value = boolean() else { return nil }
        isFortranOrder = value
      case "shape" where sizes == nil:
        guard let value = integers() else { return nil }
        sizes = value
      default: return nil
      }
      guard take(",") || peek == UInt8(ascii: "}") else { return nil }
    }
    guard peek == nil, let type, let isFortranOrder, let sizes else { return nil }
    return ArrayDescription(type: type, isFortranOrder: isFortranOrder, sizes: sizes)
  }

  /// The next character that is no white space.
  private var peek: UInt8? {
    mutating get {
      while position < text.count, text[position] == 0x20 || text[position] == 0x0a {
        position += 1
      }
      return position < text.count ? text[position] : nil
    }
  }

  /// Steps over a word, where it comes next.
  private mutating func take(_ word: StaticString) -> Bool {
    guard peek != nil else { return false }
    return word.withUTF8Buffer { characters in
      guard text[position...].starts(with: characters) else { return false }
      position += characters.count
      return true
    }
  }

  /// A string without escapes.
  private mutating func string() -> [UInt8]? {
    guard let quote = peek, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      return nil
    }
    let start = position + 1
    guard let end = text[start...].firstIndex(of: quote) else { return nil }
    position = end + 1
    return Array(text[start..<end])
  }

  private mutating func boolean() -> Bool? {
    if take("True") { return true }
    return take("False") ? false : nil
  }

  /// A tuple of integers that are not negative.
  private mutating func integers() -> [Int]? {
    guard take("(") else { return nil }
    var values: [Int] = []
    while !take(")") {
      guard peek != nil else { return nil }
      let digits = text[position...].prefix { (0x30...0x39).contains($0) }
      guard let value = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
      position += digits.count
      values.append(value)
      // Python 2 wrote long integers as 60000L.
      _ = take("L")
      guard take(",") || peek == UInt8(ascii: ")") else { return nil }
    }
    return values
  }
}
