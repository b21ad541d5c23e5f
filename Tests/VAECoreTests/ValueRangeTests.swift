import VAECore
import XCTest

final class ValueRangeTests: XCTestCase {
  func testTheWiderOfTwoRangesHoldsBoth() {
    let order: [ValueRange] = [.binary, .unit, .real]
    for (place, first) in order.enumerated() {
      for (other, second) in order.enumerated() {
        XCTAssertEqual(first.joined(with: second), order[max(place, other)])
        XCTAssertEqual(first.holds(second), place >= other, "\(first) \(second)")
      }
    }
    XCTAssertEqual(
      order.map(\.phrase), ["zeros and ones", "values between 0 and 1", "values outside 0 to 1"])
  }
}
