import Glibc
import Tensors

/// Expectation maximisation for a mixture of Gaussians with full covariance matrices (Dempster, Laird &
/// Rubin 1977; Bishop 2006, section 9.2.2), in double precision.
///
/// To each covariance matrix a ridge is added, without which one that collapses onto few points has no
/// density. A step with it can lower the likelihood, if by little; such a step is not taken, and ends
/// the fit.
package struct ExpectationMaximization {
  /// The parameters of a mixture.
  package struct Mixture: Sendable {
    /// π, one a component.
    package var weights: [Double]
    /// μ, one a component.
    package var means: [[Double]]
    /// L, the Cholesky factor of each covariance matrix.
    package var factors: [DoubleMatrix]
  }

  /// The parameters that it has come to.
  package let mixture: Mixture
  /// The mean of log p(z) over the points in nats, of the start and after each step.
  package let logLikelihoods: [Double]

  /// How long it goes on, and what it adds to covariances.
  package struct Options: Sendable {
    /// What is added to the diagonal of covariance matrices.
    package var ridge = 1e-6
    /// Steps at most.
    package var iterations = 200
    /// It ends where a step gains less than this, in nats a point.
    package var tolerance = 1e-4

    /// The usual ones.
    package init() {}
  }

  /// Fits a mixture to the rows of some points, `[M, units]`.
  ///
  /// - Parameter proceed: called before each step; what it throws ends the fit.
  package init(
    _ points: Tensor, from start: Mixture, _ options: Options = Options(),
    proceed: () throws -> Void = {}
  ) rethrows {
    var mixture = start
    var statistics = MixtureStatistics(points, under: mixture)
    var trail = [statistics.meanLogDensity]
    for _ in 0..<options.iterations {
      try proceed()
      guard let next = statistics.mixture(ridge: options.ridge) else { break }
      let after = MixtureStatistics(points, under: next)
      let gain = after.meanLogDensity - statistics.meanLogDensity
      // Written so that what is not a number ends it too.
      guard gain >= 0 else { break }
      (mixture, statistics) = (next, after)
      trail.append(after.meanLogDensity)
      if gain < options.tolerance { break }
    }
    self.mixture = mixture
    logLikelihoods = trail
  }

  /// The memory that a fit needs beside its points and the mixture, in bytes.
  package static func bytes(components: Int, units: Int) -> Int {
    MixtureStatistics.bytes(components: components, units: units)
  }

  /// The mean of log p(z) over the rows of some points in nats.
  package static func meanLogDensity(_ points: Tensor, under mixture: Mixture) -> Double {
    MixtureStatistics(points, under: mixture).meanLogDensity
  }
}

/// What a step needs of the points: for each component the sum of responsibilities, and the sums of
/// distances from its mean and of their products, weighted by them.
private struct MixtureStatistics {
  let meanLogDensity: Double
  private let count: Int
  private let mixture: ExpectationMaximization.Mixture
  private let units: Int
  /// As `Layout` says.
  private let sums: [Double]

  /// Where the sums of one part of the points lie.
  private struct Layout {
    let components: Int
    let units: Int
    /// One number for log-densities, then for each component its weight, distances and products.
    var size: Int { 1 + components * (1 + units + units * units) }
    func weight(_ component: Int) -> Int { 1 + component }
    func distances(_ component: Int) -> Int { 1 + components + component * units }
    func products(_ component: Int) -> Int {
      1 + components * (1 + units) + component * units * units
    }
  }

  /// The points are divided into as many parts whatever the threads, and parts are added up in order.
  private static let parts = 16

  /// The sums of all parts, before and after a step, and a matrix for each component.
  static func bytes(components: Int, units: Int) -> Int {
    let size = Layout(components: components, units: units).size
    return MemoryLayout<Double>.stride * (2 * (parts + 1) * size + components * units * units)
  }

  init(_ points: Tensor, under mixture: ExpectationMaximization.Mixture) {
    (count, units) = (points.shape[0], points.shape[1])
    self.mixture = mixture
    let layout = Layout(components: mixture.weights.count, units: units)
    let terms = MixtureTerms(mixture, units: units)
    let (count, parts) = (count, Self.parts)
    var all = [Double](repeating: 0, count: layout.size * parts)
    points.withFloats { points in
      all.withUnsafeMutableBufferPointer { all in
        nonisolated(unsafe) let (points, all) = (points, all)
        Engine.divide(parts, block: 1) { range in
          for part in range {
            let sums = UnsafeMutableBufferPointer(
              rebasing: all[part * layout.size..<(part + 1) * layout.size])
            Self.add(points, count * part / parts..<count * (part + 1) / parts, terms, layout, sums)
          }
        }
      }
    }
    var sums = [Double](repeating: 0, count: layout.size)
    for part in 0..<parts {
      for place in 0..<layout.size { sums[place] += all[part * layout.size + place] }
    }
    self.sums = sums
    meanLogDensity = sums[0] / Double(max(1, count))
  }

