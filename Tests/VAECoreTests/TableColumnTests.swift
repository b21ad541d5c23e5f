import Foundation
import Tensors
import VAECore
import XCTest

/// Columns of tables: what a model sees of a value, and what becomes of it.
final class TableColumnTests: XCTestCase {
  private func column(
    _ kind: TableColumn.Kind, centre: Double = 0, scale: Double = 1, names: [String] = [],
    points: [Double] = [], isContinuous: Bool = true, decimals: Int? = nil,
    isConstant: Bool = false
  ) -> TableColumn {
    TableColumn(
      name: "x", kind: kind, centre: centre, scale: scale, names: names, points: points,
      isContinuous: isContinuous, decimals: decimals, isConstant: isConstant)
  }

  func testNumbersAreStandardizedAfterTheTransformOfTheirKind() {
    let square = exp(2.0)
    for (kind, value, seen) in [
      (.real, 4, 6), (.positive, square, 2), (.count, square - 1, 2),
    ] as [(TableColumn.Kind, Double, Float)] {
      let column = column(kind, centre: 1, scale: 0.5)
      XCTAssertEqual(column.standardized(value), seen, accuracy: 1e-5, "\(kind)")
      XCTAssertEqual(column.restored(seen), value, accuracy: 1e-4, "\(kind)")
    }
    // There are no counts below zero.
    XCTAssertEqual(column(.count, centre: 1, scale: 0.5).restored(-5), 0)
    XCTAssertEqual(column(.positive).restored(1000), exp(80), accuracy: 1e25)
  }

  func testAColumnTakesAPlaceForItsNumberAndForEachPointAndForBetweenThem() {
    let names = ["a", "b", "c"]
    for (column, choices, elements) in [
      (column(.real), 0, 1), (column(.yesNo, names: ["n", "y"]), 0, 1),
      (column(.category, names: names), 0, 3), (column(.real, points: [0, 5]), 3, 4),
      (column(.real, points: [0, 5], isContinuous: false), 2, 3),
      (column(.real, isConstant: true), 0, 0), (column(.positive, isConstant: true), 0, 1),
      (column(.real, points: [2], isConstant: true), 2, 3),
    ] {
      XCTAssertEqual(column.choices, choices, "\(column)")
      XCTAssertEqual(column.elements, elements, "\(column)")
    }
    XCTAssertTrue(column(.real, isContinuous: false).isContinuous, "it has no points")
    XCTAssertEqual(
      TableColumn.Kind.allCases.filter { column($0).isNumeric }, [.real, .positive, .count])
  }

  func testADrawIsRoundedToTheDecimalsOfItsColumnAndStaysPositive() {
    XCTAssertEqual(column(.real, decimals: 1).rounded(2.26), 2.3, accuracy: 1e-12)
    XCTAssertEqual(column(.real, decimals: 0).rounded(-2.6), -3)
    XCTAssertEqual(column(.real).rounded(2.26), 2.26)
    XCTAssertEqual(column(.positive, decimals: 2).rounded(0.001), 0.01, accuracy: 1e-12)
    XCTAssertEqual(column(.real, decimals: 2).rounded(0.001), 0)
  }

  func testAValueThatAColumnCannotHaveIsRefusedWithTheReason() {
    let three = column(.category, names: ["a", "b", "c"])
    let cases: [(TableColumn, Double, String?)] = [
      (column(.real), -1e30, nil), (column(.real), .nan, nil),
      (column(.real), .infinity, "is not finite"),
      (column(.real), 2e30, "is beyond ±1e30, where no column's numbers may lie"),
      (column(.positive), 0, "is not above zero, but the column is positive"),
      (column(.positive), 1e-9, nil), (column(.count), 0, nil),
      (column(.count), -1, "is no whole number from zero on, but the column is a count"),
      (column(.count), 1.5, "is no whole number from zero on, but the column is a count"),
      (column(.yesNo), 1, nil),
      (column(.yesNo), 2, "is neither 0 nor 1, but the column is yes-no"), (three, 2, nil),
      (three, 3, "is none of the numbers 0 to 2 of the column's categories"),
      (three, 0.5, "is none of the numbers 0 to 2 of the column's categories"),
      (column(.real, points: [1, 2.5], isContinuous: false), 2.5, nil),
      (
        column(.real, points: [1, 2.5], isContinuous: false), 2,
        "is none of the values that the column had in training, 1, 2.5; leave such rows out"
      ),
      (column(.real, points: [1, 2.5]), 2, nil),
    ]
    for (column, value, misfit) in cases { XCTAssertEqual(column.misfit(value), misfit) }
    let many = column(.real, points: (0..<11).map(Double.init), isContinuous: false)
    XCTAssertEqual(
      many.misfit(11),
      "is none of the values that the column had in training, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …; leave such rows out"
    )
  }

