import Foundation
import Tensors
import XCTest

/// Weights are copied to oneDNN's layout once for as long as they stay the same.
final class PackedWeightsTests: XCTestCase {
  private let input = RandomSource(seed: 1).stream("input").normal([2, 8, 8, 16])
  private let weights = Parameter(RandomSource(seed: 2).stream("weights").normal([32, 16, 3, 3]))

  private func output() -> Tensor {
    input.convolution(weights: weights.tensor, padding: Padding(1))
  }

  private func packings(_ body: () -> Void) -> Int {
    Profiler.record(body).operations.filter { $0.name == "pack weights" }
      .reduce(0) { $0 + $1.calls }
  }

  func testUnchangedWeightsArePackedOnceWithoutATape() throws {
    try XCTSkipIf(packings { _ = output() } == 0, "plain weights serve on this processor")
    withoutTape {
      XCTAssertEqual(packings { _ = output() }, 1)
      XCTAssertEqual(packings { for _ in 0..<3 { _ = output() } }, 0)
    }
  }

  func testPassesInAnyNumberOfThreadsShareThePackedWeights() throws {
    try XCTSkipIf(packings { _ = output() } == 0, "plain weights serve on this processor")
    let expected = withoutTape { output().floats }
    // One thread at a time uses it.
    nonisolated(unsafe) let test = self
    let found = packings {
      for _ in 0..<2 {
        for _ in 0..<6 {
          // Each thread has primitives of its own.
          let done = DispatchSemaphore(value: 0)
          Thread {
            XCTAssertEqual(withoutTape { test.output().floats }, expected)
            done.signal()
          }.start()
          done.wait()
        }
      }
    }
    XCTAssertEqual(found, 0)
  }

  func testAnUpdateIsSeenAtOnce() throws {
    let before = withoutTape { output() }
    let gradient = try XCTUnwrap(output().sum().backward()[weights])
    FusedUpdate([FusedUpdate.Entry(weights, gradient: gradient)]).sgd(
      rate: 1e-2, momentum: 0, isNesterov: false, gradientScale: 1)
    let after = withoutTape { output() }
    XCTAssertNotEqual(before.floats, after.floats)
    // Fresh memory has no copies yet.
    let fresh = withoutTape {
      input.convolution(weights: weights.value.copied(), padding: Padding(1))
    }
    XCTAssertEqual(after.floats, fresh.floats)
  }

  func testAnAverageInPlaceIsSeenAtOnce() {
    let average = Parameter(.zeros([32, 16, 3, 3]))
    func averaged(_ values: Tensor) -> [Float] {
      withoutTape { input.convolution(weights: values, padding: Padding(1)).floats }
    }
    XCTAssertTrue(averaged(average.value).allSatisfy { $0 == 0 })
    FusedUpdate.average([average.value], towards: [weights], decay: 0.5)
    XCTAssertEqual(averaged(average.value), averaged(average.value.copied()))
    XCTAssertTrue(averaged(average.value).contains { $0 != 0 })
  }
}
