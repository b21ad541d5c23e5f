import FoundationEssentials
import VAEImages
import VAETraining

/// The pictured examples, what became of them, and samples, as data URIs of PNG files within a
/// budget.
package struct Pictures {
  /// The kinds of pictures that change through training.
  package enum Kind: String, CaseIterable {
    case reconstructions, samples, codes
  }

  /// The held-out images themselves.
  let originals: String?
  /// The records that are pictured.
  package let frames: [Int]
  /// A picture of each of them.
  package let uris: [Kind: [String]]
  /// Images in a picture.
  let count: Int
  /// The width of a picture in pixels.
  let width: Int

  /// Pictures of a run whose data URIs take at most the given bytes, as many records and images as
  /// fit; nil where images cannot be shown.
  ///
  /// - Parameter onlyLast: whether the last record is enough.
  package static func fitting(
    _ history: RunHistory, bytes budget: Int, onlyLast: Bool = false
  ) throws -> Pictures? {
    guard let last = history.records.indices.last, let images = history.examples?.images,
      images.shape.count == 4, [1, 3].contains(images.shape[3]),
      images.shape[1...].allSatisfy({ $0 > 0 })
    else { return nil }
    let sheet = Sheet(history)
    for side in [4, 3, 2, 1] {
      let single = try sheet.pictures(history, frames: [last], side: side)
      let size = single.uris.values.joined().reduce(0) { $0 + $1.utf8.count }
      let fitting = (budget - (single.originals?.utf8.count ?? 0)) / max(1, size)
      // Better fewer images than fewer moments, down to a row of three.
      guard fitting >= min(onlyLast ? 1 : 8, last + 1) || side == 1 else { continue }
      let frames = onlyLast ? [last] : evenly(max(1, min(fitting, last + 1)), of: last + 1)
      return try sheet.pictures(history, frames: frames, side: side)
    }
    return nil
  }

  /// Numbers below a count at equal distances, the last among them.
  private static func evenly(_ wanted: Int, of count: Int) -> [Int] {
    guard wanted < count else { return Array(0..<count) }
    guard wanted > 1 else { return [count - 1] }
    return (0..<wanted).map { $0 * (count - 1) / (wanted - 1) }
  }

  /// A data URI.
  static func uri(_ image: PixelImage) throws -> String {
    "data:image/png;base64," + Data(try image.pngData()).base64EncodedString()
  }
}

/// Turns recorded images into one picture.
private struct Sheet {
  /// Where black and white lie for values that have no range of their own.
  let range: ClosedRange<Float>

  init(_ history: RunHistory) {
    guard case .floats(let array)? = history.examples?.images else {
      range = 0...1
      return
    }
    let finite = array.values.filter(\.isFinite)
    let low = finite.min() ?? 0
    range = low...max(low + 1e-6, finite.max() ?? 1)
  }

  func pictures(_ history: RunHistory, frames: [Int], side: Int) throws -> Pictures {
    let records = frames.map { history.records[$0] }
    var uris: [Pictures.Kind: [String]] = [:]
    func add(_ kind: Pictures.Kind, _ images: (TrainingRecord) -> [PixelImage]?) throws {
      let found = records.compactMap(images).map { Array($0.prefix(side * side)) }
      guard found.count == records.count, found.allSatisfy({ !$0.isEmpty }) else { return }
      uris[kind] = try found.map { try Pictures.uri(grid($0, side)) }
    }
    try add(.reconstructions) { $0.reconstructions.map(images) }
    try add(.samples) { $0.samples.map(images) }
    try add(.codes) { record in
      record.codes.map { codes in Self.maps(codes, of: record.codeCounts?.count ?? 1) }
    }
    let originals = history.examples.map { Array(images($0.images).prefix(side * side)) } ?? []
    let picture = originals.isEmpty ? nil : grid(originals, side)
    return Pictures(
      originals: try picture.map(Pictures.uri), frames: frames, uris: uris,
      count: originals.count, width: picture?.width ?? 0)
  }

  private func grid(_ images: [PixelImage], _ side: Int) -> PixelImage {
    ImageGrid.grid(of: images, columns: side, padding: 1, background: 128)
  }

  private func images(_ images: RecordedImages) -> [PixelImage] {
    let shape = images.shape
    let size = shape[1] * shape[2] * shape[3]
    return (0..<shape[0]).map { number in
      let part = number * size..<(number + 1) * size
      switch images {
      case .bytes(let array):
        return PixelImage(
          width: shape[2], height: shape[1], channels: shape[3], pixels: Array(array.values[part]))
      case .floats(let array):
        let width = range.upperBound - range.lowerBound
        return PixelImage(
          width: shape[2], height: shape[1], channels: shape[3],
          values: array.values[part].map { ($0 - range.lowerBound) / width })
      }
    }
  }

  /// Grids of codes, each code in a colour of its own.
  private static func maps(_ codes: RecordedArray<Int32>, of count: Int) -> [PixelImage] {
    let (height, width) = (codes.shape[1], codes.shape[2])
    guard height > 0, width > 0 else { return [] }
    return (0..<codes.rows).map { number in
      let part = codes.values[number * height * width..<(number + 1) * height * width]
      return PixelImage(
        width: width, height: height, channels: 3,
        pixels: part.flatMap { color(Int($0)) })
    }
  }

  /// A colour for a code: hues by the golden ratio, so that neighbours in number differ.
  private static func color(_ code: Int) -> [UInt8] {
    let hue = (Double(max(0, code)) * 0.618_033_988_75).truncatingRemainder(dividingBy: 1) * 6
    let light = [1.0, 0.72, 0.5][max(0, code) % 3]
    return [5.0, 3.0, 1.0].map { shift in
      let place = (shift + hue).truncatingRemainder(dividingBy: 6)
      let value = 1 - 0.75 * max(0, min(min(place, 4 - place), 1))
      return UInt8(max(0, min(255, 255 * light * value)))
    }
  }
}
