import CZlib

/// CRC-32 of some bytes, as zlib, PNG and ZIP have it.
///
/// It finds damage: every flipped bit, every run of up to 32 changed bits, and all but one of four
/// billion other changes. It is no protection from people, who can compute it anew.
public struct Checksum: Equatable, Sendable, CustomStringConvertible {
  private let value: UInt

  /// The checksum of bytes.
  public init(_ bytes: UnsafeRawBufferPointer) {
    let start = bytes.baseAddress?.assumingMemoryBound(to: Bytef.self)
    // Without bytes zlib would give the checksum to begin with, which is that of no bytes.
    value = UInt(crc32_z(0, start, bytes.count))
  }

  /// The checksum of bytes.
  public init(_ bytes: some Sequence<UInt8>) {
    self =
      bytes.withContiguousStorageIfAvailable { Checksum(UnsafeRawBufferPointer($0)) }
      ?? Array(bytes).withUnsafeBytes { Checksum($0) }
  }

  /// What the text of each begins with.
  static let prefix = "crc32:"
  /// Digits after it.
  static let digitCount = 8

  /// Such as "crc32:00c0ffee".
  public var description: String { Self.prefix + digits }

  var digits: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: Self.digitCount - digits.count) + digits
  }
}
