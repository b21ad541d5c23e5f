import Glibc
import Tensors

/// What the rate of Gaussian posteriors pays for (Hoffman & Johnson 2016; Chen et al. 2018, equation 2): with
/// q(z) = 1/N Σ_n q(z|x_n) over all N examples,
///
///     E KL(q(z|x) ‖ p(z)) = I(x; z) + KL(q(z) ‖ p(z)),
///     KL(q(z) ‖ p(z)) = KL(q(z) ‖ Π_j q(z_j)) + Σ_j KL(q(z_j) ‖ p(z_j))
///
/// where the second line, total correlation and dimension-wise KL, is for a prior of independent units. All in nats.
///
/// The sums over examples are complete, and the expectation is the mean over draws, the same for every term, so that
/// the terms add up to the rate of these draws. I is that of the number of the example, which z cannot tell better
/// than exactly: it is at most log N, and where it comes near, what is left counts as KL(q(z) ‖ p(z)).
public struct RateDecomposition: Sendable {
  /// I(x; z).
  public let mutualInformation: Estimate
  /// KL(q(z) ‖ p(z)), which another prior can save.
  public let marginal: Estimate
  /// The total correlation; nil where the prior's units depend on each other.
  public let totalCorrelation: Estimate?
  /// The sum of the divergences of single units; nil where the prior's units depend on each other.
  public let dimensionWise: Estimate?
  /// N.
  public let examples: Int

  /// The draws whose terms are averaged.
  package struct Draws {
    /// z, `[M · units]`.
    package var values: [Float] = []
    /// log q(z|x) of the draw's own example, `[M]`.
    package var logPosteriors: [Double] = []
    /// log p(z), `[M]`.
    package var logPriors: [Double] = []

    package init() {}
  }

  /// The terms for some draws of the posteriors of examples.
  ///
  /// - Parameters:
  ///   - draws: one or more.
  ///   - means: of all examples, `[N · units]`.
  ///   - logVariances: of all examples.
  ///   - units: at least one.
  ///   - isFactorized: whether the prior's units are independent.
  package init(
    _ draws: Draws, means: [Float], logVariances: [Float], units: Int, isFactorized: Bool
  ) {
    examples = means.count / units
    let (joint, marginals) = withoutTape {
      Self.logDensities(
        draws.values, means: means, logVariances: logVariances, units: units)
    }
    let count = draws.logPriors.count
    mutualInformation = Estimate(of: (0..<count).map { draws.logPosteriors[$0] - joint[$0] })
    marginal = Estimate(of: (0..<count).map { joint[$0] - draws.logPriors[$0] })
    totalCorrelation =
      isFactorized ? Estimate(of: (0..<count).map { joint[$0] - marginals[$0] }) : nil
    dimensionWise =
      isFactorized ? Estimate(of: (0..<count).map { marginals[$0] - draws.logPriors[$0] }) : nil
  }

  /// Densities that are held at once, about: what stays in a cache.
  private static let tileSize = 1 << 18

  /// log q(z) and Σ_j log q(z_j) of each draw.
  private static func logDensities(
    _ draws: [Float], means: [Float], logVariances: [Float], units: Int
  ) -> (joint: [Double], marginals: [Double]) {
    let (count, points) = (means.count / units, draws.count / units)
    func column(_ values: [Float], _ unit: Int) -> [Float] {
      stride(from: unit, to: values.count, by: units).map { values[$0] }
    }
    let columns = (0..<units).map { unit in
      let halves = column(logVariances, unit).map { 0.5 * $0 }
      return (
        means: Tensor(column(means, unit), shape: [1, count]),
        precision: Tensor(halves.map { Float(0.5).squareRoot() * exp(-$0) }, shape: [1, count]),
        scale: Tensor(halves.map { -$0 }, shape: [1, count])
      )
    }
    // −½ log 2π and −log N, of a unit and of the mean over examples.
    let (constant, average) = (-0.5 * log(2 * Double.pi), -log(Double(count)))
    var (joint, marginals) = ([Double](), [Double]())
    let size = max(1, tileSize / count)
    for start in stride(from: 0, to: points, by: size) {
      let rows = start..<min(start + size, points)
      var all = Tensor.zeros([rows.count, count])
      var sums = [Double](repeating: 0, count: rows.count)
      for unit in 0..<units {
        let z = Tensor(rows.map { draws[$0 * units + unit] }, shape: [rows.count, 1])
        let own = columns[unit]
        let densities = own.scale - ((z - own.means) * own.precision).squared()
        all = all + densities
        for (row, value) in densities.logSumExp().floats.enumerated() {
          sums[row] += Double(value) + constant + average
        }
      }
      joint += all.logSumExp().floats.map { Double($0) + Double(units) * constant + average }
      marginals += sums
    }
    return (joint, marginals)
  }
}
