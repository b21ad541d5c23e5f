import CZlib
import Glibc
import VAEFiles

/// Writes a ZIP archive of stored entries, each with the 64-bit extension
/// (PKWARE, ".ZIP File Format Specification" 6.3).
struct ZIPWriter {
  private struct Entry {
    let name: [UInt8]
    let header: [UInt8]
    let content: UnsafeRawBufferPointer
    /// What holds the content.
    let owner: AnyObject?
    var size: Int { header.count + content.count }
  }

  private var entries: [Entry] = []

  /// Adds an entry of two parts, the second of which is kept where it is.
  mutating func add(
    _ name: String, header: [UInt8], content: UnsafeRawBufferPointer, keeping owner: AnyObject?
  ) {
    entries.append(
      Entry(name: Array(name.utf8), header: header, content: content, owner: owner))
  }

  /// Adds an entry.
  mutating func add(_ name: String, bytes: [UInt8]) {
    add(name, header: bytes, content: UnsafeRawBufferPointer(start: nil, count: 0), keeping: nil)
  }

  /// Writes the archive part by part, and completes the file.
  ///
  /// - Throws: `FileError`.
  func write(to file: OutputFile) throws {
    var directory: [UInt8] = []
    var offset = 0
    for entry in entries {
      var sum = entry.header.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) }
      // Without an address zlib begins anew.
      if let start = entry.content.baseAddress {
        sum = crc32_z(sum, start.assumingMemoryBound(to: Bytef.self), entry.content.count)
      }
      // Version 4.5, no flags, stored, the first day that the format knows.
      var common = Self.short(45) + Self.short(0) + Self.short(0) + Self.short(0) + Self.short(0x21)
      common += Self.word(Int(sum)) + Self.elsewhere + Self.elsewhere
      common += Self.short(entry.name.count)
      let sizes = Self.long(entry.size) + Self.long(entry.size)
      let local =
        Self.word(0x0403_4b50) + common + Self.short(20) + entry.name + Self.short(1)
        + Self.short(16) + sizes
      directory += Self.word(0x0201_4b50) + Self.short(45) + common + Self.short(28)
      // No comment, first disk, no attributes, and the place in the extension.
      directory += Self.short(0) + Self.short(0) + Self.short(0) + Self.word(0) + Self.elsewhere
      directory += entry.name + Self.short(1) + Self.short(24) + sizes + Self.long(offset)
      try file.write(local)
      try file.write(entry.header)
      try file.write(entry.content)
      offset += local.count + entry.size
    }
    try file.write(directory + end(directorySize: directory.count, directoryOffset: offset))
    try file.commit()
  }

  /// The 64-bit end record, its locator, and the end record that refers to them.
  private func end(directorySize: Int, directoryOffset: Int) -> [UInt8] {
    var bytes = Self.word(0x0606_4b50) + Self.long(44) + Self.short(45) + Self.short(45)
    bytes += Self.word(0) + Self.word(0) + Self.long(entries.count) + Self.long(entries.count)
    bytes += Self.long(directorySize) + Self.long(directoryOffset)
    bytes += Self.word(0x0706_4b50) + Self.word(0)
    bytes += Self.long(directoryOffset + directorySize) + Self.word(1)
    bytes += Self.word(0x0605_4b50) + Self.short(0) + Self.short(0)
    bytes += Self.short(entries.count) + Self.short(entries.count)
    return bytes + Self.elsewhere + Self.elsewhere + Self.short(0)
  }

  /// A four-byte field whose value stands in the extension.
  private static let elsewhere: [UInt8] = [0xff, 0xff, 0xff, 0xff]

  private static func bytes(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  private static func short(_ value: Int) -> [UInt8] { bytes(value, 2) }
  private static func word(_ value: Int) -> [UInt8] { bytes(value, 4) }
  private static func long(_ value: Int) -> [UInt8] { bytes(value, 8) }
}
