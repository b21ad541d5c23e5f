import VAEData
import XCTest

final class FactorTableTests: XCTestCase {
  func testTheLastFactorIsTheFastest() {
    let table = FactorTable(
      [(name: "a", size: 2), (name: "b", size: 3), (name: "c", size: 4)],
      combinations: [0, 1, 4, 12, 23])
    XCTAssertEqual(table.names, ["a", "b", "c"])
    XCTAssertEqual(table.sizes, [2, 3, 4])
    XCTAssertEqual(
      (0..<table.count).map(table.values),
      [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 2, 3]])
  }
}
