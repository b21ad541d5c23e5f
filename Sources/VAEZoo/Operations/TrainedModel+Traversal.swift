import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
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
  /// - Throws: `TrainingError` where there is neither, or the rate is no sum over units; what
  ///   reading the run throws.
  public func unitRates(measuredOn split: DataSplit?, seed: Int = 0) throws -> [Double] {
    let units = model.prior.latents.layerShapes.reduce(0) { $0 + $1.count }
    if let split {
      guard let rates = evaluate(split, seed: seed)?.unitRates, rates.count == units else {
        throw TrainingError(
          .unsuitable, "\(source): the rate of the model is no sum over units, to order them by")
      }
      return rates
    }
    let run = step == nil ? nil : try RunFolder.open(source)
    guard case .array(let values)? = try run?.readMetrics().last?["rate_per_unit"],
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
  /// - Throws: `TrainingError` where there are no latents, or their prior has no quantiles.
  public func traverse(
    from start: TraversalStart, units: Int, steps: Int, rates: [Double] = [], seed: Int = 0
  ) throws(TrainingError) -> [LatentWalk] {
    try requireLatents("traverse")
    precondition(steps >= 2, "a traversal of \(steps) steps sweeps nothing")
    if case .codes(let grid) = model.prior.latents {
      return traverseCodes(grid, from: start, places: units, steps: steps, seed: seed)
    }
    guard let prior = model.prior as? any ReparameterizedPrior else {
      throw TrainingError(
        .unsuitable, "\(source): the prior \(recipe.part(.prior).name) has no quantiles to sweep")
    }
    let shapes = model.prior.latents.layerShapes
    let context = context(seed, "traversal", [0])
    let middle: [Tensor] =
      switch start {
      case .prior: shapes.map { .zeros(Shape([1] + $0.dimensions)) }
      case .example(let index, let split):
        withoutTape { prior.noise(of: pointsOf(split, [index], seed: seed), context) }
      }
    let drawn = shapes.enumerated().map { layer, shape in
      context.normalNoise("layer\(layer + 1)", samples: 1, shape: shape)
    }
    let sweep = (0..<steps).map {
      Float(StandardNormal.quantile(0.01 + 0.98 * Double($0) / Double(steps - 1)))
    }
    var walks: [LatentWalk] = []
    var first = rates.count
    for layer in shapes.indices.reversed() {
      let count = shapes[layer].count
      first -= count
      let order = (0..<count).sorted { rates[first + $0] > rates[first + $1] }
      for unit in order.prefix(units) {
        let noise = shapes.indices.map { index in
          let base = index < layer ? drawn[index] : middle[index]
          return index == layer ? base.swept(unit, over: sweep) : base.tiled(steps)
        }
        let many = self.context(seed, "traversal", [Int](repeating: 0, count: steps))
        let latents = withoutTape { prior.draw(noise: noise, many).layers.map(\.sample) }
        walks.append(
          LatentWalk(
            label: (shapes.count > 1 ? ["layer \(layer + 1)"] : [])
              + ["unit \(unit)", "\(Self.short(rates[first + unit])) nats"],
            images: decode(
              latents, numbers: [Int](repeating: 0, count: steps), seed: seed)))
      }
    }
    return walks
  }

  /// Two decimals.
  private static func short(_ rate: Double) -> String {
    let hundredths = Int((min(max(rate, -1e6), 1e6) * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    return "\(hundredths < 0 ? "-" : "")\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }

  // MARK: Codes

  private func traverseCodes(
    _ grid: CodeGrid, from start: TraversalStart, places: Int, steps: Int, seed: Int
  ) -> [LatentWalk] {
    let base: [Int32]
    let seen: [Int32]
    switch start {
    case .prior:
      seen = codesOfPrior(count: 64, seed: seed)
      base = Array(seen.prefix(grid.count))
    case .example(let index, let split):
      seen = pointsOf(split, Array(0..<min(500, split.count)), seed: seed)[0].indices
      base = pointsOf(split, [index], seed: seed)[0].indices
    }
    let frequent = Self.byFrequency(base + seen)
    let walks = (0..<grid.count).map { place in
      let others = frequent.lazy.filter { $0 != base[place] }.prefix(steps - 1)
      let codes = ([base[place]] + others).flatMap { code in
        var changed = base
        changed[place] = code
        return changed
      }
      let count = codes.count / grid.count
      let images = decode(
        [Tensor(indices: codes, shape: [count, grid.height, grid.width])],
        numbers: [Int](repeating: 0, count: count), seed: seed)
      return LatentWalk(
        label: ["row \(place / grid.width)", "column \(place % grid.width)"],
        images: images)
    }
    let changes = walks.map(\.change)
    let order = walks.indices.sorted { changes[$0] > changes[$1] }
    return order.prefix(places).map { walks[$0] }
  }

  /// The numbers of the codes of grids drawn from the prior.
  private func codesOfPrior(count: Int, seed: Int) -> [Int32] {
    withoutTape {
      model.prior.draw(temperature: 1, context(seed, "sample", 0..<count))
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

extension LatentWalk {
  /// How far the images are from the first, the squared distances added up.
  fileprivate var change: Double {
    let first = images.rows(0..<1)
    return withoutTape { (images - first).doubleSumOfSquares }
  }
}

extension Tensor {
  /// One row, once for each value, which takes the place of one element.
  fileprivate func swept(_ element: Int, over values: [Float]) -> Tensor {
    let row = floats
    let rows = values.flatMap { value in
      var row = row
      row[element] = value
      return row
    }
    return Tensor(rows, shape: Shape([values.count] + shape.removingFirst.dimensions))
  }
}
