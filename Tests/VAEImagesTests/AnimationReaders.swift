import Foundation

struct UnreadableFile: Error {}

/// A reader of animated GIFs whose frames fill the picture.
struct GIFFile {
  private(set) var width = 0
  private(set) var height = 0
  /// Red, green, blue of each pixel.
  private(set) var frames: [[UInt8]] = []
  private(set) var delays: [Int] = []
  private(set) var loops = false

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    guard try take(6) == Array("GIF89a".utf8) else { throw UnreadableFile() }
    (width, height) = (try word(), try word())
    let flags = try byte()
    _ = try take(2)
    guard flags & 0x80 != 0 else { throw UnreadableFile() }
    let palette = try take(3 << (flags & 7 + 1))
    while true {
      switch try byte() {
      case 0x3b:
        guard position == bytes.count else { throw UnreadableFile() }
        return
      case 0x21:
        let kind = try byte()
        let content = try blocks()
        if kind == 0xf9 { delays.append(Int(content[1]) | Int(content[2]) << 8) }
        if kind == 0xff { loops = content == Array("NETSCAPE2.0".utf8) + [1, 0, 0] }
      case 0x2c:
        let place = [try word(), try word(), try word(), try word()]
        guard place == [0, 0, width, height], try byte() == 0 else { throw UnreadableFile() }
        let codeSize = Int(try byte())
        let indices = try Self.decoded(try blocks(), codeSize: codeSize)
        guard indices.count == width * height else { throw UnreadableFile() }
        frames.append(indices.flatMap { palette[3 * Int($0)..<3 * Int($0) + 3] })
      default: throw UnreadableFile()
      }
    }
  }

  private mutating func take(_ count: Int) throws -> [UInt8] {
    guard position + count <= bytes.count else { throw UnreadableFile() }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  private mutating func byte() throws -> UInt8 { try take(1)[0] }
  private mutating func word() throws -> Int {
    try take(2).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private mutating func blocks() throws -> [UInt8] {
    var content: [UInt8] = []
    while case let count = Int(try byte()), count > 0 { content += try take(count) }
    return content
  }

  /// The decoder of GIF89a, appendix F: it knows strings, where the encoder knows a tree.
  private static func decoded(_ data: [UInt8], codeSize: Int) throws -> [UInt8] {
    let (clear, end) = (1 << codeSize, 1 << codeSize + 1)
    let start = (0..<end + 1).map { $0 < clear ? [UInt8(truncatingIfNeeded: $0)] : [] }
    var strings = start
    var output: [UInt8] = []
    var previous: [UInt8]?
    var bit = 0
    var width = codeSize + 1
    while true {
      guard bit + width <= data.count * 8 else { throw UnreadableFile() }
      var code = 0
      for place in 0..<width where data[(bit + place) / 8] >> ((bit + place) % 8) & 1 == 1 {
        code |= 1 << place
      }
      bit += width
      if code == end { return output }
      if code == clear {
        (strings, previous, width) = (start, nil, codeSize + 1)
        continue
      }
      var string: [UInt8]
      if code < strings.count {
        string = strings[code]
      } else if code == strings.count, let previous {
        string = previous + [previous[0]]
      } else {
        throw UnreadableFile()
      }
      if let previous, strings.count < 4096 { strings.append(previous + [string[0]]) }
      if strings.count == 1 << width && width < 12 { width += 1 }
      output += string
      previous = string
    }
  }
}

/// A chunk of a PNG whose checksum is right.
struct PNGChunk {
  let type: String
  let content: [UInt8]

  static func all(_ file: [UInt8]) throws -> [PNGChunk] {
    var chunks: [PNGChunk] = []
    var position = 8
    while position < file.count {
      guard position + 12 <= file.count else { throw UnreadableFile() }
      let length = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      let end = position + 12 + length
      guard end <= file.count else { throw UnreadableFile() }
      let checked = Array(file[position + 4..<end - 4])
      let sum = file[end - 4..<end].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      guard crc(checked) == sum else { throw UnreadableFile() }
      chunks.append(
        PNGChunk(
          type: String(decoding: checked[..<4], as: UTF8.self), content: Array(checked[4...])))
      position = end
    }
    return chunks
  }

  /// One frame of an animated PNG as a PNG of its own.
  static func picture(_ number: Int, of chunks: [PNGChunk]) throws -> [UInt8] {
    var file: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    guard let header = chunks.first else { throw UnreadableFile() }
    file += header.bytes
    var frame = -1
    for chunk in chunks {
      if chunk.type == "fcTL" { frame += 1 }
      guard frame == number else { continue }
      if chunk.type == "IDAT" { file += chunk.bytes }
      if chunk.type == "fdAT" {
        file += PNGChunk(type: "IDAT", content: Array(chunk.content.dropFirst(4))).bytes
      }
    }
    return file + PNGChunk(type: "IEND", content: []).bytes
  }

  private var bytes: [UInt8] {
    let checked = Array(type.utf8) + content
    return Self.bigEndian(UInt32(content.count)) + checked + Self.bigEndian(Self.crc(checked))
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  /// The checksum bit by bit, as the PNG specification defines it.
  private static func crc(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in
        value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1
      }
    }
  }
}
