import Tensors
import XCTest

/// A vector that does not fit is read beyond its end by whatever comes after the check.
final class WrongShapeTests: XCTestCase {
  private let image = Tensor.ones([2, 6, 6, 3])
  private let weights = Tensor.ones([4, 3, 3, 3])
  private let transposedWeights = Tensor.ones([3, 4, 3, 3])

  func testAConvolutionRefusesABiasThatIsNotOneNumberAnOutput() throws {
    for shape in [[3], [5], [], [1, 4], [4, 1]] as [Shape] {
      let bias = Tensor.ones(shape)
      try assertStops("convolution, \(shape)") {
        _ = image.convolution(weights: weights, bias: bias)
      }
      try assertStops("transposed convolution, \(shape)") {
        _ = image.transposedConvolution(weights: transposedWeights, bias: bias)
      }
    }
    XCTAssertEqual(image.convolution(weights: weights, bias: .ones([4])).shape, [2, 4, 4, 4])
    XCTAssertEqual(
      image.transposedConvolution(weights: transposedWeights, bias: .ones([4])).shape, [2, 8, 8, 4])
  }

  func testAConvolutionRefusesPaddingBelowZeroAndAStrideThatIsNoStep() throws {
    let outside = Padding(top: 1, left: -1, bottom: 1, right: 1)
    try assertStops("convolution") { _ = image.convolution(weights: weights, padding: outside) }
    try assertStops("transposed convolution") {
      _ = image.transposedConvolution(weights: transposedWeights, padding: outside)
    }
    try assertStops("stride 0") { _ = image.convolution(weights: weights, stride: (1, 0)) }
    try assertStops("transposed, stride 0") {
      _ = image.transposedConvolution(weights: transposedWeights, stride: (0, 1))
    }
  }

  func testBatchNormalisationRefusesMomentsOfOtherChannels() throws {
    for shapes in [([2], [3]), ([3], [2]), ([], [3]), ([3], [1, 3])] as [(Shape, Shape)] {
      let moments = ChannelMoments(mean: .ones(shapes.0), variance: .ones(shapes.1))
      try assertStops("\(shapes)") {
        _ = image.batchNormalized(scale: .ones([3]), shift: .ones([3]), moments: moments)
      }
    }
  }

  func testUpsamplingRefusesBlocksWithoutPixels() throws {
    for factors in [(0, 1), (1, 0), (-1, 2), (2, -1)] {
      try assertStops("\(factors)") { _ = image.upsampledNearest(by: factors.0, factors.1) }
      try assertStops("bilinear \(factors)") {
        _ = image.upsampledBilinear(by: factors.0, factors.1)
      }
    }
  }

  func testMeansOfBlocksRefuseImagesThatAreNoWholeBlocks() throws {
    for factors in [(0, 1), (-1, 2), (1 << 20, 1)] {
      try assertStops("\(factors)") { _ = image.averagedBlocks(of: factors.0, factors.1) }
    }
  }

  func testAnImageThatEndsNowhereGoesOnNowhere() throws {
    try assertStops("no rows") { _ = Tensor.zeros([1, 0, 3]).extended(axis: 1, by: 2) }
    try assertStops("fewer") { _ = image.extended(axis: 1, by: -1) }
  }

  func testASumWithAnActivationRefusesOtherShapes() throws {
    try assertStops("rows") { _ = Tensor.sum(.ones([2, 3]), .ones([1, 3]), activation: .relu) }
  }

  func testAMeasuredProductRefusesMatricesThatDoNotMultiply() throws {
    try assertStops("inner sizes", saying: "[") {
      Engine.measureMatrixProduct(.ones([2, 3]), .ones([4, 5]), into: .ones([2, 5]))
    }
    try assertStops("output") {
      Engine.measureMatrixProduct(.ones([2, 3]), .ones([3, 5]), into: .ones([2, 4]))
    }
  }

  func testElementsOfAnotherTypeAreRefused() throws {
    let indices = Tensor(indices: [1, 2])
    try assertStops("indices as numbers") { _ = indices + 1 }
    try assertStops("numbers as indices") { _ = Tensor([1]).indices }
    XCTAssertEqual(indices.withIndices { $0.max() }, 2)
  }

  func testBorrowedMemoryIsNeverWritten() throws {
    let numbers: [Float] = [1, 2]
    try numbers.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      let tensor = Tensor(borrowing: start, shape: [2])
      try assertStops("a pointer to write") { _ = tensor.writeAddress }
    }
  }
}
