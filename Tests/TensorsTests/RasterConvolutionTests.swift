import Tensors
import XCTest

/// Convolutions that run as matrix products: over what comes before a position, and where oneDNN is
/// slow.
final class RasterConvolutionTests: XCTestCase {
  private let numbers = TestNumbers(seed: 31)

  private func check(
    _ what: String, _ differences: FiniteDifferences, file: StaticString = #filePath,
    line: UInt = #line
  ) {
    if let mismatch = differences.firstMismatch(seed: 5) {
      XCTFail("\(what): \(mismatch)", file: file, line: line)
    }
  }

  private func raster(
    _ input: Shape, outputs: Int, rows: Int, seesOwnPosition: Bool,
    activation: Activation = .identity
  ) -> FiniteDifferences {
    FiniteDifferences(inputs: [
      numbers.uniform(input, in: -1...1),
      numbers.uniform([outputs, input[3], rows, 2 * rows - 1], in: -0.5...0.5),
      numbers.uniform([outputs], in: -1...1),
    ]) {
      $0[0].rasterConvolution(
        weights: $0[1], bias: $0[2], seesOwnPosition: seesOwnPosition, activation: activation)
    }
  }

  /// The same kernel as a mask over a whole square one.
  private func masked(_ x: Tensor, _ weights: Tensor, _ bias: Tensor, seesOwnPosition: Bool)
    -> Tensor
  {
    let (rows, columns) = (weights.shape[2], weights.shape[3])
    let mask = Tensor(weights.shape) { mask in
      for index in mask.indices {
        let (row, column) = (index / columns % rows, index % columns)
        let isSeen =
          row < rows - 1 || column < rows - 1 || (column == rows - 1 && seesOwnPosition)
        mask[index] = isSeen ? 1 : 0
      }
    }
    let reach = rows - 1
    return x.convolution(
      weights: weights * mask, bias: bias,
      padding: Padding(top: reach, left: reach, bottom: 0, right: reach))
  }

  func testGradientsMatchFiniteDifferences() {
    for sees in [true, false] {
      check("one pixel", raster([1, 1, 1, 1], outputs: 1, rows: 2, seesOwnPosition: sees))
      check("3×3", raster([2, 3, 4, 2], outputs: 3, rows: 2, seesOwnPosition: sees))
      check("7×7", raster([1, 3, 5, 1], outputs: 2, rows: 4, seesOwnPosition: sees))
      check("1×1", raster([2, 2, 3, 2], outputs: 2, rows: 1, seesOwnPosition: true))
    }
  }

  func testGradientsPassEveryKindOfActivation() {
    for activation in [Activation.tanh, .sigmoid, .softplus, .silu, .gelu] {
      check(
        "\(activation)",
        raster([1, 3, 3, 2], outputs: 2, rows: 2, seesOwnPosition: true, activation: activation))
    }
  }

  func testValuesAndGradientsAreThoseOfAMaskedKernel() throws {
    for (sees, shape, outputs, rows) in [
      (true, [3, 9, 11, 20] as Shape, 17, 2), (false, [2, 8, 6, 1], 33, 4),
    ] {
      let x = Parameter(numbers.uniform(shape, in: -1...1))
      let weights = Parameter(
        numbers.uniform([outputs, shape[3], rows, 2 * rows - 1], in: -1...1))
      let bias = Parameter(numbers.uniform([outputs], in: -1...1))
      let cotangent = numbers.uniform([shape[0], shape[1], shape[2], outputs], in: -1...1)
      let ours = x.tensor.rasterConvolution(
        weights: weights.tensor, bias: bias.tensor, seesOwnPosition: sees)
      let theirs = masked(x.tensor, weights.tensor, bias.tensor, seesOwnPosition: sees)
      assertClose(ours, theirs, 1e-4)
      let (a, b) = (ours.backward(from: cotangent), theirs.backward(from: cotangent))
      for parameter in [x, weights, bias] {
        assertClose(try XCTUnwrap(a[parameter]), try XCTUnwrap(b[parameter]), 1e-3)
      }
    }
  }

  func testTapsThatSeeNothingGetNoGradient() throws {
    let weights = Parameter(.ones([2, 3, 2, 3]))
    let gradient = try XCTUnwrap(
      Tensor.ones([1, 4, 4, 3]).rasterConvolution(
        weights: weights.tensor, bias: .zeros([2]), seesOwnPosition: false
      ).sum().backward()[weights])
    for (index, value) in gradient.floats.enumerated() {
      let isSeen = index % 6 < 4
      XCTAssertEqual(value != 0, isSeen, "tap \(index % 6)")
    }
  }

