import Foundation
import Tensors
import VAECore
import VAEData
import XCTest

/// Tables as text.
final class TableTests: DataTestCase {
  private func rows(_ source: DataSource) -> [[Float]] {
    let width = source.columns?.count ?? 1
    let values = source.train.ownBatch(Array(0..<source.train.count)).floats
    return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
  }

  func testTheSameCellsAreReadWhateverSeparatesQuotesAndEndsThem() throws {
    let wanted: [[Float]] = [[1.5, 0, 2], [-2, 1, 0.25], [3e2, 2, 7]]
    let texts = [
      ("a.csv", "x,word,y\n1.5,\"a, \"\"b\"\"\",2\n-2,c,0.25\n3e2,d,7\n"),
      ("b.csv", "\u{feff}x;word;y\r\n1.5;\"a, \"\"b\"\"\";2\r\n\r\n-2;c;.25\r\n300;d;7"),
      ("c.tsv", "\"x\"\t\"word\"\t\"y\"\r1.5\t\"a, \"\"b\"\"\"\t 2\r-2\tc\t0.25\r3E+2\td\t7\r"),
    ]
    for (name, text) in texts {
      let source = try DataSource.open(
        table(text, name), table: TableOptions(types: ["word": .category]))
      XCTAssertEqual(source.columns?.columns.map(\.name), ["x", "word", "y"], name)
      XCTAssertEqual(source.columns?.columns[1].names, ["a, \"b\"", "c", "d"], name)
      let found = rows(source)
      XCTAssertEqual(found.map(\.count), wanted.map(\.count), name)
      for (number, value) in zip(found.joined(), wanted.joined()) {
        XCTAssertEqual(number, value, accuracy: 1e-5, name)
      }
    }
  }

  func testKindsAndPointsOfColumnsAreFoundOut() throws {
    var text = "flag,count,income,height,hours,region,owner,level\n"
    for row in 0..<200 {
      let hours = row % 4 == 0 ? 0 : 30 + Double(row % 97) / 10
      text +=
        "\(row % 2),\(row % 13),\(exp(Double(row % 50) / 8)),\(Double(row % 89) - 40.5),\(hours),"
        + "\(["north", "south", "east"][row % 3]),\(row % 5 == 0 ? "yes" : "no"),\([0.5, 1.5, 2.5][row % 3])\n"
    }
    let source = try DataSource.open(table(text))
    let columns = try XCTUnwrap(source.columns?.columns)
    XCTAssertEqual(
      columns.map(\.kind),
      [.yesNo, .count, .positive, .real, .real, .category, .yesNo, .real])
    XCTAssertEqual(columns[4].points, [0])
    XCTAssertEqual(columns[7].points, [0.5, 1.5, 2.5])
    XCTAssertFalse(columns[7].isContinuous)
    XCTAssertEqual(columns[4].decimals, 1)
    XCTAssertEqual(columns[6].names, ["no", "yes"])
    XCTAssertEqual(source.rule, "table")
    // Numbers that are no points have mean zero and deviation one.
    let seen = source.train.batch(Array(0..<200)).reshaped(to: [200, source.shape.width])
    XCTAssertEqual(seen.mean(axis: 0).floats[3], 0, accuracy: 1e-3)
    XCTAssertEqual(seen.squared().mean(axis: 0).floats[3], 1, accuracy: 1e-3)
  }

  func testOfMorePointsThanAColumnMayHaveTheMostFrequentOnesStay() throws {
    var numbers = (0..<100).map { -Double($0) - 0.25 }
    for point in 0..<40 {
      numbers += [Double](repeating: Double(point) + 0.5, count: 20 + (point * 7) % 40)
    }
    let source = try DataSource.open(
      table(numbers.reduce(into: "x,y\n") { $0 += "\($1),\($1 * 3)\n" }))
    let column = try XCTUnwrap(source.columns?.columns.first)
    let frequent = (0..<40).filter { (($0 * 7) % 40) >= 40 - TableColumn.pointLimit }
    XCTAssertEqual(frequent.count, 32)
    XCTAssertEqual(column.points, frequent.map { Double($0) + 0.5 })
  }

