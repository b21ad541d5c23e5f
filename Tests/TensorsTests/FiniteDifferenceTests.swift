import Tensors
import XCTest

/// Gradients of every operation against finite differences of its forward pass, over several shapes
/// with sizes of one and odd sizes. `FiniteDifferences` states the tolerance.
final class FiniteDifferenceTests: XCTestCase {
  // MARK: - Elementwise

  private let shapes: [Shape] = [[1], [5], [3, 7], [2, 1, 3, 5]]

  func testFunctionsOfOneTensor() {
    for shape in shapes {
      check("negation", [shape]) { -$0[0] }
      check("exp", [shape]) { $0[0].exp() }
      check("log", [shape], in: 0.5...3) { $0[0].log() }
      check("square root", [shape], in: 0.5...3) { $0[0].squareRoot() }
      check("square", [shape]) { $0[0].squared() }
      check("reciprocal", [shape], in: 0.75...3) { $0[0].reciprocal() }
      check("negative reciprocal", [shape], in: -3 ... -0.75) { $0[0].reciprocal() }
      check("magnitude", [shape], awayFrom: [0]) { $0[0].magnitude() }
      check("clamp", [shape], awayFrom: [-0.5, 1]) { $0[0].clamped(to: -0.5...1) }
      check("affine map", [shape]) { $0[0].scaled(by: -1.5, shift: 2) }
      check("arithmetic with numbers", [shape]) { (3 - ($0[0] + 1) * 2 - 0.5) / 4 }
      check("numbers first", [shape], in: 0.75...3) { 2 / (1 + $0[0]) }
    }
  }

  func testActivations() {
    for shape in shapes {
      for activation in Self.activations {
        check("\(activation)", [shape], in: -3...3, awayFrom: [0]) {
          $0[0].activated(activation)
        }
      }
    }
  }

  func testSumsWithAnActivation() {
    for shape in shapes {
      for activation in Self.activations {
        // Away from the kink of rectifiers: both terms have the same sign.
        check("sum, \(activation)", [shape, shape], in: 0.25...2) {
          .sum($0[0], $0[1], activation: activation)
        }
        check("sum below zero, \(activation)", [shape, shape], in: -2 ... -0.25) {
          .sum($0[0], $0[1], activation: activation)
        }
      }
    }
  }

  func testFunctionsOfTwoTensors() {
    let pairs: [(Shape, Shape)] = [
      ([1], [1]), ([5], [5]), ([3, 5], [5]), ([3, 1], [1, 7]), ([2, 3], []), ([], [3]),
      ([2, 3, 1, 5], [3, 2, 1]), ([1, 3], [2, 1, 3]),
    ]
    for (a, b) in pairs {
      check("sum", [a, b]) { $0[0] + $0[1] }
      check("difference", [a, b]) { $0[0] - $0[1] }
      check("product", [a, b]) { $0[0] * $0[1] }
      check("quotient", [a, b], in: 0.75...3) { $0[0] / $0[1] }
    }
  }

  /// Multiples of 1/4 on one side, half-way between on the other: no step makes two meet.
  func testMaximumAndMinimum() {
    let pairs: [(Shape, Shape)] = [([1], [1]), ([3, 5], [5]), ([3, 1], [1, 7]), ([2, 3], [])]
    for (seed, pair) in pairs.enumerated() {
      let numbers = TestNumbers(seed: UInt64(seed))
      let a = numbers.uniform(pair.0, in: -2...2).floats.map { ($0 * 4).rounded() / 4 }
      let b = TestNumbers(seed: UInt64(seed) + 100).uniform(pair.1, in: -2...2).floats
        .map { ($0 * 4).rounded() / 4 + 0.125 }
      let inputs = [Tensor(a, shape: pair.0), Tensor(b, shape: pair.1)]
      check("maximum", inputs) { .maximum($0[0], $0[1]) }
      check("minimum", inputs) { .minimum($0[0], $0[1]) }
    }
  }

  // MARK: - Reductions

  func testReductionsOfAllElements() {
    for shape in [[], [1], [3, 5], [2, 1, 3, 7]] as [Shape] {
      check("sum of all", [shape]) { $0[0].sum() }
      check("mean of all", [shape]) { $0[0].mean() }
    }
  }

