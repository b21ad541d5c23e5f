import Messages

/// IDX, the format of MNIST: two zero bytes, a byte for the element type, one for the number of
/// dimensions, the dimensions as big-endian 32-bit integers, then the elements, row-major
/// (Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits").
enum IDXFile {
  /// Opens a file, compressed by gzip where its name ends in `.gz`.
  ///
  /// - Parameters:
  ///   - file: of images or labels.
  ///   - content: what it should hold, in the plural.
  ///   - ranks: the numbers of dimensions that such content may have.
  static func open(
    _ file: InputFile, content: String, ranks: ClosedRange<Int>
  ) throws(DataError) -> OpenedArray {
    let path = file.path
    let section = FileSection(file)
    let isCompressed = path.hasSuffix(".gz")
    let stream: any ByteStream =
      isCompressed ? try InflatedStream(section, format: .gzip, name: path) : section
    let magic = try stream.next(4)
    guard magic.count == 4 else { throw truncated(path) }
    guard magic[0] == 0, magic[1] == 0 else {
      let compressed = magic[0] == 0x1f && magic[1] == 0x8b && !isCompressed
      throw DataError(
        .malformed,
        "\(path) is no IDX file: it begins with the bytes \(hexadecimal(magic)), not with 00 00"
          + (compressed ? "; it is compressed by gzip, which its name must show by .gz" : ""))
    }
    guard magic[2] == 0x08 else {
      throw DataError(
        .malformed,
        "\(path) has elements of type 0x\(hexadecimal([magic[2]])), expected 0x08 (unsigned bytes)")
    }
    let rank = Int(magic[3])
    guard ranks.contains(rank) else {
      let expected = Set([ranks.lowerBound, ranks.upperBound]).sorted().map(String.init)
      throw DataError(
        .malformed,
        "\(path) has \(Count.of(rank, "dimension")), but \(content) have \(expected.joined(separator: " or "))"
      )
    }
    let dimensions = try stream.next(4 * rank)
    guard dimensions.count == 4 * rank else { throw truncated(path) }
    let sizes = (0..<rank).map { dimension in
      dimensions[4 * dimension..<4 * dimension + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let headerSize = magic.count + dimensions.count
    return try OpenedArray(
      name: path, type: .byte, sizes: sizes, stream: stream,
      extent: isCompressed
        ? .atMost(file.size * InflatedStream.largestRatio - headerSize)
        : .exactly(file.size - headerSize))
  }

  private static func truncated(_ path: String) -> DataError {
    DataError(.malformed, "\(path) is truncated: it ends inside the IDX header; get it again")
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
  }
}
