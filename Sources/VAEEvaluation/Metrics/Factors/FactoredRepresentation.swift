import Tensors
import VAEData

/// What a model says of examples beside the factors that generated them: what every measure of
/// disentanglement looks at.
///
/// A representation is the posterior: its means, which are what most measures look at, as in the
/// comparisons of Locatello et al. (2019), and its standard deviations. A factor that has the same
/// value in all examples is none of these, and is left out.
public struct FactoredRepresentation: Sendable {
  /// A column of means for each unit.
  let units: [[Float]]
  /// A column of standard deviations for each unit; nil where the posterior has none, or one that
  /// is not in `measurableDeviations`.
  let deviations: [[Float]]?
  /// A column of values for each factor, those of factor k in `0..<sizes[k]`.
  let factors: [[Int32]]
  /// The number of values that each factor may have.
  let sizes: [Int]

  /// Standard deviations whose densities single precision holds beside each other.
  private static let measurableDeviations: ClosedRange<Float> = 1e-12...1e12

  /// A representation of some examples.
  ///
  /// - Parameters:
  ///   - means: `units` numbers for each example, example after example.
  ///   - variances: as many, in the same order; nil where the posterior has none.
  ///   - units: the number of latent units.
  ///   - table: the factors of the same examples.
  /// - Returns: nil where there is nothing to measure: no unit, no factor with two values, or a
  ///   mean that is not finite.
  public init?(means: [Float], variances: [Float]?, units: Int, factors table: FactorTable) {
    ensure(
      means.count == units * table.count,
      "\(means.count) means are not \(units) for each of \(table.count) examples")
    ensure(
      variances.map { $0.count == means.count } ?? true,
      "\(variances?.count ?? 0) variances do not go with \(means.count) means")
    guard units > 0, means.allSatisfy(\.isFinite) else { return nil }
    func columns(_ rows: [Float]) -> [[Float]] {
      (0..<units).map { unit in stride(from: unit, to: rows.count, by: units).map { rows[$0] } }
    }
    self.units = columns(means)
    let deviations = variances.map { $0.map { $0.squareRoot() } }
    self.deviations = deviations.flatMap {
      $0.allSatisfy(Self.measurableDeviations.contains) ? columns($0) : nil
    }
    let rows = (0..<table.count).map(table.values)
    let varying = table.sizes.indices.filter { factor in
      rows.contains { $0[factor] != rows[0][factor] }
    }
    guard !varying.isEmpty else { return nil }
    factors = varying.map { factor in rows.map { $0[factor] } }
    sizes = varying.map { table.sizes[$0] }
  }

  /// The number of examples, at least two.
  var count: Int { units[0].count }

  /// How many examples have each value of a factor.
  func counts(ofFactor factor: Int) -> [Int] {
    var counts = Array(repeating: 0, count: sizes[factor])
    for value in factors[factor] { counts[Int(value)] += 1 }
    return counts
  }
}
