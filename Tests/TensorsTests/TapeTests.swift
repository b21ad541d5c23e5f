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

  // MARK: The gradient at one parameter

  private func network() -> (first: Parameter, last: Parameter, hidden: Tensor) {
    let first = Parameter(Tensor([0.5, -1, 2, 0.25, 1, -0.75], shape: [2, 3]))
    let last = Parameter(Tensor([1, -2, 0.5, 3, 0.125, -1], shape: [3, 2]))
    let x = Tensor([1, 2, -1, 0.5], shape: [2, 2])
    let hidden = x.dense(weights: first.tensor, bias: .zeros([3]), activation: .tanh)
    return (first, last, hidden)
  }

  func testTheGradientAtOneParameterIsThatOfAWholeBackwardPass() throws {
    for atLast in [true, false] {
      let (first, last, hidden) = network()
      let weights = last.tensor
      let output = hidden.dense(weights: weights, bias: .zeros([2]), activation: .sigmoid)
      // The last parameter enters twice, on two ways.
      let loss = (output.squared().sum() + last.tensor.squared().sum() * 0.5).exp()
      let parameter = atLast ? last : first
      let alone = try XCTUnwrap(loss.gradient(at: parameter)).floats
      XCTAssertEqual(alone, try XCTUnwrap(loss.backward()[parameter]).floats)
    }
  }

  func testTheTapeIsKeptForFurtherLossesAndTheBackwardPass() throws {
    func losses() -> (a: Tensor, b: Tensor, last: Parameter, first: Parameter) {
      let (first, last, hidden) = network()
      let output = hidden.dense(weights: last.tensor, bias: .zeros([2]), activation: .tanh)
      return (output.squared().mean(), output.mean(), last, first)
    }
    let (a, b, last, first) = losses()
    let (once, other) = (a.gradient(at: last)?.floats, b.gradient(at: last)?.floats)
    XCTAssertNotEqual(once, other)
    XCTAssertEqual(a.gradient(at: last)?.floats, once)
    let gradients = (a + b * 3).backward()
    let fresh = losses()
    let expected = (fresh.a + fresh.b * 3).backward()
    XCTAssertEqual(gradients[last]?.floats, try XCTUnwrap(expected[fresh.last]).floats)
    XCTAssertEqual(gradients[first]?.floats, try XCTUnwrap(expected[fresh.first]).floats)
  }

  func testTheTapeIsKeptBehindTensorsThatWereCut() throws {
    for atLast in [true, false] {
      let (first, last, hidden) = network()
      let parts = hidden.dense(weights: last.tensor, bias: .zeros([2])).split(sizes: [1, 1])
      let (a, b) = (parts[0].squared().sum(), (parts[0] * parts[1]).sum())
      let parameter = atLast ? last : first
      let ofA = try XCTUnwrap(a.gradient(at: parameter)).floats
      let ofB = try XCTUnwrap(b.gradient(at: parameter)).floats
      XCTAssertEqual(try XCTUnwrap(a.gradient(at: parameter)).floats, ofA)
      for (index, number) in try XCTUnwrap((a + b).backward()[parameter]).floats.enumerated() {
        XCTAssertEqual(number, ofA[index] + ofB[index], accuracy: 1e-4)
      }
    }
  }

  func testThereIsNoGradientAtAParameterThatTheLossDoesNotDependOn() {
    let (first, last, hidden) = network()
    XCTAssertNil(hidden.sum().gradient(at: last))
    XCTAssertNil(Tensor(1).gradient(at: first))
    XCTAssertNotNil(hidden.sum().gradient(at: first))
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