  func testWholeNumbersFromOneOnThatAreFewAreCodesAndLeaveTheirRangeInNoDraw() throws {
    var text = "sex,rating,kind,visits,zero,rare\n"
    for row in 0..<200 {
      text +=
        "\(1 + row % 2),\(1 + row % 5),\([3, 7, 12][row % 3]),\(1 + row % 30),\(row % 3),\(row < 2 ? 20 + row : 9)\n"
    }
    let path = try table(text)
    let columns = try XCTUnwrap(DataSource.open(path).columns?.columns)
    XCTAssertEqual(columns.map(\.kind), [.real, .real, .real, .count, .count, .real])
    XCTAssertEqual(columns[0].points, [1, 2])
    XCTAssertEqual(columns[1].points, [1, 2, 3, 4, 5])
    XCTAssertEqual(columns[2].points, [3, 7, 12])
    for column in columns.prefix(3) { XCTAssertFalse(column.isContinuous) }
    XCTAssertEqual(
      columns[0].misfit(3),
      "is none of the values that the column had in training, 1, 2; leave such rows out")
    // What somebody says of a column holds.
    let told = try DataSource.open(
      path, table: TableOptions(types: ["rating": .count, "sex": .category]))
    XCTAssertEqual(told.columns?.columns[1].kind, .count)
    XCTAssertEqual(told.columns?.columns[0].names, ["1", "2"])
  }

  func testSpacesBelongToAWordBetweenQuotationMarksAlone() throws {
    let text = "w,\" n\",x\n a ,1,1.5\n\" a \",\" 2\",2.5\na,,3.5\n"
    let source = try DataSource.open(table(text), table: TableOptions(types: ["w": .category]))
    let columns = try XCTUnwrap(source.columns)
    XCTAssertEqual(columns.columns.map(\.name), ["w", " n", "x"])
    XCTAssertEqual(columns.columns[0].names, [" a ", "a"])
    XCTAssertEqual(rows(source)[1][1], 2)
    // What is filled in leaves other cells the words that they are.
    let filled = try TableWriter(columns).bytes(
      filling: "\(folder)/t.csv", [1, 1, 1.5, 0, 2, 2.5, 1, 7, 3.5],
      where: Tensor([0, 0, 0, 0, 0, 0, 0, 1, 0], shape: [3, 3]))
    XCTAssertEqual(
      filled.map { String(decoding: $0, as: UTF8.self) },
      "w,\" n\",x\n a ,1,1.5\n\" a \",\" 2\",2.5\na,7,3.5\n")
  }

  func testCountsAreNoBytesAndNoOtherNumbers() throws {
    // As wide as a picture of 8×8.
    let numbers = (0..<256).map { Float($0 * 7 % 201) }
    try write(NPYWriter.bytes(Tensor(numbers, shape: [4, 64])), "n.npy")
    let source = try DataSource.open("\(folder)/n.npy")
    XCTAssertTrue(source.notices.contains { "\($0)".contains("uint8") }, "\(source.notices)")
    let counted = try source.counted()
    XCTAssertEqual(counted.notices, [])
    XCTAssertEqual(counted.columns?.columns.map(\.kind), Array(repeating: .count, count: 64))
    XCTAssertEqual(counted.train.ownBatch([0, 1, 2, 3]).floats, numbers)
    try write(NPYWriter.bytes(Tensor([2, 1.5, 3, 1], shape: [2, 2])), "r.npy")
    XCTAssertThrowsError(try DataSource.open("\(folder)/r.npy").counted()) {
      XCTAssertTrue("\($0)".contains("[0, 1], column \"1\": 1.5 is no whole number"), "\($0)")
    }
  }

  func testNumbersThat32BitFloatsTakeForOneAreDifferentPoints() throws {
    // The floats next to each other here are two apart.
    let days: [Double] = [20_240_103, 20_240_104, 20_240_106]
    let text = (0..<60).reduce(into: "day,x\n") { $0 += "\(Int(days[$1 % 3])),\($1)\n" }
    let source = try DataSource.open(table(text))
    let column = try XCTUnwrap(source.columns?.columns.first)
    XCTAssertEqual(column.points, days)
    for row in 0..<3 {
      XCTAssertEqual(
        Array(source.train.batch([row]).floats[1..<4]), (0..<3).map { $0 == row ? 1 : 0 })
    }
    XCTAssertNil(column.misfit(20_240_104))
    XCTAssertNotNil(column.misfit(20_240_105))
    // Where they can tell the column's numbers apart, a point may come as a 32-bit float.
    for decimals in [1, nil] {
      let tenths = TableColumn(
        name: "x", kind: .real, points: [0.1, 0.2], isContinuous: false, decimals: decimals)
      XCTAssertNil(tenths.misfit(Double(Float(0.1))))
      XCTAssertNotNil(tenths.misfit(0.1 + 1e-12))
    }
  }

