import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

final class ObservationMaskTests: XCTestCase {
  private let random = RandomSource(seed: 5)

  private func context(_ mask: Tensor?, mode: Context.Mode = .evaluation) -> Context {
    Context(
      mode: mode, random: random, examples: [0, 1, 2], mask: mask.map { ObservationMask($0) })
  }

  /// Three examples of two rows, two columns and two channels; of the last one nothing is known.
  private var mask: Tensor {
    Tensor(
      [1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
      shape: [3, 2, 2, 2])
  }

  private var likelihoods: [(name: String, likelihood: any Likelihood)] {
    [
      ("bernoulli", BernoulliLikelihood()), ("fixed", GaussianLikelihood(.fixed(0.7))),
      ("learnt", GaussianLikelihood(.learnt, link: .sigmoid)),
      ("categorical", CategoricalLikelihood(levels: 4)),
      ("laplace", LocationLikelihood(LaplaceNoise(), .fixed(0.7))),
    ]
  }

  private func values(_ likelihood: any Likelihood) -> (x: Tensor, parameters: Tensor) {
    let x = random.stream("x").uniform([3, 2, 2, 2])
    return (
      likelihood.isDiscrete ? x.isAbove(0.5) : x,
      random.stream("parameters").normal(
        [6, 2, 2, likelihood.parametersPerPixel(channels: 2)])
    )
  }

  func testTheDensityOfAMaskedExampleIsThatOfItsKnownElements() {
    for (name, likelihood) in likelihoods {
      let (x, parameters) = values(likelihood)
      let found = likelihood.observedLogDensity(x, parameters: parameters, context(mask)).floats
      let numbers = likelihood.parametersPerPixel(channels: 2) / 2
      let (xs, all, known) = (x.floats, parameters.floats, mask.floats)
      for row in 0..<6 {
        // The known elements of the row as an image of their own.
        let elements = (0..<8).filter { known[row % 3 * 8 + $0] != 0 }
        var expected: Float = 0
        if !elements.isEmpty {
          expected =
            likelihood.logDensity(
              Tensor(elements.map { xs[row % 3 * 8 + $0] }, shape: [1, elements.count, 1, 1]),
              parameters: Tensor(
                elements.flatMap { element in
                  (0..<numbers).map { all[(row * 8 + element) * numbers + $0] }
                }, shape: [1, elements.count, 1, numbers]), context(nil)
            ).floats[0]
        }
        XCTAssertEqual(found[row], expected, accuracy: 1e-4, "\(name) row \(row)")
      }
    }
  }

  func testWithNothingMissingItIsThePlainDensityBitForBit() {
    for (name, likelihood) in likelihoods {
      let (x, parameters) = values(likelihood)
      XCTAssertEqual(
        likelihood.observedLogDensity(x, parameters: parameters, context(.ones(x.shape))).floats,
        likelihood.logDensity(x, parameters: parameters, context(nil)).floats, name)
      // Priced one by one they are the same to rounding.
      let single = likelihood.logDensity(
        x, parameters: parameters, ofElements: .ones(x.shape), context(nil)
      ).floats
      let whole = likelihood.logDensity(x, parameters: parameters, context(nil)).floats
      for (a, b) in zip(single, whole) { XCTAssertEqual(a, b, accuracy: 1e-4, name) }
    }
  }

  func testGradientsOfMissingElementsAreZeroAndTheirValuesDoNotMatter() throws {
    for (name, likelihood) in likelihoods {
      let (x, start) = values(likelihood)
      let parameters = Parameter(start)
      func gradient(_ x: Tensor) throws -> [Float] {
        let loss = likelihood.observedLogDensity(
          x, parameters: parameters.tensor, context(mask, mode: .training)
        ).sum()
        return try XCTUnwrap(loss.backward()[parameters]).floats
      }
      let found = try gradient(x)
      let numbers = start.count / 48
      let known = mask.floats
      for place in found.indices where known[place / numbers % 24] == 0 {
        XCTAssertEqual(found[place], 0, name)
      }
      XCTAssertTrue(found.contains { $0 != 0 }, name)
      let others = x * mask + (1 - mask)
      XCTAssertEqual(try gradient(others), found, name)
    }
  }

  func testTheOptimalDeviationIsThatOfKnownElements() {
    let likelihood = GaussianLikelihood(.optimal)
    let (x, parameters) = values(likelihood)
    let first = parameters.rows(0..<3)
    let found = likelihood.observedLogDensity(
      x, parameters: first, context(mask, mode: .training)
    ).doubleSum
    let known = ObservationMask(mask)
    let errors = known.known(of: x - first).floats.map { Double($0 * $0) }
    let count = Double(errors.count)
    let variance = errors.reduce(0, +) / count + 6.144212e-6
    let expected = -0.5 * (errors.reduce(0, +) / variance + count * log(2 * Double.pi * variance))
    XCTAssertEqual(found, expected, accuracy: 1e-3)
  }

  func testNotANumberStandsForWhatIsMissing() {
    let values = Tensor([1, .nan, -2, .nan], shape: [2, 2])
    let mask = ObservationMask(missingIn: values)
    XCTAssertEqual(mask.values.floats, [1, 0, 1, 0])
    XCTAssertFalse(mask.isComplete)
    XCTAssertTrue(ObservationMask(missingIn: values.withoutMissing).isComplete)
    XCTAssertEqual(values.withoutMissing.floats, [1, 0, -2, 0])
    XCTAssertEqual(mask.known(of: values).floats, [1, -2])
    XCTAssertEqual(mask.rows(1..<2).values.floats, [1, 0])
  }
}
