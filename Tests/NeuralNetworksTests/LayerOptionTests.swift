import Foundation
import NeuralNetworks
import Tensors
import XCTest

/// What layers do with the options that are not the usual ones.
final class LayerOptionTests: XCTestCase {
  private let random = RandomSource(seed: 11)

  // MARK: First values

  func testTheActivationDecidesTheLawOfFirstWeights() {
    for activation in [.tanh, .sigmoid] as [Activation] {
      XCTAssertEqual(Initializer.suited(to: activation), .glorotUniform, "\(activation)")
    }
    let others: [Activation] = [
      .identity, .relu, .leakyReLU(slope: 0.1), .elu(alpha: 1), .gelu, .silu, .softplus,
    ]
    for activation in others {
      XCTAssertEqual(Initializer.suited(to: activation), .lecunUniform, "\(activation)")
    }
  }

  /// Uniform numbers reach almost to their bound on both sides, and not beyond.
  private func assertBound(_ values: Tensor?, _ bound: Double, _ what: String, line: UInt = #line) {
    guard let values = values?.floats else { return XCTFail("\(what) is missing", line: line) }
    for largest in [values.max() ?? .nan, -(values.min() ?? .nan)] {
      XCTAssertLessThanOrEqual(Double(largest), bound * (1 + 1e-6), what, line: line)
      XCTAssertGreaterThan(Double(largest), bound * 0.95, what, line: line)
    }
  }

  func testGlorotBoundsCountTheInputsAndTheOutputsOfEachKindOfLayer() {
    func bound(_ fans: Double) -> Double { (6 / fans).squareRoot() }
    let dense = Dense(inputs: 30, outputs: 120, activation: .tanh, random: random)
    assertBound(dense.weights.value, bound(30 + 120), "dense")
    let convolution = Conv2D(
      inputs: 3, outputs: 40, kernel: 3, padding: .none, activation: .sigmoid, random: random)
    assertBound(convolution.weights.value, bound(3 * 9 + 40 * 9), "convolution")
    let transposed = TransposedConv2D(
      inputs: 5, outputs: 20, kernel: 4, stride: 2, padding: .none, activation: .tanh,
      random: random)
    assertBound(transposed.weights.value, bound(5 * 16 / 4 + 20 * 16), "transposed")
    let subpixel = SubpixelConv2D(
      inputs: 4, outputs: 25, kernel: 3, by: 3, padding: .none, activation: .tanh, random: random)
    assertBound(subpixel.weights.value, bound(4 * 9 + 25 * 9), "subpixel")
  }

  func testTheUsualBiasesAreBoundedByTheInputsOfTheirLayer() {
    let convolution = Conv2D(inputs: 4, outputs: 400, kernel: 3, padding: .none, random: random)
    assertBound(convolution.bias?.value, 1 / 6.0, "convolution")
    let transposed = TransposedConv2D(
      inputs: 4, outputs: 400, kernel: 4, stride: 2, padding: .none, random: random)
    assertBound(transposed.bias?.value, 1 / 4.0, "transposed")
    let subpixel = SubpixelConv2D(
      inputs: 4, outputs: 300, kernel: 3, padding: .none, random: random)
    assertBound(subpixel.weights.value, 1 / 6.0, "weights of a subpixel convolution")
    assertBound(subpixel.bias?.value, 1 / 6.0, "bias of a subpixel convolution")
    let (bias, weights) = (subpixel.bias?.value.floats ?? [], subpixel.weights.value.floats)
    XCTAssertEqual(bias.count, 1200)
    for block in 1..<4 {
      XCTAssertEqual(bias[block * 300..<(block + 1) * 300], bias[0..<300])
      XCTAssertEqual(weights[block * 10800..<(block + 1) * 10800], weights[0..<10800])
    }
  }

  func testALawThatIsGivenGoesBeforeThatOfTheActivation() {
    let dense = Dense(
      inputs: 30, outputs: 120, activation: .tanh, initializer: .uniform(bound: 0.03),
      random: random)
    assertBound(dense.weights.value, 0.03, "dense")
    let convolution = Conv2D(
      inputs: 3, outputs: 40, kernel: 3, padding: .none, initializer: .constant(2), random: random)
    XCTAssertEqual(Set(convolution.weights.value.floats), [2])
    let transposed = TransposedConv2D(
      inputs: 3, outputs: 40, kernel: 3, padding: .none, initializer: .uniform(bound: 7),
      random: random)
    assertBound(transposed.weights.value, 7, "transposed")
    let subpixel = SubpixelConv2D(
      inputs: 3, outputs: 40, kernel: 3, padding: .none, initializer: .uniform(bound: 0.5),
      random: random)
    assertBound(subpixel.weights.value, 0.5, "subpixel")
    XCTAssertEqual(subpixel.bias.map { Set($0.value.floats) }, [0])
  }