  func testEachFaultIsOneLineThatSaysWhereAndWhatToDo() throws {
    let wide = (0..<100_000).map { "c\($0)" }.joined(separator: ",")
    let words = (0..<60).map { "2024-01-\($0 + 10)" }.joined(separator: "\n")
    let few = (0..<100).map { "\($0 % 25 + 1)/03/2026 10:30" }.joined(separator: "\n")
    let long = String(repeating: "n", count: 5000)
    let sum = (0..<600).map { "\($0)" + String(repeating: "n", count: 3997) }
      .joined(separator: "\n")
    let faults: [(name: String, text: String, parts: [String])] = [
      ("ragged", "a,b\n1,2\n3\n", ["line 3", "1 cell", "2 names"]),
      ("long", "a,b\n1,2,3\n", ["line 2", "3 cells", "quotation marks"]),
      ("twice", "a,b,a\n1,2,3\n", ["line 1", "columns 1 and 3", "\"a\""]),
      ("nameless", ",b\n1,2\n", ["line 1", "column 1 has no name", "index=False"]),
      ("headless", "1,2\n3,4\n", ["line 1", "names"]),
      ("open", "a,b\n1,\"2\n3,4\n", ["line 2", "never closed"]),
      ("behind", "a,b\n1,\"2\"x\n", ["line 2", "behind a closing quotation mark"]),
      ("zero", "a,b\n1,\0\n", ["line 2", "zero byte"]),
      ("bar", "a|b\n1|2\n", ["line 1", "\"|\""]),
      ("void", "a,b\n1,\n2,NA\n", ["column \"b\"", "no value", "ignore"]),
      ("text", "a,b\n1,x\n2,3\n4,5\n", ["line 2", "column \"b\"", "\"x\" is no number", "2 of 3"]),
      ("dates", "d\n\(words)\n", ["column \"d\"", "60 different dates", "days since"]),
      ("few", "d\n\(few)\n", ["column \"d\"", "25 different dates", "days since"]),
      ("forms", "a,w\n1,caf\u{e9}\n2,cafe\u{301}\n", ["line 3", "column \"w\"", "NFC"]),
      (
        "word", "a,w\n1,\(long)\n2,x\n", ["line 2", "column \"w\"", "5000 bytes", "4096", "ignore"]
      ),
      ("name", "a,\(long)\n1,2\n", ["line 1", "column 2", "5000 bytes", "4096"]),
      ("sum", "w\n\(sum)\n", ["line 526", "too many categories", "2097152 bytes"]),
      ("names", "a,b\n", ["no row"]),
      ("wide", "\(wide)\n", ["line 1", "100000 columns", "65536"]),
    ]
    for (name, text, parts) in faults {
      assertRefused(
        try table(text, "\(name).csv"),
        kind: ["void", "text", "dates", "few", "forms", "word", "sum"].contains(name)
          ? .unusable : .malformed, naming: parts)
    }
    assertRefused(try table("a,b\n1,2\n", "tabs.tsv"), naming: ["line 1", "tabs", "commas"])
    try write([0x61, 0x2c, 0x62, 10, 0x31, 0x2c, 0xe9, 10], "bytes.csv")
    assertRefused(
      "\(folder)/bytes.csv", kind: .unusable, naming: ["line 2", "column \"b\"", "UTF-8"])
    try write([0xff, 0xfe, 0x61, 0], "wide.csv")
    assertRefused("\(folder)/wide.csv", naming: ["UTF-16"])
  }

