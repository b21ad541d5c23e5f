import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAETraining

extension TrainedModel {
  /// Where a traversal starts.
  public enum TraversalStart {
    /// In the middle of the prior; for codes, at a grid drawn from it.
    case prior
    /// At what the encoder says about an example.
    case example(Int, of: DataSplit)
  }

  /// The order of units: by rate where the posterior gives the rate of each, of a split, or without one
  /// of the last epoch that the run folder has on record; else by the variance of where the posteriors of
  /// a split lie, or without one by number.
  ///
  /// - Throws: `TrainingError` where there are no latents, or rates, but neither split nor record; what
  ///   reading the run throws.
  public func unitOrder(measuredOn split: DataSplit?, seed: Int = 0) throws -> UnitOrder {
    try requireLatents("traverse")
    let shapes = model.prior.latents.layerShapes
    let units = shapes.reduce(0) { $0 + $1.count }
    if let split {
      let measured = try? evaluate(split, metrics: [RatePerUnitMetric.descriptor.name], seed: seed)
      if let rates = measured?.metrics[RatePerUnitMetric.self]?.flatMap(\.self),
        rates.count == units
      {
        return .rates(rates)
      }
      let chosen = Array(0..<min(1_000, split.count))
      return .variances(try pointsOf(split, chosen, seed: seed).flatMap(Self.variances))
    }
    let run = step == nil ? nil : try RunFolder.open(source)
    if case .array(let values)? = try run?.readMetrics().objects.last?["rate_per_unit"],
      case let rates = values.compactMap(\.double), rates.count == units
    {
      return .rates(rates)
    }
    guard hasUnitRates else { return .numbers }
    throw TrainingError(
      .unsuitable,
      "\(source) has no record of the rate of each unit; give \(.data), to measure them on")
  }

  /// Whether the rate of an example is a sum over units.
  private var hasUnitRates: Bool {
    guard let data = recipe.data else { return false }
    return MetricRegistry.standard
      .descriptors(suiting: model, shape: [data.height, data.width, data.channels])
      .contains { $0.name == RatePerUnitMetric.descriptor.name }
  }

