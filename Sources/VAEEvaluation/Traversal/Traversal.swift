import NeuralNetworks
import Tensors
import VAECore

/// Latents swept one at a time, for a decoder to show what each does.
package struct Traversal {
  /// One latent on its way.
  package struct Sweep {
    /// Which.
    package let latent: TraversedLatent
    /// All latents of the images on the way, as `Model.decode` takes them.
    package let latents: [Tensor]
  }

  /// Images on each way.
  package let steps: Int

  /// Traversals of at least 2 steps.
  package init(steps: Int) {
    ensure(steps >= 2, "a traversal of \(steps) steps sweeps nothing")
    self.steps = steps
  }

  /// The shares of its prior that lie below a unit at each step: evenly spaced, from 1 % to 99 %.
  package var probabilities: [Double] {
    (0..<steps).map { 0.01 + 0.98 * Double($0) / Double(steps - 1) }
  }

  /// Sweeps of units over quantiles of their priors: by level from the top, then by weight, the largest
  /// first, and by number.
  ///
  /// - Parameters:
  ///   - middle: where the units are that are not swept, as noise, one row for each layer.
  ///   - drawn: the noise of the layers below the one of a swept unit, one row for each layer.
  ///   - units: sweeps at most in each layer.
  ///   - weights: of all units, the layer nearest to the data first; they order them.
  ///   - context: of as many rows as there are steps.
  package func units(
    of prior: any ReparameterizedPrior, middle: [Tensor], drawn: [Tensor], units: Int,
    weights: [Double], _ context: Context
  ) -> [Sweep] {
    let shapes = prior.latents.layerShapes
    let quantiles = probabilities.map { Float(StandardNormal.quantile($0)) }
    var sweeps: [Sweep] = []
    var first = weights.count
    for level in shapes.indices.reversed() {
      let count = shapes[level].count
      first -= count
      for unit in Self.order(weights[first..<first + count]).prefix(units) {
        let noise = shapes.indices.map { index in
          let base = index < level ? drawn[index] : middle[index]
          return index == level ? base.swept(unit, over: quantiles) : base.tiled(steps)
        }
        sweeps.append(
          Sweep(
            latent: .unit(unit, level: level),
            latents: withoutTape { prior.draw(noise: noise, context).layers.map(\.sample) }))
      }
    }
    return sweeps
  }

  /// Sweeps of the units of one layer over quantiles of draws from their prior, by weight, the largest
  /// first, and by number.
  ///
  /// - Parameters:
  ///   - draws: `[N, …]`.
  ///   - middle: where the units are that are not swept, `[1, …]`; nil for the mean of the draws.
  ///   - units: sweeps at most.
  ///   - weights: of the units.
  package func units(
    over draws: Tensor, middle: Tensor?, units: Int, weights: [Double]
  ) -> [Sweep] {
    let count = draws.shape[0]
    let width = draws.shape.removingFirst.count
    let values = draws.floats
    let middle =
      middle
      ?? withoutTape { draws.mean(axis: 0) }
      .reshaped(to: Shape([1] + draws.shape.removingFirst.dimensions))
    return Self.order(weights[...]).prefix(units).map { unit in
      let sorted = (0..<count).map { values[$0 * width + unit] }.sorted()
      let quantiles = probabilities.map { sorted[Int(($0 * Double(count - 1)).rounded())] }
      return Sweep(latent: .unit(unit, level: 0), latents: [middle.swept(unit, over: quantiles)])
    }
  }

  /// The places of weights, those of the largest first.
  private static func order(_ weights: ArraySlice<Double>) -> [Int] {
    let weights = Array(weights)
    return weights.indices.sorted { (weights[$1], $0) < (weights[$0], $1) }
  }

  /// Sweeps of places of a grid: its own code, then others, in the order given.
  ///
  /// - Parameters:
  ///   - base: the codes of the grid.
  ///   - others: codes without repetition.
  ///   - places: which are swept.
  package func codes(
    of grid: CodeGrid, base: [Int32], others: [Int32], places: [Int]
  ) -> [Sweep] {
    places.map { place in
      let codes = [base[place]] + others.lazy.filter { $0 != base[place] }.prefix(steps - 1)
      let grids = codes.flatMap { code in
        var changed = base
        changed[place] = code
        return changed
      }
      return Sweep(
        latent: .place(row: place / grid.width, column: place % grid.width),
        latents: [Tensor(indices: grids, shape: [codes.count, grid.height, grid.width])])
    }
  }

  /// How far images are from the first of them, the squared distances added up.
  package static func change(_ images: Tensor) -> Double {
    withoutTape { (images - images.rows(0..<1)).doubleSumOfSquares }
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
