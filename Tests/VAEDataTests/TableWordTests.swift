import Tensors
import VAECore
import VAEData
import XCTest

/// Words of tables: which are missing values, yes and no, categories and classes, and how cells are written.
final class TableWordTests: DataTestCase {
  private func open(
    _ text: String, _ types: [String: TableColumnType] = [:]
  ) throws -> DataSource {
    try DataSource.open(table(text), table: TableOptions(types: types))
  }

  func testEveryWordForAMissingValueIsOne() throws {
    let words = [
      "", "NA", "N/A", "#N/A", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None", "<NA>", "n/a",
      " NA ",
    ]
    let source = try open(words.reduce(into: "a,b\n0.5,1.5\n") { $0 += "2.5,\($1)\n" })
    let rows = try XCTUnwrap(source.train.ownRows(Array(0...words.count)))
    XCTAssertEqual(rows[1], 1.5)
    for (row, word) in words.enumerated() {
      XCTAssertEqual(rows[2 * row + 2], 2.5)
      XCTAssertTrue(rows[2 * row + 3].isNaN, "\"\(word)\"")
    }
    XCTAssertEqual(source.missingValue?.hasSuffix("line 3, column \"b\" is empty"), true)
    XCTAssertThrowsError(try open("a,b\n1,2\n1,3\n1,nA\n"))
  }

  func testSeparatorsBetweenQuotationMarksSeparateNothing() throws {
    let source = try open("\"a,b,c\";\"d,e\"\n1.5;2\n2.5;3.5\n")
    XCTAssertEqual(source.columns?.columns.map(\.name), ["a,b,c", "d,e"])
    XCTAssertEqual(source.train.ownRows([1]), [2.5, 3.5])
  }

  func testPairsOfWordsAreYesAndNoAndNoComesFirst() throws {
    for (no, yes) in [
      ("no", "yes"), ("no", "Yes"), ("N", "Y"), ("n", "Y"), ("false", "true"), ("False", "True"),
      ("false", "TRUE"), ("f", "t"), ("f", "T"), ("off", "on"), ("off", "ON"),
    ] {
      let source = try open("w,x\n\(yes),1.5\n\(no),2.5\n\(no),0.5\n\(yes),7.5\n")
      let column = try XCTUnwrap(source.columns?.columns.first)
      XCTAssertEqual(column.kind, .yesNo, yes)
      XCTAssertEqual(column.names, [no, yes])
      let rows = try XCTUnwrap(source.train.ownRows([0, 1, 2, 3]))
      XCTAssertEqual([rows[0], rows[2], rows[4], rows[6]], [1, 0, 0, 1], yes)
    }
    let sides = "w,x\nright,1.5\nleft,2.5\nright,3.5\n"
    XCTAssertEqual(try open(sides).columns?.columns[0].kind, .category)
    let told = try open(sides, ["w": .yesNo])
    XCTAssertEqual(told.columns?.columns[0].kind, .yesNo)
    XCTAssertEqual(told.columns?.columns[0].names, ["left", "right"])
    XCTAssertThrowsError(try open("w,x\nyes,1.5\nyes,2.5\n", ["w": .yesNo])) {
      XCTAssertTrue("\($0)".contains("is yes-no, but holds nothing but \"yes\""), "\($0)")
    }
    XCTAssertThrowsError(try open("w,x\na,1.5\nb,2.5\nc,3.5\n", ["w": .yesNo])) {
      XCTAssertTrue("\($0)".contains("\"c\" is a third word, after \"a\" and \"b\""), "\($0)")
    }
  }

  /// Rows of a word and a number, of which the words come in turn.
  private func words(_ count: Int, rows: Int, _ word: (Int) -> String) -> String {
    (0..<rows).reduce(into: "w,x\n") { $0 += "\(word($1 % count)),\(Double($1) + 0.5)\n" }
  }

