import Foundation
import VAECore
import VAEData
import XCTest

/// What the values of a column are taken for where nobody says it, at the bounds of each rule.
final class ColumnRuleTests: DataTestCase {
  /// The column of some numbers, or of texts as they are.
  private func column(
    _ values: [some CustomStringConvertible], told: TableColumnType? = nil
  ) throws -> TableColumn {
    let text = values.reduce(into: "x\n") { $0 += "\($1)\n" }
    let source = try DataSource.open(
      table(text), table: TableOptions(types: told.map { ["x": $0] } ?? [:]))
    return try XCTUnwrap(source.columns?.columns.first)
  }

  func testAtMostTwentyWholeNumbersInFiveRowsEachAreCodes() throws {
    let codes = try column((0..<100).map { $0 % 20 + 1 })
    XCTAssertEqual(codes.kind, .real)
    XCTAssertEqual(codes.points, (1...20).map(Double.init))
    XCTAssertFalse(codes.isContinuous)
    // One row fewer, one number more, and one that is not whole.
    for values in [(0..<99).map { $0 % 20 + 1 }, (0..<105).map { $0 % 21 + 1 }] {
      let counts = try column(values)
      XCTAssertEqual(counts.kind, .count)
      XCTAssertEqual(counts.points, [])
    }
    let halves = try column((0..<100).map { $0 == 7 ? 3.5 : Double($0 % 20 + 1) })
    XCTAssertEqual(halves.kind, .real)
    XCTAssertTrue(halves.isContinuous)
  }

  func testCountsBeginAtZeroOrOneAndEndAtAThousand() throws {
    for (values, kind) in [
      (Array(0..<29) + [1000], .count), (Array(0..<29) + [1001], .real),
      (Array(1..<30) + [1000], .count), (Array(2..<31), .real), (Array(-1..<29), .real),
    ] as [([Int], TableColumn.Kind)] {
      XCTAssertEqual(try column(values).kind, kind, "\(values)")
    }
  }

  func testZerosAndOnesAreYesAndNoWhereThereAreBoth() throws {
    XCTAssertEqual(try column([0, 1, 1, 0, 1]).kind, .yesNo)
    XCTAssertEqual(try column([0, 1, 1, 0, 1]).names, ["0", "1"])
    for value in [0, 1] {
      let same = try column([value, value, value])
      XCTAssertEqual(same.kind, .real)
      XCTAssertEqual(same.points, [Double(value)])
    }
  }

  func testNumbersAboveZeroOfASkewnessAboveOneArePositive() throws {
    // Of a share p of the larger of two numbers the skewness is (1 − 2p) / √(p (1 − p)): 1.15 and 0.87.
    func numbers(_ larger: Int, from least: Double) -> [Double] {
      (0..<40).map { $0 < larger ? least + 1 : least }
    }
    XCTAssertEqual(try column(numbers(10, from: 1.5)).kind, .positive)
    XCTAssertEqual(try column(numbers(12, from: 1.5)).kind, .real)
    XCTAssertEqual(try column(numbers(10, from: -0.5)).kind, .real)
    XCTAssertEqual(try column(numbers(30, from: 1.5)).kind, .real)
  }

  func testFewNumbersAreNothingButPoints() throws {
    let few = try column((0..<40).map { Double($0 % 8) + 0.5 })
    XCTAssertEqual(few.points, (0..<8).map { Double($0) + 0.5 })
    XCTAssertFalse(few.isContinuous)
    for (rows, different) in [(45, 9), (39, 8)] {
      let many = try column((0..<rows).map { Double($0 % different) + 0.5 })
      XCTAssertEqual(many.points, [])
      XCTAssertTrue(many.isContinuous)
    }
  }

  func testANumberInManyRowsIsAPointOfGatheredMass() throws {
    /// So many zeros beside numbers of which each stands in so many rows.
    func values(zeros: Int, others: Int, each: Int) -> [Double] {
      let rest = (1...others).flatMap { number in
        [Double](repeating: Double(number) + 0.25, count: each)
      }
      return [Double](repeating: 0, count: zeros) + rest
    }
    let cases: [(zeros: Int, others: Int, each: Int, isPoint: Bool)] = [
      // Ten rows.
      (10, 90, 1, true), (9, 91, 1, false),
      // Five times as often as the middle one.
      (15, 40, 3, true), (14, 40, 3, false),
      // One row of a hundred, and of what is left of a hundred.
      (15, 1485, 1, true), (14, 1486, 1, false), (15, 1486, 1, false),
    ]
    for (zeros, others, each, isPoint) in cases {
      let found = try column(values(zeros: zeros, others: others, each: each))
      XCTAssertEqual(found.points, isPoint ? [0] : [], "\(zeros) and \(each) × \(others)")
      XCTAssertTrue(found.isContinuous)
    }
  }

  func testCentreAndScaleLeavePointsOut() throws {
    let values = [Double](repeating: 0, count: 10) + (1...90).map { Double($0) + 0.25 }
    let found = try column(values)
    XCTAssertEqual(found.points, [0])
    XCTAssertEqual(found.centre, 45.75, accuracy: 1e-9)
    XCTAssertEqual(found.scale, (8099.0 / 12).squareRoot(), accuracy: 1e-9)
  }

  func testPositiveNumbersAndCountsAreStandardizedByTheirLogarithms() throws {
    // log 1, log 2, log 8, and log (1 + n) of one less.
    let two = log(2.0)
    for (values, told) in [([1, 2, 8], TableColumnType.positive), ([0, 1, 7], .count)] {
      let found = try column(values, told: told)
      XCTAssertEqual(found.centre, 4 * two / 3, accuracy: 1e-12)
      XCTAssertEqual(found.scale, two * (14.0 / 9).squareRoot(), accuracy: 1e-12)
      XCTAssertEqual(found.decimals, 0)
    }
    let real = try column([1, 2, 8], told: .real)
    XCTAssertEqual(real.centre, 11.0 / 3, accuracy: 1e-12)
  }

  func testDigitsBehindThePointAreTheMostOfAnyCell() throws {
    for (cells, decimals) in [
      (["1.25", "3", "-2.5"], 2), (["1.0", "2.00", "7."], 0), (["0.5", "1e-1", "3"], nil),
      (["+.125", "2.5", "9"], 3), (["0.1234567", "2.5", "9"], nil),
    ] as [([String], Int?)] {
      XCTAssertEqual(try column(cells, told: .real).decimals, decimals, "\(cells)")
    }
  }
}
