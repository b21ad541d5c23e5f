import Glibc
import Tensors

/// The arithmetic of `CountLikelihood` on one row, in double precision: differences of log Γ of large numbers have few
/// digits left.
struct CountRow {
  /// The counts.
  private let counts: [Double]
  private let isInflated: Bool
  /// log L, of a row of zeros that of one.
  private let logTotal: Double
  /// ∂ log p / ∂ each number of the decoder, column by column.
  private(set) var slopes: [Double] = []
  /// ∂ log p / ∂ log θ of each column.
  private(set) var dispersionSlopes: [Double] = []

  init(_ counts: [Double], isInflated: Bool) {
    self.counts = counts
    self.isInflated = isInflated
    logTotal = log(max(1, counts.reduce(0, +)))
  }

  /// The decoder's numbers for the row.
  var size: Int { counts.count * (isInflated ? 2 : 1) }

  /// log θ stays where θ is a number.
  private static let largestLogDispersion = 20.0

  /// θ of a column.
  static func dispersion(_ raw: Float) -> Double {
    exp(max(-largestLogDispersion, min(largestLogDispersion, Double(raw))))
  }

  /// Logarithms of a row's shares, log softmax.
  static func logShares(_ count: Int, _ numbers: Int, _ given: (Int) -> Double) -> [Double] {
    let values = (0..<count).map { given($0 * numbers) }
    let largest = values.max() ?? 0
    let sum = log(values.reduce(0) { $0 + exp($1 - largest) }) + largest
    return values.map { $0 - sum }
  }

  /// Σ log p of the row, and with it its slopes where somebody asks.
  ///
  /// - Parameters:
  ///   - given: the decoder's numbers for the row.
  ///   - rawDispersion: log θ of each column.
  ///   - slopes: whether the derivatives are wanted.
  mutating func price(
    _ given: UnsafePointer<Float>, _ rawDispersion: UnsafePointer<Float>, slopes isAsked: Bool
  ) -> Double {
    let numbers = isInflated ? 2 : 1
    let shares = Self.logShares(counts.count, numbers) { Double(given[$0]) }
    if isAsked {
      slopes = Array(repeating: 0, count: size)
      dispersionSlopes = Array(repeating: 0, count: counts.count)
    }
    var sum = 0.0
    // Σ ∂ log p / ∂ log μ, since shares add up to one.
    var whole = 0.0
    for column in counts.indices {
      let raw = Double(rawDispersion[column])
      let logit = isInflated ? Double(given[column * 2 + 1]) : nil
      let term = Self.term(
        counts[column], logMean: logTotal + shares[column],
        dispersion: Self.dispersion(rawDispersion[column]), logit: logit)
      sum += term.value
      guard isAsked else { continue }
      whole += term.byLogMean
      slopes[column * numbers] = term.byLogMean
      if isInflated { slopes[column * 2 + 1] = term.byLogit }
      dispersionSlopes[column] =
        abs(raw) < Self.largestLogDispersion ? term.byLogDispersion : 0
    }
    if isAsked {
      for column in counts.indices { slopes[column * numbers] -= exp(shares[column]) * whole }
    }
    return sum
  }

  /// log p of a count, and its derivatives.
  @inline(__always)
  private static func term(
    _ count: Double, logMean: Double, dispersion r: Double, logit: Double?
  ) -> (value: Double, byLogMean: Double, byLogDispersion: Double, byLogit: Double) {
    let mean = exp(logMean)
    // θ log θ/(θ+μ), and its derivative by θ but for what x adds.
    let power = -r * log1p(mean / r)
    if count == 0, let logit {
      // log (σ(d) + (1 − σ(d)) p(0)) = softplus(−d + log p(0)) − softplus(−d)
      let share = MixedLayout.sigmoid(power - logit)
      return (
        MixedLayout.softplus(power - logit) - MixedLayout.softplus(-logit),
        share * -r * mean / (r + mean), share * (power + r * mean / (r + mean)),
        MixedLayout.sigmoid(-logit) - share
      )
    }
    let gammas =
      SpecialFunctions.logGamma(count + r) - SpecialFunctions.logGamma(r)
      - SpecialFunctions.logGamma(count + 1)
    let value = gammas + power + count * (logMean - log(r + mean))
    let byLogDispersion =
      r * (SpecialFunctions.digamma(count + r) - SpecialFunctions.digamma(r)) + power
      + r * (mean - count) / (r + mean)
    return (
      value - (logit.map { MixedLayout.softplus($0) } ?? 0), r * (count - mean) / (r + mean),
      byLogDispersion, logit.map { -MixedLayout.sigmoid($0) } ?? 0
    )
  }
}
