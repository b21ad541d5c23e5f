import Tensors
import VAECore
import VAEData
import XCTest

/// What models are told of examples: labels by the names of their classes, attributes and vectors.
final class SplitConditionTests: DataTestCase {
  private struct Dots: ExampleStore {
    let count: Int
    let shape = ImageShape(height: 1, width: 1, channels: 1)

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      destination.update(repeating: 0)
    }
  }

  private func split(_ labels: [Int32], _ classes: [String] = []) -> DataSplit {
    DataSplit(name: "train", store: Dots(count: labels.count), labels: labels, classes: classes)
  }

  private func source(_ split: DataSplit) -> DataSource {
    DataSource(
      name: "dots", valueRange: .binary, rule: "binary", isDiscrete: true, train: split)
  }

  private func table(
    _ kind: ConditionSpace.Kind, _ values: [Float], width: Int = 3
  ) throws -> DataSplit {
    DataSplit(
      name: "train", store: Dots(count: values.count / width),
      conditions: try ConditionTable(name: "told", kind: kind, width: width, values: values))
  }

  func testClassesAreFoundByTheirNamesWhateverTheirNumbers() throws {
    let birds = split([2, 0, 1, 1], ["owl", "jay", "wren"])
    let space = ConditionSpace(classes: 3, names: ["jay", "owl", "wren"])
    let known = try KnownConditions(of: birds, space)
    XCTAssertEqual(known.rows([3, 0]).floats, [1, 0, 0, 0, 0, 1])
    XCTAssertEqual(known.rows([1, 2]).floats, [0, 1, 0, 1, 0, 0])
    // A class without a name is called by its number.
    let numbered = try KnownConditions(
      of: split([2, 0]), ConditionSpace(classes: 3, names: ["2", "1", "0"]))
    XCTAssertEqual(numbered.rows([0, 1]).floats, [1, 0, 0, 0, 0, 1])
    let same = try KnownConditions(of: split([2, 0]), ConditionSpace(classes: 3))
    XCTAssertEqual(same.rows([0, 1]).floats, [0, 0, 1, 1, 0, 0])
  }

  func testClassesThatAModelLacksAreNamedInTheOrderOfTheirFirstExamples() {
    let birds = split([1, 2, 0, 2], ["tit", "jay", "emu"])
    XCTAssertThrowsError(
      try KnownConditions(of: birds, ConditionSpace(classes: 2, names: ["jay", "owl"]))
    ) {
      XCTAssertEqual(($0 as? DataError)?.kind, .unusable)
      XCTAssertTrue(
        "\($0)".hasPrefix("train has examples of the class emu and tit, but the model's"), "\($0)")
    }
    for label in [3, -1] as [Int32] {
      XCTAssertThrowsError(
        try KnownConditions(of: split([0, 2, label, 9]), ConditionSpace(classes: 3))
      ) {
        XCTAssertTrue("\($0)".contains("train: label \(label)"), "\($0)")
        XCTAssertTrue("\($0)".contains("but example 2 has another"), "\($0)")
      }
    }
  }

  func testThereAreAsManyClassesAsNamesOrAsTheLargestLabelNeeds() throws {
    for (labels, classes, width, names) in [
      ([0, 4], [], 5, []), ([1, 0], ["a", "b", "c"], 3, ["a", "b", "c"]), ([0, 2], ["a"], 3, []),
    ] as [([Int32], [String], Int, [String])] {
      let space = try XCTUnwrap(source(split(labels, classes)).conditionSpace())
      XCTAssertEqual(space, ConditionSpace(classes: width, names: names))
    }
    for (labels, bad) in [([3, -2, 1], "-2"), ([0, 1 << 16], "65536")] as [([Int32], String)] {
      XCTAssertThrowsError(try source(split(labels)).conditionSpace()) {
        XCTAssertTrue("\($0)".hasPrefix("dots: train has the label \(bad), but"), "\($0)")
      }
    }
    XCTAssertNoThrow(try source(split([0, (1 << 16) - 1])).conditionSpace())
  }

  func testRowsOfNumbersAreToldAsTheyAreAndMayBeSharesOfClasses() throws {
    let shares = try table(.vector, [0.25, 0.75, 0, 0, 0, 1])
    let known = try KnownConditions(of: shares, ConditionSpace(classes: 3))
    XCTAssertEqual(known.rows([1, 0]).floats, [0, 0, 1, 0.25, 0.75, 0])
    XCTAssertEqual(
      try source(shares).conditionSpace(), ConditionSpace(.vector, width: 3))
    let uneven = try table(.vector, [0, 1, 0, 0.5, 0.75, 0])
    XCTAssertThrowsError(try KnownConditions(of: uneven, ConditionSpace(classes: 3))) {
      XCTAssertTrue("\($0)".hasPrefix("told says of example 1 what is not"), "\($0)")
    }
    // Attributes are none of the three for a model of another kind or width.
    for (space, word) in [
      (ConditionSpace(.vector, width: 3), "train_conditions"),
      (ConditionSpace(.attributes, width: 2), "train_attributes"),
    ] {
      XCTAssertThrowsError(
        try KnownConditions(of: try table(.attributes, [0, 1, 0]), space)
      ) { XCTAssertTrue("\($0)".contains(word), "\($0)") }
    }
  }

  func testAttributesAreZerosAndOnesAndVectorsFinite() throws {
    for (kind, value, refusal) in [
      (.attributes, 0.5, "told[1, 2] is 0.5, but attributes are 0 or 1"),
      (.vector, .infinity, "told[1, 2] is inf, but conditions are finite numbers"),
    ] as [(ConditionSpace.Kind, Float, String)] {
      XCTAssertThrowsError(try table(kind, [0, 1, 0, 1, 1, value])) {
        XCTAssertEqual("\($0)", refusal)
      }
    }
    XCTAssertEqual(try table(.vector, [0, 1, 0, 1, 1, -2.5]).conditions?.count, 2)
    XCTAssertThrowsError(try table(.vector, [0, 1, 0], width: 2))
  }

  func testAnArchiveTellsAttributesBeforeConditionsOfOneNumberOrSeveral() throws {
    func path(_ members: [TestFiles.Member]) throws -> String {
      try write(
        TestFiles.zip(
          [.init("train", TestFiles.npy([2, 1, 3], [0, 51, 102, 3, 4, 5]))] + members),
        "told.npz")
    }
    let flags = TestFiles.Member("train_attributes", TestFiles.npy([2, 2], [0, 1, 1, 1]))
    let numbers = TestFiles.Member(
      "conditions_train", TestFiles.npy([2], TestFiles.bytes([1.5, -2] as [Float]), type: "<f4"))
    let both = try DataSource.open(path([numbers, flags]))
    XCTAssertEqual(both.train.conditions?.kind, .attributes)
    XCTAssertEqual(both.train.conditions?.values, [0, 1, 1, 1])
    XCTAssertEqual(both.train.conditions?.width, 2)
    XCTAssertTrue(
      both.notices.contains { "\($0)".contains("not used: \"conditions_train\";") },
      "\(both.notices)")
    let one = try DataSource.open(path([numbers]))
    XCTAssertEqual(one.train.conditions?.kind, .vector)
    XCTAssertEqual(one.train.conditions?.values, [1.5, -2])
    XCTAssertEqual(one.train.conditions?.width, 1)
    let many = TestFiles.Member("train_attributes", TestFiles.npy([3, 1], [0, 1, 1]))
    XCTAssertThrowsError(try DataSource.open(path([many]))) {
      XCTAssertTrue("\($0)".contains("train_attributes has 3 rows, but"), "\($0)")
    }
  }

  func testValuesThatAnArchiveHidesAreKnownByTheirPlaces() throws {
    func path(_ sizes: [Int], _ hidden: [UInt8], type: String = "|u1") throws -> String {
      try write(
        TestFiles.zip([
          .init("train", TestFiles.npy([2, 1, 3], [0, 51, 102, 3, 4, 5])),
          .init("train_hidden", TestFiles.npy(sizes, hidden, type: type)),
        ]), "hidden.npz")
    }
    for type in ["|u1", "|b1"] {
      let source = try DataSource.open(path([2, 1, 3], [0, 1, 1, 0, 0, 1], type: type))
      XCTAssertEqual(source.train.hidden([1, 0])?.floats, [0, 0, 1, 0, 1, 1])
      XCTAssertEqual(source.missingValue?.hasSuffix("train_hidden hides values"), true)
      XCTAssertEqual(source.train.batch([0]).floats, [0, 0.2, 0.4])
    }
    for (sizes, hidden, words) in [
      ([2, 1, 3], [0, 1, 2, 0, 0, 1], "must hold booleans, or bytes that are 0 or 1"),
      ([1, 1, 3], [0, 1, 1], "train_hidden has 1 images of 1x3x1, but"),
      ([2, 3, 1], [0, 1, 1, 0, 0, 1], "train_hidden has 2 images of 3x1x1, but"),
    ] as [([Int], [UInt8], String)] {
      XCTAssertThrowsError(try DataSource.open(path(sizes, hidden))) {
        XCTAssertTrue("\($0)".contains(words), "\($0)")
      }
    }
  }
}
