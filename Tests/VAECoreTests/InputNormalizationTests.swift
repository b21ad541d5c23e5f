import NeuralNetworks
import Tensors
import VAEComponents
import XCTest

final class InputNormalizationTests: XCTestCase {
  private func context(_ count: Int) -> Context {
    Context(
      mode: .training, random: RandomSource(seed: 5), examples: (0..<count).map(UInt64.init))
  }

  private func noise(_ count: Int, _ columns: Int, _ name: String) -> Tensor {
    RandomSource(seed: 1).stream(name).normal([count, columns])
  }

  private func prepared(_ x: Tensor) -> InputNormalization {
    let normalization = InputNormalization(inputs: x.shape[1])
    let half = x.shape[0] / 2
    normalization.prepare(
      firstBatches: [x.rows(0..<half), x.rows(half..<x.shape[0])], context: context(half))
    return normalization
  }

  func testTheMeanIsTakenOffWhereItOutweighsWhatExamplesDifferIn() {
    let x = noise(200, 10, "x") * 0.2 + 3
    let normalization = prepared(x)
    for (a, b) in zip(normalization.mean.value.floats, x.mean(axis: 0).floats) {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
    XCTAssertEqual(normalization.scale.value.item, 1)
    let mean = normalization(x).mean(axis: 0)
    XCTAssertLessThan(mean.floats.map(abs).max() ?? 1, 1e-5)
  }

  func testLargeDifferencesAreMadeAsSmallAsThoseOfDigits() {
    let x = noise(100, 3000, "x") * 7
    let normalization = prepared(x)
    XCTAssertEqual(normalization.mean.value.floats, [Float](repeating: 0, count: 3000))
    let energy = normalization(x).doubleSumOfSquares / 100
    XCTAssertEqual(energy, 100, accuracy: 3)
  }

  func testImagesOfDigitsStayBitForBitAsTheyAre() {
    // Sparse binary images: few pixels are set in most of them.
    let x = RandomSource(seed: 2).stream("x").uniform([300, 784]).isAbove(0.87)
    let normalization = prepared(x)
    XCTAssertEqual(normalization(x).floats, x.floats)
    XCTAssertEqual(normalization.scale.value.item, 1)
    XCTAssertTrue(normalization.mean.value.floats.allSatisfy { $0 == 0 })
  }

  func testDataThatAreNotFiniteChangeNothing() {
    let x = Tensor([1e30, 2e30, .infinity, 0], shape: [2, 2])
    let normalization = prepared(x)
    XCTAssertEqual(normalization.mean.value.floats, [0, 0])
    XCTAssertEqual(normalization.scale.value.item, 1)
  }
}
