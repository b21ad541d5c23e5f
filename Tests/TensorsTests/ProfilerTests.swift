import Tensors
import XCTest

final class ProfilerTests: XCTestCase {
  private let weights = Parameter(Tensor(repeating: 0.5, shape: [3, 5]))
  private let bias = Parameter(.zeros([5]))
  private let input = Tensor(repeating: 1, shape: [4, 3])

  private func step() -> Gradients {
    input.dense(weights: weights.tensor, bias: bias.tensor, activation: .relu).sum().backward()
  }

  private func cost(
    _ name: String, _ pass: OperationCost.Pass, in operations: [OperationCost]
  ) throws -> OperationCost {
    try XCTUnwrap(operations.first { $0.name == name && $0.pass == pass }, "\(operations)")
  }

  func testProductsAreCountedByTheirFlopsAndBytesForwardAndBackward() throws {
    let operations = Profiler.record { _ = step() }.operations
    let forward = try cost("matrix product", .forward, in: operations)
    XCTAssertEqual(forward.calls, 1)
    XCTAssertEqual(forward.flops, 2 * 4 * 3 * 5)
    XCTAssertEqual(forward.bytes, 4 * (4 * 3 + 3 * 5 + 4 * 5))
    // The input is a constant: the weights alone have a product backwards.
    let backward = try cost("matrix product", .backward, in: operations)
    XCTAssertEqual(backward.calls, 1)
    XCTAssertEqual(backward.flops, 2 * 4 * 3 * 5)
  }

  func testConvolutionsAreCountedByTheirFlops() throws {
    let image = Tensor.ones([2, 6, 6, 3])
    let kernel = Parameter(.ones([4, 3, 3, 3]))
    let operations = Profiler.record {
      _ = image.convolution(weights: kernel.tensor, padding: Padding(1)).sum().backward()
    }.operations
    let flops = Double(2 * 2 * 6 * 6 * 4 * 3 * 9)
    XCTAssertEqual(try cost("convolution", .forward, in: operations).flops, flops)
    XCTAssertEqual(
      try cost("convolution, weight gradient", .backward, in: operations).flops, flops)
    XCTAssertNil(operations.first { $0.name == "convolution, input gradient" })
  }

  func testTheWholeTakesNoLessThanItsOperations() {
    let (seconds, operations) = Profiler.record { for _ in 0..<20 { _ = step() } }
    XCTAssertGreaterThan(operations.count, 3)
    XCTAssertTrue(operations.allSatisfy { $0.calls >= 20 && $0.seconds >= 0 })
    XCTAssertLessThanOrEqual(operations.reduce(0) { $0 + $1.seconds }, seconds)
  }

  func testNothingIsEnteredOutsideARecording() {
    _ = step()
    XCTAssertEqual(Profiler.record {}.operations.count, 0)
  }

  func testARecordingEndsWithAnError() {
    struct Failure: Error {}
    XCTAssertThrowsError(try Profiler.record { throw Failure() })
    _ = step()
    XCTAssertEqual(Profiler.record {}.operations.count, 0)
  }
}
