import Tensors
import VAECore
import XCTest

/// What models may be told of an example, and where values lie.
final class ConditionSpaceTests: XCTestCase {
  func testARowOfALabelIsOneAtItsClassAndZeroForWhatIsNoClass() {
    let space = ConditionSpace(classes: 3)
    let rows = space.rows(labels: [2, -1, 3, 0])
    XCTAssertEqual(rows.shape, [4, 3])
    XCTAssertEqual(rows.floats, [0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0])
  }

  func testClassesInTurnGoOnFromTheOneThatIsNamed() throws {
    let space = ConditionSpace(classes: 3)
    XCTAssertEqual(
      try XCTUnwrap(space.inTurn(4, from: 2)).floats, [0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    XCTAssertEqual(try XCTUnwrap(space.inTurn(2)).floats, [1, 0, 0, 0, 1, 0])
    XCTAssertNil(ConditionSpace(.attributes, width: 3).inTurn(4))
    XCTAssertNil(ConditionSpace(.vector, width: 3).inTurn(4))
  }

  func testASpaceIsCalledByItsKindItsWidthAndTenNamesAtMost() {
    XCTAssertEqual(ConditionSpace(classes: 1).phrase, "a label of 1 class")
    XCTAssertEqual(ConditionSpace(classes: 2).phrase, "a label of 2 classes")
    XCTAssertEqual(ConditionSpace(.attributes, width: 1).phrase, "1 attribute")
    XCTAssertEqual(ConditionSpace(.attributes, width: 5).phrase, "5 attributes")
    XCTAssertEqual(ConditionSpace(.vector, width: 1).phrase, "a vector of 1 number")
    XCTAssertEqual(ConditionSpace(.vector, width: 4).phrase, "a vector of 4 numbers")
    func named(_ count: Int) -> String {
      ConditionSpace(classes: count, names: (0..<count).map { "c\($0)" }).namedPhrase
    }
    XCTAssertEqual(
      named(10), "a label of 10 classes (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9)")
    XCTAssertEqual(
      named(11), "a label of 11 classes (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, …)")
    XCTAssertEqual(ConditionSpace(classes: 2).namedPhrase, "a label of 2 classes")
  }

  func testNamesThatAreTheirOwnNumbersSayNothingAndOthersLeadToTheirNumber() {
    XCTAssertEqual(ConditionSpace(classes: 2, names: ["0", "1"]).names, [])
    let space = ConditionSpace(classes: 3, names: ["1", "0", "cat"])
    XCTAssertEqual(space.names, ["1", "0", "cat"])
    XCTAssertEqual((0..<3).map(space.name), ["1", "0", "cat"])
    XCTAssertEqual(space.numbers, ["1": 0, "0": 1, "cat": 2])
    XCTAssertEqual(ConditionSpace(classes: 2).numbers, ["0": 0, "1": 1])
    XCTAssertEqual(ConditionSpace(classes: 2).name(1), "1")
  }

  func testWhatCannotBeToldIsRefusedWithTheReason() {
    let label = ConditionSpace(classes: 3)
    XCTAssertEqual(label.misfit(label: -1), "-1 is not in 0…2")
    XCTAssertEqual(label.misfit(label: 3), "3 is not in 0…2")
    for number in 0..<3 { XCTAssertNil(label.misfit(label: number)) }
    XCTAssertNil(label.misfit(row: [0.25, 0.75, 0]))
    XCTAssertNil(label.misfit(row: [0.2505, 0.75, 0]))
    XCTAssertEqual(label.misfit(row: [1]), "1 number is not a label of 3 classes")
    XCTAssertEqual(label.misfit(row: [1, 0]), "2 numbers are not a label of 3 classes")
    for row: [Float] in [[0.2, 0.7, 0], [1.5, -0.5, 0], [0.3, 0.75, 0]] {
      XCTAssertEqual(
        label.misfit(row: row), "the shares of the classes must be at least 0 and sum to 1")
    }
    let attributes = ConditionSpace(.attributes, width: 3)
    XCTAssertNil(attributes.misfit(row: [1, 1, 0]))
    XCTAssertEqual(attributes.misfit(row: [1, 0.5, 0]), "attributes are 0 or 1")
    let vector = ConditionSpace(.vector, width: 2)
    XCTAssertNil(vector.misfit(row: [-7, 1e9]))
    XCTAssertEqual(vector.misfit(row: [1, .infinity]), "a number is not finite")
    XCTAssertEqual(ConditionSpace.misfit(names: ["a", "b", "a"]), "have the name a twice")
    XCTAssertEqual(ConditionSpace.misfit(names: ["a", ""]), "have an empty name")
    XCTAssertNil(ConditionSpace.misfit(names: ["a", "b"]))
  }
}
