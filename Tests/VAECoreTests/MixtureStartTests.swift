import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Fits of mixtures where what they give is known.
final class MixtureStartTests: XCTestCase {
  private func assertEqual(_ found: [Double], _ wanted: [Double], line: UInt = #line) {
    XCTAssertEqual(found.count, wanted.count, line: line)
    for (a, b) in zip(found, wanted) {
      XCTAssertEqual(a, b, accuracy: 1e-6 * max(1, abs(b)), line: line)
    }
  }

  /// L Lᵀ.
  private func product(_ factor: DoubleMatrix) -> [Double] {
    (0..<2).flatMap { row in
      (0..<2).map { column in
        (0..<2).reduce(0) { $0 + factor[row, $1] * factor[column, $1] }
      }
    }
  }

  /// Of one point no covariance is known, and of none not even a mean: they have those of all points.
  func testAMixtureBeginsWithTheMomentsOfItsClustersAndTheRidge() throws {
    let points: [Float] = [1, 2, 3, 6, /**/ 10, 0, /**/ -2, 4, 0, 4, 2, 10]
    let mixture = try XCTUnwrap(
      ExpectationMaximization.mixture(
        of: points, units: 2, assigned: [0, 0, 2, 3, 3, 3], components: 4, ridge: 0.5))
    assertEqual(mixture.weights, [2.0 / 6, 1e-15 / 6, 1.0 / 6, 3.0 / 6])
    let all = [14.0 / 6, 26.0 / 6]
    assertEqual(mixture.means[0], [2, 4])
    assertEqual(mixture.means[1], all)
    assertEqual(mixture.means[2], [10, 0])
    assertEqual(mixture.means[3], [0, 6])
    // Means of squares and products less those of means.
    let (xx, xy, yy) = (118.0 / 6, 32.0 / 6, 172.0 / 6)
    let whole = [
      xx - all[0] * all[0] + 0.5, xy - all[0] * all[1], xy - all[0] * all[1],
      yy - all[1] * all[1] + 0.5,
    ]
    assertEqual(product(mixture.factors[0]), [1.5, 2, 2, 4.5])
    assertEqual(product(mixture.factors[1]), whole)
    assertEqual(product(mixture.factors[2]), whole)
    assertEqual(product(mixture.factors[3]), [8.0 / 3 + 0.5, 4, 4, 8.5])
    XCTAssertEqual(mixture.factors[3][0, 1], 0)
  }

  /// With one Gaussian for each class, its mean is that of all draws of its examples.
  func testEachClassIsFittedToAllDrawsOfItsOwnExamples() throws {
    let prior = FittedClassMixturePrior(names: ["a", "b"]) { _ in
      FittedMixturePrior(units: 1, components: 1, draws: 2, random: RandomSource(seed: 1))
    }
    XCTAssertEqual(prior.drawsPerExample, 2)
    XCTAssertEqual(prior.latents, .units(1))
    // Of five examples two are of the first class; then the second draw of each.
    let draws: [Float] = [1, 10, 3, 30, 20, /**/ 2, 20, 6, 50, 80]
    let conditions: [Float] = [1, 0, 0, 1, 0.75, 0.25, 0, 1, 0.25, 0.75]
    let fit = try prior.fit(
      to: LatentSample(
        draws: Tensor(draws, shape: [10, 1]), exampleCount: 5, meanLogPosterior: 0,
        conditions: Tensor(conditions, shape: [5, 2])),
      continuing: false, random: RandomSource(seed: 2)
    ) {}
    let classes: [[Double]] = [[1, 3, 2, 6], [10, 30, 20, 20, 50, 80]]
    var density = 0.0
    for (number, values) in classes.enumerated() {
      let mean = values.reduce(0, +) / Double(values.count)
      let variance =
        values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count) + 1e-6
      let found = prior.classes[number]
      XCTAssertEqual(Double(found.means.value.item), mean, accuracy: 1e-4)
      XCTAssertEqual(Double(found.logScales.value.item), 0.5 * log(variance), accuracy: 1e-4)
      density += (number == 0 ? 0.4 : 0.6) * -0.5 * (log(2 * .pi * variance) + 1)
    }
    XCTAssertEqual(fit.meanLogDensity, density, accuracy: 1e-4)
    XCTAssertEqual(fit.terms.first?.name, "components")
    XCTAssertEqual(fit.terms.first?.value, 2)
    XCTAssertEqual(
      fit.notice?.description, "the mixtures of 2 classes have 1, 1 components")
    // A row is told its class.
    let context = Context(
      mode: .evaluation, random: RandomSource(seed: 1), examples: [0, 1],
      condition: Tensor([0, 1, 1, 0], shape: [2, 2]))
    let logs = prior.logDensity(of: Tensor([35, 3], shape: [2, 1]), context).floats
    for (log, values) in zip(logs, [classes[1], classes[0]]) {
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      XCTAssertEqual(
        Double(log), -0.5 * Foundation.log(2 * .pi * variance), accuracy: 1e-3)
    }
  }

  func testAClassWithoutExamplesAndOneOfTooFewAreNamed() {
    func refusal(_ conditions: [Float], components: Int = 1) -> String {
      let prior = FittedClassMixturePrior(names: ["cat", "dog"]) { _ in
        FittedMixturePrior(units: 1, components: components, random: RandomSource(seed: 1))
      }
      do {
        _ = try prior.fit(
          to: LatentSample(
            draws: Tensor([1, 2, 4, 8, 9], shape: [5, 1]), exampleCount: 5, meanLogPosterior: 0,
            conditions: Tensor(conditions, shape: [5, 2])),
          continuing: false, random: RandomSource(seed: 2)
        ) {}
        return "none"
      } catch {
        return "\(error)"
      }
    }
    XCTAssertEqual(
      refusal([1, 0, 1, 0, 1, 0, 1, 0, 1, 0]),
      "class dog: there are no training examples of it")
    XCTAssertEqual(refusal([1, 0, 1, 0, 1, 0, 0, 1, 0, 1]), "none")
    // Three examples support one Gaussian of a unit, and four two.
    let words = refusal([1, 0, 1, 0, 1, 0, 0, 1, 0, 1], components: 2)
    XCTAssertTrue(
      words.hasPrefix("class cat: 3 examples support 1 component of 1 units, not 2"), words)
  }
}
