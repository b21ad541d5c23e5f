/// A PNG writer of its own, after the standard (ISO/IEC 15948) and RFC 1950 and 1951, with pixels
/// stored uncompressed: what the library under test reads is checked against files it did not write.
struct ReferencePNG {
  var width: UInt32
  var height: UInt32
  var depth: UInt8 = 8
  /// 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
  var colorType: UInt8
  var interlaced = false
  /// Chunks between the header and the pixels.
  var chunks: [(name: String, data: [UInt8])] = []
  /// Rows as the file stores them, each after its filter byte.
  var rows: [UInt8]

  var bytes: [UInt8] {
    let header =
      Self.bigEndian(width) + Self.bigEndian(height)
      + [depth, colorType, 0, 0, interlaced ? 1 : 0]
    var file = Self.signature + Self.chunk("IHDR", header)
    for (name, data) in chunks {
      file += Self.chunk(name, data)
    }
    return file + Self.chunk("IDAT", Self.zlibStored(rows)) + Self.chunk("IEND", [])
  }

  static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let checked = Array(name.utf8) + data
    return bigEndian(UInt32(data.count)) + checked + bigEndian(crc32(checked))
  }

  static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var register: UInt32 = .max
    for byte in bytes {
      register ^= UInt32(byte)
      for _ in 0..<8 {
        register = register & 1 == 1 ? 0xedb8_8320 ^ register >> 1 : register >> 1
      }
    }
    return ~register
  }

  /// One stored block, final, and Adler-32; at most 65,535 bytes.
  private static func zlibStored(_ bytes: [UInt8]) -> [UInt8] {
    let count = UInt16(bytes.count)
    var a: UInt32 = 1
    var b: UInt32 = 0
    for byte in bytes {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    let header: [UInt8] = [
      0x78, 0x01, 0x01, UInt8(count & 0xff), UInt8(count >> 8), UInt8(~count & 0xff),
      UInt8(~count >> 8),
    ]
    return header + bytes + bigEndian(b << 16 | a)
  }
}
