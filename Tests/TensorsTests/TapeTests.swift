import Dispatch
import Tensors
import XCTest

final class TapeTests: XCTestCase {
  /// Far more than a stack has room for.
  private let length = 1_000_000

  private func chain(of length: Int, from parameter: Parameter) -> Tensor {
    // A view costs nothing but its node.
    (0..<length).reduce(parameter.tensor) { value, number in
      value.reshaped(to: number.isMultiple(of: 2) ? [1, 1] : [1])
    }
  }

  func testALongTapeIsDroppedWithoutRecursion() {
    let before = MemoryPool.shared.statistics.bytesInUse
    for _ in 0..<2 { _ = chain(of: length, from: Parameter(Tensor([1]))) }
    XCTAssertEqual(MemoryPool.shared.statistics.bytesInUse, before)
  }

  func testALongTapeIsDroppedWithoutRecursionAfterABackwardPass() {
    let parameter = Parameter(Tensor([3]))
    let loss = chain(of: length, from: parameter)
    XCTAssertEqual(loss.backward()[parameter]?.floats, [1])
  }

  func testATapeOfWhichABackwardPassReachedNothingIsDroppedWithoutRecursion() {
    let parameter = Parameter(Tensor([3]))
    let unreached = chain(of: length, from: parameter)
    let loss = Tensor.recorded(Tensor([0]), from: [unreached, parameter.tensor]) { [nil, $0] }
    XCTAssertEqual(loss.backward()[parameter]?.floats, [1])
  }

  /// A tree whose nodes are shared twice and whose ends come up in many orders.
  func testASharedTapeLivesAsLongAsSomethingRefersToIt() throws {
    let parameter = Parameter(Tensor([2]))
    var kept: Tensor?
    do {
      var value = parameter.tensor
      for number in 0..<20 {
        value = value + value
        if number == 9 { kept = value }
      }
    }
    XCTAssertEqual(kept?.floats, [2048])
    XCTAssertEqual(try XCTUnwrap(kept).backward()[parameter]?.floats, [1024])
  }

  func testTapesWithACommonPartAreDroppedByThreadsAtOnce() {
    for _ in 0..<20 {
      let before = MemoryPool.shared.statistics.bytesInUse
      do {
        let common = Unchecked((0..<100).reduce(Parameter(Tensor([1])).tensor) { x, _ in x + 1 })
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
          for _ in 0..<20 { _ = (0..<50).reduce(common.value) { x, _ in x * 2 } }
        }
      }
      XCTAssertEqual(MemoryPool.shared.statistics.bytesInUse, before)
    }
  }
}

/// What the threads of a test share on purpose.
private struct Unchecked<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) { self.value = value }
}