  func testRowsForAModelAreReadByItsColumnsAndOtherValuesRefused() throws {
    let first = try DataSource.open(
      table("a,w,b\n1,x,0.5\n2,y,9.5\n4,x,-3.5\n"), table: TableOptions(types: ["w": .category]))
    let columns = try XCTUnwrap(first.columns)
    let options = TableOptions(recorded: columns)
    let again = try DataSource.open(
      table("extra,w,b,a\n0,y,1.5,7\n0,y,2.5,\n", "again.csv"), rule: "table", table: options)
    XCTAssertEqual(again.columns, columns)
    XCTAssertEqual(rows(again)[0], [7, 1, 1.5])
    XCTAssertTrue(rows(again)[1][0].isNaN)
    XCTAssertTrue(again.missingValue?.contains("line 3, column \"a\"") == true)
    XCTAssertTrue(again.notices.contains { "\($0)".contains("\"extra\"") })
    // What somebody says of columns cannot change the model's own, and takes nothing else out of a file but
    // labels.
    for (name, type) in [("a", "label"), ("b", "ignore"), ("a", "real"), ("extra", "real")] {
      let said = try TableOptions(parsing: ["\(name)=\(type)"]).types
      XCTAssertThrowsError(
        try DataSource.open(
          "\(folder)/again.csv", rule: "table", table: TableOptions(types: said, recorded: columns))
      ) { error in
        for part in ["column \"\(name)\"", "trained on", "\(name)=\(type)"] {
          XCTAssertTrue("\(error)".contains(part), "\(error)")
        }
      }
    }
    // The column that had the labels has them again, and a type that is said again is no other.
    let remembered = try DataSource.open(
      "\(folder)/again.csv", rule: "table",
      table: TableOptions(types: ["a": .count], recorded: columns, recordedLabel: "extra"))
    XCTAssertEqual(remembered.train.labels, [0, 0])
    XCTAssertEqual(remembered.labelColumn, "extra")
    let labelled = try DataSource.open(
      "\(folder)/again.csv", rule: "table",
      table: TableOptions(types: ["extra": .label], recorded: columns))
    XCTAssertEqual(labelled.train.labels, [0, 0])
    XCTAssertEqual(rows(labelled)[0], [7, 1, 1.5])
    for (text, parts) in [
      (
        "a,w,b\n1,z,2\n",
        ["line 2", "column \"w\"", "\"z\" is none of the categories", "\"x\", \"y\""]
      ),
      ("a,b\n1,2\n", ["no column \"w\""]),
    ] {
      let path = try table(text, "other.csv")
      XCTAssertThrowsError(try DataSource.open(path, rule: "table", table: options)) { error in
        for part in parts { XCTAssertTrue("\(error)".contains(part), "\(error)") }
      }
    }
  }

  func testARememberedColumnOfLabelsRefusesNoRowsThatNeedNone() throws {
    // As many classes as rows, as a few rows of many classes may have.
    let text = (0..<30).reduce(into: "a,y\n") { $0 += "\($1),c\($1)\n" }
    let columns = TableColumns([TableColumn(name: "a", kind: .real)])
    var options = TableOptions(recorded: columns, recordedLabel: "y", needsLabels: true)
    let source = try DataSource.open(table(text), rule: "table", table: options)
    XCTAssertEqual(source.train.classes.count, 30)
    // Rows without a label.
    let path = try table("a,y\n1,c1\n2,\n", "torn.csv")
    XCTAssertThrowsError(try DataSource.open(path, rule: "table", table: options)) {
      XCTAssertTrue("\($0)".contains("line 3, column \"y\": has no class"), "\($0)")
    }
    options.needsLabels = false
    let torn = try DataSource.open(path, rule: "table", table: options)
    XCTAssertNil(torn.train.labels)
    XCTAssertEqual(torn.train.ownRows([0, 1]), [1, 2])
    XCTAssertTrue(torn.notices.contains { "\($0)".contains("not every row has one") })
  }

  func testRowsForAModelOfFewerCategoriesNeedOnlyHaveNoneOfTheOthers() throws {
    let few = TableColumns([
      TableColumn(name: "a", kind: .real),
      TableColumn(name: "w", kind: .category, names: ["x", "z"]),
    ])
    let many = TableColumns([
      TableColumn(name: "a", kind: .real),
      TableColumn(name: "w", kind: .category, names: ["x", "y", "z"]),
    ])
    let options = TableOptions(recorded: many)
    let fine = try DataSource.open(table("a,w\n1,z\n2,\n3,x\n"), rule: "table", table: options)
    let seen = try XCTUnwrap(fine.asSeen(by: few).train.ownRows([0, 1, 2]))
    XCTAssertEqual([seen[1], seen[5]], [1, 0])
    XCTAssertTrue(seen[3].isNaN)
    let other = try DataSource.open(table("a,w\n1,z\n2,y\n"), rule: "table", table: options)
    XCTAssertThrowsError(try other.asSeen(by: few)) {
      for part in ["\"y\" in line 3", "column \"w\""] {
        XCTAssertTrue("\($0)".contains(part), "\($0)")
      }
    }
  }

