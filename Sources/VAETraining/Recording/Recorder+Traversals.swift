import NeuralNetworks
import Tensors
import VAECore
import VAEEvaluation

extension Recorder {
  /// How many latents a record sweeps, and how far.
  struct Walks {
    /// Images of each latent.
    let steps: Int
    /// Latents of each layer, or places of a grid; none where images are too large, or there are no
    /// latents.
    let count: Int
    /// Places of a grid that are tried for the ones that matter most.
    let candidates: Int
    /// Images that are made.
    let imageCount: Int

    /// Latents, of all layers together.
    private static let limit = 8
    /// The same where each image is drawn pixel by pixel.
    private static let slowLimit = 3

    init(_ prior: any Prior, imageSize: Int, _ isAutoregressive: Bool) {
      steps = isAutoregressive ? 5 : 7
      let fitting = Recorder.pictureSizeLimit / max(1, imageSize * steps)
      let most = min(fitting, isAutoregressive ? Self.slowLimit : Self.limit)
      let layers = prior.latents.layerShapes
      if let grid = prior.latents.codes {
        count = min(most, grid.count)
        candidates = count == 0 || isAutoregressive ? count : min(64, grid.count)
      } else {
        let largest = layers.map(\.count).max() ?? 0
        let isSwept = prior is any ReparameterizedPrior
        count = most == 0 || !isSwept ? 0 : min(largest, max(1, most / max(1, layers.count)))
        candidates = 0
      }
      let each = count
      let sweeps = layers.reduce(0) { $0 + min(each, $1.count) }
      imageCount = steps * sweeps + 2 * candidates
    }
  }

  /// Sweeps latents one at a time, with the same noise in every record.
  func addTraversals(to record: inout TrainingRecord) {
    guard walks.count > 0 else { return }
    let sweeps: [Traversal.Sweep]
    if let grid = model.prior.latents.codes {
      sweeps = codeSweeps(grid, record)
    } else if let prior = model.prior as? any ReparameterizedPrior {
      sweeps = unitSweeps(prior, record)
    } else {
      return
    }
    guard !sweeps.isEmpty else { return }
    record.traversals = RecordedTraversals(
      sweeps.map(\.latent), images: images(Tensor.concatenated(decode(sweeps), axis: 0)))
  }

  private func unitSweeps(
    _ prior: any ReparameterizedPrior, _ record: TrainingRecord
  ) -> [Traversal.Sweep] {
    let shapes = prior.latents.layerShapes
    let rates = record.unitRates.flatMap(\.self)
    guard rates.count == shapes.reduce(0, { $0 + $1.count }) else { return [] }
    let single = walkContext(rows: 1)
    return Traversal(steps: walks.steps).units(
      of: prior, middle: shapes.map { .zeros(Shape([1] + $0.dimensions)) },
      drawn: shapes.enumerated().map { level, shape in
        single.normalNoise("level\(level)", samples: 1, shape: shape)
      },
      units: walks.count, weights: rates, walkContext(rows: walks.steps))
  }

  private func codeSweeps(_ grid: CodeGrid, _ record: TrainingRecord) -> [Traversal.Sweep] {
    guard let counts = record.codeCounts, counts.count > 1,
      let base = record.codes?.values.prefix(grid.count), base.count == grid.count
    else { return [] }
    let others = counts.indices.sorted { (counts[$1], $0) < (counts[$0], $1) }.map(Int32.init)
    let candidates = (0..<walks.candidates).map { $0 * grid.count / walks.candidates }
    var places = Array(candidates.prefix(walks.count))
    if walks.candidates > walks.count {
      let changes = decode(
        Traversal(steps: 2).codes(
          of: grid, base: Array(base), others: others, places: candidates)
      ).map(Traversal.change)
      let order = changes.indices.sorted { (changes[$1], $0) < (changes[$0], $1) }
      places = order.prefix(walks.count).map { candidates[$0] }
    }
    return Traversal(steps: walks.steps).codes(
      of: grid, base: Array(base), others: others, places: places)
  }

  /// The images of each sweep, all drawn with the same random numbers; as many sweeps are decoded
  /// at a time as a batch has room for, because a few rows cost nearly as much as many.
  private func decode(_ sweeps: [Traversal.Sweep]) -> [Tensor] {
    let steps = sweeps.first?.latents.first?.shape[0] ?? 1
    let together = max(1, rowLimit / max(1, steps))
    return stride(from: 0, to: sweeps.count, by: together).flatMap { start in
      let group = sweeps[start..<min(start + together, sweeps.count)]
      let images = model.decode(joined(group), walkContext(rows: group.count * steps))
      return group.indices.map { images.rows(($0 - start) * steps..<($0 - start + 1) * steps) }
    }
  }

  /// The latents of some sweeps, layer by layer.
  private func joined(_ sweeps: ArraySlice<Traversal.Sweep>) -> [Tensor] {
    guard let first = sweeps.first?.latents else { return [] }
    return first.indices.map { layer in
      let parts = sweeps.map { $0.latents[layer] }
      guard parts[0].elementType == .int32 else {
        return Tensor.concatenated(parts, axis: 0)
      }
      return Tensor(
        indices: parts.flatMap(\.indices),
        shape: Shape(
          [parts.count * first[layer].shape[0]] + first[layer].shape.removingFirst.dimensions))
    }
  }

  /// Randomness that is the same in every row.
  private func walkContext(rows: Int) -> Context {
    Context(
      mode: .evaluation, random: random.child("traversals"),
      examples: [UInt64](repeating: 0, count: rows), condition: firstCondition(rows: rows))
  }
}
