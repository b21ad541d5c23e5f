import CZlib

extension Animation {
  /// The animation as the bytes of an animated PNG, without loss (PNG specification, third edition,
  /// section 11.3.6); a reader that knows no animations shows the first picture.
  ///
  /// - Throws: `PixelImageError.unencodable` beyond 32,768 pixels a side or 256 MiB of pixels.
  public func apngData() throws -> [UInt8] {
    var file: [UInt8] = []
    var sequence: UInt32 = 0
    for (number, frame) in frames.enumerated() {
      let chunks = try Self.chunks(of: frame.pngData())
      if number == 0 {
        file += Self.signature
        for chunk in chunks.prefix(while: { $0.type != Self.dataType }) {
          file += Self.chunk(chunk.type, chunk.content)
        }
        file += Self.chunk("acTL", Self.bytes(UInt32(frames.count)) + Self.bytes(UInt32(0)))
      }
      file += Self.chunk("fcTL", control(frame, milliseconds[number], sequence))
      sequence += 1
      for chunk in chunks where chunk.type == Self.dataType {
        if number == 0 {
          file += Self.chunk(chunk.type, chunk.content)
        } else {
          file += Self.chunk("fdAT", Self.bytes(sequence) + chunk.content)
          sequence += 1
        }
      }
    }
    return file + Self.chunk("IEND", [])
  }

  private static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
  private static let dataType = "IDAT"

  /// A frame of the whole size at the upper left corner, which replaces what was there.
  private func control(
    _ frame: PixelImage, _ milliseconds: Int, _ sequence: UInt32
  ) -> [UInt8] {
    var content = Self.bytes(sequence)
    content += Self.bytes(UInt32(frame.width)) + Self.bytes(UInt32(frame.height))
    content += Self.bytes(UInt32(0)) + Self.bytes(UInt32(0))
    // The duration as a fraction of 16 bits each: so many thousandths.
    content += Self.bytes(UInt32(milliseconds) << 16 | 1000)
    return content + [0, 0]
  }

  /// The chunks of a PNG that we have made ourselves.
  private static func chunks(of file: [UInt8]) -> [(type: String, content: ArraySlice<UInt8>)] {
    var chunks: [(type: String, content: ArraySlice<UInt8>)] = []
    var position = signature.count
    while position + 12 <= file.count {
      let length = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      let type = String(decoding: file[position + 4..<position + 8], as: UTF8.self)
      chunks.append((type: type, content: file[position + 8..<position + 8 + length]))
      position += 12 + length
    }
    return chunks
  }

  private static func chunk(_ type: String, _ content: some Sequence<UInt8>) -> [UInt8] {
    let checked = Array(type.utf8) + content
    let sum = checked.withUnsafeBufferPointer { crc32(0, $0.baseAddress, uInt($0.count)) }
    return bytes(UInt32(checked.count - 4)) + checked + bytes(UInt32(truncatingIfNeeded: sum))
  }

  private static func bytes(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }
}
