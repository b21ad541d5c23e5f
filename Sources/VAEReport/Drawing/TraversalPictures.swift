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

  /// Pictures whose data URIs take at most the given bytes, of as many of the records with
  /// traversals as fit, the last among them; nil where there are none that can be shown.
  ///
  /// - Parameter keepsLast: whether the last is pictured even where it does not fit.
  package static func fitting(
    _ history: RunHistory, bytes budget: Int, keepsLast: Bool = true
  ) throws -> TraversalPictures? {
    let found = history.records.enumerated().compactMap { frame, record in
      record.traversals.map { (frame: frame, traversals: $0) }
    }
    guard let last = found.last?.traversals, last.steps > 0,
      found.allSatisfy({ fits($0.traversals, last) })
    else { return nil }
    let sheet = PictureSheet(history)
    func picture(_ traversals: RecordedTraversals) -> PixelImage {
      ImageGrid.grid(
        of: sheet.images(traversals.images), columns: traversals.steps, padding: 1,
        background: 128)
    }
    let single = picture(last)
    let wanted = budget / max(1, try Pictures.uri(single).utf8.count)
    guard wanted > 0 || keepsLast else { return nil }
    let shown = Pictures.evenly(max(1, min(wanted, found.count)), of: found.count).map { found[$0] }
    return TraversalPictures(
      frames: shown.map(\.frame), uris: try shown.map { try Pictures.uri(picture($0.traversals)) },
      labels: shown.map { labels($0.traversals, history.records[$0.frame]) },
      columns: columns(last), isOfCodes: isOfCodes(last), width: single.width)
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
