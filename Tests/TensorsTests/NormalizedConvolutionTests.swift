import Tensors
import XCTest

/// Bands of a normalised image through a convolution, against the whole image.
final class NormalizedConvolutionTests: XCTestCase {
  private func numbers(_ shape: Shape, _ name: String) -> Tensor {
    RandomSource(seed: 7).stream(name).normal(shape)
  }

  /// What becomes of an image by bands, and whole: the two operations one after the other.
  private func both(
    _ image: Tensor, kernel: Int, padding: Padding, _ precision: Precision
  ) throws -> (banded: NormalizedConvolution, whole: Tensor) {
    let (channels, outputs) = (image.shape[3], 16)
    let scale = numbers([channels], "scale"), shift = numbers([channels], "shift")
    let weights = numbers([outputs, channels, kernel, kernel], "weights").scaled(by: 0.1)
    let bias = numbers([outputs], "bias")
    let banded = try XCTUnwrap(
      NormalizedConvolution(
        of: image, groups: 4, scale: scale, shift: shift, epsilon: 1e-6, activation: .silu,
        weights: weights, bias: bias, padding: padding))
    var whole = image
    whole.normalizeInGroups(
      4, scale: scale, shift: shift, epsilon: 1e-6, activation: .silu, precision: precision)
    return (banded, whole.convolution(weights: weights, bias: bias, padding: padding))
  }

  private func assertEqual(_ a: Tensor, _ b: Tensor, _ what: String) {
    XCTAssertEqual(a.shape, b.shape, what)
    let largest = (a - b).squared().reshaped(to: [1, a.count]).maximum(axis: 1).item
    // Not `>`: a comparison with NaN is false.
    XCTAssertTrue(largest < 1e-9, "\(what): a difference of \(largest.squareRoot())")
  }

  /// Two images of different moments, of several bands, of which the last one is shorter.
  private func check(kernel: Int, _ padding: Padding, _ precision: Precision) throws {
    let image = numbers([2, 211, 320, 64], "image") * Tensor([1, 3], shape: [2, 1, 1, 1])
    let (banded, whole) = try both(image, kernel: kernel, padding: padding, precision)
    let what = "\(precision), kernel \(kernel), \(padding)"
    assertEqual(banded(image), whole, what)
    var target = numbers(whole.shape, "target")
    let sum = target + whole
    banded.add(image, to: &target)
    assertEqual(target, sum, what)
    let shared = target
    banded.add(image, to: &target)
    assertEqual(shared, sum, "\(what): what somebody else has is not written over")
    assertEqual(target, sum + whole, what)
  }

  func testBandsGiveWhatTheWholeImageGives() throws {
    for precision in Precision.allCases where precision.isSupported {
      try withoutTape {
        try withInferencePrecision(precision) {
          try check(kernel: 3, Padding(1), precision)
          try check(kernel: 1, .none, precision)
          try check(kernel: 3, Padding(top: 0, left: 2, bottom: 2, right: 0), precision)
        }
      }
    }
  }

  func testSmallImagesAndThoseThatATapeRecordsAreNotDivided() {
    func banded(_ image: Tensor) -> NormalizedConvolution? {
      NormalizedConvolution(
        of: image, groups: 1, scale: .ones([64]), shift: .zeros([64]), epsilon: 1e-6,
        activation: .silu, weights: .zeros([16, 64, 3, 3]), bias: nil, padding: Padding(1))
    }
    let image = Tensor.zeros([1, 256, 256, 64])
    XCTAssertNil(banded(image))
    XCTAssertNotNil(withoutTape { banded(image) })
    XCTAssertNil(
      withoutTape { banded(.zeros([16, 64, 64, 64])) }, "of a batch each image counts by itself")
  }
}
