import Foundation
import NeuralNetworks
import Tensors
import VAECore
import XCTest

final class DiscretizedLogisticMixtureTests: XCTestCase {
  private func context(_ count: Int) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 3), examples: (0..<count).map(UInt64.init))
  }

  private func value(_ level: Int) -> Float { Float(level) / 255 }

  // MARK: Reference

  func testDensitiesAndGradientsEqualTheReference() throws {
    for reference in MixtureReference.all {
      let likelihood = DiscretizedLogisticMixture(
        components: reference.components, channels: reference.channels)
      let size = likelihood.parametersPerPixel(channels: reference.channels)
      XCTAssertEqual(size, reference.parameters.count)
      let parameter = Parameter(Tensor(reference.parameters, shape: [1, 1, 1, size]))
      let x = Tensor(reference.levels.map(value), shape: [1, 1, 1, reference.channels])
      let density = likelihood.logDensity(x, parameters: parameter.tensor, context(1))
      let what = "levels \(reference.levels)"
      XCTAssertEqual(
        Double(density.item), reference.logDensity, accuracy: 2e-5 * abs(reference.logDensity), what
      )
      let gradients = try XCTUnwrap(density.sum().backward()[parameter]).floats
      for (found, expected) in zip(gradients, reference.gradients) {
        XCTAssertEqual(
          Double(found), expected, accuracy: 2e-4 * max(1, abs(expected)), what)
      }
    }
  }

  // MARK: Normalisation

  /// The probability of every level of one channel.
  private func levels(
    _ likelihood: DiscretizedLogisticMixture, _ parameters: [Float]
  ) -> [Double] {
    let x = Tensor((0..<256).map(value), shape: [256, 1, 1, 1])
    let same = Tensor(parameters, shape: [1, 1, 1, parameters.count]).tiled(256)
    return likelihood.logDensity(x, parameters: same, context(256)).floats.map { exp(Double($0)) }
  }

  func testProbabilitiesOfAllLevelsSumToOneAtAnyParameters() {
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 1)
    for logits in [[0, 0], [50, -50], [-3, 2]] as [[Float]] {
      for means in [[-0.3, 0.6], [-1, 1], [-40, 900], [0, 0.00391]] as [[Float]] {
        for scales in [[-2, -4], [-7, -7], [-100, 100], [0, 5], [20, -30]] as [[Float]] {
          let all = levels(likelihood, logits + means + scales)
          XCTAssertTrue(all.allSatisfy { $0.isFinite && $0 >= 0 })
          XCTAssertEqual(
            all.reduce(0, +), 1, accuracy: 2e-4,
            "logits \(logits), means \(means), scales \(scales)")
        }
      }
    }
  }

  func testProbabilitiesOfAllColoursSumToOne() {
    // Three channels: all values of one, given the others, add up to what those two have together.
    // Few parameters are needed to see the coupling, so that two channels are summed over in full.
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 2)
    let parameters: [Float] = [0.3, -0.4, 0.2, -0.7, 0.5, 0, -2, -3, -2.5, -1, 2, -1]
    let x = Tensor(
      (0..<256 * 256).flatMap { [value($0 / 256), value($0 % 256)] }, shape: [65_536, 1, 1, 2])
    let same = Tensor(parameters, shape: [1, 1, 1, 12]).tiled(65_536)
    let all = likelihood.logDensity(x, parameters: same, context(65_536)).floats
    XCTAssertEqual(all.reduce(0) { $0 + exp(Double($1)) }, 1, accuracy: 2e-4)
  }

  func testDensitiesAndGradientsAreFiniteFarFromTheData() throws {
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 3)
    let size = likelihood.parametersPerPixel(channels: 3)
    for scale in [1, 100, 1e4] as [Float] {
      let values = RandomSource(seed: 5).stream("parameters").normal([40, 1, 1, size]) * scale
      let parameter = Parameter(values)
      let x = Tensor((0..<120).map { value($0 * 37 % 256) }, shape: [40, 1, 1, 3])
      let density = likelihood.logDensity(x, parameters: parameter.tensor, context(40))
      XCTAssertTrue(density.floats.allSatisfy(\.isFinite), "\(scale)")
      let gradient = try XCTUnwrap(density.sum().backward()[parameter])
      XCTAssertTrue(gradient.floats.allSatisfy(\.isFinite), "\(scale)")
    }
  }

  // MARK: Draws

  func testDrawsHaveTheProbabilitiesThatTheDensityStates() {
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 1)
    let parameters: [Float] = [0.4, -0.2, -0.95, 0.4, -3, -3.5]
    let expected = levels(likelihood, parameters)
    let count = 40_000
    let drawn = likelihood.sample(
      Tensor(parameters, shape: [1, 1, 1, 6]).tiled(count), [1, 1, 1], context(count))
    var counts = [Double](repeating: 0, count: 256)
    for x in drawn.floats {
      let level = x * 255
      XCTAssertEqual(level, level.rounded(), accuracy: 1e-3)
      counts[Int(level.rounded())] += 1
    }
    var (statistic, cells) = (0.0, 0.0)
    for (drawn, probability) in zip(counts, expected) where probability * Double(count) > 5 {
      let mean = probability * Double(count)
      statistic += (drawn - mean) * (drawn - mean) / mean
      cells += 1
    }
    XCTAssertGreaterThan(cells, 20)
    XCTAssertLessThan(statistic, cells + 5 * (2 * cells).squareRoot())
  }

  func testLaterChannelsFollowTheEarlierOnesAsDrawn() {
    let likelihood = DiscretizedLogisticMixture(components: 1, channels: 2)
    // Sharp scales: the second channel is 0.9 times the first, but for the bin's width.
    let parameters: [Float] = [0, 0, 0, -1, -6.5, Foundation.atanh(0.9)]
    let drawn = likelihood.sample(
      Tensor(parameters, shape: [1, 1, 1, 6]).tiled(500), [1, 1, 2], context(500)
    ).floats
    for row in 0..<500 {
      let (first, second) = (2 * drawn[2 * row] - 1, 2 * drawn[2 * row + 1] - 1)
      XCTAssertEqual(second, 0.9 * first, accuracy: 0.03)
    }
  }

  func testTheMeanIsThatOfTheDraws() {
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 1)
    let parameters: [Float] = [0.4, -0.2, -0.3, 0.4, -3, -3.5]
    let expectation = levels(likelihood, parameters).enumerated()
      .reduce(0) { $0 + Double($1.offset) / 255 * $1.element }
    let mean = likelihood.mean(Tensor(parameters, shape: [1, 1, 1, 6]))
    XCTAssertEqual(mean.shape, [1, 1, 1, 1])
    XCTAssertEqual(Double(mean.item), expectation, accuracy: 2e-3)
  }

  func testTheStartHasTheMeanOfTheData() throws {
    let likelihood = DiscretizedLogisticMixture(components: 5, channels: 3)
    let data: [Float] = [0.1, 0.5, 0.95, 0, 1, 0.3]
    let start = try XCTUnwrap(likelihood.parameters(withMean: Tensor(data, shape: [1, 2, 3])))
    let size = likelihood.parametersPerPixel(channels: 3)
    let mean = likelihood.mean(start.reshaped(to: [1, 1, 2, size])).floats
    for (found, expected) in zip(mean, data) { XCTAssertEqual(found, expected, accuracy: 0.01) }
  }

  func testDataOffTheByteGridAndTooManyChannelsAreRefusedWithTheReason() throws {
    let registry = Registry()
    let component = try XCTUnwrap(
      registry.components(.likelihood).first { $0.name == "logistic-mixture" })
    XCTAssertEqual(component.hyperparameters.map(\.name), ["components"])
    for (range, rule, channels, words) in [
      (.unit, "floats", 1, ["logistic-mixture", "floats", "uint8"]),
      (.real, "floats", 1, ["logistic-mixture", "likelihood=gaussian"]),
      (.unit, "bytes/255", 9, ["8 at most", "9"]),
    ] as [(DataDescription.Range, String, Int, [String])] {
      let build = BuildContext(
        data: DataDescription(height: 2, width: 2, channels: channels, range: range, rule: rule),
        random: RandomSource(seed: 1))
      XCTAssertThrowsError(
        try Component<any Likelihood>.logisticMixture.make(
          Hyperparameters(defaultsOf: component.hyperparameters), build)
      ) { error in
        XCTAssertEqual((error as? RecipeError)?.kind, .unsuitableData)
        for word in words { XCTAssertTrue("\(error)".contains(word), "\(error)") }
      }
    }
  }
}
