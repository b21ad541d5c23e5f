import Foundation
import LadderVAE
import VAEZoo
import XCTest

final class LadderPosteriorTests: XCTestCase {
  private func message(_ mean: [Float], _ logVariance: [Float]) -> DiagonalGaussian {
    let shape: Shape = [1, mean.count]
    return DiagonalGaussian(
      mean: Tensor(mean, shape: shape), logVariance: Tensor(logVariance, shape: shape))
  }

  func testMergingMultipliesTheDensities() {
    // In double precision: σ² = 1 / (1/σ₁² + 1/σ₂²), μ = σ² (μ₁/σ₁² + μ₂/σ₂²).
    let means: [(Float, Float)] = [(1, -2), (0.3, 0.7), (5, 5), (-4, 3)]
    let logs: [(Float, Float)] = [(0, 0), (-1.5, 0.4), (2, -3), (0.1, 6)]
    let merged = message(means.map(\.0), logs.map(\.0)).merged(
      with: message(means.map(\.1), logs.map(\.1)))
    for index in means.indices {
      let (first, second) = (exp(-Double(logs[index].0)), exp(-Double(logs[index].1)))
      let variance = 1 / (first + second)
      let mean = variance * (Double(means[index].0) * first + Double(means[index].1) * second)
      XCTAssertEqual(Double(merged.means.floats[index]), mean, accuracy: 1e-5)
      XCTAssertEqual(Double(merged.logVariance.floats[index]), log(variance), accuracy: 1e-5)
    }
  }

  /// Moments of the product of two densities, taken numerically, without the formula:
  ///
  ///     import numpy as np
  ///     for (m1, l1), (m2, l2) in pairs:
  ///         s = np.exp(min(l1, l2) / 2)
  ///         z = np.linspace(min(m1, m2) - 14 * s, max(m1, m2) + 14 * s, 4_000_001)
  ///         p = -(z - m1)**2 / 2 * np.exp(-l1) - (z - m2)**2 / 2 * np.exp(-l2)
  ///         p = np.exp(p - p.max()); p /= p.sum()
  ///         mean = (p * z).sum(); print(mean, np.log((p * (z - mean)**2).sum()))
  func testMergingAgreesWithMomentsOfTheProductTakenByNumPy() {
    let first = message([1, 0.3, 5, -4, 2], [0, -1.5, 2, 0.1, -9])
    let second = message([-2, 0.7, 5, 3, 2.5], [0, 0.4, -3, 6, -8])
    let merged = first.merged(with: second)
    let means: [Float] = [-0.5, 0.35204339, 5, -3.98087627, 2.13447071]
    let logs: [Float] = [-0.69314718, -1.63938676, -3.00671535, 0.09726430, -9.31326169]
    for index in means.indices {
      XCTAssertEqual(merged.means.floats[index], means[index], accuracy: 1e-5)
      XCTAssertEqual(merged.logVariance.floats[index], logs[index], accuracy: 1e-5)
    }
  }

  func testMergingIsSymmetric() {
    let (a, b) = (message([1, 2, -3], [0.5, -2, 1]), message([-1, 0, 4], [1, 3, -6]))
    for (x, y) in zip(a.merged(with: b).means.floats, b.merged(with: a).means.floats) {
      XCTAssertEqual(x, y, accuracy: 1e-5)
    }
    for (x, y) in zip(a.merged(with: b).logVariance.floats, b.merged(with: a).logVariance.floats) {
      XCTAssertEqual(x, y, accuracy: 1e-5)
    }
  }

  func testTheSurerOfTwoFarApartWins() {
    let merged = message([7, 7], [20, -20]).merged(with: message([-3, -3], [-20, 20]))
    XCTAssertEqual(merged.means.floats, [-3, 7])
    XCTAssertEqual(merged.logVariance.floats[0], -20, accuracy: 1e-5)
    XCTAssertEqual(merged.logVariance.floats[1], -20, accuracy: 1e-5)
  }

  func testTwoEquallySureOnesHalveTheVariance() {
    let merged = message([1, 1], [-20, 20]).merged(with: message([2, 2], [-20, 20]))
    XCTAssertEqual(merged.means.floats, [1.5, 1.5])
    XCTAssertEqual(merged.logVariance.floats[0], -20 - Float(log(2.0)), accuracy: 1e-5)
    XCTAssertEqual(merged.logVariance.floats[1], 20 - Float(log(2.0)), accuracy: 1e-5)
  }

  func testValuesAndGradientsAreFiniteHoweverFarThePrecisionsLieApart() throws {
    // e^100 is beyond single precision, so that precisions themselves could not be added.
    let logs: [Float] = [-20, -20, 20, 20, -100, 100, -100]
    let others: [Float] = [-20, 20, -20, 20, 100, -100, -100]
    let parameters = [logs.map { _ in 3 }, logs, logs.map { _ in -1000 }, others].map {
      Parameter(Tensor($0, shape: [1, 7]))
    }
    let merged = DiagonalGaussian(
      mean: parameters[0].tensor, logVariance: parameters[1].tensor
    ).merged(
      with: DiagonalGaussian(mean: parameters[2].tensor, logVariance: parameters[3].tensor))
    XCTAssertTrue(merged.means.isFinite && merged.logVariance.isFinite)
    let gradients = (merged.means + merged.logVariance).sum().backward()
    for parameter in parameters {
      XCTAssertTrue(try XCTUnwrap(gradients[parameter]).isFinite)
    }
  }

  func testGradientsOfAMergeAreThoseOfFiniteDifferences() throws {
    let start: [Float] = [0.4, -1.1, 0.8, 0.2]
    let value = { (numbers: Tensor) -> Tensor in
      let parts = numbers.split(sizes: [1, 1, 1, 1])
      let merged = DiagonalGaussian(mean: parts[0], logVariance: parts[1]).merged(
        with: DiagonalGaussian(mean: parts[2], logVariance: parts[3]))
      return (merged.means * 1.7 + merged.logVariance.squared()).sum()
    }
    let parameter = Parameter(Tensor(start, shape: [1, 4]))
    let gradients = value(parameter.tensor).backward()
    let found = try XCTUnwrap(gradients[parameter]).floats
    for index in start.indices {
      var (up, down) = (start, start)
      (up[index], down[index]) = (start[index] + 0.01, start[index] - 0.01)
      let slope =
        (value(Tensor(up, shape: [1, 4])).item - value(Tensor(down, shape: [1, 4])).item) / 0.02
      XCTAssertEqual(found[index], slope, accuracy: 1e-3)
    }
  }
}