  /// The variance of each column of `[N, …]`.
  private static func variances(_ points: Tensor) -> [Double] {
    let (count, width) = (points.shape[0], points.shape.removingFirst.count)
    let values = points.floats
    return (0..<width).map { column in
      let numbers = (0..<count).map { Double(values[$0 * width + column]) }
      let mean = numbers.reduce(0, +) / Double(max(1, count))
      return numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, count))
    }
  }

  /// Sweeps latents one at a time, a walk each.
  ///
  /// A unit runs over quantiles of its prior, evenly spaced in probability from 1 % to 99 %, given
  /// what the layers above it are; the layers below it are drawn anew from the prior, with the same
  /// random numbers in all images, so that nothing but the unit changes. Where the prior has no quantiles
  /// in closed form they are those of 1,000 draws from it, and units that are not swept are at the draws'
  /// mean. Units come in the order given, those of a hierarchy's top layer before those of the layers
  /// below.
  ///
  /// Codes have no order. Each walk takes one place of the grid and puts other codes there, the
  /// most frequent ones; places come by how much that changes the image.
  ///
  /// - Parameters:
  ///   - start: the latents of which one is changed.
  ///   - units: walks at most; of a hierarchy, in each layer.
  ///   - steps: images on each walk; at least 2.
  ///   - order: see `unitOrder`; not used for codes.
  ///   - seed: of everything random.
  ///   - condition: what a conditional model is told in all images, `[1, width]`; nil for what is
  ///     known of the example.
  /// - Throws: `TrainingError` where there are no latents, or several layers of a prior without
  ///   quantiles; `RecipeError` where the condition does not fit or is missing.
  public func traverse(
    from start: TraversalStart, units: Int, steps: Int, order: UnitOrder = .numbers, seed: Int = 0,
    condition given: Tensor? = nil
  ) throws -> [LatentWalk] {
    try requireLatents("traverse")
    let traversal = Traversal(steps: steps)
    var (own, condition): (Tensor?, Tensor?)
    if case .example(let index, let split) = start {
      own = try self.condition(of: index, in: split)
      condition = try conditions(given ?? own, count: 1)
    } else {
      condition = try conditions(given, count: 1)
      own = condition
    }
    if let grid = model.prior.latents.codes {
      return try traverseCodes(
        grid, traversal, from: start, places: units, seed: seed, condition: condition)
    }
    let shapes = model.prior.latents.layerShapes
    let weights =
      order.weights.isEmpty
      ? [Double](repeating: 0, count: shapes.reduce(0) { $0 + $1.count }) : order.weights
    let numbers = [Int](repeating: 0, count: steps)
    let sweeps: [Traversal.Sweep]
    if let prior = model.prior as? any ReparameterizedPrior {
      let context = context(seed, "traversal", [0], own)
      let middle: [Tensor] =
        switch start {
        case .prior: shapes.map { .zeros(Shape([1] + $0.dimensions)) }
        case .example(let index, let split):
          try withoutTape { prior.noise(of: try pointsOf(split, [index], seed: seed), context) }
        }
      let drawn = shapes.enumerated().map { layer, shape in
        context.normalNoise("layer\(layer + 1)", samples: 1, shape: shape)
      }
      sweeps = traversal.units(
        of: prior, middle: middle, drawn: drawn, units: units, weights: weights,
        self.context(seed, "traversal", numbers, condition?.tiled(steps)))
    } else {
      guard shapes.count == 1 else {
        throw TrainingError(
          .unsuitable,
          "\(source): the prior \(recipe.part(.prior).name) has no quantiles to sweep; interpolate between "
            + "examples or draw from the prior instead")
      }
      var middle: Tensor?
      if case .example(let index, let split) = start {
        middle = try pointsOf(split, [index], seed: seed)[0]
      }
      sweeps = traversal.units(
        over: drawsOfPrior(count: 1_000, seed: seed, condition: condition), middle: middle,
        units: units, weights: weights)
    }
    let starts = shapes.indices.map { shapes[..<$0].reduce(0) { $0 + $1.count } }
    return sweeps.map { sweep in
      var label = sweep.latent.name(levels: shapes.count)
      if case .unit(let unit, let level) = sweep.latent {
        if let text = order.label(starts[level] + unit) { label.append(text) }
      }
      return LatentWalk(
        label: label,
        made: decoded(
          sweep.latents, numbers: numbers, seed: seed, condition: condition?.tiled(steps)
        ) { _ in })
    }
  }

  // MARK: Codes

  private func traverseCodes(
    _ grid: CodeGrid, _ traversal: Traversal, from start: TraversalStart, places: Int, seed: Int,
    condition: Tensor?
  ) throws -> [LatentWalk] {
    let base: [Int32]
    let seen: [Int32]
    switch start {
    case .prior:
      seen = codesOfPrior(count: 64, seed: seed, condition: condition)
      base = Array(seen.prefix(grid.count))
    case .example(let index, let split):
      seen = try pointsOf(split, Array(0..<min(500, split.count)), seed: seed)[0].indices
      base = try pointsOf(split, [index], seed: seed)[0].indices
    }
    let sweeps = traversal.codes(
      of: grid, base: base, others: Self.byFrequency(base + seen), places: Array(0..<grid.count))
    let walks = sweeps.map { sweep in
      let numbers = [Int](repeating: 0, count: sweep.latents[0].shape[0])
      return LatentWalk(
        label: sweep.latent.name(levels: 1),
        made: decoded(
          sweep.latents, numbers: numbers, seed: seed, condition: condition?.tiled(numbers.count)
        ) { _ in })
    }
    let changes = walks.map { Traversal.change($0.images) }
    let order = walks.indices.sorted { (changes[$1], $0) < (changes[$0], $1) }
    return order.prefix(places).map { walks[$0] }
  }

  /// The numbers of the codes of grids drawn from the prior.
  private func codesOfPrior(count: Int, seed: Int, condition: Tensor?) -> [Int32] {
    firstLayer(count: count, seed: seed, condition: condition)?.codes?.indices ?? []
  }

  /// Latents of the first layer drawn from the prior, `[count, …]`.
  private func drawsOfPrior(count: Int, seed: Int, condition: Tensor?) -> Tensor {
    firstLayer(count: count, seed: seed, condition: condition)?.sample ?? .zeros([count, 0])
  }

  private func firstLayer(count: Int, seed: Int, condition: Tensor?) -> LatentLayer? {
    withoutTape {
      model.prior.draw(
        temperature: 1, context(seed, "sample", 0..<count, condition?.tiled(count))
      )
      .layers.first
    }
  }

  /// The codes that occur, the most frequent first, of equally frequent ones the smaller first.
  private static func byFrequency(_ codes: [Int32]) -> [Int32] {
    var counts: [Int32: Int] = [:]
    for code in codes { counts[code, default: 0] += 1 }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }
}
