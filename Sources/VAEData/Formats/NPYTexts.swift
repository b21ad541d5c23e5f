import Messages
import VAECore

/// An NPY array of texts, such as the names of classes.
enum NPYTexts {
  /// The bytes of all texts together, at most.
  private static let limit = 1 << 26

  /// Reads texts.
  ///
  /// - Parameters:
  ///   - stream: the array with its header.
  ///   - size: of the stream in bytes.
  ///   - name: what messages call the array.
  /// - Throws: `DataError` where these are no texts in one dimension.
  static func read(
    _ stream: any ByteStream, size: Int, name: String
  ) throws(DataError) -> [String] {
    let header = try NPYDescription(reading: stream, name: name)
    guard let type = TextType(header.type), header.sizes.count == 1 else {
      throw DataError(
        .malformed,
        "\(name) has \(ArraySizes(header.sizes)) elements of type \(PlainText.quoted(bytes: header.type)), expected texts in "
          + "one dimension, as numpy.array(['cat', 'dog']) has them")
    }
    let count = header.sizes[0]
    guard count <= ConditionSpace.widthLimit else {
      throw DataError(
        .unusable, "\(name) has \(count) texts; there may be \(ConditionSpace.widthLimit)")
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: type.size)
    guard !overflow, bytes <= limit else {
      throw DataError(.unusable, "\(name) has texts of more than \(limit) bytes")
    }
    try stream.check(bytes)
    let found = try stream.next(bytes)
    guard found.count == bytes, size - header.size == bytes else {
      throw DataError(
        .malformed,
        "\(name) declares texts of \(bytes) bytes, but holds \(size - header.size); get it again")
    }
    // The stream checks itself at its end.
    _ = try stream.next(1)
    var texts: [String] = []
    for number in 0..<count {
      guard let text = type.text(found[number * type.size..<(number + 1) * type.size]) else {
        throw DataError(.malformed, "\(name)[\(number)] is no valid Unicode")
      }
      texts.append(text)
    }
    return texts
  }

  /// Texts as an array of UTF-8, with its header.
  static func array(_ texts: [String]) -> [UInt8] {
    let width = max(1, texts.map(\.utf8.count).max() ?? 0)
    let bytes = texts.flatMap { text in
      Array(text.utf8) + [UInt8](repeating: 0, count: width - text.utf8.count)
    }
    return NPYWriter.header(type: "|S\(width)", sizes: [texts.count]) + bytes
  }
}

/// How texts of one length stand in an array: padded with zeros.
private struct TextType {
  /// Bytes of a text.
  let size: Int
  /// Whether a character has four bytes, as in `<U10`; else they are bytes of UTF-8, as in `|S10`.
  private let isWide: Bool
  private let isBigEndian: Bool

  /// Nil where a type is none of texts.
  init?(_ type: [UInt8]) {
    guard type.count >= 3, let length = Int(String(decoding: type[2...], as: UTF8.self)),
      (0...1 << 20).contains(length)
    else { return nil }
    isBigEndian = type[0] == UInt8(ascii: ">")
    switch type[1] {
    case UInt8(ascii: "S"): isWide = false
    case UInt8(ascii: "U"): isWide = true
    default: return nil
    }
    size = isWide ? 4 * length : length
  }

  /// Nil where the bytes are no Unicode.
  func text(_ bytes: ArraySlice<UInt8>) -> String? {
    guard isWide else {
      let end = bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? bytes.startIndex
      return String(validating: bytes[..<end], as: UTF8.self)
    }
    var scalars = String.UnicodeScalarView()
    let places = Array(stride(from: bytes.startIndex, to: bytes.endIndex, by: 4))
    let values = places.map { place in
      let four = bytes[place..<place + 4]
      let ordered = isBigEndian ? Array(four) : four.reversed()
      return ordered.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    let count = values.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    for value in values.prefix(count) {
      guard let scalar = Unicode.Scalar(value) else { return nil }
      scalars.append(scalar)
    }
    return String(scalars)
  }
}
