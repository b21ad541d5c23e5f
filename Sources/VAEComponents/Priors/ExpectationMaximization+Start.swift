import Tensors

extension ExpectationMaximization {
  /// A mixture to begin with: the clusters of `KMeans`, each with the mean and the covariance of its points.
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
    let clusters = try KMeans(points, count: components, random: random, proceed: proceed)
    let nearest = NearestVector(among: clusters.centres).indices(for: points).map { Int($0) }
    return mixture(
      of: points.floats, units: points.shape[1], assigned: nearest, components: components,
      ridge: ridge)
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
}
