import Tensors
import VAEData
import VAETraining
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

  /// Codes of all examples of a table; the closure gets an example's index and factor values, from
  /// −1 to 1, and returns its units.
  static func representation(
    _ table: FactorTable, _ code: (Int, [Double]) -> [Double]
  ) throws -> FactoredRepresentation {
    let rows = (0..<table.count).map { index in
      code(index, zip(table.values(at: index), table.sizes).map(spread))
    }
    return try XCTUnwrap(
      FactoredRepresentation(
        means: rows.flatMap { $0.map(Float.init) }, units: rows[0].count, factors: table))
  }

  private static func spread(_ value: Int32, _ size: Int) -> Double {
    size == 1 ? 0 : 2 * Double(value) / Double(size - 1) - 1
  }

  /// Standard normal numbers.
  static func noise(_ name: String, _ count: Int) -> [Double] {
    RandomSource(seed: 11).stream(name).normal([count]).floats.map(Double.init)
  }

  static func measure(
    _ representation: FactoredRepresentation, seed: UInt64 = 1
  ) -> Disentanglement {
    Disentanglement(representation, random: RandomSource(seed: seed))
  }
}
