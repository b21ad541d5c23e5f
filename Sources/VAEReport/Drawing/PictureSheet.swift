import VAEImages
import VAETraining

/// Turns recorded images into one picture.
struct PictureSheet {
  /// Where black and white lie for values that have no range of their own.
  let range: ClosedRange<Float>

  /// A sheet for the images of a run.
  init(_ history: RunHistory) {
    guard case .floats(let array)? = history.examples?.images else {
      range = 0...1
      return
    }
    let finite = array.values.filter(\.isFinite)
    let low = finite.min() ?? 0
    range = low...max(low + 1e-6, finite.max() ?? 1)
  }

  /// The pictures of some records, of at most `side` times `side` images each.
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

  /// Each image of a record as it is shown.
  func images(_ images: RecordedImages) -> [PixelImage] {
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
