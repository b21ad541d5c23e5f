import NeuralNetworks
import Tensors
import VAEComponents
import XCTest

final class InputCentringTests: XCTestCase {
  private let context = Context(
    mode: .training, random: RandomSource(seed: 5), examples: (0..<4).map(UInt64.init))

  private func prepared(_ batches: [Tensor]) -> InputCentring {
    let centring = InputCentring()
    centring.prepare(firstBatches: batches, context: context)
    return centring
  }

  func testOneMeanOfAllPixelsAndChannelsIsTakenOffWhereItOutweighsTheDeviation() {
    // Channels around 2, 3 and 7 with small noise; the second batch is of another size and higher.
    let noise = RandomSource(seed: 1).stream("x").normal([6, 4, 4, 3]) * 0.1
    let images = noise + Tensor([2, 3, 7], shape: [3])
    let others = images.rows(0..<2) + 1
    let centring = prepared([images, others])
    let values = images.floats + others.floats
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    for (a, b) in zip(centring(images).floats, images.floats) {
      XCTAssertEqual(Double(a), Double(b) - mean, accuracy: 1e-5)
    }
  }

  func testImagesThatAreMostlyZeroStayBitForBitAsTheyAre() {
    let images = RandomSource(seed: 2).stream("x").uniform([50, 8, 8, 1]).isAbove(0.87)
    XCTAssertEqual(prepared([images])(images).floats, images.floats)
  }

  func testNothingIsTakenOffBeforeItHasSeenDataNorForValuesThatAreNotFinite() {
    let images = Tensor([5, 6, .infinity, 7], shape: [1, 2, 2, 1])
    XCTAssertEqual(InputCentring()(images).floats, images.floats)
    XCTAssertEqual(prepared([images])(images).floats, images.floats)
    XCTAssertEqual(prepared([])(images).floats, images.floats)
  }
}
