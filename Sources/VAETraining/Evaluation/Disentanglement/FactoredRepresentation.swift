import VAEData

/// What a model says of examples beside the factors that generated them: what every measure of
/// disentanglement looks at.
///
/// A representation is the posterior's mean, as in the comparisons of Locatello et al. (2019). A
/// factor that has the same value in all examples is none of these, and is left out.
public struct FactoredRepresentation: Sendable {
  /// A column of means for each unit.
  let units: [[Float]]
  /// A column of values for each factor, those of factor k in `0..<sizes[k]`.
  let factors: [[Int32]]
  /// The number of values that each factor may have.
  let sizes: [Int]

  /// A representation of some examples.
  ///
  /// - Parameters:
  ///   - means: `units` numbers for each example, example after example.
  ///   - units: the number of latent units.
  ///   - table: the factors of the same examples.
  /// - Returns: nil where there is nothing to measure: no unit, no factor with two values, or a
  ///   mean that is not finite.
  public init?(means: [Float], units: Int, factors table: FactorTable) {
    precondition(
      means.count == units * table.count,
      "\(means.count) means are not \(units) for each of \(table.count) examples")
    guard units > 0, means.allSatisfy(\.isFinite) else { return nil }
    self.units = (0..<units).map { unit in
      stride(from: unit, to: means.count, by: units).map { means[$0] }
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
