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
  /// - Parameter moments: records to picture, as far as there are as many, before there are more
  ///   images in a picture.
  package static func fitting(
    _ history: RunHistory, bytes budget: Int, moments: Int = 8
  ) throws -> Pictures? {
    guard let last = history.records.indices.last, let images = history.examples?.images,
      images.shape.count == 4, [1, 3].contains(images.shape[3]),
      images.shape[1...].allSatisfy({ $0 > 0 })
    else { return nil }
    let sheet = PictureSheet(history)
    for side in [4, 3, 2, 1] {
      let single = try sheet.pictures(history, frames: [last], side: side)
      let size = single.uris.values.joined().reduce(0) { $0 + $1.utf8.count }
      let fitting = (budget - (single.originals?.utf8.count ?? 0)) / max(1, size)
      // Better fewer images than fewer moments, down to a row of three.
      guard fitting >= min(moments, last + 1) || side == 1 else { continue }
      let frames = evenly(max(1, min(fitting, last + 1)), of: last + 1)
      return try sheet.pictures(history, frames: frames, side: side)
    }
    return nil
  }

  /// Numbers below a count at equal distances, the last among them.
  static func evenly(_ wanted: Int, of count: Int) -> [Int] {
    guard wanted < count else { return Array(0..<count) }
    guard wanted > 1 else { return [count - 1] }
    return (0..<wanted).map { $0 * (count - 1) / (wanted - 1) }
  }

  /// A data URI.
  static func uri(_ image: PixelImage) throws -> String {
    "data:image/png;base64," + Data(try image.pngData()).base64EncodedString()
  }
}
