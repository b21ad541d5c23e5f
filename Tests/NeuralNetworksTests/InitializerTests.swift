import NeuralNetworks
import Tensors
import XCTest

/// The laws of first weights by their moments over 60,000 numbers. The sample's deviation from a
/// variance is 0.4 % (uniform) or 0.6 % (normal) of it; 2.5 % is more than four of them, and less
/// than any two laws differ.
final class InitializerTests: XCTestCase {
  private let shape: Shape = [300, 200]
  private let (fanIn, fanOut) = (300.0, 200.0)

  func testUniformLaws() {
    checkUniform(values(.lecunUniform), bound: 1 / fanIn.squareRoot(), "LeCun")
    checkUniform(values(.glorotUniform), bound: (6 / (fanIn + fanOut)).squareRoot(), "Glorot")
    checkUniform(values(.heUniform), bound: (6 / fanIn).squareRoot(), "He")
  }

  func testNormalLaws() {
    checkNormal(values(.heNormal), deviation: (2 / fanIn).squareRoot(), "He")
    checkNormal(values(.normal(deviation: 0.02)), deviation: 0.02, "a given deviation")
  }

  func testConstantLaws() {
    XCTAssertEqual(Set(values(.zeros)), [0])
    XCTAssertEqual(Set(values(.constant(-1.5))), [-1.5])
  }

  func testADenseLayerStartsUniformByItsInputs() {
    let layer = Dense(inputs: 300, outputs: 20_000, random: RandomSource(seed: 1))
    checkUniform(layer.weights.value.floats, bound: 1 / fanIn.squareRoot(), "weights")
    checkUniform(layer.bias.value.floats, bound: 1 / fanIn.squareRoot(), "bias")
  }

  func testAConvolutionCountsItsKernelAsInputs() {
    let layer = Conv2D(
      inputs: 20, outputs: 120, kernel: 5, padding: .none, random: RandomSource(seed: 1))
    checkUniform(layer.weights.value.floats, bound: 1 / 500.0.squareRoot(), "weights")
  }

  func testATransposedConvolutionCountsTheTermsOfAPixel() {
    let layer = TransposedConv2D(
      inputs: 100, outputs: 40, kernel: 4, stride: 2, padding: .none, random: RandomSource(seed: 1))
    checkUniform(layer.weights.value.floats, bound: 1 / 400.0.squareRoot(), "weights")
  }

  func testAnotherLawForTheWeightsStartsTheBiasAtZero() throws {
    let random = RandomSource(seed: 1)
    let dense = Dense(inputs: 300, outputs: 200, initializer: .heNormal, random: random)
    checkNormal(dense.weights.value.floats, deviation: (2 / fanIn).squareRoot(), "weights")
    XCTAssertEqual(Set(dense.bias.value.floats), [0])
    let convolution = Conv2D(
      inputs: 2, outputs: 3, kernel: 3, padding: .none, initializer: .heUniform, random: random)
    XCTAssertEqual(Set(try XCTUnwrap(convolution.bias).value.floats), [0])
    let transposed = TransposedConv2D(
      inputs: 2, outputs: 3, kernel: 3, padding: .none, initializer: .glorotUniform, random: random)
    XCTAssertEqual(Set(try XCTUnwrap(transposed.bias).value.floats), [0])
  }

  func testNormalizationsStartAsTheIdentity() {
    for layer in [
      BatchNorm(channels: 3), GroupNorm(channels: 3, groups: 1), LayerNorm(features: 3),
    ]
      as [any Layer]
    {
      XCTAssertEqual(layer.parameters.map { $0.parameter.value.floats }, [[1, 1, 1], [0, 0, 0]])
    }
  }

  func testTheSourceDecidesEveryNumber() {
    func layer(_ random: RandomSource) -> [[Float]] {
      Dense(inputs: 5, outputs: 5, random: random).parameters.map { $0.parameter.value.floats }
    }
    let source = RandomSource(seed: 1)
    XCTAssertEqual(layer(source), layer(RandomSource(seed: 1)))
    XCTAssertNotEqual(layer(source), layer(RandomSource(seed: 2)))
    XCTAssertNotEqual(layer(source.child("first")), layer(source.child("second")))
    XCTAssertNotEqual(layer(source)[1], Array(layer(source)[0].prefix(5)), "weights and bias")
  }

  private func values(_ law: Initializer) -> [Float] {
    law.values(
      shape, fanIn: Int(fanIn), fanOut: Int(fanOut), random: RandomSource(seed: 1).stream("values")
    ).floats
  }

  private func checkUniform(
    _ values: [Float], bound: Double, _ what: String, line: UInt = #line
  ) {
    let largest = values.reduce(0) { max($0, Double($1.magnitude)) }
    XCTAssertLessThanOrEqual(largest, bound * (1 + 1e-6), what, line: line)
    XCTAssertGreaterThan(largest, bound * 0.998, what, line: line)
    checkMoments(values, variance: bound * bound / 3, kurtosis: 1.8, what, line: line)
  }

  private func checkNormal(
    _ values: [Float], deviation: Double, _ what: String, line: UInt = #line
  ) {
    checkMoments(values, variance: deviation * deviation, kurtosis: 3, what, line: line)
  }

  /// The kurtosis, the fourth moment over the squared variance, tells a uniform law from a normal
  /// one.
  private func checkMoments(
    _ values: [Float], variance: Double, kurtosis: Double, _ what: String, line: UInt
  ) {
    let count = Double(values.count)
    let mean = values.reduce(0) { $0 + Double($1) } / count
    func moment(_ power: Int) -> Double {
      values.reduce(0) { sum, value in
        sum + (0..<power).reduce(1) { product, _ in product * (Double(value) - mean) }
      } / count
    }
    let deviation = variance.squareRoot()
    XCTAssertEqual(mean, 0, accuracy: 5 * deviation / count.squareRoot(), what, line: line)
    XCTAssertEqual(moment(2), variance, accuracy: 0.025 * variance, what, line: line)
    XCTAssertEqual(
      moment(4) / (moment(2) * moment(2)), kurtosis, accuracy: 0.15, what, line: line)
  }
}
