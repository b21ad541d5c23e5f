import Tensors
import XCTest

/// The memory of a parameter is written in place, and so is nobody else's.
final class ParameterTests: XCTestCase {
  private func train(_ parameter: Parameter) {
    let gradient = Tensor.ones(parameter.shape)
    FusedUpdate([FusedUpdate.Entry(parameter, gradient: gradient)]).sgd(
      rate: 1, momentum: 0, isNesterov: false, gradientScale: 1)
  }

  func testTrainingAParameterLeavesAnotherThatTookItsValuesAsItWas() {
    let (one, two) = (Parameter(Tensor([1, 2])), Parameter(Tensor([0, 0])))
    two.value = one.value
    train(one)
    XCTAssertEqual(two.value.floats, [1, 2])
    train(two)
    XCTAssertEqual(one.value.floats, [0, 1])
  }

  func testTrainingAParameterLeavesTheTensorThatItWasSetToAsItWas() {
    let parameter = Parameter(Tensor([0, 0]))
    let values = Tensor([1, 2, 3, 4])
    for taken in [values.rows(0..<2), values.reshaped(to: [2, 2]).rows(1..<2).reshaped(to: [2])] {
      parameter.value = taken
      train(parameter)
      XCTAssertEqual(parameter.value.floats, taken.floats.map { $0 - 1 })
    }
    XCTAssertEqual(values.floats, [1, 2, 3, 4])
  }

  func testBorrowedValuesAreCopied() {
    let parameter = Parameter(Tensor([0, 0]))
    var memory: [Float] = [5, 6]
    memory.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      parameter.value = Tensor(borrowing: UnsafePointer(start), shape: [2])
      buffer[0] = 9
    }
    train(parameter)
    XCTAssertEqual(parameter.value.floats, [4, 5])
    XCTAssertEqual(memory, [9, 6])
  }

  func testValuesThatNothingElseRefersToAreTakenWithoutACopy() {
    let parameter = Parameter(Tensor([0, 0]))
    var address: UnsafeRawPointer?
    func fresh() -> Tensor {
      let values = Tensor([1, 2])
      address = values.address
      return values
    }
    parameter.value = fresh()
    XCTAssertEqual(parameter.value.address, address)
  }

  func testValuesWithATapeBecomeAConstant() {
    let parameter = Parameter(Tensor([1]))
    parameter.value = parameter.tensor * 2
    XCTAssertFalse(parameter.value.isTracked)
    XCTAssertEqual(parameter.value.floats, [2])
  }

  func testAnExchangeMovesBothMemoriesAndCopiesNone() {
    let parameter = Parameter(Tensor([1, 2]))
    var values = Tensor([3, 4])
    let addresses = (parameter.value.address, values.address)
    parameter.exchange(with: &values)
    XCTAssertEqual(parameter.value.floats, [3, 4])
    XCTAssertEqual(values.floats, [1, 2])
    XCTAssertEqual(parameter.value.address, addresses.1)
    XCTAssertEqual(values.address, addresses.0)
  }

  func testAnExchangeCopiesValuesThatSomethingElseRefersTo() {
    let parameter = Parameter(Tensor([1, 2]))
    var values = Tensor([3, 4])
    let view = values.rows(0..<1)
    parameter.exchange(with: &values)
    train(parameter)
    XCTAssertEqual(parameter.value.floats, [2, 3])
    XCTAssertEqual(view.floats, [3])
  }

  /// The copies that products keep go with the memory, so those of the old values do not serve for
  /// the new ones.
  func testAProductAfterAnExchangeTakesTheNewValues() throws {
    let random = RandomSource(seed: 1)
    let input = random.stream("input").normal([2, 8, 8, 16])
    let parameter = Parameter(random.stream("one").normal([32, 16, 3, 3]))
    var other = random.stream("two").normal([32, 16, 3, 3])
    func output() -> [Float] {
      withoutTape { input.convolution(weights: parameter.tensor, padding: Padding(1)).floats }
    }
    let before = output()
    parameter.exchange(with: &other)
    let fresh = Parameter(parameter.value.copied())
    XCTAssertEqual(
      output(),
      withoutTape { input.convolution(weights: fresh.tensor, padding: Padding(1)).floats })
    parameter.exchange(with: &other)
    XCTAssertEqual(output(), before)
  }
}
