import Tensors
import XCTest

/// What finite differences cannot show: gradients at kinks and ties, where they stop, and what a
/// backward pass leaves behind.
final class GradientConventionTests: XCTestCase {
  func testAmongEqualsTheFirstGetsTheGradient() {
    let (a, b) = (Parameter(Tensor([1, 2])), Parameter(Tensor([1, 2])))
    for function in [Tensor.maximum, Tensor.minimum] {
      let gradients = function(a.tensor, b.tensor).backward(from: Tensor([3, 4]))
      XCTAssertEqual(gradients[a]?.floats, [3, 4])
      XCTAssertEqual(gradients[b]?.floats, [0, 0])
    }
    let x = Parameter(Tensor([5, 7, 7, 7, 2, 7], shape: [2, 3]))
    XCTAssertEqual(
      x.tensor.maximum(axis: 1).backward(from: Tensor([1, 2]))[x]?.floats, [0, 1, 0, 2, 0, 0])
  }

  func testKinksHaveTheGradientThatIsDocumented() {
    let x = Parameter(Tensor([-1, 0, 1]))
    func gradient(_ function: (Tensor) -> Tensor) -> [Float]? {
      function(x.tensor).backward(from: .ones([3]))[x]?.floats
    }
    XCTAssertEqual(gradient { $0.relu() }, [0, 0, 1])
    XCTAssertEqual(gradient { $0.magnitude() }, [-1, 0, 1])
    XCTAssertEqual(gradient { $0.clamped(to: -1...0.5) }, [1, 1, 0])
  }

  func testNoGradientFlowsThroughADetachedTensor() {
    let x = Parameter(Tensor([2, 3]))
    XCTAssertFalse(x.tensor.squared().detached().isTracked)
    let gradients = (x.tensor.squared().detached() * x.tensor).backward(from: .ones([2]))
    XCTAssertEqual(gradients[x]?.floats, [4, 9])
  }

  func testNothingIsRecordedWithoutTape() {
    let x = Parameter(Tensor([2, 3]))
    withoutTape {
      XCTAssertFalse(x.tensor.isTracked)
      XCTAssertFalse((x.tensor * x.tensor).isTracked)
    }
    XCTAssertTrue((x.tensor * x.tensor).isTracked)
  }

  func testAFrozenParameterTakesNoTapeAndNoGradient() {
    let (x, y) = (Parameter(Tensor([2, 3])), Parameter(Tensor([5, 7])))
    x.isTrainable = false
    XCTAssertFalse(x.tensor.squared().isTracked)
    let gradients = (x.tensor * y.tensor).backward(from: .ones([2]))
    XCTAssertNil(gradients[x])
    XCTAssertEqual(gradients[y]?.floats, [2, 3])
    XCTAssertEqual(gradients.count, 1)
  }

  func testABackwardPassConsumesTheTape() {
    let x = Parameter(Tensor([2, 3]))
    let output = x.tensor.squared().sum()
    XCTAssertEqual(output.backward()[x]?.floats, [4, 6])
    XCTAssertNil(output.backward()[x])
  }

  func testGradientsOfPartsOfABatchAddUp() {
    let (x, y) = (Parameter(Tensor([2, 3])), Parameter(Tensor([5, 7])))
    var gradients = x.tensor.squared().sum().backward()
    gradients.add((x.tensor * y.tensor).sum().backward())
    XCTAssertEqual(gradients[x]?.floats, [9, 13])
    XCTAssertEqual(gradients[y]?.floats, [2, 3])
  }
}
