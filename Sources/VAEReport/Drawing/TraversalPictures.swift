import VAEImages
import VAETraining

/// The traversals of records, each as one picture with a row for each latent, within a budget.
package struct TraversalPictures {
  /// The records that are pictured.
  package let frames: [Int]
  /// A picture of each of them, as a data URI.
  package let uris: [String]
  /// What each row of each picture is, in lines.
  package let labels: [[[String]]]
  /// What stands above the columns.
  let columns: [String]
  /// Whether rows are places of a grid of codes.
  let isOfCodes: Bool
  /// The width of a picture in pixels.
  let width: Int

  /// Pictures whose data URIs take at most the given bytes, of as many records as fit, the last
  /// among them; nil where a record has no traversals that can be shown.
  package static func fitting(_ history: RunHistory, bytes budget: Int) throws -> TraversalPictures?
  {
    let all = history.records.compactMap(\.traversals)
    guard let last = all.last, all.count == history.records.count, last.steps > 0,
      all.allSatisfy({ fits($0, last) })
    else { return nil }
    let sheet = PictureSheet(history)
    func picture(_ traversals: RecordedTraversals) -> PixelImage {
      ImageGrid.grid(
        of: sheet.images(traversals.images), columns: traversals.steps, padding: 1,
        background: 128)
    }
    let single = picture(last)
    let wanted = budget / max(1, try Pictures.uri(single).utf8.count)
    let frames = Pictures.evenly(max(1, min(wanted, all.count)), of: all.count)
    return TraversalPictures(
      frames: frames, uris: try frames.map { try Pictures.uri(picture(all[$0])) },
      labels: frames.map { labels(all[$0], history.records[$0]) }, columns: columns(last),
      isOfCodes: isOfCodes(last), width: single.width)
  }

  /// Whether traversals can be shown, and have the size of others.
  private static func fits(_ some: RecordedTraversals, _ others: RecordedTraversals) -> Bool {
    let shape = some.images.shape
    return shape == others.images.shape && some.latents.count == others.latents.count
      && shape.count == 4 && [1, 3].contains(shape[3]) && shape.allSatisfy { $0 > 0 }
  }

  private static func isOfCodes(_ traversals: RecordedTraversals) -> Bool {
    if case .place? = traversals.latents.first { true } else { false }
  }

  private static func columns(_ traversals: RecordedTraversals) -> [String] {
    if isOfCodes(traversals) {
      return (0..<traversals.steps).map { $0 == 0 ? "own" : "\($0)." }
    }
    return traversals.probabilities.map { "\(Numerals.fixed($0 * 100, 0))\u{202f}%" }
  }

  private static func labels(
    _ traversals: RecordedTraversals, _ record: TrainingRecord
  ) -> [[String]] {
    traversals.latents.map { latent in
      var lines = latent.name(levels: max(record.unitRates.count, record.draws.count))
      if case .unit(let unit, let level) = latent, record.unitRates.indices.contains(level),
        record.unitRates[level].indices.contains(unit)
      {
        lines.append("\(Numerals.fixed(record.unitRates[level][unit], 2)) nats")
      }
      return lines
    }
  }
}
