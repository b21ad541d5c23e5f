import Tensors
import VAECore
import VAEEvaluation
import VAEFiles

/// Images of latents that are swept one at a time, as a record keeps them: a unit over quantiles of
/// its prior, from the middle of the prior; a place of a grid of codes from the code that it has in
/// the first pictured example over other codes, those most frequent first.
public struct RecordedTraversals: Sendable {
  /// The latents: of units those with the largest rates first, by level from the top; of places
  /// those first that change the image most.
  public let latents: [TraversedLatent]
  /// All steps of the first latent, then those of the next, `[latents × steps, height, width,
  /// channels]`.
  public let images: RecordedImages

  /// Traversals of as many steps each.
  public init(_ latents: [TraversedLatent], images: RecordedImages) {
    ensure(
      !latents.isEmpty && (images.shape.first ?? 0) % latents.count == 0,
      "\(images.shape) are no images of \(latents.count) traversals")
    self.latents = latents
    self.images = images
  }

  /// Images of each latent.
  public var steps: Int { (images.shape.first ?? 0) / latents.count }

  /// The shares of its prior below a unit at each step.
  package var probabilities: [Double] { Traversal(steps: max(2, steps)).probabilities }

  // MARK: In files

  static let imagesName = "traversals"

  /// The latents as JSON.
  var json: JSON {
    .array(
      latents.map { latent in
        switch latent {
        case .unit(let unit, let level):
          .object(["unit": .integer(unit), "level": .integer(level)])
        case .place(let row, let column):
          .object(["row": .integer(row), "column": .integer(column)])
        }
      })
  }

  /// Traversals from a record; nil where what it says of them is no such thing.
  init?(json: JSON, images: RecordedImages) {
    guard case .array(let list) = json, !list.isEmpty else { return nil }
    let latents = list.compactMap { item -> TraversedLatent? in
      func number(_ name: String) -> Int? {
        item.object?[name]?.integer.flatMap { (0..<1 << 32).contains($0) ? $0 : nil }
      }
      if let unit = number("unit"), let level = number("level") { return .unit(unit, level: level) }
      if let row = number("row"), let column = number("column") {
        return .place(row: row, column: column)
      }
      return nil
    }
    guard latents.count == list.count, let rows = images.shape.first, rows > 0,
      rows % latents.count == 0
    else { return nil }
    self.init(latents, images: images)
  }
}
