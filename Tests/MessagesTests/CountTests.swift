import Messages
import XCTest

final class CountTests: XCTestCase {
  func testDigitsStandInGroupsOfThree() {
    for (value, text) in [
      (0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (12_345, "12,345"),
      (123_456, "123,456"), (1_234_567, "1,234,567"), (-1000, "−1,000"), (-999, "−999"),
      (Int.min, "−9,223,372,036,854,775,808"),
    ] { XCTAssertEqual(Count.text(value), text) }
  }

  func testOneThingIsNamedWithoutItsPlural() {
    XCTAssertEqual(Count.of(1, "example"), "1 example")
    XCTAssertEqual(Count.of(0, "example"), "0 examples")
    XCTAssertEqual(Count.of(-1, "example"), "−1 examples")
    XCTAssertEqual(Count.of(12_345, "example"), "12,345 examples")
    XCTAssertEqual(Count.of(1, "class", plural: "classes"), "1 class")
    XCTAssertEqual(Count.of(2, "class", plural: "classes"), "2 classes")
  }
}
