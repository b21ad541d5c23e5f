import Glibc
import Tensors

/// The arithmetic of `CountLikelihood` on one row.
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
      let law = CountDistribution(
        logMean: logTotal + shares[column], dispersion: Self.dispersion(rawDispersion[column]))
      let term = Self.term(counts[column], law, logit: logit)
      sum += term.price.value
      guard isAsked else { continue }
      whole += term.price.byLogMean
      slopes[column * numbers] = term.price.byLogMean
      if isInflated { slopes[column * 2 + 1] = term.byLogit }
      dispersionSlopes[column] =
        abs(raw) < Self.largestLogDispersion ? term.price.byLogDispersion : 0
    }
    if isAsked {
      for column in counts.indices { slopes[column * numbers] -= exp(shares[column]) * whole }
    }
    return sum
  }

  /// log p of a count with its derivatives, and that by the logit of a zero that is one whatever the mean.
  @inline(__always)
  private static func term(
    _ count: Double, _ law: CountDistribution, logit: Double?
  ) -> (price: CountDistribution.Price, byLogit: Double) {
    var price = law.price(of: count)
    guard let logit else { return (price, 0) }
    guard count == 0 else {
      price.value -= MixedLayout.softplus(logit)
      return (price, -MixedLayout.sigmoid(logit))
    }
    // log (σ(d) + (1 − σ(d)) p(0)) = softplus(−d + log p(0)) − softplus(−d)
    let share = MixedLayout.sigmoid(price.value - logit)
    price.byLogMean *= share
    price.byLogDispersion *= share
    price.value =
      MixedLayout.softplus(price.value - logit) - MixedLayout.softplus(-logit)
    return (price, MixedLayout.sigmoid(-logit) - share)
  }
}
