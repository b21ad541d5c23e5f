import Messages
import VAEFiles
import VAERecipes
import XCTest

/// The config of other programs' weights.
final class ForeignConfigTests: XCTestCase {
  private func config(_ text: String?) throws -> ForeignConfig {
    let object = try text.flatMap {
      try JSON(parsing: Array($0.utf8), source: "config.json").object
    }
    return ForeignConfig(ForeignWeights(source: "folder", files: [], config: object))
  }

  private func refusal(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return "\(error)"
    }
  }

  func testANumberIsTheOneThatIsStatedOrTheStandard() throws {
    var config = try config(#"{"a": 0.5, "b": 3, "none": null, "text": "x"}"#)
    XCTAssertEqual(try config.number("a", else: 7), 0.5)
    XCTAssertEqual(try config.number("b", else: 7), 3)
    XCTAssertEqual(try config.number("c", else: 7), 7)
    XCTAssertEqual(try config.number("none", else: 7, null: 2), 2)
    XCTAssertEqual(
      refusal { _ = try config.number("none", else: 7) },
      "folder: config.json says none is null, which is no number")
    XCTAssertEqual(
      refusal { _ = try config.number("text", else: 7) },
      #"folder: config.json says text is "x", which is no number"#)
  }

  func testACountIsAWholeNumberOfItsRangeOrNone() throws {
    var config = try config(#"{"a": 4, "b": 2.0, "c": 2.5, "d": 9, "none": null}"#)
    XCTAssertEqual(try config.count("a", in: 2...4), 4)
    XCTAssertEqual(try config.count("b", in: 2...4), 2)
    XCTAssertNil(try config.count("none", in: 2...4))
    XCTAssertNil(try config.count("other", in: 2...4))
    for (key, value) in [("c", "2.5"), ("d", "9")] {
      XCTAssertEqual(
        refusal { _ = try config.count(key, in: 2...4) },
        "folder: config.json says \(key) is \(value), which is no whole number from 2 to 4")
    }
  }

  func testWhatTheTensorsSayIsHeldToTheConfigAndToItsDefaults() throws {
    var config = try config(#"{"a": [1, 2.0], "b": "silu"}"#)
    XCTAssertTrue(config.isPresent)
    XCTAssertNil(
      refusal { try config.check("a", .array([.integer(1), .integer(2)]), else: .null) })
    XCTAssertNil(refusal { try config.check("b", .text("silu"), else: .text("relu")) })
    XCTAssertNil(refusal { try config.check("c", .integer(3), else: .number(3)) })
    XCTAssertEqual(
      refusal { try config.check("a", .array([.integer(1), .integer(3)]), else: .null) },
      "folder: config.json says a is [1, 2], but the tensors and this program have [1, 3]")
    XCTAssertNotNil(refusal { try config.check("a", .array([.integer(1)]), else: .null) })
    XCTAssertEqual(
      refusal { try config.check("c", .integer(4), else: .integer(3)) },
      "folder: config.json leaves c at 3, but the tensors and this program have 4")
    var none = try self.config(nil)
    XCTAssertFalse(none.isPresent)
    XCTAssertNil(refusal { try none.check("c", .integer(4), else: .integer(3)) })
    XCTAssertEqual(try none.number("a", else: 7), 7)
    XCTAssertNil(none.unread)
  }

  func testKeysThatNobodyHasAskedForAreNamedSixAtMost() throws {
    var config = try config(
      #"{"_class": 1, "a": 1, "b": 2, "c": null, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10}"#
    )
    _ = try config.number("a", else: 1)
    _ = try config.count("b", in: 1...9)
    try config.check("d", .integer(4), else: .null)
    config.passOver("h", "i")
    XCTAssertEqual(
      config.unread?.description,
      #"folder: config.json has 5 keys that this program does not know and passes over: "c", "e", "f", "g", "j""#
    )
    var many = try self.config(#"{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7}"#)
    XCTAssertEqual(
      many.unread?.description,
      #"folder: config.json has 7 keys that this program does not know and passes over: "a", "b", "c", "d", "e", "f""#
    )
    many.passOver("a", "b", "c", "d", "e", "f")
    XCTAssertEqual(
      many.unread?.description,
      #"folder: config.json has 1 key that this program does not know and passes over: "g""#)
    many.passOver("g")
    XCTAssertNil(many.unread)
  }
}
