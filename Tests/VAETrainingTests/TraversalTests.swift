import NeuralNetworks
import Tensors
import VAECore
import VAEEvaluation
import XCTest

/// Sweeps of latents.
final class TraversalTests: XCTestCase {
  private let context = Context(mode: .evaluation, random: RandomSource(seed: 1), examples: [0])

  func testASweepGoesFromTheFirstToTheLastPercentInEqualSteps() {
    XCTAssertEqual(Traversal(steps: 2).probabilities, [0.01, 0.99])
    for (found, wanted) in zip(Traversal(steps: 5).probabilities, [0.01, 0.255, 0.5, 0.745, 0.99]) {
      XCTAssertEqual(found, wanted, accuracy: 1e-12)
    }
  }

  func testUnitsAreSweptByFallingWeightAndOfEqualOnesByNumber() {
    let prior = StandardNormalPrior(units: 4)
    let middle = Tensor([10, 20, 30, 40], shape: [1, 4])
    let sweeps = Traversal(steps: 3).units(
      of: prior, middle: [middle], drawn: [.zeros([1, 4])], units: 3, weights: [1, 5, 0.5, 1],
      context)
    XCTAssertEqual(
      sweeps.map(\.latent), [.unit(1, level: 0), .unit(0, level: 0), .unit(3, level: 0)])
    let low = Float(StandardNormal.quantile(0.01))
    let found = sweeps[2].latents[0]
    XCTAssertEqual(found.shape, [3, 4])
    for (a, b) in zip(
      found.floats, [10, 20, 30, low, 10, 20, 30, 0, 10, 20, 30, -low])
    {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
  }

  /// Draws of units need not have their quantiles in the order of the rows.
  func testQuantilesOfDrawsAreThoseOfEachUnitAndTheOthersStandInTheMiddle() {
    let draws = Tensor([3, 30, 1, 50, 2, 10, 5, 20, 4, 40], shape: [5, 2])
    let sweeps = Traversal(steps: 3).units(
      over: draws, middle: Tensor([-1, -2], shape: [1, 2]), units: 1, weights: [1, 2])
    XCTAssertEqual(sweeps.map(\.latent), [.unit(1, level: 0)])
    XCTAssertEqual(sweeps[0].latents[0].floats, [-1, 10, -1, 30, -1, 50])
    let plain = Traversal(steps: 2).units(over: draws, middle: nil, units: 2, weights: [2, 1])
    XCTAssertEqual(plain[0].latents[0].floats, [1, 30, 5, 30])
    XCTAssertEqual(plain[1].latents[0].floats, [3, 10, 3, 50])
  }

  func testACodeIsReplacedAtItsPlaceByOthersThatItIsNot() {
    let grid = CodeGrid(height: 2, width: 3, codeCount: 10, vectorSize: 1)
    let sweeps = Traversal(steps: 3).codes(
      of: grid, base: [0, 1, 2, 3, 4, 5], others: [7, 4, 9, 8], places: [4, 2])
    XCTAssertEqual(sweeps.map(\.latent), [.place(row: 1, column: 1), .place(row: 0, column: 2)])
    XCTAssertEqual(sweeps[0].latents[0].shape, [3, 2, 3])
    XCTAssertEqual(
      sweeps[0].latents[0].indices,
      [0, 1, 2, 3, 4, 5, /**/ 0, 1, 2, 3, 7, 5, /**/ 0, 1, 2, 3, 9, 5])
    XCTAssertEqual(
      sweeps[1].latents[0].indices,
      [0, 1, 2, 3, 4, 5, /**/ 0, 1, 7, 3, 4, 5, /**/ 0, 1, 4, 3, 4, 5])
  }

  func testALatentIsNamedByItsLevelOnlyWhereThereAreSeveral() {
    XCTAssertEqual(TraversedLatent.unit(4, level: 0).name(levels: 1), ["unit 4"])
    XCTAssertEqual(TraversedLatent.unit(4, level: 2).name(levels: 3), ["level 2", "unit 4"])
    XCTAssertEqual(TraversedLatent.place(row: 3, column: 5).name(levels: 1), ["row 3", "column 5"])
  }

  func testTheChangeOfASweepIsThatFromItsFirstImage() {
    let images = Tensor([1, 2, 3, 2, 1, 5], shape: [3, 1, 2, 1])
    // (2, 0) and (0, 3) from (1, 2).
    XCTAssertEqual(Traversal.change(images), 4 + 0 + 0 + 9)
  }
}