  // MARK: Rows

  private var columns: TableColumns {
    TableColumns([
      TableColumn(name: "mass", kind: .real, centre: 3, scale: 2, points: [0, 5]),
      TableColumn(name: "same", kind: .real, centre: 7, isConstant: true),
      TableColumn(name: "word", kind: .category, names: ["a", "b", "c"]),
      TableColumn(name: "flag", kind: .yesNo, names: ["no", "yes"]),
      TableColumn(name: "size", kind: .positive, centre: 1, scale: 0.5),
      TableColumn(
        name: "code", kind: .real, centre: 1, scale: 4, points: [1, 9], isContinuous: false),
    ])
  }

  private func written(_ row: [Double]) -> [Float] {
    var seen = [Float](repeating: -1, count: columns.elementCount)
    row.withUnsafeBufferPointer { row in
      seen.withUnsafeMutableBufferPointer { columns.write(row, into: $0) }
    }
    return seen
  }

  func testARowIsWrittenColumnByColumnWithAOneAtItsChoice() {
    XCTAssertEqual(columns.starts, [0, 4, 4, 7, 8, 9])
    XCTAssertEqual(columns.elementCount, 12)
    XCTAssertEqual(
      written([5, 7, 2, 1, exp(2.0), 9]), [1, 0, 0, 1, 0, 0, 1, 1, 2, 2, 0, 1])
    XCTAssertEqual(
      written([4, 7, 0, 0, exp(1.0), 1]), [0.5, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0])
    let torn = written([.nan, 7, 1, .nan, exp(1.0), 1])
    XCTAssertEqual(
      torn.map(\.isNaN),
      [true, true, true, true] + [false, false, false, true]
        + [false, false, false, false])
  }

  func testRowsComeBackFromWhatAModelSees() {
    let seen = written([5, 7, 2, 1, exp(2.0), 9]) + written([4, 7, 0, 0, exp(1.0), 1])
    let rows = columns.restoredRows(Tensor(seen, shape: [2, 1, 12, 1]), rounding: true)
    let wanted = [5, 7, 2, 1, exp(2.0), 9, 4, 7, 0, 0, exp(1.0), 1]
    for (found, wanted) in zip(rows, wanted) { XCTAssertEqual(found, wanted, accuracy: 1e-5) }
    // A mean is between points; the likeliest category has the largest share; a draw is rounded.
    let mean: [Float] = [1, 0.3, 0.1, 0.6, 0.2, 0.5, 0.3, 0.7, 2, 0.5, 0.4, 0.6]
    let plain = columns.restoredRows(Tensor(mean, shape: [1, 1, 12, 1]))
    for (found, wanted) in zip(plain, [5, 7, 1, 0.7, exp(2.0), 3]) {
      XCTAssertEqual(found, wanted, accuracy: 1e-5)
    }
    let rounded = columns.restoredRows(Tensor(mean, shape: [1, 1, 12, 1]), rounding: true)
    for (found, wanted) in zip(rounded, [5, 7, 1, 1, exp(2.0), 9]) {
      XCTAssertEqual(found, wanted, accuracy: 1e-5)
    }
    XCTAssertEqual(
      columns.restored(Tensor(mean, shape: [1, 1, 12, 1]), rounding: true).shape, [1, 1, 6, 1])
  }

  func testWhatAModelSeesOfATableLeavesConstantColumnsOut() {
    XCTAssertEqual(columns.seen.columns.map(\.name), ["mass", "word", "flag", "size", "code"])
    let logs: [Float] = [log(2), 0, 0, log(0.5), log(4)]
    for (found, wanted) in zip(columns.logScales, logs) {
      XCTAssertEqual(found, wanted, accuracy: 1e-6)
    }
    XCTAssertEqual(columns.logScales.count, 5)
    XCTAssertFalse(columns.areReal)
    // A table of nothing else has its columns nevertheless.
    let same = TableColumns([TableColumn(name: "0", kind: .real, centre: 7, isConstant: true)])
    XCTAssertEqual(same.elementCount, 1)
    XCTAssertTrue(same.areReal)
    XCTAssertFalse(same.haveNames)
    XCTAssertTrue(columns.haveNames)
    let points = TableColumns([TableColumn(name: "0", kind: .real, points: [1])])
    XCTAssertFalse(points.areReal)
  }
}
