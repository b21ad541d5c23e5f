import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes
import XCTest

final class CategoricalLikelihoodTests: XCTestCase {
  private func context(_ count: Int) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 3), examples: (0..<count).map(UInt64.init))
  }

  /// Two channels of five levels, as `Reference/likelihoods.py` prints them.
  private let logits: [Float] = [
    -1.23, 2.23, 1.45, 2.24, -5.22, 0.634, 1.01, 2.36, -2.25, 3.91,
  ]

  func testDensitiesAndGradientsEqualTheReference() throws {
    let likelihood = CategoricalLikelihood(levels: 5)
    for (levels, expected, gradients) in [
      (
        [0, 4], -4.64433644,
        [
          0.9874304, -0.3999252, -0.1833281, -0.4039445, -0.0002325332, -0.02890159, -0.04209363,
          -0.162373, -0.001615907, 0.2349842,
        ]
      ),
      (
        [3, 1], -4.07433651,
        [
          -0.01256955, -0.3999252, -0.1833281, 0.5960555, -0.0002325332, -0.02890159, 0.9579064,
          -0.162373, -0.001615907, -0.7650158,
        ]
      ),
    ] as [([Int], Double, [Double])] {
      let parameter = Parameter(Tensor(logits, shape: [1, 1, 1, 10]))
      let x = Tensor(levels.map { Float($0) / 4 }, shape: [1, 1, 1, 2])
      let density = likelihood.logDensity(x, parameters: parameter.tensor, context(1))
      XCTAssertEqual(Double(density.item), expected, accuracy: 1e-5)
      let found = try XCTUnwrap(density.sum().backward()[parameter]).floats
      for (a, b) in zip(found, gradients) { XCTAssertEqual(Double(a), b, accuracy: 1e-5) }
    }
  }

  func testProbabilitiesOfAllLevelsSumToOneAtAnyLogits() {
    let likelihood = CategoricalLikelihood()
    let x = Tensor((0..<256).map { Float($0) / 255 }, shape: [256, 1, 1, 1])
    for scale in [0, 1, 30, 1e4] as [Float] {
      let logits = RandomSource(seed: 2).stream("logits").normal([1, 1, 1, 256]) * scale
      let all = likelihood.logDensity(x, parameters: logits.tiled(256), context(256)).floats
      XCTAssertTrue(all.allSatisfy(\.isFinite))
      XCTAssertEqual(all.reduce(0) { $0 + exp(Double($1)) }, 1, accuracy: 1e-4, "\(scale)")
    }
  }

  func testAValueStandsForTheNearestLevelFromEitherSide() {
    let likelihood = CategoricalLikelihood()
    // The logit of each level is its number, so that densities differ by the distance of levels.
    let parameters = Tensor((0..<256).map { Float($0) }, shape: [1, 1, 1, 256]).tiled(256)
    func levels(_ shift: Float) -> [Float] {
      let x = Tensor((0..<256).map { (Float($0) + shift) / 255 }, shape: [256, 1, 1, 1])
      let densities = likelihood.logDensity(x, parameters: parameters, context(256)).floats
      return densities.map { ($0 - densities[255] + 255).rounded() }
    }
    for shift in [0, -1e-4, 1e-4, -0.4, 0.4] as [Float] {
      XCTAssertEqual(levels(shift), (0..<256).map { Float($0) }, "\(shift)")
    }
  }

  func testChannelsAreIndependentGivenTheLogits() {
    let likelihood = CategoricalLikelihood(levels: 5)
    let parameters = Tensor(logits, shape: [1, 1, 1, 10])
    let density = { (a: Int, b: Int) in
      likelihood.logDensity(
        Tensor([Float(a) / 4, Float(b) / 4], shape: [1, 1, 1, 2]), parameters: parameters,
        self.context(1)
      ).item
    }
    XCTAssertEqual(density(1, 2) - density(1, 3), density(4, 2) - density(4, 3), accuracy: 1e-5)
  }

  func testDrawsAndTheMeanHaveTheProbabilities() {
    let likelihood = CategoricalLikelihood(levels: 5)
    let parameters = Tensor(logits, shape: [1, 1, 1, 10])
    let count = 20_000
    let drawn = likelihood.sample(parameters.tiled(count), [1, 1, 2], context(count)).floats
    let probabilities = parameters.reshaped(to: [2, 5]).softmax().floats.map(Double.init)
    for channel in 0..<2 {
      var counts = [Double](repeating: 0, count: 5)
      for row in 0..<count { counts[Int((drawn[2 * row + channel] * 4).rounded())] += 1 }
      for level in 0..<5 {
        let p = probabilities[channel * 5 + level]
        XCTAssertEqual(
          counts[level] / Double(count), p,
          accuracy: 4 * (p * (1 - p) / Double(count)).squareRoot() + 1e-9)
      }
      let expectation = (0..<5).reduce(0) {
        $0 + Double($1) / 4 * probabilities[channel * 5 + $1]
      }
      XCTAssertEqual(
        Double(likelihood.mean(parameters).floats[channel]), expectation, accuracy: 1e-5)
    }
  }

  func testBinaryDataHaveTwoLevelsAndDataOffTheGridAreRefused() throws {
    func make(
      _ range: ValueRange, _ rule: String, _ unquantized: String? = nil
    ) throws -> any Likelihood {
      try Component<any Likelihood>.categorical.make(
        HyperparameterValues(defaultsOf: []),
        BuildContext(
          data: DataDescription(
            height: 2, width: 2, channels: 1, range: range, rule: rule,
            unquantizedValue: unquantized),
          random: RandomSource(seed: 1)))
    }
    XCTAssertEqual(try make(.binary, "binary").parametersPerPixel(channels: 1), 2)
    XCTAssertEqual(try make(.unit, "bytes/255").parametersPerPixel(channels: 3), 768)
    XCTAssertThrowsError(try make(.unit, "floats")) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .unsuitableData)
      XCTAssertTrue("\(error)".contains("categorical") && "\(error)".contains("these are floats"))
    }
    XCTAssertThrowsError(try make(.unit, "floats", "train[3, 1] is 0.5")) { error in
      XCTAssertTrue("\(error)".contains("but train[3, 1] is 0.5; store"), "\(error)")
    }
  }
}
