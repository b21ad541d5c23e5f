import Tensors
import XCTest

final class SortingTests: XCTestCase {
  func testGradientsGoBackThroughThePermutation() {
    for shape in [[1], [7], [3, 5], [4, 1], [2, 3, 5]] as [Shape] {
      for axis in 0..<shape.rank {
        let x = TestNumbers(seed: 5).distinct(shape)
        assertGradients("sort", [x]) { $0[0].sorted(axis: axis).values }
        assertGradients("falling sort", [x]) { $0[0].sorted(axis: axis, descending: true).values }
        let order = x.sortedPositions(axis: axis)
        assertGradients("take", [TestNumbers(seed: 6).uniform(shape, in: -2...2)]) {
          $0[0].taking(order, axis: axis)
        }
      }
    }
    // The gradient adds up where an element is taken more than once.
    let repeated = Tensor(indices: [1, 1, 0, 1, 2, 2], shape: [2, 3])
    assertGradients("take", [TestNumbers(seed: 7).uniform([2, 4], in: -2...2)]) {
      $0[0].taking(repeated)
    }
  }

  func testOrderOfSpecialValues() {
    let x = Tensor([.nan, 2, -.infinity, -0.0, .infinity, 0, -.nan, -2, 0.5, -0.5])
    let (values, order) = x.sorted()
    XCTAssertEqual(order.indices, [2, 7, 9, 3, 5, 8, 1, 4, 0, 6])
    XCTAssertEqual(values.floats.prefix(8), [-.infinity, -2, -0.5, -0.0, 0, 0.5, 2, .infinity])
    XCTAssertTrue(values.floats.suffix(2).allSatisfy(\.isNaN))
    XCTAssertEqual(
      x.sorted(descending: true).order.indices, [4, 1, 8, 3, 5, 9, 7, 2, 0, 6],
      "NaN come last in either direction, and equal elements keep their order")
  }

  func testTheLeastNumbersAreTellApart() {
    let least = Float.leastNonzeroMagnitude
    let most = Float.greatestFiniteMagnitude
    let x = Tensor([most, least, 0, -least, -most])
    XCTAssertEqual(x.sorted().values.floats, [-most, -least, 0, least, most])
  }

  func testManyLinesOfManyElementsAreSortedByAllThreads() {
    let x = RandomSource(seed: 3).stream("sorting").uniform([7, 1500])
    let (values, order) = x.sorted()
    for row in 0..<7 {
      let own = x.rows(row..<row + 1).floats
      XCTAssertEqual(values.rows(row..<row + 1).floats, own.sorted())
      XCTAssertEqual(order.rows(row..<row + 1).indices.map { own[Int($0)] }, own.sorted())
    }
    let columns = x.transposed().sorted(axis: 0)
    XCTAssertEqual(columns.values.transposed().floats, values.floats)
  }

  func testNothingIsSortedToNothing() {
    for shape in [[0], [0, 3], [3, 0]] as [Shape] {
      let (values, order) = Tensor.zeros(shape).sorted()
      XCTAssertEqual(values.shape, shape)
      XCTAssertEqual(order.indices, [])
    }
  }

  func testIndicesThatDoNotFitAreRefused() throws {
    let x = Tensor.ones([2, 3])
    for indices in [
      Tensor(indices: [0, 1]), Tensor(indices: [0, 1, 2], shape: [3, 1]),
      Tensor(indices: [0, 3], shape: [2, 1]), Tensor(indices: [0, -1], shape: [2, 1]),
    ] {
      try assertStops("\(indices)") { _ = x.taking(indices) }
    }
    try assertStops("an axis too many") { _ = x.sorted(axis: 2) }
    try assertStops("a scalar") { _ = Tensor(1).sorted() }
  }

  func testShortMemoryIsAnErrorWhereverItIsMet() {
    let x = Parameter(TestNumbers(seed: 5).distinct([3, 9000]))
    assertEveryRefusalIsAnError("sort") {
      let (values, order) = x.tensor.sorted()
      return (values.squared().sum().backward()[x], order.indices)
    }
  }
}