  func testMoreThanTwentyWordsOfWhichHalfTheRowsDifferAreNoCategories() throws {
    let word = { (number: Int) in "kind\(number)" }
    XCTAssertEqual(try open(words(20, rows: 20, word)).columns?.columns[0].names.count, 20)
    XCTAssertEqual(try open(words(21, rows: 42, word)).columns?.columns[0].names.count, 21)
    XCTAssertThrowsError(try open(words(21, rows: 41, word))) {
      XCTAssertTrue("\($0)".contains("21 different texts, such as"), "\($0)")
    }
    XCTAssertEqual(
      try open(words(21, rows: 41, word), ["w": .category]).columns?.columns[0].names.count, 21)
  }

  func testLabelsAreClassesInTheOrderOfTheirNames() throws {
    let source = try open("y,x\nb,1.5\na,2.5\nc,3.5\na,4.5\n", ["y": .label])
    XCTAssertEqual(source.train.classes, ["a", "b", "c"])
    XCTAssertEqual(source.train.labels, [1, 0, 2, 0])
    XCTAssertEqual(source.columns?.columns.map(\.name), ["x"])
    XCTAssertEqual(source.labelColumn, "y")
    let whole = { (number: Int) in "\(number)" }
    XCTAssertEqual(
      try open(words(21, rows: 42, whole), ["w": .label]).train.classes.count, 21)
    for (text, isRefused) in [
      (words(21, rows: 41, whole), true), (words(20, rows: 20, whole), false),
      (words(21, rows: 84) { "\($0).5" }, true), (words(20, rows: 80) { "\($0).5" }, false),
    ] {
      guard isRefused else {
        XCTAssertEqual(try open(text, ["w": .label]).train.classes.count, 20)
        continue
      }
      XCTAssertThrowsError(try open(text, ["w": .label])) {
        XCTAssertTrue("\($0)".contains("21 different labels"), "\($0)")
      }
    }
    XCTAssertThrowsError(try open("y,z,x\na,b,1\na,c,2\n", ["y": .label, "z": .label])) {
      XCTAssertTrue("\($0)".contains("has the labels \"y\" and \"z\"; choose one"), "\($0)")
    }
  }

  // MARK: Written again

  func testCellsStandBetweenMarksAndLabelsInTheWordsOfTheirColumns() {
    let columns = TableColumns([
      TableColumn(name: "n", kind: .real, decimals: 1),
      TableColumn(name: "w", kind: .category, names: ["x", "y z", "q\tr"]),
      TableColumn(name: "f", kind: .yesNo, names: ["no", "yes"]),
    ])
    let bytes = TableWriter(columns, separator: "\t").bytes(
      [0.5, 1.4, 0.5, .nan, 1.6, 0.49, -3, -2, .nan, 7, 9, 1],
      marks: [(name: "line", cells: ["3", "4", "5", "6"])],
      label: (column: "y", words: ["a", "b\tc", "d,e", "g"]))
    XCTAssertEqual(
      String(decoding: bytes, as: UTF8.self),
      "line\tn\tw\tf\ty\n3\t0.5\ty z\tyes\ta\n4\t\t\"q\tr\"\tno\t\"b\tc\"\n5\t-3\tx\t\td,e\n"
        + "6\t7\t\"q\tr\"\tyes\tg\n")
  }

  func testANumberThatAModelMadeHasTheDigitsThatItsScaleNeeds() {
    func cell(scale: Double, made: Bool) -> String {
      let columns = TableColumns([TableColumn(name: "n", kind: .real, scale: scale)])
      let bytes = TableWriter(columns).bytes(
        [1234567.891], made: Tensor([made ? 1 : 0], shape: [1, 1]))
      return String(decoding: bytes, as: UTF8.self)
    }
    XCTAssertEqual(cell(scale: 1, made: true), "n\n1234567.891\n")
    XCTAssertEqual(cell(scale: 1e6, made: true), "n\n1234567.9\n")
    XCTAssertEqual(cell(scale: 1e6, made: false), "n\n1234567.891\n")
  }

  // MARK: By the columns of a model

