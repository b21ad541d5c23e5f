import Tensors
import VAEEvaluation
import XCTest

/// The forest that tells factors from units.
final class DisentanglementForestTests: XCTestCase {
  private func forest(
    _ columns: [[Float]], _ classes: [Int32], classCount: Int, trees: Int = 20, seed: UInt64 = 2
  ) -> RandomForest {
    var generator = RandomSource(seed: seed).stream("forest").generator()
    return RandomForest(
      features: SortedFeatures(columns), classes: classes, classCount: classCount,
      treeCount: trees, &generator)
  }

  private func accuracy(_ forest: RandomForest, _ columns: [[Float]], _ classes: [Int32]) -> Double
  {
    let right = classes.indices.count { example in
      forest.prediction(columns.map { $0[example] }) == classes[example]
    }
    return Double(right) / Double(classes.count)
  }

  private func noise(_ name: String, _ count: Int = 400) -> [Float] {
    RandomSource(seed: 8).stream(name).normal([count]).floats
  }

  func testIntervalsOfOneFeatureAreToldByItAlone() {
    let columns = [noise("a"), noise("b"), noise("c")]
    let classes = columns[1].map { value -> Int32 in value < -0.5 ? 2 : value < 0.7 ? 0 : 1 }
    let forest = forest(columns, classes, classCount: 3)
    XCTAssertEqual(forest.importances[1], 1, accuracy: 0.01)
    XCTAssertGreaterThan(accuracy(forest, columns, classes), 0.99)
    XCTAssertEqual(forest.prediction([0, -3, 0]), 2)
    XCTAssertEqual(forest.prediction([0, 0, 0]), 0)
    XCTAssertEqual(forest.prediction([0, 3, 0]), 1)
  }

  func testAClassOfTwoFeaturesTogetherSharesItsImportance() {
    // Exclusive or: neither feature says anything by itself.
    let columns = [noise("a", 1000), noise("b", 1000)]
    let classes = zip(columns[0], columns[1]).map { Int32(($0 > 0) == ($1 > 0) ? 1 : 0) }
    let forest = forest(columns, classes, classCount: 2)
    XCTAssertEqual(forest.importances[0], 0.5, accuracy: 0.1)
    XCTAssertEqual(forest.importances.reduce(0, +), 1, accuracy: 1e-12)
    XCTAssertGreaterThan(accuracy(forest, columns, classes), 0.97)
  }

  func testEqualFeaturesShareTheirImportance() {
    let column = noise("a")
    let classes = column.map { Int32(min(3, max(0, ($0 + 2).rounded(.down)))) }
    let forest = forest([column, column, column], classes, classCount: 4, trees: 200)
    for importance in forest.importances { XCTAssertEqual(importance, 1 / 3, accuracy: 0.06) }
  }

  func testOrderAloneCounts() {
    let column = noise("a").map { $0 / 4 }
    let classes = column.map { Int32($0 < 0.05 ? 0 : 1) }
    let plain = forest([column, noise("b")], classes, classCount: 2)
    let bent = forest([column.map { exp(20 * $0) }, noise("b")], classes, classCount: 2)
    XCTAssertEqual(plain.importances, bent.importances)
  }

  func testNeighbouringNumbersAreToldApart() {
    let low: Float = 1
    let columns = [(0..<40).map { $0 % 2 == 0 ? low : low.nextUp }]
    let classes = (0..<40).map { Int32($0 % 2) }
    XCTAssertEqual(accuracy(forest(columns, classes, classCount: 2), columns, classes), 1)
    let extremes = [(0..<40).map { Float($0 % 2 == 0 ? -1 : 1) * .greatestFiniteMagnitude }]
    XCTAssertEqual(accuracy(forest(extremes, classes, classCount: 2), extremes, classes), 1)
  }

  func testFeaturesThatNeverVaryHaveNoImportanceAndTheMostFrequentClassWins() {
    let classes = (0..<60).map { Int32($0 % 3 == 0 ? 0 : 1) }
    let columns = [Array(repeating: Float(2), count: 60), Array(repeating: Float(0), count: 60)]
    let forest = forest(columns, classes, classCount: 3)
    XCTAssertEqual(forest.importances, [0, 0])
    XCTAssertEqual(forest.prediction([2, 0]), 1)
  }

  func testTreesAreCutWhereFurtherSplitsFollowNoise() {
    // One threshold, and a fifth of the classes wrong: a few splits say all there is to say.
    let columns = (0..<4).map { noise("feature \($0)", 2000) }
    let flips = noise("flips", 2000)
    let classes = zip(columns[0], flips).map { Int32(($0 > 0) == ($1 > -0.84) ? 1 : 0) }
    let forest = forest(columns, classes, classCount: 2)
    XCTAssertLessThanOrEqual(forest.depth, 4)
    XCTAssertGreaterThan(forest.importances[0], 0.9)
    XCTAssertEqual(accuracy(forest, columns, classes), 0.8, accuracy: 0.03)
  }

  func testTheSameStreamGrowsTheSameForest() {
    let columns = [noise("a"), noise("b"), noise("c")]
    let classes = zip(columns[0], columns[2]).map { Int32($0 + 0.7 * $1 > 0 ? 1 : 0) }
    func importances(_ seed: UInt64) -> [Double] {
      forest(columns, classes, classCount: 2, seed: seed).importances
    }
    XCTAssertEqual(importances(1), importances(1))
    XCTAssertNotEqual(importances(1), importances(2))
  }
}
