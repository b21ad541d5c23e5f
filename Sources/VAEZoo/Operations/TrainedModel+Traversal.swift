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

  /// The rate of each unit in nats, the layer nearest to the data first: of a split, or without one
  /// of the last epoch that the run folder has on record.
  ///
  /// - Throws: `TrainingError` where the prior has no quantiles to sweep units over, where there is
  ///   neither split nor record, or the rate is no sum over units; what reading the run throws.
  public func unitRates(measuredOn split: DataSplit?, seed: Int = 0) throws -> [Double] {
    _ = try sweptPrior
    let units = model.prior.latents.layerShapes.reduce(0) { $0 + $1.count }
    if let split {
      let measured = try? evaluate(split, metrics: [RatePerUnitMetric.descriptor.name], seed: seed)
      guard let rates = measured?.metrics[RatePerUnitMetric.self]?.flatMap(\.self),
        rates.count == units
      else {
        throw TrainingError(
          .unsuitable,
          "\(source): the prior \(recipe.part(.prior).name) gives no rate of each unit, to order them by"
        )
      }
      return rates
    }
    let run = step == nil ? nil : try RunFolder.open(source)
    guard case .array(let values)? = try run?.readMetrics().objects.last?["rate_per_unit"],
      case let rates = values.compactMap(\.double), rates.count == units
    else {
      throw TrainingError(
        .unsuitable,
        "\(source) has no record of the rate of each unit; give \(.data), to measure them on")
    }
    return rates
  }

  /// Sweeps latents one at a time, a walk each.
  ///
  /// A unit runs over quantiles of its prior, evenly spaced in probability from 1 % to 99 %, given
  /// what the layers above it are; the layers below it are drawn anew from the prior, with the same
  /// random numbers in all images, so that nothing but the unit changes. Units come by rate, the
  /// largest first, those of a hierarchy's top layer before those of the layers below.
  ///
  /// Codes have no order. Each walk takes one place of the grid and puts other codes there, the
  /// most frequent ones; places come by how much that changes the image.
  ///
  /// - Parameters:
  ///   - start: the latents of which one is changed.
  ///   - units: walks at most; of a hierarchy, in each layer.
  ///   - steps: images on each walk; at least 2.
  ///   - rates: see `unitRates`; not used for codes.
  ///   - seed: of everything random.
  ///   - given: the condition of a conditional model in all images, `[1, width]`; nil for that of the
  ///     example.
  /// - Throws: `TrainingError` where there are no latents, or their prior has no quantiles;
  ///   `RecipeError` where the condition does not fit or is missing.
  public func traverse(
    from start: TraversalStart, units: Int, steps: Int, rates: [Double] = [], seed: Int = 0,
    condition given: Tensor? = nil
  ) throws -> [LatentWalk] {
    try requireLatents("traverse")
    let traversal = Traversal(steps: steps)
    var (own, condition): (Tensor?, Tensor?)
    if case .example(let index, let split) = start {
      own = self.condition(of: index, in: split)
      condition = try conditions(given ?? own, count: 1)
    } else {
      condition = try conditions(given, count: 1)
      own = condition
    }
    if let grid = model.prior.latents.codes {
      return traverseCodes(
        grid, traversal, from: start, places: units, seed: seed, condition: condition)
    }
    let prior = try sweptPrior
    let shapes = model.prior.latents.layerShapes
    let context = context(seed, "traversal", [0], own)
    let middle: [Tensor] =
      switch start {
      case .prior: shapes.map { .zeros(Shape([1] + $0.dimensions)) }
      case .example(let index, let split):
        withoutTape { prior.noise(of: pointsOf(split, [index], seed: seed), context) }
      }
    let drawn = shapes.enumerated().map { layer, shape in
      context.normalNoise("layer\(layer + 1)", samples: 1, shape: shape)
    }
    let numbers = [Int](repeating: 0, count: steps)
    let sweeps = traversal.units(
      of: prior, middle: middle, drawn: drawn, units: units, rates: rates,
      self.context(seed, "traversal", numbers, condition?.tiled(steps)))
    let starts = shapes.indices.map { shapes[..<$0].reduce(0) { $0 + $1.count } }
    return sweeps.map { sweep in
      var label = sweep.latent.name(levels: shapes.count)
      if case .unit(let unit, let level) = sweep.latent {
        label.append("\(Self.short(rates[starts[level] + unit])) nats")
      }
      return LatentWalk(
        label: label,
        images: decoded(
          sweep.latents, numbers: numbers, seed: seed, condition: condition?.tiled(steps)
        ) { _ in })
    }
  }

  /// The prior, if there are quantiles to sweep its units over.
  private var sweptPrior: any ReparameterizedPrior {
    get throws(TrainingError) {
      if let prior = model.prior as? any ReparameterizedPrior { return prior }
      let fault: Message =
        "\(source): the prior \(recipe.part(.prior).name) has no quantiles to sweep"
      throw TrainingError(
        .unsuitable,
        model.prior.latents.isEmpty
          ? fault : "\(fault); interpolate between examples or draw from the prior instead")
    }
  }

  /// Two decimals.
  private static func short(_ rate: Double) -> String {
    let hundredths = Int((min(max(rate, -1e6), 1e6) * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    return "\(hundredths < 0 ? "-" : "")\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }

  // MARK: Codes

  private func traverseCodes(
    _ grid: CodeGrid, _ traversal: Traversal, from start: TraversalStart, places: Int, seed: Int,
    condition: Tensor?
  ) -> [LatentWalk] {
    let base: [Int32]
    let seen: [Int32]
    switch start {
    case .prior:
      seen = codesOfPrior(count: 64, seed: seed, condition: condition)
      base = Array(seen.prefix(grid.count))
    case .example(let index, let split):
      seen = pointsOf(split, Array(0..<min(500, split.count)), seed: seed)[0].indices
      base = pointsOf(split, [index], seed: seed)[0].indices
    }
    let sweeps = traversal.codes(
      of: grid, base: base, others: Self.byFrequency(base + seen), places: Array(0..<grid.count))
    let walks = sweeps.map { sweep in
      let numbers = [Int](repeating: 0, count: sweep.latents[0].shape[0])
      return LatentWalk(
        label: sweep.latent.name(levels: 1),
        images: decoded(
          sweep.latents, numbers: numbers, seed: seed, condition: condition?.tiled(numbers.count)
        ) { _ in })
    }
    let changes = walks.map { Traversal.change($0.images) }
    let order = walks.indices.sorted { (changes[$1], $0) < (changes[$0], $1) }
    return order.prefix(places).map { walks[$0] }
  }

  /// The numbers of the codes of grids drawn from the prior.
  private func codesOfPrior(count: Int, seed: Int, condition: Tensor?) -> [Int32] {
    withoutTape {
      model.prior.draw(
        temperature: 1, context(seed, "sample", 0..<count, condition?.tiled(count))
      )
      .layers.first?.codes?.indices ?? []
    }
  }

  /// The codes that occur, the most frequent first, of equally frequent ones the smaller first.
  private static func byFrequency(_ codes: [Int32]) -> [Int32] {
    var counts: [Int32: Int] = [:]
    for code in codes { counts[code, default: 0] += 1 }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }
}