  private static func add(
    _ points: UnsafeBufferPointer<Float>, _ rows: Range<Int>, _ terms: MixtureTerms,
    _ layout: Layout, _ sums: UnsafeMutableBufferPointer<Double>
  ) {
    let (components, units) = (layout.components, layout.units)
    var logs = [Double](repeating: 0, count: components)
    var distance = [Double](repeating: 0, count: units)
    var scaled = [Double](repeating: 0, count: units)
    for row in rows {
      for component in 0..<components {
        terms.setDistance(points, row, component, &distance)
        logs[component] = terms.logDensity(distance, component, &scaled)
      }
      let top = logs.reduce(-.infinity, max)
      guard top.isFinite else {
        sums[0] += top
        continue
      }
      let total = top + Glibc.log(logs.reduce(0) { $0 + Glibc.exp($1 - top) })
      sums[0] += total
      for component in 0..<components {
        let share = Glibc.exp(logs[component] - total)
        // What a point of so small a share adds is below the last digit of what others do.
        guard share > 1e-16 else { continue }
        terms.setDistance(points, row, component, &distance)
        sums[layout.weight(component)] += share
        let (first, second) = (layout.distances(component), layout.products(component))
        for unit in 0..<units {
          let weighted = share * distance[unit]
          sums[first + unit] += weighted
          for other in 0...unit {
            sums[second + unit * units + other] += weighted * distance[other]
          }
        }
      }
    }
  }

  /// The mixture of the next step; nil where a covariance matrix has no factor.
  func mixture(ridge: Double) -> ExpectationMaximization.Mixture? {
    let layout = Layout(components: mixture.weights.count, units: units)
    var next = mixture
    // A component that no point belongs to keeps a weight, so that its logarithm is a number.
    let least = 1e-15
    for component in mixture.weights.indices {
      let weight = sums[layout.weight(component)] + least
      next.weights[component] = weight
      let shift = (0..<units).map { sums[layout.distances(component) + $0] / weight }
      for unit in 0..<units { next.means[component][unit] += shift[unit] }
      let products = layout.products(component)
      var covariance = DoubleMatrix(rows: units, columns: units)
      for unit in 0..<units {
        for other in 0...unit {
          let value =
            sums[products + unit * units + other] / weight - shift[unit] * shift[other]
          covariance[unit, other] = value
          covariance[other, unit] = value
        }
        covariance[unit, unit] += ridge
      }
      guard let factor = covariance.choleskyFactor else { return nil }
      next.factors[component] = factor
    }
    let total = next.weights.reduce(0, +)
    next.weights = next.weights.map { $0 / total }
    return next
  }
}

/// What the density of a point takes of a mixture, computed once for all points.
private struct MixtureTerms: Sendable {
  private let units: Int
  private let means: [Double]
  /// L⁻¹ of each component, column after column, so that loops run along them.
  private let columns: [Double]
  /// log π − Σ log Lᵢᵢ − ½ units · log 2π of each component.
  private let constants: [Double]

  init(_ mixture: ExpectationMaximization.Mixture, units: Int) {
    self.units = units
    means = mixture.means.flatMap { $0 }
    let identity = DoubleMatrix(rows: units, columns: units) { $0 == $1 ? 1 : 0 }
    columns = mixture.factors.flatMap { factor -> [Double] in
      let inverse = factor.triangularSolve(identity, upper: false)
      return (0..<units * units).map { inverse[$0 % units, $0 / units] }
    }
    constants = mixture.weights.indices.map { component in
      let factor = mixture.factors[component]
      let logDiagonal = (0..<units).reduce(0) { $0 + Glibc.log(factor[$1, $1]) }
      return Glibc.log(mixture.weights[component]) - logDiagonal
        - 0.5 * Double(units) * Glibc.log(2 * Double.pi)
    }
  }

  func setDistance(
    _ points: UnsafeBufferPointer<Float>, _ row: Int, _ component: Int, _ distance: inout [Double]
  ) {
    for unit in 0..<units {
      distance[unit] = Double(points[row * units + unit]) - means[component * units + unit]
    }
  }

  /// log π + log N of a point with a distance from the mean.
  func logDensity(_ distance: [Double], _ component: Int, _ scaled: inout [Double]) -> Double {
    let first = component * units * units
    return scaled.withUnsafeMutableBufferPointer { scaled in
      columns.withUnsafeBufferPointer { columns in
        for unit in 0..<units { scaled[unit] = 0 }
        for column in 0..<units {
          let (value, start) = (distance[column], first + column * units)
          for unit in column..<units { scaled[unit] += columns[start + unit] * value }
        }
      }
      var square = 0.0
      for unit in 0..<units { square += scaled[unit] * scaled[unit] }
      return constants[component] - 0.5 * square
    }
  }
}