  func testRowsAreBroughtToTheOrderAndTheCategoriesOfAModel() throws {
    let source = try open("a,w,b\n1,x,0.5\n2,y,9.5\n4,x,-3.5\n", ["w": .category])
    let wanted = TableColumns([
      TableColumn(name: "b", kind: .real),
      TableColumn(name: "w", kind: .category, names: ["z", "y", "x"]),
      TableColumn(name: "a", kind: .real, centre: 3, scale: 2),
    ])
    let seen = try source.asSeen(by: wanted)
    XCTAssertEqual(seen.train.ownRows([1, 0]), [9.5, 1, 2, 0.5, 2, 1])
    XCTAssertEqual(seen.train.batch([2]).floats, [-3.5, 0, 0, 1, 0.5])
    XCTAssertEqual(seen.train.origins, .lines([2, 3, 4]))
    for (column, words) in [
      (TableColumn(name: "c", kind: .real), "has no column \"c\""),
      (
        TableColumn(name: "w", kind: .real),
        "\"w\" is category, but the model was trained on one that is real"
      ),
    ] {
      XCTAssertThrowsError(try source.asSeen(by: TableColumns([column]))) {
        XCTAssertTrue("\($0)".contains(words), "\($0)")
      }
    }
    // Zeros and ones are numbers where the model's column has such.
    let flags = try open("f,g\n0,1.5\n1,2.5\n1,3.5\n")
    XCTAssertEqual(flags.columns?.columns[0].kind, .yesNo)
    let numbers = TableColumns([TableColumn(name: "f", kind: .real)])
    XCTAssertEqual(try flags.asSeen(by: numbers).train.ownRows([0, 1, 2]), [0, 1, 1])
  }

  func testAHiddenCellHidesAllThatAModelSeesOfIt() throws {
    let numbers: [Float] = [0.5, 0, 7, 1.5, 2, -3, 9.5, 1, 2]
    let path = try write(
      TestFiles.zip([
        .init("train", TestFiles.npy([3, 3], TestFiles.bytes(numbers), type: "<f4")),
        .init("train_hidden", TestFiles.npy([3, 3], [0, 1, 0, 1, 0, 0, 0, 0, 1])),
      ]), "hidden.npz")
    let source = try DataSource.open(path, table: TableOptions(types: ["1": .category]))
    XCTAssertEqual(source.columns?.columns.map(\.elements), [1, 3, 1])
    XCTAssertEqual(
      source.train.hidden([2, 0, 1])?.floats,
      [0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0])
    XCTAssertEqual(source.train.ownRows([1]), [1.5, 2, -3])
  }

  func testTheFirstColumnWithoutAnyValueIsNamed() throws {
    let nan = Float.nan
    try write(
      NPYWriter.bytes(Tensor([nan, 2, nan, nan, 5, 3, nan, nan], shape: [2, 4])), "n.npy")
    XCTAssertThrowsError(try DataSource.open("\(folder)/n.npy").checkColumnsHaveValues()) {
      XCTAssertTrue("\($0)".contains("column 2 has no value in any row"), "\($0)")
      XCTAssertTrue("\($0)".contains("numpy.delete(X, 2, 1)"), "\($0)")
    }
    try write(NPYWriter.bytes(Tensor([nan, 2, 3, nan], shape: [2, 2])), "n.npy")
    XCTAssertNoThrow(try DataSource.open("\(folder)/n.npy").checkColumnsHaveValues())
  }

  func testContentsOfRowsHaveTheDigitsOf32BitFloats() throws {
    let number = 0.1 + 1e-12
    let source = try open("a,b\n\(number),1.5\n7.25,2.5\n")
    let columns = try XCTUnwrap(source.columns)
    let (centre, scale) = (columns.columns[0].centre, columns.columns[0].scale)
    XCTAssertEqual(
      source.train.contents([1, 0]).floats[2], Float((Double(Float(number)) - centre) / scale))
    XCTAssertEqual(source.train.ownDoubles([1, 0]), [7.25, 2.5, number, 1.5])
    XCTAssertEqual(source.train.ownShape, ImageShape(height: 1, width: 2, channels: 1))
  }
}
