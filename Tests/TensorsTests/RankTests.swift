import Tensors
import XCTest

/// As many axes as the loops hold, and one more.
final class RankTests: XCTestCase {
  private let most: Shape = [2, 1, 3, 2, 1, 2, 3, 2]

  private var numbers: Tensor {
    Tensor((0..<most.count).map { Float($0) }, shape: most)
  }

  func testEightAxesArePermutedAndBack() {
    XCTAssertEqual(Shape.maximalRank, most.rank)
    let order = [7, 2, 5, 0, 3, 6, 1, 4]
    let inverse = order.indices.map { axis in order.firstIndex(of: axis) ?? 0 }
    let there = numbers.permuted(order)
    XCTAssertEqual(there.shape, Shape(order.map { most.dimensions[$0] }))
    XCTAssertNotEqual(there.floats, numbers.floats)
    XCTAssertEqual(there.permuted(inverse).floats, numbers.floats)
  }

  func testEightAxesOfWhichEveryOtherIsBroadcastAreAdded() {
    let (a, b) = (Shape([2, 1, 3, 1, 2, 1, 3, 1]), Shape([1, 2, 1, 3, 1, 2, 1, 3]))
    func numbers(_ shape: Shape) -> Tensor {
      Tensor((0..<shape.count).map { Float($0 + 1) }, shape: shape)
    }
    let (x, y) = (numbers(a), numbers(b))
    let sum = x + y
    let target = sum.shape
    XCTAssertEqual(target, [2, 2, 3, 3, 2, 2, 3, 3])
    let (valuesX, valuesY, values) = (x.floats, y.floats, sum.floats)
    for position in 0..<target.count {
      var (left, indexX, indexY) = (position, 0, 0)
      for (axis, stride) in target.strides.enumerated() {
        let index = left / stride
        left %= stride
        if a.dimensions[axis] > 1 { indexX += index * a.strides[axis] }
        if b.dimensions[axis] > 1 { indexY += index * b.strides[axis] }
      }
      XCTAssertEqual(values[position], valuesX[indexX] + valuesY[indexY])
    }
  }

  func testEightAxesAreTiled() {
    XCTAssertEqual(numbers.tiled(3).floats, numbers.floats + numbers.floats + numbers.floats)
  }

  func testNineAxesAreRefused() throws {
    let sizes = [Int](repeating: 1, count: 9)
    try assertStops("a shape") { _ = Shape(sizes) }
    try assertStops("a reshaped tensor") { _ = Tensor([1]).reshaped(to: Shape(sizes)) }
    try assertStops("rows by index") {
      _ = numbers.gathering(Tensor(indices: [0, 1], shape: [1, 2]))
    }
  }
}
