import Tensors
import XCTest

/// Matrices in double precision, which measures of samples are computed with.
final class DoubleMatrixTests: XCTestCase {
  private func matrix(_ rows: [[Double]]) -> DoubleMatrix {
    DoubleMatrix(rows: rows.count, columns: rows[0].count, elements: rows.flatMap { $0 })
  }

  private func assertEqual(
    _ found: DoubleMatrix?, _ expected: [[Double]], _ what: String, line: UInt = #line
  ) {
    guard let found, found.rows == expected.count, found.columns == expected[0].count else {
      return XCTFail("\(what) has another form", line: line)
    }
    for (value, exact) in zip(found.elements, expected.flatMap { $0 }) {
      XCTAssertEqual(value, exact, accuracy: 1e-12, what, line: line)
    }
  }

  func testElementsLieInRows() {
    var x = DoubleMatrix(rows: 2, columns: 3) { Double(10 * $0 + $1) }
    XCTAssertEqual(x.elements, [0, 1, 2, 10, 11, 12])
    XCTAssertEqual(x[1, 2], 12)
    x[1, 0] = -1
    XCTAssertEqual(x.elements, [0, 1, 2, -1, 11, 12])
    XCTAssertEqual(DoubleMatrix(rows: 2, columns: 2, repeating: 3).elements, [3, 3, 3, 3])
  }

  func testAProductSumsRowsTimesColumns() {
    let (a, b) = (matrix([[1, 2, 3], [4, 5, 6]]), matrix([[1, 0], [2, -1], [0, 3]]))
    assertEqual(a * b, [[5, 7], [14, 13]], "a · b")
    assertEqual(b * a, [[1, 2, 3], [-2, -1, 0], [12, 15, 18]], "b · a")
  }

  func testEigenvaluesRiseAndAreThoseOfTheSymmetricPart() {
    for x in [matrix([[2, 1], [1, 2]]), matrix([[2, 1.5], [0.5, 2]])] {
      let values = x.eigenvalues ?? []
      XCTAssertEqual(values.count, 2)
      XCTAssertEqual(values.first ?? .nan, 1, accuracy: 1e-12)
      XCTAssertEqual(values.last ?? .nan, 3, accuracy: 1e-12)
    }
    XCTAssertNil(matrix([[.nan, 0], [0, 1]]).eigenvalues)
  }

  func testASquareRootTimesItselfIsTheMatrix() {
    let root = (3.0).squareRoot()
    let expected = [[(root + 1) / 2, (root - 1) / 2], [(root - 1) / 2, (root + 1) / 2]]
    assertEqual(matrix([[2, 1], [1, 2]]).squareRoot, expected, "a root")
    assertEqual(matrix([[2, 1.5], [0.5, 2]]).squareRoot, expected, "of the symmetric part")
    let x = matrix([[4, 1, 0], [1, 3, -1], [0, -1, 5]])
    if let root = x.squareRoot {
      assertEqual(root * root, [[4, 1, 0], [1, 3, -1], [0, -1, 5]], "a square")
    } else {
      XCTFail("there is no root")
    }
    XCTAssertNil(matrix([[.infinity, 0], [0, 1]]).squareRoot)
  }

  func testNegativeEigenvaluesCountAsZeroInARoot() {
    // The eigenvalues are 1 and −1.
    assertEqual(matrix([[0, 1], [1, 0]]).squareRoot, [[0.5, 0.5], [0.5, 0.5]], "a root")
    assertEqual(matrix([[-4, 0], [0, 9]]).squareRoot, [[0, 0], [0, 3]], "a diagonal")
  }

  func testACholeskyFactorIsLowerTriangular() {
    assertEqual(matrix([[4, 2], [2, 5]]).choleskyFactor, [[2, 0], [1, 2]], "a factor")
    XCTAssertNil(matrix([[1, 2], [2, 1]]).choleskyFactor)
  }

  func testTriangularSystemsOfSeveralColumnsAreSolvedFromTheirOwnEnd() {
    assertEqual(
      matrix([[2, 7], [1, 4]]).triangularSolve(matrix([[2, 4], [9, 6]]), upper: false),
      [[1, 2], [2, 1]], "lower")
    assertEqual(
      matrix([[2, 1], [7, 4]]).triangularSolve(matrix([[4, 5], [8, 4]]), upper: true),
      [[1, 2], [2, 1]], "upper")
  }
}
