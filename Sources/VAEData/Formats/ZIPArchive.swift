import CZlib
import Messages

/// A ZIP archive, of which single entries are read
/// (PKWARE, ".ZIP File Format Specification" 6.3): one part, entries stored or deflated, with the
/// 64-bit extension.
struct ZIPArchive {
  /// What the directory says of a file in the archive.
  struct Entry {
    let name: String
    /// Decompressed, in bytes.
    let size: Int
    /// In the archive, in bytes.
    let compressedSize: Int
    /// CRC-32 of the decompressed bytes.
    let checksum: UInt32
    let method: Int
    let flags: Int
    /// Where a header stands that is followed by the compressed bytes.
    let headerOffset: Int
  }

  let entries: [Entry]
  private let file: InputFile
  /// Entries lie before it.
  private let directoryOffset: Int

  init(_ file: InputFile) throws(DataError) {
    self.file = file
    let directory = try Self.directoryRange(file)
    directoryOffset = directory.lowerBound
    entries = try Self.entries(LittleEndianBytes(file.bytes(directory)), path: file.path)
  }

  static func malformed(_ path: String, _ reason: String) -> DataError {
    DataError(.malformed, "\(path) is no readable ZIP archive: \(reason); get it again")
  }

  /// The decompressed bytes of an entry. At their end their checksum is verified.
  ///
  /// - Parameters:
  ///   - entry: of this archive.
  ///   - name: what messages call it.
  func stream(_ entry: Entry, name: String) throws(DataError) -> any ByteStream {
    guard entry.flags & 1 == 0 else { throw DataError(.unusable, "\(name) is encrypted") }
    let fixedSize = 30
    guard entry.headerOffset <= directoryOffset - fixedSize else {
      throw misplaced(name)
    }
    let header = LittleEndianBytes(
      try file.bytes(entry.headerOffset..<entry.headerOffset + fixedSize))
    guard header.word(at: 0) == 0x0403_4b50, let nameLength = header.short(at: 26),
      let extraLength = header.short(at: 28)
    else {
      throw misplaced(name)
    }
    let start = entry.headerOffset + fixedSize + nameLength + extraLength
    guard start <= directoryOffset, entry.compressedSize <= directoryOffset - start else {
      throw misplaced(name)
    }
    let section = FileSection(file, range: start..<start + entry.compressedSize)
    let content: any ByteStream
    let largestSize: Int
    switch entry.method {
    case 0:
      content = section
      largestSize = entry.compressedSize
    case 8:
      content = try InflatedStream(section, format: .raw, name: name)
      largestSize = entry.compressedSize * InflatedStream.largestRatio
    default:
      throw DataError(
        .unusable,
        "\(name) is compressed by method \(entry.method); write it by numpy.savez_compressed")
    }
    guard entry.size <= largestSize else {
      throw DataError(
        .malformed,
        "\(name) declares \(entry.size) bytes, but its \(entry.compressedSize) bytes in the "
          + "archive can hold \(largestSize) at most; get it again")
    }
    try content.check(entry.size)
    return ChecksummedStream(content, checksum: entry.checksum, name: name)
  }

  private func misplaced(_ name: String) -> DataError {
    DataError(
      .malformed, "\(name) is not where the archive's directory says; get it again")
  }
}

/// A stream whose CRC-32 is verified at its end.
private final class ChecksummedStream: ByteStream {
  private let source: any ByteStream
  private let expected: UInt32
  private let name: String
  private var found = crc32(0, nil, 0)

  init(_ source: any ByteStream, checksum: UInt32, name: String) {
    self.source = source
    expected = checksum
    self.name = name
  }

  var place: FilePlace? { source.place }
  func check(_ size: Int) throws(DataError) { try source.check(size) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    let count = try source.read(into: buffer)
    let bytes = UnsafeRawBufferPointer(rebasing: buffer.prefix(count))
    found = crc32_z(found, bytes.baseAddress?.assumingMemoryBound(to: Bytef.self), count)
    if count < buffer.count && found != UInt(expected) {
      throw DataError(
        .malformed, "\(name) is damaged (its checksum does not match); get it again")
    }
    return count
  }
}