  func testReductionsAlongAnAxis() {
    for shape in [[1], [7], [3, 5], [1, 5], [2, 3, 1, 5]] as [Shape] {
      for axis in 0..<shape.rank {
        for keepsAxis in [false, true] {
          check("sum", [shape]) { $0[0].sum(axis: axis, keepingAxis: keepsAxis) }
          check("mean", [shape]) { $0[0].mean(axis: axis, keepingAxis: keepsAxis) }
          check("maximum", [TestNumbers(seed: 5).distinct(shape)]) {
            $0[0].maximum(axis: axis, keepingAxis: keepsAxis)
          }
        }
      }
    }
  }

  func testFunctionsOverTheLastAxis() {
    for shape in [[1], [5], [3, 1], [4, 7], [2, 1, 3]] as [Shape] {
      check("softmax", [shape]) { $0[0].softmax() }
      check("log-softmax", [shape]) { $0[0].logSoftmax() }
      check("log-sum-exp", [shape]) { $0[0].logSumExp() }
    }
  }

  // MARK: - Products

  func testMatrixProducts() {
    for (m, n, k) in [(1, 1, 1), (3, 5, 7), (5, 1, 3), (1, 4, 1)] {
      for left in [false, true] {
        for right in [false, true] {
          check("product", [left ? [k, m] : [m, k], right ? [n, k] : [k, n]]) {
            $0[0].matrixProduct($0[1], transposed: left, rightTransposed: right)
          }
        }
      }
    }
    for lead in [[], [3], [2, 1, 3]] {
      check("product of many rows", [Shape(lead + [5]), [5, 3]]) { $0[0].matrixProduct($0[1]) }
    }
  }

  func testDenseLayers() {
    for activation in Self.smoothActivations {
      check("dense", [[3, 5], [5, 7], [7]]) {
        $0[0].dense(weights: $0[1], bias: $0[2], activation: activation)
      }
      check("dense of one", [[1, 1], [1, 1], [1]]) {
        $0[0].dense(weights: $0[1], bias: $0[2], activation: activation)
      }
      check("dense of rows of rows", [[2, 1, 3], [3, 1], [1]]) {
        $0[0].dense(weights: $0[1], bias: $0[2], activation: activation)
      }
      check("dense without bias", [[3, 5], [5, 2]]) {
        $0[0].dense(weights: $0[1], bias: nil, activation: activation)
      }
      check("bias", [[2, 3, 5], [5]]) { $0[0].addingBias($0[1], activation: activation) }
    }
  }

  // MARK: - Convolutions

  func testConvolutions() {
    let none = Padding.none, one = Padding(1)
    check("1×1 of one pixel", convolution([1, 1, 1, 1], [1, 1, 1, 1], padding: none))
    check("1×1", convolution([2, 3, 5, 3], [2, 3, 1, 1], padding: none))
    check("1×1, stride 2", convolution([1, 5, 4, 2], [3, 2, 1, 1], (2, 2), padding: none))
    check("3×3", convolution([2, 5, 3, 2], [3, 2, 3, 3], padding: one))
    check("3×3, stride 2", convolution([1, 5, 7, 2], [3, 2, 3, 3], (2, 2), padding: one))
    check("unread rows", convolution([1, 6, 8, 1], [2, 1, 3, 3], (2, 3), padding: none))
    check("4×4, stride 2", convolution([1, 6, 4, 3], [2, 3, 4, 4], (2, 2), padding: one))
    check("7×7", convolution([1, 5, 3, 1], [2, 1, 7, 7], padding: Padding(3)))
    check(
      "even kernel, padding above only",
      convolution(
        [1, 4, 5, 2], [2, 2, 2, 3], padding: Padding(top: 1, left: 2, bottom: 0, right: 0)))
    check(
      "padding below only, stride 2",
      convolution(
        [1, 5, 5, 2], [2, 2, 3, 3], (2, 2), padding: Padding(top: 0, left: 0, bottom: 2, right: 1)))
  }

  func testConvolutionsWithActivationsAndWithoutBias() {
    for activation in Self.smoothActivations {
      for hasBias in [true, false] {
        check(
          "\(activation)",
          convolution(
            [1, 3, 4, 2], [2, 2, 3, 3], (2, 1), padding: Padding(1), activation: activation,
            hasBias: hasBias))
      }
    }
  }