  // MARK: Activations and biases

  /// One layer of each kind, from three channels to four, with the same weights whatever their options.
  private func layers(
    _ activation: Activation = .identity, hasBias: Bool = true, isDense: Bool = true
  ) -> [any Layer] {
    let law = Initializer.normal(deviation: 0.4)
    let dense = Dense(
      inputs: 3, outputs: 4, activation: activation, initializer: law, random: random)
    let convolution = Conv2D(
      inputs: 3, outputs: 4, kernel: 3, stride: 2, padding: Padding(1), hasBias: hasBias,
      activation: activation, initializer: law, random: random)
    let transposed = TransposedConv2D(
      inputs: 3, outputs: 4, kernel: 3, stride: 2, padding: Padding(1), hasBias: hasBias,
      activation: activation, initializer: law, random: random)
    let subpixel = SubpixelConv2D(
      inputs: 3, outputs: 4, kernel: 3, padding: Padding(1), hasBias: hasBias,
      activation: activation, initializer: law, random: random)
    return (isDense ? [dense] : []) + [convolution, transposed, subpixel]
  }

  func testALayerAppliesItsActivationToWhatItWouldGiveWithoutIt() {
    let image = numbers([2, 4, 5, 3], seed: 1)
    for (plain, activated) in zip(layers(), layers(.leakyReLU(slope: 0.25))) {
      let values = plain(image, context()).floats
      XCTAssertTrue(values.contains { $0 < -0.1 })
      assertClose(
        activated(image, context()).floats, values.map { $0 < 0 ? Double($0) / 4 : Double($0) },
        relative: 1e-6, floor: 1, "\(plain)")
    }
  }

  func testALayerWithoutABiasIsOneWhoseBiasIsZero() throws {
    let image = numbers([1, 4, 5, 3], seed: 2)
    for (without, with) in zip(
      layers(hasBias: false, isDense: false), layers(isDense: false))
    {
      XCTAssertEqual(without.parameters.map(\.path), ["weights"])
      XCTAssertEqual(with.parameters.map(\.path), ["weights", "bias"])
      let plain = without(image, context()).floats
      XCTAssertEqual(with(image, context()).floats, plain, "given laws start biases at zero")
      let bias = with.parameters[1].parameter
      bias.value = .ones(bias.shape)
      assertClose(
        with(image, context()).floats, plain.map { Double($0) + 1 }, relative: 1e-6, floor: 1,
        "\(with)")
    }
  }

  // MARK: Normalisations

  /// Values normalised together, with a scale and a shift for each.
  private func normalized(
    _ values: [Double], _ epsilon: Double, _ scale: [Double], _ shift: [Double]
  ) -> [Double] {
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    let deviation = (variance + epsilon).squareRoot()
    return values.indices.map { place -> Double in
      let normal = (values[place] - mean) / deviation
      return normal * scale[place] + shift[place]
    }
  }

  func testABatchNormalisationUsesItsEpsilonAndActivationInEveryMode() {
    let layer = BatchNorm(channels: 2, activation: .relu, epsilon: 0.5)
    layer.scale.value = Tensor([2, -1])
    layer.shift.value = Tensor([0.25, 0.5])
    layer.mean.value = Tensor([3, 1])
    layer.variance.value = Tensor([1, 4])
    let input = Tensor([1, 5, 2, -3, 6, 2], shape: [3, 2])
    let columns = [
      normalized([1, 2, 6], 0.5, [2, 2, 2], [0.25, 0.25, 0.25]),
      normalized([5, -3, 2], 0.5, [-1, -1, -1], [0.5, 0.5, 0.5]),
    ]
    let trained = (0..<3).flatMap { row in columns.map { max(0, $0[row]) } }
    for mode in [.training, .calibration] as [Context.Mode] {
      assertClose(
        layer(input, context(mode)).floats, trained, relative: 1e-5, floor: 1, "\(mode)")
    }
    let deviations = [1.5, 4.5].map { (variance: Double) in variance.squareRoot() }
    var evaluated: [Double] = []
    for (first, second) in [(1, 5), (2, -3), (6, 2)] as [(Double, Double)] {
      evaluated.append(max(0, 2 * (first - 3) / deviations[0] + 0.25))
      evaluated.append(max(0, 0.5 - (second - 1) / deviations[1]))
    }
    assertClose(
      layer(input, context(.evaluation)).floats, evaluated, relative: 1e-5, floor: 1, "evaluation")
  }

