import NeuralNetworks
import Tensors
import XCTest

/// What layers make of shapes, and of values where a layer is more than one operation.
final class LayerTests: XCTestCase {
  private let random = RandomSource(seed: 1)

  func testDenseKeepsLeadingAxes() {
    let layer = Dense(inputs: 3, outputs: 5, random: random)
    check(layer, [([1, 3], [1, 5]), ([7, 3], [7, 5]), ([2, 3, 3], [2, 3, 5])])
  }

  func testConvolutionShapes() {
    func layer(_ kernel: Int, _ stride: Int, _ padding: Padding) -> Conv2D {
      Conv2D(
        inputs: 2, outputs: 3, kernel: kernel, stride: stride, padding: padding, random: random)
    }
    check(layer(1, 1, .none), [([1, 1, 1, 2], [1, 1, 1, 3]), ([2, 5, 7, 2], [2, 5, 7, 3])])
    check(layer(3, 1, Padding(1)), [([2, 5, 7, 2], [2, 5, 7, 3])])
    check(
      layer(3, 2, Padding(1)), [([1, 7, 8, 2], [1, 4, 4, 3]), ([1, 1, 2, 2], [1, 1, 1, 3])])
    check(layer(4, 2, Padding(1)), [([1, 8, 7, 2], [1, 4, 3, 3])])
    check(layer(7, 1, Padding(3)), [([1, 5, 3, 2], [1, 5, 3, 3])])
    let above = Padding(top: 1, left: 0, bottom: 0, right: 0)
    check(layer(2, 1, above), [([1, 4, 4, 2], [1, 4, 3, 3])])
  }

  func testSamePaddingKeepsOneOutputForEveryStride() {
    for (kernel, stride, height, width) in [
      (3, 1, 5, 7), (3, 2, 5, 8), (3, 2, 6, 1), (5, 3, 7, 10), (7, 2, 28, 27), (1, 2, 5, 4),
    ] {
      let layer = Conv2D(
        inputs: 2, outputs: 3, kernel: kernel, stride: stride,
        padding: .same(kernel: kernel, stride: stride, height: height, width: width),
        random: random)
      let (rows, columns) = ((height + stride - 1) / stride, (width + stride - 1) / stride)
      check(layer, [([1, height, width, 2], [1, rows, columns, 3])])
    }
  }

  func testWhatCannotBeHalvedOfAPaddingGoesBelowAndToTheRight() {
    XCTAssertEqual(
      Padding.same(kernel: 3, stride: 2, height: 8, width: 7),
      Padding(top: 0, left: 1, bottom: 1, right: 1))
    XCTAssertEqual(
      Padding.same(kernel: 4, stride: 1, height: 5, width: 5),
      Padding(top: 1, left: 1, bottom: 2, right: 2))
  }

  func testTransposedConvolutionShapes() {
    func layer(
      _ kernel: Int, _ stride: Int, _ padding: Padding, _ outputPadding: (y: Int, x: Int) = (0, 0)
    ) -> TransposedConv2D {
      TransposedConv2D(
        inputs: 2, outputs: 3, kernel: kernel, stride: stride, padding: padding,
        outputPadding: outputPadding, random: random)
    }
    check(layer(1, 1, .none), [([1, 1, 1, 2], [1, 1, 1, 3])])
    check(layer(3, 2, Padding(1)), [([2, 4, 5, 2], [2, 7, 9, 3])])
    check(layer(3, 2, Padding(1), (1, 1)), [([2, 4, 5, 2], [2, 8, 10, 3])])
    check(layer(3, 2, Padding(1), (0, 1)), [([1, 4, 4, 2], [1, 7, 8, 3])])
    check(layer(4, 2, Padding(1)), [([1, 7, 1, 2], [1, 14, 2, 3])])
    check(layer(4, 1, .none), [([1, 1, 1, 2], [1, 4, 4, 3])])
  }