  func testTransposedConvolutions() {
    let none = Padding.none, one = Padding(1)
    check("1×1 of one pixel", transposed([1, 1, 1, 1], [1, 1, 1, 1], padding: none))
    check("3×3", transposed([2, 3, 2, 3], [3, 2, 3, 3], padding: one))
    check("3×3, stride 2", transposed([1, 3, 2, 2], [2, 3, 3, 3], (2, 2), padding: one))
    check(
      "3×3, stride 2, to even sizes",
      transposed([1, 3, 2, 2], [2, 3, 3, 3], (2, 2), padding: one, outputPadding: (1, 1)))
    check("4×4, stride 2", transposed([1, 2, 3, 3], [3, 2, 4, 4], (2, 2), padding: one))
    check("2×2, stride 2", transposed([1, 3, 3, 1], [1, 2, 2, 2], (2, 2), padding: none))
    check(
      "different padding on each side",
      transposed(
        [1, 2, 3, 2], [2, 2, 4, 3], (3, 2), padding: Padding(top: 0, left: 1, bottom: 1, right: 0),
        outputPadding: (2, 1)))
  }

  func testTransposedConvolutionsWithActivationsAndWithoutBias() {
    for activation in Self.smoothActivations {
      for hasBias in [true, false] {
        check(
          "\(activation)",
          transposed(
            [1, 2, 2, 2], [2, 2, 3, 3], (2, 2), padding: Padding(1), outputPadding: (1, 0),
            activation: activation, hasBias: hasBias))
      }
    }
  }

  // MARK: - Normalisations

  func testBatchNormalization() {
    for shape in [[3, 1], [7, 3], [5, 1], [2, 3, 1, 5]] as [Shape] {
      let channels: Shape = [shape[-1]]
      for activation in Self.smoothActivations {
        check("with the batch's statistics", [shape, channels, channels]) {
          $0[0].batchNormalized(
            scale: $0[1], shift: $0[2], epsilon: 0.125, activation: activation
          ).output
        }
        let mean = TestNumbers(seed: 7).uniform(channels, in: -1...1)
        let variance = TestNumbers(seed: 8).uniform(channels, in: 0.5...2)
        check("with given statistics", [shape, channels, channels]) {
          $0[0].batchNormalized(
            scale: $0[1], shift: $0[2], moments: ChannelMoments(mean: mean, variance: variance),
            activation: activation
          ).output
        }
      }
    }
  }

  func testGroupNormalization() {
    for (shape, groups) in [
      ([3, 6], 2), ([1, 3, 1, 4], 4), ([2, 3, 3, 6], 3), ([2, 1, 1, 5], 1),
    ]
      as [(Shape, Int)]
    {
      let channels: Shape = [shape[-1]]
      for activation in Self.smoothActivations {
        check("\(groups) groups", [shape, channels, channels]) {
          $0[0].groupNormalized(
            groups: groups, scale: $0[1], shift: $0[2], epsilon: 0.125, activation: activation)
        }
      }
    }
  }

  func testLayerNormalization() {
    for shape in [[3], [1, 2], [5, 7], [2, 1, 3]] as [Shape] {
      let channels: Shape = [shape[-1]]
      for activation in Self.smoothActivations {
        check("layer normalisation", [shape, channels, channels]) {
          $0[0].layerNormalized(
            scale: $0[1], shift: $0[2], epsilon: 0.125, activation: activation)
        }
      }
    }
  }

  // MARK: - Movement

  func testViews() {
    check("reshape", [[2, 3, 1]]) { $0[0].reshaped(to: [3, 2]) }
    check("reshape to a scalar", [[1]]) { $0[0].reshaped(to: []) }
    check("flatten", [[2, 3, 1, 5]]) { $0[0].flattened() }
    check("rows", [[5, 3]]) { $0[0].rows(1..<4) }
    check("no rows left out", [[3]]) { $0[0].rows(0..<3) }
  }

  func testPermutations() {
    for (shape, order) in [
      ([5], [0]), ([3, 1], [1, 0]), ([2, 3, 5], [2, 0, 1]), ([2, 3, 1, 5], [0, 3, 1, 2]),
    ] as [(Shape, [Int])] {
      check("permutation \(order)", [shape]) { $0[0].permuted(order) }
    }
    check("transpose", [[3, 7]]) { $0[0].transposed() }
  }

  func testJoiningAndCutting() {
    check("concatenation of rows", [[3], [1], [2]]) { .concatenated($0, axis: 0) }
    check("concatenation of columns", [[2, 1, 3], [2, 5, 3]]) { .concatenated($0, axis: 1) }
    check("concatenation of channels", [[2, 3, 1], [2, 3, 4]]) { .concatenated($0, axis: -1) }
    check("one part of a split", [[3, 5]]) { $0[0].split(sizes: [2, 3])[1] }
    check("all parts of a split", [[3, 6]]) {
      let parts = $0[0].split(sizes: [1, 2, 3])
      return .concatenated([parts[2], parts[0].squared(), parts[1]], axis: 1)
    }
    check("slice", [[2, 5, 3]]) { $0[0].slice(axis: 1, 1..<4) }
    check("slice of rows", [[5, 1]]) { $0[0].slice(axis: 0, 2..<3) }
    check("padding of rows", [[3]]) { $0[0].padded(axis: 0, before: 2, after: 1) }
    check("padding of columns", [[2, 1, 3]]) { $0[0].padded(axis: 1, before: 0, after: 2) }
  }

