import NeuralNetworks
import Tensors
import VAECore
import XCTest

/// Structural similarity on several scales, against NumPy (Reference/pictures.py) and the definition.
final class StructuralSimilarityTests: XCTestCase {
  /// Value i is ((i · step) mod 256) / 255.
  private func picture(_ step: Int, _ height: Int, _ width: Int, _ channels: Int) -> Tensor {
    let values = (0..<height * width * channels).map { (place: Int) -> Float in
      Float(place * step % 256) / 255
    }
    return Tensor(values, shape: [1, height, width, channels])
  }

  func testTheIndexOnSeveralScalesIsThatOfNumPy() {
    for (height, width, channels, scales, expected) in [
      (32, 32, 3, 2, 0.718337252414153), (45, 23, 1, 2, 0.6799144826824496),
      (170, 176, 1, 5, 0.8499304247362872),
    ] {
      let a = picture(37, height, width, channels)
      let b = a * 0.5 + picture(53, height, width, channels) * 0.4
      XCTAssertEqual(StructuralSimilarity.scales(height: height, width: width), scales)
      let similarity = StructuralSimilarity(scales: scales)
      // Two images at once, so that rows are not mixed up.
      let found = similarity(.concatenated([a, a], axis: 0), .concatenated([b, a], axis: 0)).floats
      XCTAssertEqual(Double(found[0]), expected, accuracy: 1e-5)
      XCTAssertEqual(found[1], 1, accuracy: 1e-6)
    }
  }

  /// Of constants 0.5 and 0.6 the luminance alone differs: 0.98360924, to the power 0.1333 on the last of five
  /// scales.
  func testConstantImagesDifferInLuminanceAloneOnTheLastScale() {
    let a = Tensor(repeating: 0.5, shape: [1, 161, 161, 1])
    let b = Tensor(repeating: 0.6, shape: [1, 161, 161, 1])
    XCTAssertEqual(StructuralSimilarity(scales: 1)(a, b).item, 0.98360924, accuracy: 1e-5)
    XCTAssertEqual(StructuralSimilarity(scales: 5)(a, b).item, 0.99779943, accuracy: 1e-5)
  }

  func testImagesHaveAsManyScalesAsAWindowFitsInside() {
    for (size, scales) in [
      (10, 0), (11, 1), (20, 1), (21, 2), (28, 2), (32, 2), (41, 3), (160, 4), (161, 5), (1000, 5),
    ] {
      XCTAssertEqual(StructuralSimilarity.scales(height: size, width: 2000), scales, "\(size)")
      XCTAssertEqual(StructuralSimilarity.scales(height: 2000, width: size), scales, "\(size)")
    }
  }

  func testGradientsAreTheSlopesOfTheIndexOfBothImages() throws {
    let random = RandomSource(seed: 2)
    for (size, scales) in [(12, 1), (23, 2)] {
      let shape: Shape = [2, size, size + 1, 2]
      let base = random.stream("a").uniform([2], shape: [shape.count / 2]).floats
      let a = Tensor(base + base, shape: shape)
      let b = a * 0.7 + random.stream("b").uniform([0, 1], shape: shape.removingFirst) * 0.2
      let similarity = StructuralSimilarity(scales: scales)
      for isFirst in [true, false] {
        let parameter = Parameter(isFirst ? a : b)
        func value(_ moved: Tensor) -> Tensor {
          (isFirst ? similarity(moved, b) : similarity(a, moved)).sum()
        }
        let gradient = try XCTUnwrap(value(parameter.tensor).backward()[parameter])
        // Along the gradient itself, where the slope is largest.
        let norm = Float(gradient.doubleSumOfSquares.squareRoot())
        let step: Float = 0.02
        let along = gradient * (step / norm)
        let slope =
          (value(parameter.value + along).item - value(parameter.value - along).item) / (2 * step)
        XCTAssertEqual(slope / norm, 1, accuracy: 0.02, "\(scales) scales, first \(isFirst)")
      }
    }
  }
}
