import Tensors

extension ExpectationMaximization {
  /// Rounds of Lloyd's algorithm after the seeds.
  private static let rounds = 10

  /// A mixture to begin with: the clusters that Lloyd's algorithm finds from seeds by k-means++ (Arthur &
  /// Vassilvitskii 2007), each with the mean and the covariance of its points.
  ///
  /// - Parameters:
  ///   - points: `[M, units]`, at least one row.
  ///   - components: the Gaussians that are mixed.
  ///   - ridge: what is added to the diagonal of covariance matrices.
  ///   - random: where seeds come from.
  ///   - proceed: called before each round; what it throws ends the search.
  /// - Returns: nil where points are no numbers, or without any spread where there is no ridge.
  package static func start(
    _ points: Tensor, components: Int, ridge: Double, random: RandomStream,
    proceed: () throws -> Void = {}
  ) rethrows -> Mixture? {
    let (count, units) = (points.shape[0], points.shape[1])
    let values = points.floats
    func distance(_ row: Int, _ centre: [Double]) -> Double {
      var sum = 0.0
      for unit in 0..<units {
        let difference = Double(values[row * units + unit]) - centre[unit]
        sum += difference * difference
      }
      return sum
    }
    func point(_ row: Int) -> [Double] { (0..<units).map { Double(values[row * units + $0]) } }

    var generator = random.generator()
    var centres = [point(Int.random(in: 0..<count, using: &generator))]
    var nearest = [Int](repeating: 0, count: count)
    var squares = (0..<count).map { distance($0, centres[0]) }
    while centres.count < components {
      try proceed()
      let seed = drawn(squares, using: &generator)
      centres.append(point(seed))
      for row in 0..<count {
        let square = distance(row, centres[centres.count - 1])
        if square < squares[row] { (squares[row], nearest[row]) = (square, centres.count - 1) }
      }
    }
    for _ in 0..<rounds where components > 1 {
      try proceed()
      let old = centres
      var sizes = [Int](repeating: 0, count: components)
      var sums = [[Double]](repeating: [Double](repeating: 0, count: units), count: components)
      for row in 0..<count {
        sizes[nearest[row]] += 1
        for unit in 0..<units { sums[nearest[row]][unit] += Double(values[row * units + unit]) }
      }
      for component in 0..<components where sizes[component] > 0 {
        centres[component] = sums[component].map { $0 / Double(sizes[component]) }
      }
      if centres == old { break }
      for row in 0..<count {
        squares[row] = .infinity
        for component in 0..<components {
          let square = distance(row, centres[component])
          if square < squares[row] { (squares[row], nearest[row]) = (square, component) }
        }
      }
    }
    return mixture(
      of: values, units: units, assigned: nearest, components: components, ridge: ridge)
  }

  /// The weights, means and covariances of clusters. One of fewer than two points has the spread of all of
  /// them.
  package static func mixture(
    of values: [Float], units: Int, assigned: [Int], components: Int, ridge: Double
  ) -> Mixture? {
    let everything = moments(of: values, units: units, rows: Array(assigned.indices))
    var rows = [[Int]](repeating: [], count: components)
    for (row, component) in assigned.enumerated() { rows[component].append(row) }
    var mixture = Mixture(weights: [], means: [], factors: [])
    for own in rows {
      let found = own.isEmpty ? everything : moments(of: values, units: units, rows: own)
      var covariance = own.count < 2 ? everything.covariance : found.covariance
      for unit in 0..<units { covariance[unit, unit] += ridge }
      guard let factor = covariance.choleskyFactor else { return nil }
      mixture.weights.append(max(Double(own.count), 1e-15) / Double(assigned.count))
      mixture.means.append(found.mean)
      mixture.factors.append(factor)
    }
    return mixture
  }

  private static func moments(
    of values: [Float], units: Int, rows: [Int]
  ) -> (mean: [Double], covariance: DoubleMatrix) {
    let count = Double(max(1, rows.count))
    let mean = (0..<units).map { unit in
      rows.reduce(0) { $0 + Double(values[$1 * units + unit]) } / count
    }
    var covariance = DoubleMatrix(rows: units, columns: units)
    var distance = [Double](repeating: 0, count: units)
    for row in rows {
      for unit in 0..<units { distance[unit] = Double(values[row * units + unit]) - mean[unit] }
      for unit in 0..<units {
        for other in 0...unit {
          covariance[unit, other] += distance[unit] * distance[other] / count
        }
      }
    }
    for unit in 0..<units {
      for other in 0..<unit { covariance[other, unit] = covariance[unit, other] }
    }
    return (mean, covariance)
  }

  /// A position drawn in proportion to its weight, or any where all weights are zero.
  private static func drawn(
    _ weights: [Double], using generator: inout CounterGenerator
  ) -> Int {
    let total = weights.reduce(0, +)
    guard total > 0, total.isFinite else {
      return Int.random(in: weights.indices, using: &generator)
    }
    var rest = Double.random(in: 0..<total, using: &generator)
    var last = 0
    for (position, weight) in weights.enumerated() where weight > 0 {
      if rest < weight { return position }
      rest -= weight
      last = position
    }
    // Rounding can leave a little over.
    return last
  }
}
