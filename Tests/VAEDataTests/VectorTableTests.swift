import Foundation
import Tensors
import VAECore
import VAEData
import XCTest

/// Arrays of vectors as tables.
final class VectorTableTests: DataTestCase {
  func testConstantColumnsOfVectorsAreNothingToAModelAndComeBackAsTheyAre() throws {
    let numbers: [Float] = [0, 1000, 7, 1, 0, 3000, 7, 2, 0, 2000, 7, 4]
    try write(NPYWriter.bytes(Tensor(numbers, shape: [3, 4])), "c.npy")
    let source = try DataSource.open("\(folder)/c.npy")
    let columns = try XCTUnwrap(source.columns)
    XCTAssertEqual(columns.columns.map(\.isConstant), [true, false, true, false])
    XCTAssertEqual(source.shape.width, 2)
    XCTAssertEqual(columns.logScales.count, 2)
    XCTAssertTrue(columns.areReal)
    let seen = source.train.batch([0, 1, 2])
    for (found, wanted) in zip(columns.restored(seen).floats, numbers) {
      XCTAssertEqual(found, wanted, accuracy: 1e-3)
    }
    XCTAssertEqual(source.train.ownBatch([0, 1, 2]).floats, numbers)
    // Rows of a file where they do change are rows for the model all the same.
    let other: [Float] = [5, 1000, 8, 1]
    try write(NPYWriter.bytes(Tensor(other, shape: [1, 4])), "o.npy")
    let later = try DataSource.open("\(folder)/o.npy").asSeen(by: columns)
    XCTAssertEqual(later.train.batch([0]).floats, Array(seen.floats[0..<2]))
    // Where nothing changes at all there is still something to see.
    try write(NPYWriter.bytes(Tensor(Array(repeating: 7, count: 4), shape: [2, 2])), "s.npy")
    XCTAssertEqual(try DataSource.open("\(folder)/s.npy").shape.width, 2)
  }

  func testBytesAreTheNumbersThatATableHasThemAsWhateverHoldsThem() throws {
    let bytes: [UInt8] = [3, 255, 7, 9, 0, 1, 200, 128, 64, 31, 16, 8]
    try write(NPYWriter.bytes(Tensor(bytes.map(Float.init), shape: [4, 3])), "f.npy")
    let told = TableOptions(types: ["*": .real])
    let table = try DataSource.open("\(folder)/f.npy", table: told)
    let columns = try XCTUnwrap(table.columns)
    try write(NPYWriter.bytes(bytes, shape: [4, 3]), "b.npy")
    let plain = try DataSource.open("\(folder)/b.npy")
    XCTAssertNil(plain.columns)
    XCTAssertEqual(
      try plain.asSeen(by: columns).train.ownBatch([0, 3]).floats, [3, 255, 7, 31, 16, 8])
    let selected = DataSource(
      name: "some", valueRange: plain.valueRange, rule: plain.rule, isDiscrete: true,
      train: DataSplit(name: "train", store: plain.train.store.selecting([1, 2])))
    XCTAssertEqual(try selected.asSeen(by: columns).train.ownBatch([0]).floats, [9, 0, 1])
    XCTAssertEqual(
      try plain.asSeen(by: columns).train.batch([0, 1, 2, 3]).floats,
      table.train.batch([0, 1, 2, 3]).floats)
  }

  /// An array of vectors in a file.
  private func vectors(
    _ values: [Float], width: Int, types: [String: TableColumnType] = [:], rule: String? = nil
  ) throws -> DataSource {
    let shape: Shape = [values.count / width, width]
    try write(NPYWriter.bytes(Tensor(values, shape: shape)), "v.npy")
    return try DataSource.open(
      "\(folder)/v.npy", rule: rule, table: TableOptions(types: types))
  }

