extension Animation {
  /// The animation as the bytes of a GIF (GIF89a), with the colours of one palette: exact where
  /// there are 256 colours at most, as in grey pictures, else the nearest of 256.
  ///
  /// - Throws: `PixelImageError.unencodable` beyond 65,535 pixels a side.
  public func gifData() throws -> [UInt8] {
    let (width, height) = (frames[0].width, frames[0].height)
    guard width <= 65535, height <= 65535 else {
      throw PixelImageError.unencodable(
        reason: "a GIF has at most 65535 pixels a side, not \(width) x \(height)")
    }
    let palette = ColorPalette(frames)
    let bits = palette.bits
    var file = Array("GIF89a".utf8)
    file += Self.bytes(width) + Self.bytes(height)
    // A palette of 2^bits colours for all frames, 8 bits a channel.
    file += [0x80 | 0x70 | UInt8(bits - 1), 0, 0]
    file += palette.table
    file += [0x21, 0xff, 11] + Array("NETSCAPE2.0".utf8) + [3, 1, 0, 0, 0]
    for (frame, milliseconds) in zip(frames, milliseconds) {
      file += [0x21, 0xf9, 4, 0x04] + Self.bytes((milliseconds + 5) / 10) + [0, 0]
      file += [0x2c] + Self.bytes(0) + Self.bytes(0) + Self.bytes(width) + Self.bytes(height) + [0]
      let codeSize = max(2, bits)
      file.append(UInt8(codeSize))
      var coder = GIFCoder(codeSize: codeSize)
      let code = coder.code(palette.indices(of: frame))
      for start in stride(from: 0, to: code.count, by: 255) {
        let block = code[start..<min(start + 255, code.count)]
        file.append(UInt8(block.count))
        file += block
      }
      file.append(0)
    }
    return file + [0x3b]
  }

  private static func bytes(_ value: Int) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8)] }
}

/// The compression of GIF: Lempel-Ziv-Welch with codes that grow to 12 bits (T. Welch, "A Technique
/// for High-Performance Data Compression", 1984; GIF89a specification, appendix F).
private struct GIFCoder {
  private let codeSize: Int
  private var output: [UInt8] = []
  private var pending: UInt32 = 0
  private var pendingBits = 0

  init(codeSize: Int) { self.codeSize = codeSize }

  mutating func code(_ indices: [UInt8]) -> [UInt8] {
    let clear = 1 << codeSize
    let end = clear + 1
    var width = codeSize + 1
    var next = end + 1
    // What follows a string by one more index: the code of the longer string.
    var table: [Int: Int] = [:]
    var current: Int?
    put(clear, width)
    for index in indices {
      guard let prefix = current else {
        current = Int(index)
        continue
      }
      let key = prefix << 8 | Int(index)
      if let longer = table[key] {
        current = longer
        continue
      }
      put(prefix, width)
      if next < 4096 {
        table[key] = next
        // The reader is one entry behind, so the width grows when the entry of all ones is passed.
        if next == 1 << width { width += 1 }
        next += 1
      } else {
        put(clear, width)
        table.removeAll(keepingCapacity: true)
        width = codeSize + 1
        next = end + 1
      }
      current = Int(index)
    }
    if let current { put(current, width) }
    // The reader has by now added the entry that the last code completes.
    if next == 1 << width && width < 12 { width += 1 }
    put(end, width)
    if pendingBits > 0 { output.append(UInt8(truncatingIfNeeded: pending)) }
    return output
  }

  /// Adds a code, the lowest bit first.
  private mutating func put(_ code: Int, _ width: Int) {
    pending |= UInt32(code) << UInt32(pendingBits)
    pendingBits += width
    while pendingBits >= 8 {
      output.append(UInt8(truncatingIfNeeded: pending))
      pending >>= 8
      pendingBits -= 8
    }
  }
}