  func testWhatIsFilledInStandsBesideCellsAsTheyWere() throws {
    let columns = TableColumns([TableColumn(name: "a", kind: .real, decimals: 1)])
    // A column that no model looks at, in another encoding.
    let lines: [[UInt8]] = [
      Array("note,a".utf8), [0xe9] + Array(",".utf8),
      Array("\"".utf8) + [0xfc] + Array(", \"\"b\"\"\",1.25".utf8),
    ]
    try write(Array(lines.joined(separator: [10])) + [10], "torn.csv")
    let bytes = try TableWriter(columns).bytes(
      filling: "\(folder)/torn.csv", [0.5, 1.25], where: Tensor([1, 0], shape: [2, 1]))
    let wanted: [[UInt8]] = [lines[0], lines[1] + Array("0.5".utf8), lines[2]]
    XCTAssertEqual(bytes, Array(wanted.joined(separator: [10])) + [10])
    // Of rows of no such file what is known has all its digits.
    let known = 0.1 + 1e-13
    XCTAssertEqual(
      String(
        decoding: TableWriter(columns).bytes(
          [known, 0.5], made: Tensor([0, 1], shape: [2, 1])), as: UTF8.self),
      "a\n\(known)\n0.5\n")
  }

  func testRowsAreWrittenAsTheyAreRead() throws {
    let text = "a,\"the, word\",n\n1.5,\"x\"\"y\",3\n-2,z,40\n0.25,z,\n"
    let source = try DataSource.open(
      table(text), table: TableOptions(types: ["the, word": .category, "n": .count]))
    let columns = try XCTUnwrap(source.columns)
    let bytes = try TableWriter(columns).bytes(XCTUnwrap(source.train.ownRows([0, 1, 2])))
    XCTAssertEqual(
      String(decoding: bytes, as: UTF8.self),
      "a,\"the, word\",n\n1.5,\"x\"\"y\",3\n-2,z,40\n0.25,z,\n")
  }

  func testLargeNumbersKeepTheirDigitsUntilTheyAreStandardizedAndWhereTheyAreWritten() throws {
    let numbers = (0..<40).map { 100_000_000 + Double(($0 * 17) % 40) / 8 - 2.4375 }
    let text = numbers.enumerated().reduce(into: "id,time,size\n") {
      $0 += "\(9_000_000_000_000 + $1.offset * 7),\(1_764_000_000 + $1.offset),\($1.element)\n"
    }
    let source = try DataSource.open(table(text))
    let columns = try XCTUnwrap(source.columns)
    let seen = source.train.batch(Array(0..<40)).floats
    let mean = numbers.reduce(0, +) / 40
    let deviation = (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40).squareRoot()
    for (row, number) in numbers.enumerated() {
      XCTAssertEqual(Double(seen[row * 3 + 2]), (number - mean) / deviation, accuracy: 1e-6)
    }
    // What a model would give as it is.
    let back = columns.restoredRows(source.train.batch(Array(0..<40)), rounding: true)
    XCTAssertEqual(String(decoding: TableWriter(columns).bytes(back), as: UTF8.self), text)
    XCTAssertTrue(source.notices.isEmpty, "\(source.notices)")
    // The same numbers as an array in a file.
    let array = NPYWriter.bytes(numbers.flatMap { [$0, -$0] }, shape: [40, 2])
    try write(array, "v.npy")
    let vectors = try DataSource.open("\(folder)/v.npy").train.batch(Array(0..<40)).floats
    for row in 0..<40 { XCTAssertEqual(vectors[row * 2], seen[row * 3 + 2], accuracy: 1e-6) }
  }

  func testValuesThatAModelCannotTellApartAreSaidByTheNameOfTheirColumn() throws {
    // Beside 10^15 the others are all the same.
    let text = (0..<40).reduce(into: "a,b\n") {
      $0 += "\($1 == 7 ? 1e15 : Double($1) + 0.5),\($1)\n"
    }
    let source = try DataSource.open(
      table(text), table: TableOptions(types: ["a": .real, "b": .real]))
    let notices = source.notices.map { "\($0)" }
    XCTAssertEqual(notices.count, 1, "\(notices)")
    XCTAssertTrue(
      notices.first?.contains("column \"a\": its 40 different values are") == true, "\(notices)")
  }