  func testVectorsAreRowsOfATableUnlessAllValuesLieOnOneGridAsThoseOfPixelsDo() throws {
    for levels in [1, 3, 15, 16, 64, 255] {
      let values = (0..<600).map { Float($0 * 7 % (levels + 1)) / Float(levels) }
      let source = try vectors(values, width: 6)
      XCTAssertNil(source.columns, "\(levels)")
      let said = source.sayingNoticesOfColumns().notices.map(\.description)
      XCTAssertTrue(said.contains { $0.contains("images of 6 pixels") }, "\(said)")
    }
    let measured = (0..<600).map { Float($0 * 7 % 600) / Float(599) }
    // Columns that were each brought to 0…1 have grids of their own.
    let scaled = (0..<600).map { (number: Int) -> Float in
      let levels = number % 2 == 0 ? 97 : 101
      return Float(number * 7 % (levels + 1)) / Float(levels)
    }
    // Shares that are rounded to decimals, and numbers next to zero.
    let shares = (0..<600).map { Float($0 * 7 % 101) / 100 }
    let tiny = measured.map { $0 * 1e-7 }
    for values in [measured, scaled, shares, tiny, measured.map { $0 - 0.5 }] {
      let source = try vectors(values, width: 6)
      XCTAssertEqual(source.columns?.columns.map(\.kind), Array(repeating: .real, count: 6))
      XCTAssertEqual(source.notices, [])
      let said = source.sayingNoticesOfColumns().notices.map(\.description)
      XCTAssertTrue(said.contains { $0.contains("a table of 6 columns") }, "\(said)")
    }
    // A model that takes vectors as they are gets them so, in files as by its rule, and in memory.
    XCTAssertNil(try vectors(measured, width: 6, rule: "floats").columns)
    let plain = try vectors(measured, width: 6).asVectors(in: .unit)
    XCTAssertNil(plain.columns)
    XCTAssertEqual(plain.rule, "floats")
    XCTAssertEqual(plain.train.batch([0]).floats, Array(measured[..<6]))
    XCTAssertNotNil(try vectors(measured.map { $0 * 2 }, width: 6).asVectors(in: .unit).columns)
  }

  func testColumnsOfAnArrayAreWhatSomebodySaysByTheirNumbers() throws {
    let values = (0..<120).map { Float($0 * 7 % 4) / 4 }
    let source = try vectors(
      values.map { ($0 * 4).rounded() }, width: 3, types: ["0": .count, "2": .category])
    XCTAssertEqual(source.columns?.columns.map(\.kind), [.count, .real, .category])
    XCTAssertEqual(source.columns?.columns[2].names, ["0", "1", "2", "3"])
    // Pixels become a table where somebody says so.
    XCTAssertEqual(
      try vectors(values, width: 3, types: ["*": .real]).columns?.columns.map(\.kind),
      [.real, .real, .real])
    for (types, parts) in [
      (["3": .real], ["no such column", "0 to 2"]), (["0": .ignore], ["numpy.delete(X, 0, 1)"]),
      (["1": .label], ["train_labels"]), (["0": .category], ["0.25", "no number of a category"]),
    ] as [([String: TableColumnType], [String])] {
      XCTAssertThrowsError(try vectors(values, width: 3, types: types)) {
        for part in parts { XCTAssertTrue("\($0)".contains(part), "\($0)") }
      }
    }
    XCTAssertThrowsError(try vectors(values, width: 3, types: ["0": .real], rule: "floats")) {
      XCTAssertTrue("\($0)".contains("leave it out"), "\($0)")
    }
    try write(NPYWriter.bytes(Tensor(values, shape: [10, 3, 4])), "i.npy")
    XCTAssertThrowsError(
      try DataSource.open("\(folder)/i.npy", table: TableOptions(types: ["0": .real]))
    ) { XCTAssertTrue("\($0)".contains("[N, columns]"), "\($0)") }
  }

