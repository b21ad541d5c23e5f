import Messages

extension JSON {
  /// What a text may take, so that nobody's text takes more time and memory than its size explains.
  public struct Limits: Equatable, Sendable {
    /// Bytes of the text.
    public var bytes: Int
    /// Values in it: members of objects, items of lists, and the whole. Each takes about fifty
    /// bytes of memory.
    public var values: Int
    /// Objects and lists around a value.
    public var depth: Int

    /// Limits; those that are left out are far beyond what recipes, states and records take.
    ///
    /// - Parameters:
    ///   - bytes: by default what `InputLimits` allows a text.
    ///   - values: by default a quarter of the bytes, as many as few texts of that size have.
    ///   - depth: by default 128.
    public init(bytes: Int? = nil, values: Int? = nil, depth: Int = 128) {
      self.bytes = bytes ?? InputLimits.current.textBytes
      self.values = values ?? max(1 << 22, self.bytes / 4)
      self.depth = depth
    }
  }

  /// The value of a JSON text by RFC 8259, in time that grows as the text does.
  ///
  /// Members keep their order, and no two of an object may have the same name. A whole number
  /// of 64 bits is an exact `integer`, also where it is written with a fraction or an exponent and not
  /// beyond 2⁵³, and every other one the nearest `number`; there is none beyond the largest double. A byte order mark before the text is
  /// left out.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8.
  ///   - source: what the bytes are, for the error.
  ///   - limits: what the text may take.
  /// - Throws: `JSONError` that says what is wrong, and in which line and column (in bytes, from
  ///   one).
  public init(
    parsing bytes: [UInt8], source: String, limits: Limits = Limits()
  ) throws(JSONError) {
    try self.init(parsing: bytes[...], source: source, limits: limits)
  }

  /// The value of a part of some bytes; see `init(parsing:source:limits:)`.
  package init(
    parsing bytes: ArraySlice<UInt8>, source: String, limits: Limits = Limits()
  ) throws(JSONError) {
    guard bytes.count <= limits.bytes else {
      throw JSONError(
        .beyondLimits, source,
        "has \(bytes.count) bytes, beyond the limit text_bytes of \(limits.bytes); if you trust it, raise it by "
          + "\(.limit("text_bytes", bytes.count))")
    }
    var parser = JSONParser(bytes, limits)
    do throws(JSONParser.Fault) {
      self = try parser.document()
    } catch {
      let (line, column) = parser.lineAndColumn(of: error.place)
      throw JSONError(
        error.kind, source,
        "\(error.kind == .malformed ? "is not valid JSON: " : "")\(error.reason) (line \(line), column \(column))"
      )
    }
  }
}

/// Reads a JSON text from its first byte to its last, looking at each a bounded number of times.
private struct JSONParser {
  /// What is wrong, and where.
  struct Fault: Error {
    var kind = JSONError.Kind.malformed
    let place: Int
    let reason: String
  }

  private let text: ArraySlice<UInt8>
  private let limits: JSON.Limits
  private var place: Int
  private var values = 0

  init(_ text: ArraySlice<UInt8>, _ limits: JSON.Limits) {
    self.text = text
    self.limits = limits
    place = text.startIndex
  }

  // MARK: Values

  mutating func document() throws(Fault) -> JSON {
    if text.starts(with: [0xef, 0xbb, 0xbf]) { place += 3 }
    let value = try value(depth: 0)
    skipSpace()
    guard place == text.endIndex else { throw unexpected("the end") }
    return value
  }

