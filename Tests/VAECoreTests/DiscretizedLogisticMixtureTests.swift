import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes
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

  /// The log probability of every pixel of a list under the same parameters.
  private func logProbabilities(
    of pixels: [[Int]], _ likelihood: DiscretizedLogisticMixture, _ parameters: [Float]
  ) -> [Double] {
    let count = pixels.count
    let x = Tensor(
      pixels.flatMap { $0.map(value) }, shape: [count, 1, 1, likelihood.channels])
    let same = Tensor(parameters, shape: [1, 1, 1, parameters.count]).tiled(count)
    return likelihood.logDensity(x, parameters: same, context(count)).floats.map(Double.init)
  }

  /// The probability of every level of one channel.
  private func levels(
    _ likelihood: DiscretizedLogisticMixture, _ parameters: [Float]
  ) -> [Double] {
    logProbabilities(of: (0..<256).map { [$0] }, likelihood, parameters).map(exp)
  }

  func testProbabilitiesOfAllLevelsSumToOneAtAnyParameters() {
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 1)
    for logits in [[0, 0], [50, -50], [-3, 2]] as [[Float]] {
      for means in [[-0.3, 0.6], [-1, 1], [-40, 900], [0, 0.00391]] as [[Float]] {
        for scales in [[-2, -4], [-7, -7], [-100, 100], [0, 5], [20, -30]] as [[Float]] {
          let all = levels(likelihood, logits + means + scales)
          XCTAssertTrue(all.allSatisfy { $0.isFinite && $0 >= 0 })
          XCTAssertEqual(
            all.reduce(0, +), 1, accuracy: 1e-5,
            "logits \(logits), means \(means), scales \(scales)")
        }
      }
    }
  }

  /// Two components of three channels by what they mean, as parameters of the first channels alone.
  private struct Colours {
    var logits: [Float] = [0.3, -0.4]
    var means: [Float] = [0.2, -0.7, 0.5, 0, -0.1, 0.6]
    var logScales: [Float] = [-2, -3, -2.5, -1, -3, -2]
    var coefficients: [Float] = [2, -1, 0.5, -0.3, -1, 1.5]

    func parameters(_ channels: Int) -> [Float] {
      logits + means.prefix(2 * channels) + logScales.prefix(2 * channels)
        + coefficients.prefix(channels * (channels - 1))
    }
  }

  /// All values of the last channel together have the probability of the channels before it, and so
  /// on to the first, whose values sum to one: all 256³ colours sum to one.
  func testProbabilitiesOfAllColoursSumToOneChannelByChannel() {
    var sharp = Colours()
    sharp.logScales = [-7, -7, -7, -6, -100, -7]
    var wide = Colours()
    (wide.means, wide.logScales) = ([5, -9, 0, 30, -2, 1], [3, 5, 0, 20, 1, 100])
    var coupled = Colours()
    (coupled.logits, coupled.coefficients) = ([-30, 8], [50, -50, 50, -50, 50, 50])
    for colours in [Colours(), sharp, wide, coupled] {
      for channels in 1...3 {
        let likelihood = DiscretizedLogisticMixture(components: 2, channels: channels)
        let before = DiscretizedLogisticMixture(components: 2, channels: max(1, channels - 1))
        for known in [[0, 0], [255, 0], [127, 128], [40, 255], [200, 90]] {
          let known = Array(known.prefix(channels - 1))
          let all = logProbabilities(
            of: (0..<256).map { known + [$0] }, likelihood, colours.parameters(channels))
          let largest = all.max() ?? 0
          let sum = largest + log(all.reduce(0) { $0 + exp($1 - largest) })
          let expected =
            known.isEmpty
            ? 0 : logProbabilities(of: [known], before, colours.parameters(channels - 1))[0]
          XCTAssertEqual(
            sum, expected, accuracy: 1e-5 * max(1, abs(expected)), "\(colours), \(known)")
        }
      }
    }
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

  /// Pearson's χ² over all cells in which five draws or more are expected.
  private func assertFrequencies(
    _ counts: [Double], _ probabilities: [Double], _ count: Int, line: UInt = #line
  ) {
    var (statistic, cells) = (0.0, 0.0)
    for (drawn, probability) in zip(counts, probabilities) where probability * Double(count) > 5 {
      let mean = probability * Double(count)
      statistic += (drawn - mean) * (drawn - mean) / mean
      cells += 1
    }
    XCTAssertGreaterThan(cells, 20, line: line)
    XCTAssertLessThan(statistic, cells + 5 * (2 * cells).squareRoot(), line: line)
  }

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
    assertFrequencies(counts, expected, count)
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

  func testTheThirdChannelFollowsEachEarlierOneByItsOwnCoefficient() {
    let likelihood = DiscretizedLogisticMixture(components: 1, channels: 3)
    // The first two channels are wide and independent, the third is sharp.
    let coefficients: [Float] = [0, Foundation.atanh(0.5), Foundation.atanh(-0.3)]
    let parameters: [Float] = [0, 0, 0, 0, -1, -1, -6.5] + coefficients
    let drawn = likelihood.sample(
      Tensor(parameters, shape: [1, 1, 1, 10]).tiled(500), [1, 1, 3], context(500)
    ).floats.map { 2 * $0 - 1 }
    for row in 0..<500 {
      let expected = 0.5 * drawn[3 * row] - 0.3 * drawn[3 * row + 1]
      XCTAssertEqual(drawn[3 * row + 2], expected, accuracy: 0.03)
    }
  }

  func testDrawnPairsOfChannelsHaveTheProbabilitiesThatTheDensityStates() {
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 2)
    let parameters = Colours().parameters(2)
    let probabilities = logProbabilities(
      of: (0..<256 * 256).map { [$0 / 256, $0 % 256] }, likelihood, parameters
    ).map(exp)
    XCTAssertEqual(probabilities.reduce(0, +), 1, accuracy: 1e-5)
    let count = 40_000
    let drawn = likelihood.sample(
      Tensor(parameters, shape: [1, 1, 1, parameters.count]).tiled(count), [1, 1, 2], context(count)
    ).floats.map { Int(($0 * 255).rounded()) }
    // Cells of 16 by 16 levels.
    var (expected, counts) = (
      [Double](repeating: 0, count: 256), [Double](repeating: 0, count: 256)
    )
    for (index, probability) in probabilities.enumerated() {
      expected[index / 256 / 16 * 16 + index % 256 / 16] += probability
    }
    for row in 0..<count { counts[drawn[2 * row] / 16 * 16 + drawn[2 * row + 1] / 16] += 1 }
    assertFrequencies(counts, expected, count)
  }

  // MARK: Mean

  /// The expectation of the level, in 0…1.
  private func expectation(_ probabilities: [Double]) -> Double {
    probabilities.enumerated().reduce(0) { $0 + Double($1.offset) / 255 * $1.element }
  }

  func testTheMeanIsTheExpectationToHalfAStepAtAnyParameters() {
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 1)
    for means in [
      [-0.2, 0.4], [-1, -1.1], [0.95, 1], [-3, 40], [1e4, -1e4], [-1e6, -1e8], [1e8, 1e20],
    ] as [[Float]] {
      for scales in [[-3, -3.5], [-7, -9], [-1, 0], [2, 3], [9, 12], [20, 30]] as [[Float]] {
        let parameters: [Float] = [0.4, -0.3] + means + scales
        let mean = likelihood.mean(Tensor(parameters, shape: [1, 1, 1, 6]))
        XCTAssertEqual(mean.shape, [1, 1, 1, 1])
        XCTAssertEqual(
          Double(mean.item), expectation(levels(likelihood, parameters)), accuracy: 0.5 / 255,
          "means \(means), scales \(scales)")
      }
    }
  }

  func testTheMeanOfALaterChannelFollowsTheEarlierOnes() {
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 2)
    var colours = Colours()
    (colours.means, colours.coefficients) = ([0.6, 0.1, -0.4, 0.3], [1, -1])
    colours.logScales = [-3, -2.5, -2, -3]
    let parameters = colours.parameters(2)
    let probabilities = logProbabilities(
      of: (0..<256 * 256).map { [$0 / 256, $0 % 256] }, likelihood, parameters
    ).map(exp)
    let mean = likelihood.mean(Tensor(parameters, shape: [1, 1, 1, parameters.count])).floats
    var marginals = [[Double]](repeating: [Double](repeating: 0, count: 256), count: 2)
    for (index, probability) in probabilities.enumerated() {
      marginals[0][index / 256] += probability
      marginals[1][index % 256] += probability
    }
    for (found, marginal) in zip(mean, marginals) {
      XCTAssertEqual(Double(found), expectation(marginal), accuracy: 0.5 / 255)
    }
  }

  func testTheMeanOfTheThirdChannelFollowsBothByTheirOwnCoefficients() {
    let likelihood = DiscretizedLogisticMixture(components: 1, channels: 3)
    let coefficients: [Float] = [Foundation.atanh(0.5), Foundation.atanh(-0.4), 2]
    let parameters: [Float] = [0, 0.6, -0.7, 0.1, -5, -5, -5] + coefficients
    let second: Float = -0.7 + 0.5 * 0.6
    let third = 0.1 - 0.4 * 0.6 + Foundation.tanh(Float(2)) * second
    let mean = likelihood.mean(Tensor(parameters, shape: [1, 1, 1, 10])).floats
    for (found, expected) in zip(mean, [0.6, second, third]) {
      XCTAssertEqual(2 * found - 1, expected, accuracy: 1 / 255)
    }
  }

  func testTheStartHasTheMeanOfTheData() throws {
    for components in [1, 5] {
      let likelihood = DiscretizedLogisticMixture(components: components, channels: 3)
      let data: [Float] = [0.1, 0.5, 0.95, 0, 1, 0.3]
      let start = try XCTUnwrap(likelihood.parameters(withMean: Tensor(data, shape: [1, 2, 3])))
      let size = likelihood.parametersPerPixel(channels: 3)
      XCTAssertEqual(start.shape, [1, 2, size])
      let mean = likelihood.mean(start.reshaped(to: [1, 1, 2, size])).floats
      for (found, expected) in zip(mean, data) { XCTAssertEqual(found, expected, accuracy: 2e-3) }
      // No value of a byte is so unlikely that meeting it once would throw training off.
      for level in [0, 128, 255] {
        let x = Tensor([Float](repeating: value(level), count: 6), shape: [1, 1, 2, 3])
        let density = likelihood.logDensity(
          x, parameters: start.reshaped(to: [1, 1, 2, size]), context(1))
        XCTAssertGreaterThan(density.item, -250)
      }
    }
  }

  // MARK: What does not fit

  func testDataThatAreNoBytesAndTooManyChannelsAreRefusedWithTheReason() throws {
    let registry = Registry.sharedComponents
    let component = try XCTUnwrap(
      registry.components(.likelihood).first { $0.name == "logistic-mixture" })
    XCTAssertEqual(component.hyperparameters.map(\.name), ["components"])
    for (range, rule, channels, words) in [
      (.unit, "floats", 1, ["logistic-mixture", "floats", "uint8"]),
      (.real, "floats", 1, ["logistic-mixture", "likelihood=gaussian"]),
      (.binary, "binary", 1, ["logistic-mixture", "zeros and ones", "likelihood=bernoulli"]),
      (.binary, "bytes/255", 1, ["zeros and ones"]),
      (.unit, "bytes/255", 9, ["8 at most", "9"]),
    ] as [(ValueRange, String, Int, [String])] {
      let build = BuildContext(
        data: DataDescription(height: 2, width: 2, channels: channels, range: range, rule: rule),
        random: RandomSource(seed: 1))
      XCTAssertThrowsError(
        try Component<any Likelihood>.logisticMixture.make(
          HyperparameterValues(defaultsOf: component.hyperparameters), build)
      ) { error in
        XCTAssertEqual((error as? RecipeError)?.kind, .unsuitableData)
        for word in words { XCTAssertTrue("\(error)".contains(word), "\(error)") }
      }
    }
  }
}