  func testNormalizationsAndResidualBlocksKeepShapes() {
    let shape: Shape = [2, 5, 3, 4]
    check(BatchNorm(channels: 4), [(shape, shape), ([3, 4], [3, 4])])
    check(GroupNorm(channels: 4, groups: 2), [(shape, shape), ([3, 4], [3, 4])])
    check(LayerNorm(features: 4), [(shape, shape), ([4], [4])])
    for kernel in [1, 3] {
      for normalization in [.none, .groups(1)] as [ResidualBlock.Normalization] {
        let block = ResidualBlock(
          channels: 4, hidden: 3, secondKernel: kernel, normalization: normalization,
          random: random)
        check(block, [(shape, shape), ([1, 1, 1, 4], [1, 1, 1, 4])])
      }
    }
  }

  func testAnEmptyChainIsTheIdentity() {
    let input = numbers([2, 3], seed: 2)
    XCTAssertEqual(Sequential([])(input, context()).floats, input.floats)
  }

  func testAChainAppliesItsLayersInOrder() {
    let (first, second) = (
      Dense(inputs: 3, outputs: 5, activation: .tanh, random: random.child("first")),
      Dense(inputs: 5, outputs: 2, random: random.child("second"))
    )
    let input = numbers([4, 3], seed: 3)
    XCTAssertEqual(
      Sequential([first, second])(input, context()).floats,
      second(first(input, context()), context()).floats)
  }

  func testAResidualBlockAddsTwoConvolutionsToItsInput() throws {
    for normalization in [.none, .groups(2)] as [ResidualBlock.Normalization] {
      let block = ResidualBlock(
        channels: 4, hidden: 6, secondKernel: 1, activation: .silu, normalization: normalization,
        random: random)
      let parts = Dictionary(
        uniqueKeysWithValues: block.parameters.map { ($0.path, $0.parameter.value) })
      let input = numbers([2, 3, 5, 4], seed: 4)

      func activated(_ x: Tensor, _ position: Int) throws -> Tensor {
        guard case .groups(let groups) = normalization else { return x.activated(.silu) }
        return x.groupNormalized(
          groups: groups, scale: try XCTUnwrap(parts["normalization\(position).scale"]),
          shift: try XCTUnwrap(parts["normalization\(position).shift"])
        ).activated(.silu)
      }
      let inner = try activated(input, 0).convolution(
        weights: XCTUnwrap(parts["first.weights"]), bias: XCTUnwrap(parts["first.bias"]),
        padding: Padding(1))
      let added = try activated(inner, 1).convolution(
        weights: XCTUnwrap(parts["second.weights"]), bias: XCTUnwrap(parts["second.bias"]))
      assertClose(
        block(input, context()).floats, (input + added).floats.map(Double.init), relative: 2e-6,
        floor: 1, "\(normalization)")
    }
  }

  func testEveryParameterOfALayerGetsAGradient() {
    let layers: [(any Layer, Shape)] = [
      (Dense(inputs: 4, outputs: 3, random: random), [5, 4]),
      (Conv2D(inputs: 4, outputs: 3, kernel: 3, padding: .none, random: random), [1, 3, 4, 4]),
      (
        TransposedConv2D(inputs: 4, outputs: 3, kernel: 3, padding: .none, random: random),
        [1, 2, 2, 4]
      ),
      (BatchNorm(channels: 4), [5, 4]), (GroupNorm(channels: 4, groups: 2), [5, 4]),
      (LayerNorm(features: 4), [5, 4]),
      (
        ResidualBlock(channels: 4, hidden: 2, normalization: .groups(2), random: random),
        [1, 3, 3, 4]
      ),
    ]
    for (layer, shape) in layers {
      let gradients = layer(numbers(shape, seed: 5), context()).squared().sum().backward()
      XCTAssertEqual(gradients.count, layer.parameters.count, "\(type(of: layer))")
      for (path, parameter) in layer.parameters {
        XCTAssertEqual(gradients[parameter]?.shape, parameter.shape, "\(type(of: layer)) \(path)")
      }
    }
  }

  private func check(
    _ layer: any Layer, _ shapes: [(input: Shape, output: Shape)], line: UInt = #line
  ) {
    for (input, output) in shapes {
      for mode in [.training, .evaluation] as [Context.Mode] {
        let result = layer(numbers(input, seed: 6), context(mode))
        XCTAssertEqual(result.shape, output, "\(type(of: layer)) of \(input)", line: line)
        XCTAssertTrue(result.isFinite, "\(type(of: layer)) of \(input)", line: line)
      }
    }
  }
}