  func testAGroupNormalisationUsesItsGroupsEpsilonAndActivationAlsoInPlace() {
    let layer = GroupNorm(channels: 4, groups: 2, activation: .tanh, epsilon: 0.25)
    layer.scale.value = Tensor([1, 2, 3, -1])
    layer.shift.value = Tensor([0.5, 0, -0.5, 1])
    let input = Tensor([1, 2, -1, 4, 3, 0, 2, 2, 5, 1, 1, 0, 0, -2, 7, 1], shape: [2, 2, 1, 4])
    var expected = [Double](repeating: 0, count: 16)
    for example in 0..<2 {
      for group in 0..<2 {
        let places = (0..<2).flatMap { pixel in
          (0..<2).map { example * 8 + pixel * 4 + group * 2 + $0 }
        }
        let values = normalized(
          places.map { Double(input.floats[$0]) }, 0.25,
          places.map { Double(layer.scale.value.floats[$0 % 4]) },
          places.map { Double(layer.shift.value.floats[$0 % 4]) })
        for (place, value) in zip(places, values) { expected[place] = tanh(value) }
      }
    }
    assertClose(layer(input, context()).floats, expected, relative: 1e-5, floor: 1, "a new map")
    var map = input.copied()
    withoutTape { layer.apply(to: &map, context()) }
    assertClose(map.floats, expected, relative: 1e-5, floor: 1, "in place")
  }

  func testALayerNormalisationUsesItsEpsilonAndActivation() {
    let layer = LayerNorm(features: 3, activation: .sigmoid, epsilon: 2)
    layer.scale.value = Tensor([1, -2, 3])
    layer.shift.value = Tensor([0.5, 0, -1])
    let expected = [[1.0, 2, 6], [0, 5, -4]].flatMap { row in
      normalized(row, 2, [1, -2, 3], [0.5, 0, -1]).map { 1 / (1 + exp(-$0)) }
    }
    assertClose(
      layer(Tensor([1, 2, 6, 0, 5, -4], shape: [2, 3]), context()).floats, expected, relative: 1e-5,
      floor: 1, "rows")
  }

  func testNormalisationsAddAHundredThousandthToVariancesUnlessTold() {
    let usual: Float = 1e-5
    XCTAssertEqual(BatchNorm(channels: 2).epsilon, usual)
    XCTAssertEqual(GroupNorm(channels: 2, groups: 1).epsilon, usual)
    XCTAssertEqual(LayerNorm(features: 2).epsilon, usual)
  }

  func testOnlyGroupNormalisationsTakeThePlaceOfTheirInput() {
    XCTAssertTrue(GroupNorm(channels: 2, groups: 1).worksInPlace)
    XCTAssertFalse(BatchNorm(channels: 2).worksInPlace)
    XCTAssertFalse(LayerNorm(features: 2).worksInPlace)
    XCTAssertFalse(Dense(inputs: 1, outputs: 1, random: random).worksInPlace)
  }

  // MARK: Residual blocks

  func testAResidualBlockOfOtherOutputsAddsToAPixelwiseMapOfItsUnactivatedInput() throws {
    let block = ResidualBlock(channels: 3, outputs: 5, hidden: 2, random: random)
    XCTAssertEqual(
      block.parameters.map(\.path),
      [
        "first.weights", "first.bias", "second.weights", "second.bias", "shortcut.weights",
        "shortcut.bias",
      ])
    let parts = Dictionary(
      uniqueKeysWithValues: block.parameters.map { ($0.path, $0.parameter.value) })
    func convolved(_ x: Tensor, _ name: String, _ padding: Int) throws -> Tensor {
      x.convolution(
        weights: try XCTUnwrap(parts["\(name).weights"]),
        bias: try XCTUnwrap(parts["\(name).bias"]),
        padding: Padding(padding))
    }
    let input = numbers([2, 3, 4, 3], seed: 3)
    let hidden = try convolved(input.relu(), "first", 1)
    let expected = try convolved(hidden.relu(), "second", 1) + convolved(input, "shortcut", 0)
    for recording in [true, false] {
      let found = recording ? block(input, context()) : withoutTape { block(input, context()) }
      XCTAssertEqual(found.shape, [2, 3, 4, 5])
      assertClose(
        found.floats, expected.floats.map(Double.init), relative: 2e-6, floor: 1, "\(recording)")
    }
  }

  // MARK: Enlarging