  func testCentreAndScaleAreThoseOfTheRowsThatTrainingSees() throws {
    let text = (0..<20).reduce(into: "n,w\n") {
      $0 += "\(1000 + $1 * $1),\(["x", "y"][$1 % 2])\n"
    }
    let whole = try DataSource.open(table(text), table: TableOptions(types: ["n": .real]))
    let source = try whole.standardizedByTraining(holdingOut: 0.25).settingApart(0.25)
    for split in [source.train, try XCTUnwrap(source.validation)] {
      XCTAssertEqual(split.columns, source.columns)
    }
    let own = source.train.ownBatch(Array(0..<15)).floats
    let numbers = stride(from: 0, to: own.count, by: 2).map { Double(own[$0]) }
    let column = try XCTUnwrap(source.columns?.columns.first)
    XCTAssertEqual(column.centre, numbers.reduce(0, +) / 15, accuracy: 1e-9)
    XCTAssertNotEqual(column.centre, whole.columns?.columns.first?.centre)
  }

  func testRowsOfAFileAreNamedByTheirLinesAndThoseOfOtherDataByNumbersFromZeroOn() throws {
    let columns = TableColumns([TableColumn(name: "a", kind: .positive)])
    let path = try table("a\n\n1\n\n2\n\"-3\"\n")
    XCTAssertThrowsError(
      try DataSource.open(path, rule: "table", table: TableOptions(recorded: columns))
    ) {
      XCTAssertTrue(
        "\($0)".contains("t.csv, line 6, column \"a\": -3 is not above zero"), "\($0)")
    }
    let whole = try DataSource.open(path, table: TableOptions(types: ["a": .real]))
    XCTAssertEqual(whole.train.origins, .lines([3, 5, 6]))
    let apart = try whole.settingApart(0.4)
    let kept = try XCTUnwrap(apart.train.origins)
    let held = try XCTUnwrap(apart.validation?.origins)
    XCTAssertEqual(
      Set((0..<2).map(kept.text) + [held.text(0)]), ["3", "5", "6"])
    let none: ExampleOrigins? = nil
    XCTAssertEqual(none.title(of: 4, as: "row"), "row 4 (counting from 0)")
  }

  func testColumnsThatAreSeparatedBySpacesAreRefused() throws {
    for text in ["x y\n1 2\n3 4\n", "a  b   kind\n1.5 2 up\n", "\"a\" b\n\n1 2\n"] {
      XCTAssertThrowsError(try DataSource.open(table(text)), text) {
        XCTAssertTrue("\($0)".contains("spaces between what seem to be columns"), "\($0)")
      }
    }
    // A name of two words is one name.
    let source = try DataSource.open(table("body weight\n71.5\n60\n"))
    XCTAssertEqual(source.columns?.columns.map(\.name), ["body weight"])
  }

