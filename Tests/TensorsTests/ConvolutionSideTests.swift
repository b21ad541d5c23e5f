import Tensors
import XCTest

/// Convolutions whose two directions differ in everything, on each of the ways that they are computed.
final class ConvolutionSideTests: XCTestCase {
  private struct Case {
    let name: String
    let input: Shape
    let outputs: Int
    let kernel: (y: Int, x: Int)
    let stride: (y: Int, x: Int)
    let padding: Padding
  }

  private let cases = [
    Case(
      name: "few outputs", input: [2, 6, 7, 32], outputs: 3, kernel: (3, 2), stride: (1, 1),
      padding: Padding(top: 1, left: 0, bottom: 0, right: 2)),
    Case(
      name: "few pixels", input: [1, 5, 3, 128], outputs: 172, kernel: (3, 2), stride: (2, 1),
      padding: Padding(top: 1, left: 0, bottom: 0, right: 1)),
    Case(
      name: "few inputs", input: [2, 8, 6, 3], outputs: 16, kernel: (4, 3), stride: (2, 1),
      padding: Padding(top: 0, left: 2, bottom: 1, right: 0)),
    Case(
      name: "few inputs, steps to the side", input: [1, 5, 9, 2], outputs: 17, kernel: (2, 5),
      stride: (1, 3), padding: Padding(top: 1, left: 2, bottom: 0, right: 1)),
    Case(
      name: "no special sizes", input: [2, 6, 5, 8], outputs: 8, kernel: (3, 2), stride: (2, 1),
      padding: Padding(top: 0, left: 1, bottom: 2, right: 0)),
  ]

  /// Every product of a convolution: the places of its factors and of what they are added to.
  private func forEachProduct(
    _ test: Case, _ output: Shape, _ body: (_ y: Int, _ x: Int, _ weight: Int) -> Void
  ) {
    let (height, width, inputs) = (test.input[1], test.input[2], test.input[3])
    for image in 0..<test.input[0] {
      for row in 0..<output[1] {
        for column in 0..<output[2] {
          for ky in 0..<test.kernel.y {
            for kx in 0..<test.kernel.x {
              let above = row * test.stride.y + ky - test.padding.top
              let beside = column * test.stride.x + kx - test.padding.left
              guard (0..<height).contains(above), (0..<width).contains(beside) else { continue }
              let pixel = ((image * height + above) * width + beside) * inputs
              let target = ((image * output[1] + row) * output[2] + column) * test.outputs
              for o in 0..<test.outputs {
                for i in 0..<inputs {
                  body(
                    target + o, pixel + i,
                    ((o * inputs + i) * test.kernel.y + ky) * test.kernel.x + kx)
                }
              }
            }
          }
        }
      }
    }
  }

  private func assertClose(_ found: [Float]?, _ expected: [Double], _ what: String) {
    guard let found, found.count == expected.count else { return XCTFail("\(what): another size") }
    let largest = expected.reduce(1) { max($0, $1.magnitude) }
    let worst = zip(found, expected).reduce(0) { max($0, (Double($1.0) - $1.1).magnitude) }
    XCTAssertLessThan(worst, 2e-5 * largest, what)
  }

  func testValuesAndGradientsAreThoseOfLoops() {
    for test in cases {
      let x = Parameter(RandomSource(seed: 1).stream("x").normal(test.input))
      let weights = Parameter(
        RandomSource(seed: 2).stream("w").normal([
          test.outputs, test.input[3], test.kernel.y, test.kernel.x,
        ]))
      let bias = Parameter(RandomSource(seed: 3).stream("b").normal([test.outputs]))
      let y = x.tensor.convolution(
        weights: weights.tensor, bias: bias.tensor, stride: test.stride, padding: test.padding)
      let padding = test.padding
      XCTAssertEqual(
        y.shape,
        [
          test.input[0],
          (test.input[1] + padding.top + padding.bottom - test.kernel.y) / test.stride.y + 1,
          (test.input[2] + padding.left + padding.right - test.kernel.x) / test.stride.x + 1,
          test.outputs,
        ], test.name)
      let cotangent = RandomSource(seed: 4).stream("c").normal(y.shape)
      let (xs, ws, cs) = (x.value.floats, weights.value.floats, cotangent.floats)
      var values = (0..<y.count).map { Double(bias.value.floats[$0 % test.outputs]) }
      var ofInput = [Double](repeating: 0, count: xs.count)
      var ofWeights = [Double](repeating: 0, count: ws.count)
      forEachProduct(test, y.shape) { place, pixel, weight in
        values[place] += Double(xs[pixel]) * Double(ws[weight])
        ofInput[pixel] += Double(cs[place]) * Double(ws[weight])
        ofWeights[weight] += Double(cs[place]) * Double(xs[pixel])
      }
      var ofBias = [Double](repeating: 0, count: test.outputs)
      for (place, value) in cs.enumerated() { ofBias[place % test.outputs] += Double(value) }
      assertClose(y.floats, values, "\(test.name): values")
      let gradients = y.backward(from: cotangent)
      assertClose(gradients[x]?.floats, ofInput, "\(test.name): input")
      assertClose(gradients[weights]?.floats, ofWeights, "\(test.name): weights")
      assertClose(gradients[bias]?.floats, ofBias, "\(test.name): bias")
    }
  }

  /// A transposed convolution gives what the other's gradient of its input is.
  func testTransposedConvolutionsSpreadEachPixelOverItsOwnPlaces() {
    for test in cases where test.name.hasPrefix("few inputs") {
      // What padding and steps leave over of the larger image.
      let (height, width) = (test.input[1], test.input[2])
      let rows =
        (height + test.padding.top + test.padding.bottom - test.kernel.y) / test.stride.y + 1
      let columns =
        (width + test.padding.left + test.padding.right - test.kernel.x) / test.stride.x + 1
      let small: Shape = [test.input[0], rows, columns, test.outputs]
      let z = RandomSource(seed: 5).stream("z").normal(small)
      let weights = RandomSource(seed: 6).stream("w").normal([
        test.outputs, test.input[3], test.kernel.y, test.kernel.x,
      ])
      var expected = [Double](repeating: 0, count: test.input.count)
      let (zs, ws) = (z.floats, weights.floats)
      forEachProduct(test, small) { place, pixel, weight in
        expected[pixel] += Double(zs[place]) * Double(ws[weight])
      }
      let left = (
        y: height
          - ((rows - 1) * test.stride.y - test.padding.top - test.padding.bottom + test.kernel.y),
        x: width
          - ((columns - 1) * test.stride.x - test.padding.left - test.padding.right
            + test.kernel.x)
      )
      let found = z.transposedConvolution(
        weights: weights, stride: test.stride, padding: test.padding, outputPadding: left)
      XCTAssertEqual(found.shape, test.input, test.name)
      assertClose(found.floats, expected, test.name)
    }
  }
}
