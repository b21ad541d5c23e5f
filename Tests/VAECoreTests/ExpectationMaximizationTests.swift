import Foundation
import Tensors
import VAEComponents
import XCTest

final class ExpectationMaximizationTests: XCTestCase {
  /// What `Reference/mixture-em.py` stores.
  private struct Reference: Decodable {
    let points: [Float]
    let assigned: [Int]
    let ridge: Double
    let logLikelihoods: [[Double]]
    let weights: [Double]
    let means: [Double]
    let covariances: [Double]
  }

  private func reference() throws -> Reference {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/mixture-em.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Reference.self, from: Data(contentsOf: path))
  }

  /// Draws of three Gaussians in the plane with weights .5, .3, .2 and correlated units.
  private func draws(_ count: Int) -> Tensor {
    let noise = RandomSource(seed: 11).stream("points").normal([count, 2]).floats
    let values = (0..<count).flatMap { row -> [Float] in
      let (a, b) = (noise[2 * row], noise[2 * row + 1])
      switch row % 10 {
      case 0..<5: return [-4 + a, 0.8 * a + 0.6 * b]
      case 5..<8: return [4 + 0.5 * a, 3 - 0.25 * a + 0.5 * b]
      default: return [0.3 * a, -5 + 0.3 * b]
      }
    }
    return Tensor(values, shape: [count, 2])
  }

  private func options(_ iterations: Int) -> ExpectationMaximization.Options {
    var options = ExpectationMaximization.Options()
    (options.iterations, options.tolerance) = (iterations, 0)
    return options
  }

  func testStepsAreThoseOfScikitLearnFromTheSameStart() throws {
    let reference = try reference()
    let points = Tensor(reference.points, shape: [reference.points.count / 3, 3])
    let start = try XCTUnwrap(
      ExpectationMaximization.mixture(
        of: reference.points, units: 3, assigned: reference.assigned, components: 3,
        ridge: reference.ridge))
    let fit = try ExpectationMaximization(points, from: start, options(40))
    for pair in reference.logLikelihoods {
      XCTAssertEqual(fit.logLikelihoods[Int(pair[0])], pair[1], accuracy: 1e-6, "step \(pair[0])")
    }
    let order = fit.mixture.means.indices.sorted {
      fit.mixture.means[$0][0] < fit.mixture.means[$1][0]
    }
    for (place, component) in order.enumerated() {
      XCTAssertEqual(fit.mixture.weights[component], reference.weights[place], accuracy: 1e-5)
      for row in 0..<3 {
        XCTAssertEqual(
          fit.mixture.means[component][row], reference.means[place * 3 + row], accuracy: 1e-5)
        for column in 0..<3 {
          let factor = fit.mixture.factors[component]
          let covariance = (0..<3).reduce(0) { $0 + factor[row, $1] * factor[column, $1] }
          XCTAssertEqual(
            covariance, reference.covariances[(place * 3 + row) * 3 + column], accuracy: 1e-5)
        }
      }
    }
  }

  func testTheLikelihoodNeverFallsWhereverItBeginsAndHoweverFewPointsThereAre() throws {
    for (count, components) in [(300, 3), (300, 8), (40, 12), (30, 1)] {
      let points = draws(count)
      for seed in 0..<4 as Range<UInt64> {
        let start = try XCTUnwrap(
          ExpectationMaximization.start(
            points, components: components, ridge: 1e-6,
            random: RandomSource(seed: seed).stream("seeds")))
        let trail = try ExpectationMaximization(points, from: start, options(60)).logLikelihoods
        XCTAssertTrue(trail.allSatisfy(\.isFinite))
        for (before, after) in zip(trail, trail.dropFirst()) {
          XCTAssertGreaterThanOrEqual(after, before)
        }
      }
    }
  }

  func testEqualPointsHaveTheDensityOfTheRidge() throws {
    let points = Tensor(repeating: 2, shape: [50, 2])
    let start = try XCTUnwrap(
      ExpectationMaximization.start(
        points, components: 3, ridge: 1e-4, random: RandomSource(seed: 1).stream("seeds")))
    let fit = try ExpectationMaximization(
      points, from: start,
      {
        var options = options(10)
        options.ridge = 1e-4
        return options
      }())
    let expected = -log(2 * Double.pi * 1e-4)
    XCTAssertEqual(try XCTUnwrap(fit.logLikelihoods.last), expected, accuracy: 1e-6)
    XCTAssertNil(
      try ExpectationMaximization.start(
        points, components: 2, ridge: 0, random: RandomSource(seed: 1).stream("seeds")))
  }

  func testAKnownMixtureIsFoundAgain() throws {
    let points = draws(4000)
    let start = try XCTUnwrap(
      ExpectationMaximization.start(
        points, components: 3, ridge: 1e-6, random: RandomSource(seed: 2).stream("seeds")))
    let mixture = try ExpectationMaximization(points, from: start).mixture
    let order = mixture.means.indices.sorted { mixture.means[$0][0] < mixture.means[$1][0] }
    let wanted: [(weight: Double, mean: [Double], factor: [Double])] = [
      (0.5, [-4, 0], [1, 0.8, 0.6]), (0.2, [0, -5], [0.3, 0, 0.3]),
      (0.3, [4, 3], [0.5, -0.25, 0.5]),
    ]
    for (component, wanted) in zip(order, wanted) {
      let factor = mixture.factors[component]
      XCTAssertEqual(mixture.weights[component], wanted.weight, accuracy: 0.001)
      XCTAssertEqual(mixture.means[component][0], wanted.mean[0], accuracy: 0.1)
      XCTAssertEqual(mixture.means[component][1], wanted.mean[1], accuracy: 0.1)
      for (found, wanted) in zip([factor[0, 0], factor[1, 0], factor[1, 1]], wanted.factor) {
        XCTAssertEqual(found, wanted, accuracy: 0.05)
      }
    }
  }

  func testAStopLeavesNothingBehind() throws {
    struct Stop: Error {}
    let points = draws(50)
    let start = try XCTUnwrap(
      ExpectationMaximization.start(
        points, components: 2, ridge: 1e-6, random: RandomSource(seed: 2).stream("seeds")))
    XCTAssertThrowsError(
      try ExpectationMaximization(points, from: start, proceed: { throw Stop() }))
  }
}