  private mutating func value(depth: Int) throws(Fault) -> JSON {
    skipSpace()
    values += 1
    guard values <= limits.values else {
      throw Fault(
        kind: .beyondLimits, place: place,
        reason: "has more than \(limits.values) values, which is the limit")
    }
    guard let byte = next else { throw unexpected("a value") }
    switch byte {
    case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
    case UInt8(ascii: "\""): return .text(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw unexpected("a value")
    }
  }

  private mutating func object(depth: Int) throws(Fault) -> JSON.Object {
    try begin(depth)
    var object = JSON.Object()
    guard !take("}") else { return object }
    repeat {
      skipSpace()
      let start = place
      guard next == UInt8(ascii: "\"") else { throw unexpected("a name in quotation marks") }
      let name = try string()
      guard take(":") else { throw unexpected("a colon") }
      guard object.addIfNew(name, try value(depth: depth)) else {
        throw Fault(
          place: start,
          reason: "it has the name \(PlainText.quoted(name)) twice in one object")
      }
    } while take(",")
    guard take("}") else { throw unexpected("a comma or }") }
    return object
  }

  private mutating func array(depth: Int) throws(Fault) -> [JSON] {
    try begin(depth)
    var items: [JSON] = []
    guard !take("]") else { return items }
    repeat { items.append(try value(depth: depth)) } while take(",")
    guard take("]") else { throw unexpected("a comma or ]") }
    return items
  }

  private mutating func begin(_ depth: Int) throws(Fault) {
    guard depth <= limits.depth else {
      throw Fault(
        kind: .beyondLimits, place: place,
        reason: "is nested too deeply, beyond the limit of \(limits.depth)")
    }
    place += 1
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(Fault) -> JSON {
    let matches = word.withUTF8Buffer { text[place...].starts(with: $0) }
    guard matches else { throw unexpected("a value") }
    place += word.utf8CodeUnitCount
    return value
  }

  // MARK: Numbers

  private mutating func number() throws(Fault) -> JSON {
    let start = place
    if next == UInt8(ascii: "-") { place += 1 }
    if next == UInt8(ascii: "0") { place += 1 } else { try digits() }
    var isWhole = true
    if next == UInt8(ascii: ".") {
      isWhole = false
      place += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isWhole = false
      place += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { place += 1 }
      try digits()
    }
    let literal = String(decoding: text[start..<place], as: UTF8.self)
    if isWhole, let value = Int(literal) { return .integer(value) }
    guard let value = Double(literal), value.isFinite else {
      throw Fault(place: start, reason: "the number is beyond the range of a double")
    }
    guard !isWhole, abs(value) <= 0x1p53, let whole = Int(exactly: value) else {
      return .number(value)
    }
    return .integer(whole)
  }

  private mutating func digits() throws(Fault) {
    let start = place
    while let digit = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) { place += 1 }
    if place == start { throw unexpected("a digit") }
  }

  // MARK: Strings

  private mutating func string() throws(Fault) -> String {
    let opening = place
    place += 1
    var content: [UInt8] = []
    var start = place
    while true {
      guard let byte = next else {
        throw Fault(place: opening, reason: "the string has no end")
      }
      switch byte {
      case UInt8(ascii: "\""):
        let piece = text[start..<place]
        guard
          let string = content.isEmpty
            ? String(validating: piece, as: UTF8.self)
            : String(validating: content + piece, as: UTF8.self)
        else { throw Fault(place: opening, reason: "the string is not UTF-8 text") }
        place += 1
        return string
      case UInt8(ascii: "\\"):
        content += text[start..<place]
        content += try escape().utf8
        start = place
      case 0..<0x20: throw fault("a string has a control character that is not escaped")
      default: place += 1
      }
    }
  }

  /// What a backslash and the characters after it stand for.
  private mutating func escape() throws(Fault) -> String {
    let start = place
    place += 1
    defer { place += 1 }
    switch next {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      // The last of the digits is stepped over at the end.
      let first = try codeUnit(start)
      var value = first
      if UTF16.isLeadSurrogate(UInt16(first)),
        text[(place + 1)...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")])
      {
        place += 2
        let second = try codeUnit(start)
        guard UTF16.isTrailSurrogate(UInt16(second)) else { throw loneSurrogate(start) }
        value = 0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw loneSurrogate(start) }
      return String(scalar)
    default: throw Fault(place: start, reason: "a string has an escape that there is not")
    }
  }

  /// The value of four hexadecimal digits; the place becomes that of the last.
  private mutating func codeUnit(_ start: Int) throws(Fault) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      place += 1
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw Fault(place: start, reason: "an escape has not four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  private func loneSurrogate(_ place: Int) -> Fault {
    Fault(place: place, reason: "an escape is the half of a character")
  }

  // MARK: Characters

  private var next: UInt8? { place < text.endIndex ? text[place] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
      place += 1
    }
  }

  /// Steps over a character, where it comes next.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  private func fault(_ reason: String) -> Fault { Fault(place: place, reason: reason) }

  private func unexpected(_ wanted: String) -> Fault {
    guard let next else { return fault("it ends where \(wanted) should come") }
    guard (0x21..<0x7f).contains(next) else {
      return fault("a byte of value \(next) stands where \(wanted) should come")
    }
    return fault("\(Character(Unicode.Scalar(next))) stands where \(wanted) should come")
  }

  func lineAndColumn(of place: Int) -> (line: Int, column: Int) {
    let before = text[..<place]
    let line = before.reduce(1) { $1 == 0x0a ? $0 + 1 : $0 }
    let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? text.startIndex
    return (line, place - start + 1)
  }
}
