import Messages

/// What an NPY array says of itself
/// (numpy.lib.format, "A simple file format for NumPy arrays", versions 1.0 to 3.0).
struct NPYDescription {
  /// The type of its elements, such as `<f4`, as it stands there.
  let type: [UInt8]
  let sizes: [Int]
  /// Of magic, version, length and dictionary, in bytes.
  let size: Int

  /// NumPy pads headers of images to 128 bytes; one beyond this limit is no such header.
  private static let largestDictionary = 1 << 16

  /// Reads a header.
  ///
  /// - Parameters:
  ///   - stream: which begins with the header, and has the elements next afterwards.
  ///   - name: what messages call the array.
  init(reading stream: any ByteStream, name: String) throws(DataError) {
    let truncated = DataError(
      .malformed, "\(name) is truncated: it ends inside the NPY header; get it again")
    let magic = try stream.next(8)
    guard magic.count == 8 else { throw truncated }
    guard magic.starts(with: [0x93] + "NUMPY".utf8) else {
      throw DataError(
        .malformed,
        "\(name) is no NPY array: it begins with \(PlainText.quoted(bytes: magic.prefix(6))), "
          + "not with \\x93NUMPY")
    }
    guard (1...3).contains(magic[6]), magic[7] == 0 else {
      throw DataError(
        .malformed,
        "\(name) is of NPY version \(magic[6]).\(magic[7]), expected 1.0, 2.0 or 3.0")
    }
    let lengthBytes = try stream.next(magic[6] == 1 ? 2 : 4)
    guard lengthBytes.count == (magic[6] == 1 ? 2 : 4) else { throw truncated }
    let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.largestDictionary else {
      throw DataError(
        .malformed,
        "\(name) declares an NPY header of \(length) bytes, expected \(Self.largestDictionary) "
          + "at most")
    }
    let text = try stream.next(length)
    guard text.count == length else { throw truncated }
    var parser = PythonLiteralParser(text)
    guard !String(decoding: text, as: UTF8.self).includes("'descr': [") else {
      throw DataError(
        .unusable,
        "\(name) is an array of named fields; write it as a table, as pandas.DataFrame(numpy.load(path)).to_csv(\"table.csv\", "
          + "index=False), and give that")
    }
    guard let header = parser.arrayDescription() else {
      throw DataError(
        .malformed,
        "\(name) has the NPY header \(PlainText.quoted(bytes: text)), expected "
          + "{'descr': a type, 'fortran_order': False, 'shape': sizes}")
    }
    // With at most one size above one, both orders are the same.
    guard !header.isFortranOrder || header.sizes.filter({ $0 > 1 }).count <= 1 else {
      throw DataError(
        .unusable,
        "\(name) is in Fortran order; save numpy.ascontiguousarray(…) of it instead")
    }
    type = header.type
    sizes = header.sizes
    size = magic.count + lengthBytes.count + length
  }
}