  func testWhatIsSaidOfAllColumnsGoesByTheirOrderAndOfSomeByTheirNumbers() throws {
    let values: [Double] = [0.5, 3, 1.5, 4, 2.5, 5]
    func columns(_ given: String) throws -> [TableColumn] {
      let list = try GivenColumn.list(parsing: given, source: "columns").columns
      return try values.withUnsafeBytes { bytes in
        let rows = MemoryImages(
          at: try XCTUnwrap(bytes.baseAddress), count: 3,
          shape: ImageShape(height: 1, width: 2, channels: 1), strides: [2, 2, 1, 1],
          element: .float64)
        let source = try DataSource.inMemory(train: rows, test: nil, range: nil, columns: list)
        return try XCTUnwrap(source.columns).columns
      }
    }
    let all = try columns(#"[{"name": "1", "type": "real"}, {"name": "0", "type": "count"}]"#)
    XCTAssertEqual(all.map(\.name), ["1", "0"])
    XCTAssertEqual(all.map(\.kind), [.real, .count])
    let some = try columns(#"[{"name": "1", "type": "count"}]"#)
    XCTAssertEqual(some.map(\.name), ["0", "1"])
    XCTAssertEqual(some.map(\.kind), [.real, .count])
  }

  func testVectorsOfTooManyCategoriesAreRefused() throws {
    let (width, count) = (1100, 1000)
    let numbers = (0..<count).flatMap { row in (0..<width).map { Float(($0 + row) % 1000) } }
    XCTAssertThrowsError(try vectors(numbers, width: width, types: ["*": .category])) {
      XCTAssertTrue("\($0)".contains("rows of 1100000 numbers for a model"), "\($0)")
    }
  }

  func testNamesThatAreNumbersAreThoseOfAnArraysColumns() throws {
    let rows = "\n1.5,2,3\n4,5.5,6\n7,8,9.5\n"
    XCTAssertEqual(
      try DataSource.open(table("0,1,2" + rows)).columns?.columns.map(\.name), ["0", "1", "2"])
    let recorded = try XCTUnwrap(vectors([1, 2, 3, 4, 5, 6, 7, 8, 9, 9], width: 2).columns)
    let pairs = try table("1,0\n1.5,2\n4,5.5\n", "pairs.csv")
    let known = try DataSource.open(pairs, table: TableOptions(recorded: recorded))
    XCTAssertEqual(known.train.ownRows([0]), [2, 1.5])
    // Rows without names are none, of a new model as of one that knows other columns.
    for (path, options) in [
      (pairs, TableOptions()), (try table("3,1,2" + rows), TableOptions()),
      (try table("5,6\n7,8\n", "rows.csv"), TableOptions(recorded: recorded)),
    ] {
      XCTAssertThrowsError(try DataSource.open(path, table: options), path) {
        XCTAssertTrue("\($0)".contains("line 1: holds numbers"), "\($0)")
      }
    }
  }

  func testAnArrayOfNamedFieldsIsRefusedSayingHowToWriteIt() throws {
    try write(
      TestFiles.npy(
        header: "{'descr': [('a', '<f8'), ('b', '<f8')], 'fortran_order': False, 'shape': (2,), }",
        [UInt8](repeating: 0, count: 32)), "s.npy")
    XCTAssertThrowsError(try DataSource.open("\(folder)/s.npy")) {
      XCTAssertTrue("\($0)".contains("to_csv"), "\($0)")
    }
  }

  func testWrittenDigitsAreNearlyBinaryAndPhotographsAreNot() throws {
    for (share, isNear) in [(91, true), (60, false)] {
      let pixels = (0..<20 * 784).map { UInt8($0 * 37 % 100 < share ? $0 % 2 * 255 : 60 + $0 % 90) }
      try write(TestFiles.npy([20, 28, 28], pixels, type: "|u1"), "p.npy")
      XCTAssertEqual(try DataSource.open("\(folder)/p.npy").train.areNearlyBinary, isNear)
    }
  }

  func testVectorsOutsideOfZeroToOneAreStandardizedAndOthersStayAsTheyAre() throws {
    let numbers: [Float] = [1000, 0.5, 3000, 0.25, 2000, 0.75]
    for (values, isTable) in [(numbers, true), (numbers.map { min($0, 1) }, false)] {
      let bytes = NPYWriter.bytes(Tensor(values, shape: [3, 2]))
      try write(bytes, "v.npy")
      let source = try DataSource.open("\(folder)/v.npy")
      XCTAssertEqual(source.columns != nil, isTable)
      let seen = source.train.batch([0, 1, 2]).floats
      XCTAssertEqual(seen[2], isTable ? 1.2247449 : 1, accuracy: 1e-5)
      XCTAssertEqual(source.notices.isEmpty, true)
    }
  }

  /// Vectors of which cells are hidden.
  private func vectors(width: Int, scale: Float) throws -> DataSource {
    let count = 6 * width
    let numbers = (0..<count).map { scale * Float(($0 * 7) % 11) / 15 }
    let hidden = (0..<count).map { UInt8($0 % 3 == 0 ? 1 : 0) }
    let array = TestFiles.npy([6, width], TestFiles.bytes(numbers), type: "<f4")
    let path = try write(
      TestFiles.zip([
        .init("train", array), .init("test", array),
        .init("test_hidden", TestFiles.npy([6, width], hidden)),
      ]), "v\(width).npz")
    return try DataSource.open(path)
  }

  func testVectorsForAModelAreAsWideAsItsOwnAndKeepWhatIsHidden() throws {
    let wanted = try XCTUnwrap(vectors(width: 4, scale: 100).columns)
    let wide = try vectors(width: 5, scale: 100)
    XCTAssertThrowsError(try wide.asSeen(by: wanted)) {
      for part in ["5 numbers", "4 columns"] { XCTAssertTrue("\($0)".contains(part), "\($0)") }
    }
    // Those between zero and one are no table until a model takes them for one.
    for scale: Float in [1000, 1] {
      let source = try vectors(width: 4, scale: scale)
      XCTAssertEqual(source.columns == nil, scale == 1)
      let seen = try source.asSeen(by: wanted)
      XCTAssertEqual(seen.columns, wanted)
      let all = Array(0..<6)
      XCTAssertEqual(
        seen.test?.hidden(all)?.floats, (0..<24).map { $0 % 3 == 0 ? 1 : 0 }, "\(scale)")
      XCTAssertEqual(seen.test?.ownBatch(all).floats, source.test?.ownBatch(all).floats)
    }
  }
}