  func testWhatSomebodySaysOfAColumnHoldsWhereAllOthersBecomeCounts() throws {
    let path = try table("a,b\n0,3\n2,5\n7,0\n")
    let told = try DataSource.open(path, table: TableOptions(types: ["b": .real])).counted()
    XCTAssertEqual(told.columns?.columns.map(\.kind), [.count, .real])
    let free = try DataSource.open(path).counted()
    XCTAssertEqual(free.columns?.columns.map(\.kind), [.count, .count])
    let rows: [Double] = [0, 3, 2, 5, 7, 0]
    try rows.withUnsafeBytes { bytes in
      let images = MemoryImages(
        at: try XCTUnwrap(bytes.baseAddress), count: 3,
        shape: ImageShape(height: 1, width: 2, channels: 1), strides: [2, 2, 1, 1],
        element: .float64)
      let given = try GivenColumn.list(
        parsing: #"[{"name": "a"}, {"name": "b", "type": "real"}]"#, source: "columns")
      let source = try DataSource.inMemory(
        train: images, test: nil, range: nil, columns: given.columns)
      XCTAssertEqual(try source.counted().columns?.columns.map(\.kind), [.count, .real])
    }
  }

  func testWhatSeemsToBeAnotherThingThanItWouldBeTakenForIsSaid() throws {
    for (text, types, parts) in [
      ("a;b\n3,14;1\n-2,5;2\n", [:], ["line 2, column \"a\"", "\"3,14\" has a comma"]),
      ("a;b\n3,14;1\n2,5;2\n", ["a": .real], ["\"3,14\" has a comma"]),
      ("a,b\n1,2\n3e38,4\n", [:], ["column \"a\"", "line 3", "beyond ±1e30"]),
      (
        "a,b\nx,2\ny,4\n", ["a": .real], ["\"x\" is no number, as all are of a column of type real"]
      ),
      (
        "age,b\n40,1\n1,2\n", ["age": .yesNo],
        ["column \"age\"", "40 in line 2 is neither 0 nor 1, but the column is yes-no"]
      ),
      (
        (0..<1001).reduce(into: "income\n") { $0 += "\($1 + 1000).5\n" }, ["income": .category],
        ["column \"income\" has 1001 different numbers, such as \"1000.5\"", "income=real"]
      ),
      ("5.1,3.5,3.5\n5.1,3.5,x\n", [:], ["same name", "where this is a row"]),
      (
        (0..<50).reduce(into: "a,b\n") { $0 += "\($1),\(Double($1) / 7)\n" }, ["b": .label],
        ["column \"b\" has 50 different labels", "train_conditions"]
      ),
    ] as [(String, [String: TableColumnType], [String])] {
      let path = try table(text)
      XCTAssertThrowsError(try DataSource.open(path, table: TableOptions(types: types)), text) {
        for part in parts { XCTAssertTrue("\($0)".contains(part), "\($0)") }
      }
    }
    let iris = try DataSource.open(table("5.1,3.5,setosa\n4.9,3,setosa\n6.1,2.8,virginica\n"))
    XCTAssertTrue(
      iris.notices.contains { "\($0)".contains("line 1 is taken for the names") }, "\(iris.notices)"
    )
  }

  func testOneTypeHoldsForAllColumnsThatAListNames() throws {
    let text = (0..<40).reduce(into: "a,b,c,\"d,e\"\n") {
      $0 += "\($1 + 1),\($1 % 9),\($1 % 7),\($1 % 5)\n"
    }
    let path = try table(text)
    let kinds = { (said: [String]) in
      try DataSource.open(path, table: TableOptions(parsing: said)).columns?.columns.map(\.kind)
    }
    XCTAssertEqual(try kinds(["a,b=real", "d,e=count"]), [.real, .real, .count, .count])
    XCTAssertEqual(try kinds(["*=real", "b=count"]), [.real, .count, .real, .real])
    for (said, part) in [
      (["a,b=real", "b=count"], "\"b\" is given twice"), (["a,nope=real"], "no column \"nope\""),
    ] {
      XCTAssertThrowsError(try kinds(said)) { XCTAssertTrue("\($0)".contains(part), "\($0)") }
    }
  }

  func testNumbersAsPeopleWriteThemAndDatesAreNoCategoriesUnlessSomebodySaysSo() throws {
    for (words, number) in [
      (["12%", "5 %", "-3.5%"], "-3.5"), (["$5", "€ 7", "9"], "5"),
      (["\"1,200.5\"", "\"10,000.25\""], "1200.5"),
      (["1'200", "3'400'000"], "1200"), (["1 200", "3 400"], "1200"),
      (["\"9,99 €\"", "\"10,5 €\""], "10.5"), (["USD 10", "12 EUR"], "12"),
      (["\"1.234,50 €\"", "\"12.345.678,9 €\""], "1234.50"),
    ] {
      let path = try table(
        (0..<40).reduce(into: "x,y\n") { $0 += "\(words[$1 % words.count]),\($1)\n" })
      XCTAssertThrowsError(try DataSource.open(path), "\(words)") {
        for part in ["column \"x\"", "such as \(number)", "x=category"] {
          XCTAssertTrue("\($0)".contains(part), "\($0)")
        }
      }
      let told = try DataSource.open(path, table: TableOptions(types: ["x": .category]))
      XCTAssertEqual(told.columns?.columns[0].names.count, words.count)
      XCTAssertEqual(told.notices, [])
      // A model that knows them as words goes on with them.
      let recorded = try XCTUnwrap(told.columns)
      XCTAssertNotNil(try DataSource.open(path, table: TableOptions(recorded: recorded)).columns)
    }
    for (before, after) in [
      ("2024-0", "-01"), ("2020-0", ""), ("", "/1/20"), ("", "-Jan-2020"), ("March ", " 2020"),
    ] {
      let days = try table(
        (0..<40).reduce(into: "x,y\n") { $0 += "\(before)\($1 % 3 + 1)\(after),\($1)\n" })
      XCTAssertThrowsError(try DataSource.open(days), "\(before)1\(after)") {
        XCTAssertTrue("\($0)".contains("days since the first"), "\($0)")
      }
    }
    // Words of other kinds stay categories.
    for words in [
      ["10-20", "20-30"], ["5%", "free"], ["1,2,3", "4,5"], ["a%", "b%"], ["%", "$"],
      ["1/2", "3/4"], ["marble 20", "stone 7"], ["v1.10.20", "v2.1.20"], ["march", "may"],
      ["Decile 1", "Market 2"], ["1001-55", "4711-31"],
    ] {
      let path = try table(
        (0..<40).reduce(into: "x;y\n") { $0 += "\(words[$1 % words.count]);\($1)\n" })
      XCTAssertEqual(try DataSource.open(path).columns?.columns[0].kind, .category, "\(words)")
    }
    let given = try GivenColumn.list(
      parsing: #"[{"name": "a", "names": ["5%", "7%"]}]"#, source: "columns")
    try ([0, 1] as [Double]).withUnsafeBytes { bytes in
      let images = MemoryImages(
        at: try XCTUnwrap(bytes.baseAddress), count: 2,
        shape: ImageShape(height: 1, width: 1, channels: 1), strides: [1, 1, 1, 1],
        element: .float64)
      XCTAssertThrowsError(
        try DataSource.inMemory(train: images, test: nil, range: nil, columns: given.columns)
      ) { XCTAssertTrue("\($0)".contains("a=category"), "\($0)") }
    }
  }

  func testClassesOfOtherFormsOfAWordAreRefusedAsCategoriesAre() throws {
    let path = try table("a,w\n1,caf\u{e9}\n2,cafe\u{301}\n")
    XCTAssertThrowsError(try DataSource.open(path, table: TableOptions(types: ["w": .label]))) {
      XCTAssertTrue("\($0)".contains("NFC"), "\($0)")
    }
  }

  func testARowOfManyBytesIsRefusedBeforeItIsKept() throws {
    let cell = String(repeating: "x", count: 1 << 20)
    let row = Array(repeating: cell, count: 17).joined(separator: ",")
    assertRefused(try table("a,b\n\(row)\n"), naming: ["line 2", "16777216 bytes"])
  }

  func testRowsThatAreSetApartAreRowsOfTheTable() throws {
    let text = (0..<20).reduce(into: "n,w\n") { $0 += "\(1000 + $1),\(["x", "y"][$1 % 2])\n" }
    let whole = try DataSource.open(table(text), table: TableOptions(types: ["n": .real]))
    let source = try whole.settingApart(0.25)
    let held = try XCTUnwrap(source.validation)
    XCTAssertEqual(held.columns, whole.columns)
    XCTAssertEqual(source.columns, whole.columns)
    XCTAssertEqual(held.ownShape, whole.train.ownShape)
    let numbers = [source.train, held].flatMap { split in
      let own = split.ownBatch(Array(0..<split.count)).floats
      return stride(from: 0, to: own.count, by: 2).map { own[$0] }
    }
    XCTAssertEqual(numbers.sorted(), (0..<20).map { Float(1000 + $0) })
    // By columns of another centre, which all splits get.
    let wanted = try XCTUnwrap(whole.standardizedByTraining(holdingOut: 0.5).columns)
    XCTAssertNotEqual(wanted, source.columns)
    let seen = try source.asSeen(by: wanted)
    XCTAssertEqual(seen.splits.map(\.columns), [wanted, wanted])
    XCTAssertEqual(seen.splits.map(\.count), [15, 5])
    XCTAssertEqual(seen.validation?.ownRows([0, 4]), held.ownRows([0, 4]))
  }

  func testACellThatIsWrittenHoldsItsSpacesAndSeparators() {
    for (cell, text) in [
      ("a b", "a b"), (" a", "\" a\""), ("a ", "\"a \""), ("a,\"b\"", "\"a,\"\"b\"\"\""),
    ] {
      XCTAssertEqual(TableWriter.quoted(cell), text)
    }
    XCTAssertEqual(TableWriter.quoted("a,b", separator: "\t"), "a,b")
  }
}
