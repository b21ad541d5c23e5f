import Tensors

/// Lloyd's algorithm from seeds by k-means++ (Arthur & Vassilvitskii 2007): each seed is a point
/// drawn with a probability in proportion to its squared distance from the seeds before it.
package struct KMeans {
  /// The centres, `[K, D]`.
  package let centres: Tensor
  /// Points of each centre, `[K]`.
  package let counts: Tensor

  /// Rounds in which seeds are drawn. Up to this number of centres each seed knows all before it;
  /// beyond, several are drawn in one round.
  private static let rounds = 1024
  private static let iterations = 10

  /// The centres of points `[rows, D]`, at least one row. Where there are fewer different points
  /// than centres, some centres are equal. `proceed` is called before each round; what it throws ends the
  /// search.
  package init(
    _ points: Tensor, count: Int, random: RandomStream, proceed: () throws -> Void
  ) rethrows {
    var centres = try Self.seeds(points, count: count, random: random, proceed: proceed)
    var counts = Tensor.zeros([count])
    for _ in 0..<Self.iterations {
      try proceed()
      let codes = NearestVector(among: centres).indices(for: points)
      let clusters = Clusters(of: points, codes: codes, count: count)
      counts = clusters.counts
      // A centre without points stays where it is.
      let isUsed = counts.isAbove(0).reshaped(to: [count, 1])
      let means =
        clusters.sums / Tensor.maximum(counts, Tensor(1)).reshaped(to: [count, 1])
      centres = means * isUsed + centres * (1 - isUsed)
    }
    self.centres = centres
    self.counts = counts
  }

  private static func seeds(
    _ points: Tensor, count: Int, random: RandomStream, proceed: () throws -> Void
  ) rethrows -> Tensor {
    var generator = random.generator()
    let rows = points.shape[0]
    let round = (count + rounds - 1) / rounds
    var distances = [Double](repeating: 1, count: rows)
    var seeds: [Tensor] = []
    var drawn = 0
    while drawn < count {
      try proceed()
      let size = min(round, count - drawn)
      let chosen = (0..<size).map { _ in draw(in: distances, using: &generator) }
      let fresh = points.gathering(Tensor(indices: chosen))
      let nearest = NearestVector(among: fresh).indices(for: points)
      let apart = (points - fresh.gathering(Tensor(indices: nearest))).squared().sum(axis: 1)
      apart.withFloats { apart in
        for row in 0..<rows {
          distances[row] = drawn == 0 ? Double(apart[row]) : min(distances[row], Double(apart[row]))
        }
      }
      seeds.append(fresh)
      drawn += size
    }
    return .concatenated(seeds, axis: 0)
  }

  /// A position drawn in proportion to its weight, or any where all weights are zero.
  private static func draw(
    in weights: [Double], using generator: inout CounterGenerator
  ) -> Int32 {
    let total = weights.reduce(0, +)
    guard total > 0, total.isFinite else {
      return Int32(Int.random(in: weights.indices, using: &generator))
    }
    var rest = Double.random(in: 0..<total, using: &generator)
    var last = 0
    for (position, weight) in weights.enumerated() where weight > 0 {
      if rest < weight { return Int32(position) }
      rest -= weight
      last = position
    }
    // Rounding can leave a little over.
    return Int32(last)
  }
}
