import Foundation
import Tensors
import VAECore
import XCTest

/// A Gaussian of independent units and what is made of it.
final class DiagonalGaussianTests: XCTestCase {
  private let gaussian = DiagonalGaussian(
    mean: Tensor([1, -2, 0.5, 3], shape: [2, 2]),
    logVariance: Tensor([2 * log(3), 0, -2 * log(2), 2], shape: [2, 2]))

  func testANetworksOutputHoldsTheMeansAndThenTheLogVariancesWithinTwenty() {
    let head = DiagonalGaussian(head: Tensor([1, 2, 3, 30, -30, 0.5], shape: [1, 6]))
    XCTAssertEqual(head.means.floats, [1, 2, 3])
    XCTAssertEqual(head.logVariance.floats, [20, -20, 0.5])
  }

  func testAPointLiesAsManyDeviationsFromTheMeanAsItsNoiseSays() {
    let noise = Tensor([2, 0.5, -4, 1], shape: [2, 2])
    let value = gaussian.value(at: noise)
    for (found, wanted) in zip(value.floats, [7, -1.5, -1.5, 3 + exp(1.0)] as [Float]) {
      XCTAssertEqual(found, wanted, accuracy: 1e-5)
    }
    for (found, wanted) in zip(gaussian.noise(of: value).floats, noise.floats) {
      XCTAssertEqual(found, wanted, accuracy: 1e-5)
    }
  }

  func testItsEntropyIsThatOfEachExample() throws {
    let constant = 1 + log(2 * Float.pi)
    let found = try XCTUnwrap(gaussian.entropy).floats
    XCTAssertEqual(found[0], log(3) + constant, accuracy: 1e-5)
    XCTAssertEqual(found[1], 1 - log(2) + constant, accuracy: 1e-5)
    XCTAssertEqual(
      try XCTUnwrap(StandardNormal(exampleCount: 2, units: 3).entropy).floats,
      [1.5 * constant, 1.5 * constant])
  }

  func testItRepeatsAllExamplesForEachDrawAndItsModeIsItsMean() throws {
    let tiled = gaussian.tiled(2)
    XCTAssertEqual(tiled.means.floats, gaussian.means.floats + gaussian.means.floats)
    XCTAssertEqual(
      tiled.logVariance.floats, gaussian.logVariance.floats + gaussian.logVariance.floats)
    XCTAssertEqual(try XCTUnwrap(gaussian.mode).floats, [1, -2, 0.5, 3])
    let standard = DiagonalGaussian.standard(like: gaussian)
    XCTAssertEqual(standard.means.floats, [0, 0, 0, 0])
    XCTAssertEqual(standard.logVariance.floats, [0, 0, 0, 0])
  }

  func testRatesOfUnitsAreThoseOfTheFormulaForEachExample() throws {
    let normal = StandardNormal(exampleCount: 2, units: 2)
    let units = try XCTUnwrap(
      DivergenceTable.standard.divergence(from: gaussian, to: normal)?.perUnit)
    // ½ (mean² + variance − log variance − 1).
    let wanted: [Float] = [
      (1 + 9 - 2 * log(3) - 1) / 2, (4 + 1 - 1) / 2, (0.25 + 0.25 + 2 * log(2) - 1) / 2,
      (9 + exp(2.0) - 2 - 1) / 2,
    ]
    for (found, wanted) in zip(units.floats, wanted) {
      XCTAssertEqual(found, wanted, accuracy: 1e-4)
    }
    let prior = DiagonalGaussian(
      mean: Tensor([2, 0, -1, 1], shape: [2, 2]),
      logVariance: Tensor([0, 2 * log(2), 1, -1], shape: [2, 2]))
    let other = try XCTUnwrap(
      DivergenceTable.standard.divergence(from: gaussian, to: prior)?.perUnit)
    let wantedOther: [Float] = [
      (0 - 2 * log(3) + 9 + 1 - 1) / 2, (2 * log(2) + (1 + 4) / 4 - 1) / 2,
      (1 + 2 * log(2) + (0.25 + 2.25) * exp(-1.0) - 1) / 2,
      (-1 - 2 + (exp(2.0) + 4) * exp(1.0) - 1) / 2,
    ]
    for (found, wanted) in zip(other.floats, wantedOther) {
      XCTAssertEqual(found, wanted, accuracy: 1e-3)
    }
  }
}
