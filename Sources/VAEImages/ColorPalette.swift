/// At most 256 colours that stand for all those of some pictures.
struct ColorPalette {
  /// The colours, red, green, blue each.
  private(set) var colors: [[UInt8]] = []
  /// The number of bits of a colour's number, 1 to 8.
  private(set) var bits = 1
  /// For each colour of 24 bits, or for each of 15 bits where there are too many, its number.
  private var numbers: [UInt32: UInt8] = [:]
  private var isReduced = false

  init(_ pictures: [PixelImage]) {
    var counts = Self.count(pictures, reduced: false)
    isReduced = counts.count > 256
    if isReduced { counts = Self.count(pictures, reduced: true) }
    let sorted = counts.sorted { $0.key < $1.key }.map { Entry(color: $0.key, sums: $0.value) }
    for box in isReduced ? Self.boxes(sorted) : sorted.map({ [$0] }) {
      for entry in box { numbers[entry.color] = UInt8(colors.count) }
      colors.append(Self.mean(of: box))
    }
    while 1 << bits < colors.count { bits += 1 }
  }

  /// The colours as the palette of a file, filled up to a power of two.
  var table: [UInt8] {
    colors.flatMap { $0 } + [UInt8](repeating: 0, count: 3 * (1 << bits - colors.count))
  }

  /// The number of each pixel's colour.
  func indices(of picture: PixelImage) -> [UInt8] {
    Self.colors(of: picture).map { numbers[isReduced ? Self.reduced($0) : $0] ?? 0 }
  }

  /// A colour, or a cell of the colour space, with its pixels' number and the sums of their
  /// channels.
  private struct Entry {
    let color: UInt32
    let sums: SIMD4<Int>

    func mean(_ channel: Int) -> Double { Double(sums[channel]) / Double(sums[3]) }
  }

  private static func colors(of picture: PixelImage) -> some Sequence<UInt32> {
    (0..<picture.width * picture.height).lazy.map { place in
      let grey = picture.channels == 1
      let start = place * picture.channels
      let (red, green, blue) = (
        picture.pixels[start], picture.pixels[grey ? start : start + 1],
        picture.pixels[grey ? start : start + 2]
      )
      return UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue)
    }
  }

  /// The cell of 8×8×8 colours that one lies in.
  private static func reduced(_ color: UInt32) -> UInt32 { color & 0xf8f8f8 }

  private static func count(_ pictures: [PixelImage], reduced: Bool) -> [UInt32: SIMD4<Int>] {
    var counts: [UInt32: SIMD4<Int>] = [:]
    for picture in pictures {
      for color in colors(of: picture) {
        let channels = SIMD4(Int(color >> 16), Int(color >> 8 & 255), Int(color & 255), 1)
        counts[reduced ? Self.reduced(color) : color, default: .zero] &+= channels
        // Whoever counts single colours wants to know whether there are too many.
        if !reduced && counts.count > 256 { return counts }
      }
    }
    return counts
  }

  private static func mean(of box: [Entry]) -> [UInt8] {
    let sums = box.reduce(SIMD4<Int>.zero) { $0 &+ $1.sums }
    return (0..<3).map { UInt8((sums[$0] + sums[3] / 2) / sums[3]) }
  }

  /// Boxes of the colour space that are halved at the median of their longest side until there are
  /// 256 (P. Heckbert, "Color image quantization for frame buffer display", SIGGRAPH 1982), the one
  /// with the most spread pixels first.
  private static func boxes(_ entries: [Entry]) -> [[Entry]] {
    var boxes = [entries]
    while boxes.count < 256 {
      let sides = boxes.map(longestSide)
      let weights = zip(boxes, sides).map { box, side in
        box.count > 1 ? side.length * Double(box.reduce(0) { $0 + $1.sums[3] }).squareRoot() : 0
      }
      guard let widest = weights.indices.max(by: { weights[$0] < weights[$1] }),
        weights[widest] > 0
      else { break }
      let channel = sides[widest].channel
      let sorted = boxes[widest].sorted { $0.mean(channel) < $1.mean(channel) }
      let half = sorted.reduce(0) { $0 + $1.sums[3] } / 2
      var (seen, cut) = (0, 0)
      while cut < sorted.count - 1 && (cut == 0 || seen + sorted[cut].sums[3] <= half) {
        seen += sorted[cut].sums[3]
        cut += 1
      }
      boxes[widest] = Array(sorted[..<cut])
      boxes.append(Array(sorted[cut...]))
    }
    return boxes
  }

  private static func longestSide(_ box: [Entry]) -> (channel: Int, length: Double) {
    let sides = (0..<3).map { channel in
      let values = box.map { $0.mean(channel) }
      return (channel: channel, length: (values.max() ?? 0) - (values.min() ?? 0))
    }
    return sides.max { $0.length < $1.length } ?? (channel: 0, length: 0)
  }
}
