import Foundation

/// Grey images for tests: a bright disc whose place varies, on a dark ground with some noise.
struct TestImages {
  let count: Int
  let height: Int
  let width: Int
  let bytes: [UInt8]

  init(_ count: Int = 64, height: Int = 8, width: Int = 8, seed: UInt64 = 1) {
    self.count = count
    self.height = height
    self.width = width
    var generator = Lehmer(seed: seed)
    var bytes: [UInt8] = []
    for _ in 0..<count {
      let (y0, x0) = (generator.below(height), generator.below(width))
      for y in 0..<height {
        for x in 0..<width {
          let distance = (y - y0) * (y - y0) + (x - x0) * (x - x0)
          bytes.append(UInt8((distance <= 5 ? 200 : 20) + generator.below(40)))
        }
      }
    }
    self.bytes = bytes
  }

  /// Zero below a half of 255 and one above.
  var binary: [UInt8] { bytes.map { $0 > 127 ? 1 : 0 } }
}

/// A small generator that gives the same numbers everywhere.
struct Lehmer {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 2_654_435_761 % 2_147_483_647 + 1 }

  mutating func below(_ limit: Int) -> Int {
    state = state * 48271 % 2_147_483_647
    return Int(state >> 8) % limit
  }
}

/// IDX, NPY, NPZ and gzip files written byte by byte.
enum ArrayFile {
  static func idx(_ images: TestImages, binary: Bool = false) -> [UInt8] {
    idx([images.count, images.height, images.width], binary ? images.binary : images.bytes)
  }

  /// An IDX file of bytes, whose sizes need not be true.
  static func idx(_ sizes: [Int], _ content: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(sizes.count)] + sizes.flatMap { bigEndian(UInt32($0)) } + content
  }

  /// An NPY file, version 1.0, whose shape need not be true.
  static func npy(_ shape: [Int], type: String = "|u1", _ content: [UInt8]) -> [UInt8] {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }"
    header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
    let length = UInt16(header.utf8.count)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)]
      + Array(header.utf8) + content
  }

  static func npy(_ images: TestImages, binary: Bool = false) -> [UInt8] {
    npy([images.count, images.height, images.width], binary ? images.binary : images.bytes)
  }

  static func npy(_ shape: [Int], floats: [Float]) -> [UInt8] {
    npy(shape, type: "<f4", floats.flatMap { littleEndian($0.bitPattern) })
  }

  /// An NPZ file: a ZIP archive of stored NPY files.
  static func npz(_ arrays: [(name: String, npy: [UInt8])]) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for (name, content) in arrays {
      let path = Array("\(name).npy".utf8)
      let size = littleEndian(UInt32(content.count))
      // Version 2.0, no flags, stored, no time; then checksum, sizes and the name's length.
      let common: [UInt8] =
        [20, 0, 0, 0, 0, 0, 0, 0, 0, 0] + littleEndian(crc32(content)) + size + size
        + [UInt8(path.count), 0, 0, 0]
      directory += [0x50, 0x4b, 1, 2, 20, 0] + common
      directory += [UInt8](repeating: 0, count: 10) + littleEndian(UInt32(file.count)) + path
      file += [0x50, 0x4b, 3, 4] + common + path + content
    }
    let start = littleEndian(UInt32(file.count))
    let entries = [UInt8(arrays.count), 0]
    return file + directory + [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + entries + entries
      + littleEndian(UInt32(directory.count)) + start + [0, 0]
  }

  /// A PNG file of grey bytes, which are stored as they are.
  static func png(height: Int, width: Int, grey pixels: [UInt8]) -> [UInt8] {
    func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
      let checked = Array(name.utf8) + data
      return bigEndian(UInt32(data.count)) + checked + bigEndian(crc32(checked))
    }
    let rows = (0..<height).flatMap { [0] + pixels[$0 * width..<($0 + 1) * width] }
    let size = UInt16(rows.count)
    var stored: [UInt8] = [0x78, 1, 1]
    for word in [size, ~size] { stored += [UInt8(word & 255), UInt8(word >> 8)] }
    var (low, high) = (UInt32(1), UInt32(0))
    for byte in rows {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
      + chunk("IHDR", bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, 0, 0, 0, 0])
      + chunk("IDAT", stored + rows + bigEndian(high << 16 | low)) + chunk("IEND", [])
  }

  /// A gzip file whose blocks are stored as they are.
  static func gzip(_ content: [UInt8]) -> [UInt8] {
    var file = gzipHeader
    var start = 0
    repeat {
      let end = min(start + 65535, content.count)
      let size = UInt16(end - start)
      file.append(end == content.count ? 1 : 0)
      for word in [size, ~size] { file += [UInt8(word & 255), UInt8(word >> 8)] }
      file += content[start..<end]
      start = end
    } while start < content.count
    return file + littleEndian(crc32(content)) + littleEndian(UInt32(content.count))
  }

  /// A gzip file that holds a short beginning and then `16 × 258 × repetitions` zeros in 26 bytes a
  /// repetition. It has no checksum: whoever asks for one has taken in everything.
  static func gzipBomb(_ beginning: [UInt8], repetitions: Int) -> [UInt8] {
    let size = UInt16(beginning.count + 1)
    var file = gzipHeader + [0]
    for word in [size, ~size] { file += [UInt8(word & 255), UInt8(word >> 8)] }
    file += beginning + [0]
    // A final block of fixed codes, 3 bits, then copies of 258 bytes at distance 1, 13 bits each:
    // code 285 is 11000101 from its highest bit on, distance code 0 five zeros.
    var bits: [UInt8] = []
    var accumulator: UInt64 = 0b011
    var filled: UInt64 = 3
    for _ in 0..<16 {
      accumulator |= 0b1010_0011 << filled
      filled += 13
      while filled >= 8 {
        bits.append(UInt8(accumulator & 255))
        accumulator >>= 8
        filled -= 8
      }
    }
    // 16 · 13 bits are whole bytes, so that every repetition looks alike but for the first one's
    // block header.
    let first = bits
    bits[0] = (bits[0] & 0b1111_1000) | UInt8(accumulator & 0b111)
    file += first
    for _ in 1..<repetitions { file += bits }
    return file
  }

  private static let gzipHeader: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]

  static func littleEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(value >> (8 * $0) & 255) }
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] { littleEndian(value).reversed() }

  /// The checksum of ZIP and gzip (polynomial 0xEDB88320).
  static func crc32(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { crc, byte in crcTable[Int((crc ^ UInt32(byte)) & 255)] ^ crc >> 8 }
  }

  private static let crcTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1
    }
  }
}
