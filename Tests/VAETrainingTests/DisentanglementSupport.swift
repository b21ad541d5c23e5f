import Tensors
import VAEData
import VAEEvaluation
import XCTest

/// Representations whose scores are known.
enum DisentanglementSupport {
  /// Every combination of factor values, each so many times.
  static func table(_ sizes: [Int], repeats: Int) -> FactorTable {
    let count = sizes.reduce(1, *)
    return FactorTable(
      sizes.enumerated().map { (name: "factor \($0.offset)", size: $0.element) },
      combinations: (0..<count * repeats).map { Int32($0 % count) })
  }

  /// Posteriors of all examples of a table; the closure gets an example's index and factor values,
  /// from −1 to 1, and returns the means of its units, whose standard deviation is one number.
  static func representation(
    _ table: FactorTable, deviation: Float = 0.02, _ code: (Int, [Double]) -> [Double]
  ) throws -> FactoredRepresentation {
    let rows = (0..<table.count).map { code($0, spread(table, $0)) }
    let means = rows.flatMap { $0.map(Float.init) }
    return try XCTUnwrap(
      FactoredRepresentation(
        means: means, variances: means.map { _ in deviation * deviation }, units: rows[0].count,
        factors: table))
  }

  /// The factor values of an example, from −1 to 1.
  static func spread(_ table: FactorTable, _ index: Int) -> [Double] {
    zip(table.values(at: index), table.sizes).map(spread)
  }

  private static func spread(_ value: Int32, _ size: Int) -> Double {
    size == 1 ? 0 : 2 * Double(value) / Double(size - 1) - 1
  }

  /// Standard normal numbers.
  static func noise(_ name: String, _ count: Int) -> [Double] {
    RandomSource(seed: 11).stream(name).normal([count]).floats.map(Double.init)
  }

  /// The gap of a representation that has deviations.
  static func gap(
    _ representation: FactoredRepresentation, seed: UInt64 = 1
  ) throws -> MutualInformationGap {
    try XCTUnwrap(MutualInformationGap(representation, random: RandomSource(seed: seed)))
  }

  static func measure(
    _ representation: FactoredRepresentation, seed: UInt64 = 1
  ) -> Disentanglement {
    let random = RandomSource(seed: seed)
    return Disentanglement(
      mutualInformationGap: MutualInformationGap(
        representation, random: random.child("mutual information gap")),
      factorVAEScore: FactorVAEScore(
        representation, random: random.child("FactorVAE score")),
      dci: DCI(representation, random: random.child("DCI")))
  }
}

/// All measures of one representation.
struct Disentanglement: Equatable {
  let mutualInformationGap: MutualInformationGap?
  let factorVAEScore: FactorVAEScore
  let dci: DCI
}
