import VAEFiles
import XCTest

/// What reading may cost.
final class InputLimitsTests: XCTestCase {
  func testSizesAreReadAsPeopleWriteThem() {
    for (text, value) in [
      ("0", 0), ("500000", 500_000), ("7B", 7), ("64k", 64_000), ("64kB", 64_000),
      ("64kiB", 65_536),
      ("3MB", 3_000_000), ("2GiB", 1 << 31), ("8GB", 8_000_000_000), ("1T", 1_000_000_000_000),
      ("1TiB", 1 << 40),
    ] {
      XCTAssertEqual(InputLimits.value(parsing: text), value, text)
    }
    for text in [
      "", "GB", "-1", "1.5GB", "1 GB", "8gb", "1GBB", "99999999999999999999", "9999999999T", "٣",
    ] {
      XCTAssertNil(InputLimits.value(parsing: text), text)
    }
  }

  func testEachLimitIsReachedByItsNameAlone() throws {
    let before = InputLimits.current
    for name in InputLimits.names {
      let old = try XCTUnwrap(before[name])
      try InputLimits.set(name, to: old - 1)
      XCTAssertEqual(InputLimits.current[name], old - 1)
      for other in InputLimits.names where other != name {
        XCTAssertEqual(InputLimits.current[other], before[other], "\(other) after \(name)")
      }
      XCTAssertEqual(InputLimits.current.json.object?[name], .integer(old - 1))
      for value in [0, -1, Int.max] {
        XCTAssertThrowsError(try InputLimits.set(name, to: value)) {
          XCTAssertTrue("\($0)".contains(name), "\($0)")
        }
      }
      try InputLimits.set(name, to: old)
    }
    XCTAssertEqual(InputLimits.current, before)
    XCTAssertThrowsError(try InputLimits.set("pixels", to: 1)) {
      for name in InputLimits.names { XCTAssertTrue("\($0)".contains(name), "\($0)") }
    }
  }

  func testWhatCompressedDataMayBecomeIsBoundedByRatioAndSize() {
    var limits = InputLimits()
    limits.inflatedBytes = 1 << 33
    let floor = InputLimits.alwaysInflated
    XCTAssertEqual(limits.inflated(from: 0), floor)
    XCTAssertEqual(limits.inflated(from: 1 << 20), floor, "any ratio up to 256 MiB")
    XCTAssertEqual(limits.inflated(from: 2 << 20), 250 * 2 << 20)
    XCTAssertEqual(limits.inflated(from: 1 << 30), 1 << 33)
    XCTAssertEqual(limits.inflated(from: .max), 1 << 33)
    XCTAssertNil(limits.refusal(ofInflated: floor, from: 1))
    for (size, compressed, name) in [
      (floor + 1, 1 << 20, "inflation_ratio=500"), (1 << 34, 1 << 32, "inflated_bytes=17179869184"),
    ] {
      let refusal = limits.refusal(ofInflated: size, from: compressed)?.description ?? ""
      XCTAssertTrue(refusal.contains("limit \(name)"), refusal)
      XCTAssertTrue(refusal.contains("\(size)"), refusal)
    }
    // What the advice says lets it through.
    limits.inflationRatio = 500
    XCTAssertNil(limits.refusal(ofInflated: floor + 1, from: 1 << 20))
  }

  func testATextBeyondTheLimitIsRefusedBeforeItIsRead() throws {
    let before = InputLimits.current.textBytes
    defer { try? InputLimits.set("text_bytes", to: before) }
    try InputLimits.set("text_bytes", to: 10)
    XCTAssertEqual(
      try JSON(parsing: Array("[1, 2, 34]".utf8), source: "x"),
      .array([.integer(1), .integer(2), .integer(34)]))
    XCTAssertThrowsError(try JSON(parsing: Array("[1, 2, 345]".utf8), source: "x.json")) {
      XCTAssertTrue("\($0)".hasPrefix("x.json has 11 bytes"), "\($0)")
      XCTAssertTrue("\($0)".contains("limit text_bytes=11"), "\($0)")
    }
  }
}