  func testRepetitions() {
    let codes = Tensor(indices: [4, 0, 0, 2])
    check("rows by index", [[5, 3]]) { $0[0].gathering(codes) }
    check("rows by a table of indices", [[5, 1]]) {
      $0[0].gathering(Tensor(indices: [1, 1, 3, 0], shape: [2, 2]))
    }
    check("numbers by index", [[5]]) { $0[0].gathering(codes) }
    check("upsampling", [[2, 3, 1, 5]]) { $0[0].upsampledNearest(by: 2, 3) }
    check("upsampling of one pixel", [[1, 1, 1, 1]]) { $0[0].upsampledNearest(by: 2, 2) }
    check("means of blocks", [[2, 4, 3, 5]]) { $0[0].averagedBlocks(of: 2, 3) }
    check("means of blocks of one pixel", [[1, 2, 1, 2]]) { $0[0].averagedBlocks(of: 1, 1) }
    check("bilinear upsampling", [[2, 3, 1, 5]]) { $0[0].upsampledBilinear(by: 2, 3) }
    check("bilinear upsampling of one pixel", [[1, 1, 1, 1]]) { $0[0].upsampledBilinear(by: 2, 1) }
    check("extension of rows", [[2, 3, 1, 5]]) { $0[0].extended(axis: 1, by: 2) }
    check("extension of the last axis", [[1, 3]]) { $0[0].extended(axis: -1, by: 1) }
    check("broadcast of a scalar", [[]]) { $0[0].broadcast(to: [2, 3]) }
    check("broadcast of axes", [[3, 1]]) { $0[0].broadcast(to: [2, 3, 5]) }
    check("tiling", [[2, 3]]) { $0[0].tiled(3) }
  }

  // MARK: - Variational terms

  private let examples: [Shape] = [[1, 1], [3, 5], [2, 1], [2, 3, 1, 3]]

  func testReparameterization() {
    for shape in examples {
      for samples in [1, 3] {
        let noise = TestNumbers(seed: 9).uniform(drawn(shape, samples), in: -2...2)
        check("draws", [shape, shape]) {
          .reparameterized(mean: $0[0], logVariance: $0[1], noise: noise)
        }
      }
    }
  }

  func testGaussianDivergences() {
    for shape in examples {
      check("from the standard normal", [shape, shape]) {
        .gaussianDivergence(mean: $0[0], logVariance: $0[1])
      }
      check("from another Gaussian", [shape, shape, shape, shape], in: -1...1) {
        .gaussianDivergence(
          mean: $0[0], logVariance: $0[1], priorMean: $0[2], priorLogVariance: $0[3])
      }
    }
  }

  func testGaussianLogDensity() {
    for shape in examples {
      for (x, mean, logVariance) in [(1, 1, 1), (3, 1, 1), (1, 3, 1), (1, 3, 3), (3, 3, 3)] {
        check(
          "density", [drawn(shape, x), drawn(shape, mean), drawn(shape, logVariance)], in: -1...1
        ) {
          .gaussianLogDensity($0[0], mean: $0[1], logVariance: $0[2])
        }
      }
    }
  }

  func testGaussianLogDensitiesOfComponents() {
    for (points, components, units) in [(1, 1, 1), (4, 1, 3), (1, 5, 2), (7, 3, 20)] {
      let (x, table): (Shape, Shape) = ([points, units], [components, units])
      check("components", [x, table, table], in: -1...1) {
        .gaussianLogDensities($0[0], means: $0[1], logVariances: $0[2])
      }
    }
  }

  func testBernoulliLogDensity() {
    for shape in examples {
      for samples in [1, 3] {
        let x = TestNumbers(seed: 10).uniform(shape, in: 0...1)
        check("grey", [drawn(shape, samples)], in: -4...4) {
          .bernoulliLogDensity(x, logits: $0[0])
        }
        check("black and white", [drawn(shape, samples)], in: -4...4) {
          .bernoulliLogDensity(x.isAbove(0.5), logits: $0[0])
        }
      }
    }
  }

  func testSquaredError() {
    for shape in examples {
      for samples in [1, 3] {
        check("squared error", [shape, drawn(shape, samples)]) {
          .squaredError($0[0], mean: $0[1])
        }
      }
    }
  }