  func testAKernelThatSeesNothingGivesItsBias() {
    let y = Tensor.ones([1, 2, 2, 3]).rasterConvolution(
      weights: .ones([2, 3, 1, 1]), bias: Tensor([1, -2]), seesOwnPosition: false,
      activation: .relu)
    XCTAssertEqual(y.floats, [1, 0, 1, 0, 1, 0, 1, 0])
  }

  /// A convolution as sums of matrix products over its taps, which shares no code with any of ours.
  private func reference(
    _ x: Tensor, _ weights: Tensor, stride: Int, pad: Int
  ) -> [Double] {
    let (height, width, inputs) = (x.shape[1], x.shape[2], x.shape[3])
    let (outputs, rows, columns) = (weights.shape[0], weights.shape[2], weights.shape[3])
    let outHeight = (height + 2 * pad - rows) / stride + 1
    let outWidth = (width + 2 * pad - columns) / stride + 1
    let (xs, ws) = (x.floats, weights.floats)
    var result: [Double] = []
    for n in 0..<x.shape[0] {
      for y in 0..<outHeight {
        for column in 0..<outWidth {
          for o in 0..<outputs {
            var sum = 0.0
            for ky in 0..<rows {
              for kx in 0..<columns {
                let (r, c) = (y * stride + ky - pad, column * stride + kx - pad)
                guard r >= 0, r < height, c >= 0, c < width else { continue }
                for i in 0..<inputs {
                  sum +=
                    Double(xs[((n * height + r) * width + c) * inputs + i])
                    * Double(ws[((o * inputs + i) * rows + ky) * columns + kx])
                }
              }
            }
            result.append(sum)
          }
        }
      }
    }
    return result
  }

  /// Each shape takes one of the ways around oneDNN, so that values and gradients of all of them
  /// are held to loops: a convolution is linear in each argument, and ⟨y(x, w), c⟩ gives its
  /// gradients.
  func testConvolutionsThatOneDNNDoesBadlyMatchLoops() throws {
    for (name, shape, outputs, kernel, stride, pad) in [
      ("few outputs", [2, 9, 10, 32] as Shape, 3, 3, 1, 1),
      ("few pixels", [2, 4, 4, 128], 128, 3, 2, 1),
      ("few inputs", [2, 8, 6, 3], 16, 4, 2, 1),
    ] {
      let x = Parameter(numbers.uniform(shape, in: -1...1))
      let weights = Parameter(numbers.uniform([outputs, shape[3], kernel, kernel], in: -1...1))
      let y = x.tensor.convolution(
        weights: weights.tensor, stride: (stride, stride), padding: Padding(pad))
      let expected = reference(x.value, weights.value, stride: stride, pad: pad)
      XCTAssertEqual(y.count, expected.count)
      for (value, exact) in zip(y.floats, expected) {
        XCTAssertEqual(Double(value), exact, accuracy: 2e-3, name)
      }
      let cotangent = numbers.uniform(y.shape, in: -1...1)
      let gradients = y.backward(from: cotangent)
      let (dx, dw) = (try XCTUnwrap(gradients[x]), try XCTUnwrap(gradients[weights]))
      // For any direction d: ⟨dx, d⟩ = ⟨y(d, w), c⟩ and ⟨dw, d⟩ = ⟨y(x, d), c⟩.
      for seed in 0..<3 as Range<UInt64> {
        let alongInput = TestNumbers(seed: seed).uniform(shape, in: -1...1)
        let alongWeights = TestNumbers(seed: seed).uniform(weights.shape, in: -1...1)
        let first = reference(alongInput, weights.value, stride: stride, pad: pad)
        let second = reference(x.value, alongWeights, stride: stride, pad: pad)
        XCTAssertEqual(inner(dx, alongInput.floats), inner(cotangent, first), accuracy: 0.05, name)
        XCTAssertEqual(
          inner(dw, alongWeights.floats), inner(cotangent, second), accuracy: 0.05, name)
      }
    }
  }

  private func inner(_ a: Tensor, _ b: [Float]) -> Double { inner(a, b.map(Double.init)) }

  private func inner(_ a: Tensor, _ b: [Double]) -> Double {
    zip(a.floats, b).reduce(0) { $0 + Double($1.0) * $1.1 }
  }

  private func assertClose(
    _ a: Tensor, _ b: Tensor, _ accuracy: Float, file: StaticString = #filePath,
    line: UInt = #line
  ) {
    XCTAssertEqual(a.shape, b.shape, file: file, line: line)
    let worst = zip(a.floats, b.floats).map { ($0 - $1).magnitude }.max() ?? 0
    XCTAssertLessThanOrEqual(worst, accuracy, file: file, line: line)
  }
}
