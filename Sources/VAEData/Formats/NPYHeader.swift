import Messages

/// The header of an NPY array of numbers: type, order and sizes.
struct NPYHeader {
  let type: ElementType
  let sizes: [Int]
  /// Of magic, version, length and dictionary, in bytes.
  let size: Int

  /// Reads a header.
  ///
  /// - Parameters:
  ///   - stream: which begins with the header, and has the elements next afterwards.
  ///   - name: what messages call the array.
  init(reading stream: any ByteStream, name: String) throws(DataError) {
    let header = try NPYDescription(reading: stream, name: name)
    guard let type = Self.elementType(header.type) else {
      if header.type.contains(where: { "USO".utf8.contains($0) }) {
        throw DataError(
          .malformed,
          "\(name) holds words or objects, of type \(PlainText.quoted(bytes: header.type)), expected numbers; convert labels "
            + "to integers by numpy.unique(…, return_inverse=True), whose words are the array class_names, and other arrays by "
            + "numpy.asarray(…, 'f4')")
      }
      throw DataError(
        .malformed,
        "\(name) has elements of type \(PlainText.quoted(bytes: header.type)), expected bytes, booleans, "
          + "integers or floating-point numbers of at most 64 bits; convert it by "
          + "numpy.asarray(…, 'f4')")
    }
    self.type = type
    sizes = header.sizes
    size = header.size
  }

  /// The type that a `descr` such as `<f4` means, nil where it is none of numbers or booleans.
  private static func elementType(_ text: [UInt8]) -> ElementType? {
    guard text.count == 3, let size = Int(String(decoding: text[2...], as: UTF8.self)) else {
      return nil
    }
    let isBigEndian: Bool
    switch text[0] {
    case UInt8(ascii: "<"), UInt8(ascii: "="): isBigEndian = false
    case UInt8(ascii: ">"): isBigEndian = true
    case UInt8(ascii: "|") where size == 1: isBigEndian = false
    default: return nil
    }
    switch (text[1], size) {
    case (UInt8(ascii: "b"), 1):
      return ElementType(kind: .boolean, size: size, isBigEndian: isBigEndian)
    case (UInt8(ascii: "u"), 1), (UInt8(ascii: "u"), 2), (UInt8(ascii: "u"), 4),
      (UInt8(ascii: "u"), 8):
      return ElementType(kind: .unsigned, size: size, isBigEndian: isBigEndian)
    case (UInt8(ascii: "i"), 1), (UInt8(ascii: "i"), 2), (UInt8(ascii: "i"), 4),
      (UInt8(ascii: "i"), 8):
      return ElementType(kind: .signed, size: size, isBigEndian: isBigEndian)
    case (UInt8(ascii: "f"), 2), (UInt8(ascii: "f"), 4), (UInt8(ascii: "f"), 8):
      return ElementType(kind: .float, size: size, isBigEndian: isBigEndian)
    default: return nil
    }
  }
}