  // MARK: - Compositions

  func testATensorUsedTwiceGetsTheSumOfItsGradients() {
    check("x · x", [[3, 5]]) { $0[0] * $0[0] }
    check("x + x", [[1]]) { $0[0] + $0[0] }
    check("x / (1 + x²) + sigmoid x", [[5]]) { x in
      let y = x[0] / (x[0].squared() + 1)
      return y + x[0].sigmoid() * y
    }
    check("x xᵀ", [[3, 5]]) { $0[0].matrixProduct($0[0], rightTransposed: true) }
    check("x joined with itself", [[2, 3]]) { .concatenated([$0[0], $0[0].squared()], axis: 1) }
  }

  func testAWholeBound() {
    let noise = TestNumbers(seed: 11).uniform([6, 2], in: -2...2)
    let x = TestNumbers(seed: 12).uniform([3, 5], in: 0...1).isAbove(0.5)
    check("bound", [[5, 4], [4], [2, 5], [5]], in: -1...1) { p in
      let statistics = x.dense(weights: p[0], bias: p[1], activation: .tanh).split(sizes: [2, 2])
      let z = Tensor.reparameterized(mean: statistics[0], logVariance: statistics[1], noise: noise)
      let logits = z.dense(weights: p[2], bias: p[3])
      let rate = Tensor.gaussianDivergence(mean: statistics[0], logVariance: statistics[1])
      return (rate.tiled(2) - .bernoulliLogDensity(x, logits: logits)).mean()
    }
  }

  // MARK: - Checks

  private static let activations: [Activation] = [
    .identity, .relu, .leakyReLU(slope: 0.1), .elu(alpha: 1.5), .gelu, .silu, .tanh, .sigmoid,
    .softplus,
  ]

  /// Those without a kink, which serve where the sums before an activation cannot be chosen. Between
  /// them they save nothing, the output and the input.
  private static let smoothActivations: [Activation] = [
    .identity, .tanh, .sigmoid, .softplus, .gelu, .silu,
  ]

  private func drawn(_ shape: Shape, _ samples: Int) -> Shape {
    Shape([samples * shape[0]] + shape.dimensions.dropFirst())
  }

  private func convolution(
    _ input: Shape, _ weights: Shape, _ stride: (y: Int, x: Int) = (1, 1), padding: Padding,
    activation: Activation = .identity, hasBias: Bool = true
  ) -> FiniteDifferences {
    FiniteDifferences(
      inputs: numbers([input, weights] + (hasBias ? [[weights[0]]] : []), in: -1...1)
    ) {
      $0[0].convolution(
        weights: $0[1], bias: hasBias ? $0[2] : nil, stride: stride, padding: padding,
        activation: activation)
    }
  }

  private func transposed(
    _ input: Shape, _ weights: Shape, _ stride: (y: Int, x: Int) = (1, 1), padding: Padding,
    outputPadding: (y: Int, x: Int) = (0, 0), activation: Activation = .identity,
    hasBias: Bool = true
  ) -> FiniteDifferences {
    FiniteDifferences(
      inputs: numbers([input, weights] + (hasBias ? [[weights[1]]] : []), in: -1...1)
    ) {
      $0[0].transposedConvolution(
        weights: $0[1], bias: hasBias ? $0[2] : nil, stride: stride, padding: padding,
        outputPadding: outputPadding, activation: activation)
    }
  }

  /// Different numbers for each input.
  private func numbers(
    _ shapes: [Shape], in range: ClosedRange<Float>, awayFrom kinks: [Float] = []
  ) -> [Tensor] {
    shapes.enumerated().map { number, shape in
      TestNumbers(seed: UInt64(number) + 1).uniform(shape, in: range, awayFrom: kinks)
    }
  }

  private func check(
    _ what: String, _ shapes: [Shape], in range: ClosedRange<Float> = -2...2,
    awayFrom kinks: [Float] = [], line: UInt = #line, operation: @escaping ([Tensor]) -> Tensor
  ) {
    check(what, numbers(shapes, in: range, awayFrom: kinks), line: line, operation: operation)
  }

  private func check(
    _ what: String, _ inputs: [Tensor], line: UInt = #line,
    operation: @escaping ([Tensor]) -> Tensor
  ) {
    assertGradients(what, inputs, line: line, operation)
  }

  private func check(_ what: String, _ differences: FiniteDifferences, line: UInt = #line) {
    assertGradients(what, differences.inputs, line: line, differences.operation)
  }
}