  /// A chain joins some enlargements and convolutions to one step; what it gives must not change.
  func testAConvolutionAfterAnEnlargementIsThatOfTheEnlargedImage() {
    let input = numbers([2, 3, 4, 2], seed: 4)
    func convolution(
      _ kernel: Int = 3, stride: Int = 1, _ padding: Padding = Padding(1), hasBias: Bool = true,
      isSpectral: Bool = false
    ) -> Conv2D {
      Conv2D(
        inputs: 2, outputs: 5, kernel: kernel, stride: stride, padding: padding, hasBias: hasBias,
        activation: .silu, isSpectral: isSpectral, random: random)
    }
    let pairs: [(String, any Layer, Conv2D)] = [
      ("nearest by two", Upsampling(.nearest, by: 2), convolution()),
      ("without bias", Upsampling(.nearest, by: 2), convolution(hasBias: false)),
      ("normalised weights", Upsampling(.nearest, by: 2), convolution(isSpectral: true)),
      ("nearest by three", Upsampling(.nearest, by: 3), convolution()),
      ("bilinear", Upsampling(.bilinear, by: 2), convolution()),
      ("steps of two", Upsampling(.nearest, by: 2), convolution(stride: 2)),
      ("a larger kernel", Upsampling(.nearest, by: 2), convolution(5, Padding(2))),
      ("a larger kernel, the same padding", Upsampling(.nearest, by: 2), convolution(5)),
      ("no padding", Upsampling(.nearest, by: 2), convolution(3, .none)),
      (
        "padding on two sides", Upsampling(.nearest, by: 2),
        convolution(3, Padding(top: 2, left: 0, bottom: 0, right: 2))
      ),
    ]
    for (name, enlargement, convolution) in pairs {
      let chain = Sequential([enlargement, convolution])
      XCTAssertEqual(
        chain.parameters.map(\.path), convolution.parameters.map { "1.\($0.path)" }, name)
      let expected = convolution(enlargement(input, context()), context())
      for recording in [true, false] {
        let found = recording ? chain(input, context()) : withoutTape { chain(input, context()) }
        XCTAssertEqual(found.shape, expected.shape, name)
        assertClose(
          found.floats, expected.floats.map(Double.init), relative: 1e-5, floor: 1, name)
      }
    }
  }

  func testLayersBeforeAndBehindAnEnlargementStayInTheirOrder() {
    let first = Conv2D(
      inputs: 2, outputs: 3, kernel: 1, padding: .none, activation: .tanh, random: random)
    let second = Conv2D(inputs: 3, outputs: 2, kernel: 3, padding: Padding(1), random: random)
    let third = Conv2D(inputs: 2, outputs: 1, kernel: 3, padding: Padding(1), random: random)
    let input = numbers([1, 3, 2, 2], seed: 5)
    let chain = Sequential([first, Upsampling(), second, third])
    let expected = third(
      second(first(input, context()).upsampledNearest(by: 2, 2), context()), context())
    assertClose(
      chain(input, context()).floats, expected.floats.map(Double.init), relative: 1e-5, floor: 1,
      "chain")
    XCTAssertEqual(
      chain.parameters.map(\.path),
      ["0.weights", "0.bias", "2.weights", "2.bias", "3.weights", "3.bias"])
  }

  func testImagesAreDoubledByRepeatingPixelsUnlessToldOtherwise() {
    let input = numbers([2, 2, 3, 2], seed: 6)
    XCTAssertEqual(
      Upsampling()(input, context()).floats, input.upsampledNearest(by: 2, 2).floats)
    XCTAssertEqual(
      Upsampling(.nearest, by: 3)(input, context()).floats,
      input.upsampledNearest(by: 3, 3).floats)
    XCTAssertEqual(
      Upsampling(.bilinear)(input, context()).floats, input.upsampledBilinear(by: 2, 2).floats)
  }

  /// Biases tell where each channel of a convolution goes.
  func testASubpixelConvolutionByThreePutsEachChannelInItsPlace() {
    let layer = SubpixelConv2D(
      inputs: 1, outputs: 2, kernel: 1, by: 3, padding: .none, random: random)
    layer.weights.value = .zeros(layer.weights.shape)
    layer.bias?.value = Tensor((0..<18).map(Float.init))
    let found = layer(.zeros([1, 2, 1, 1]), context())
    XCTAssertEqual(found.shape, [1, 6, 3, 2])
    let rows: [[Float]] = [
      [0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11], [12, 13, 14, 15, 16, 17],
    ]
    XCTAssertEqual(found.floats, (rows + rows).flatMap { $0 })
  }
}
