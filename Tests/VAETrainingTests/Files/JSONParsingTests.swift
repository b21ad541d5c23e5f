import Glibc
import VAEFiles
import XCTest

/// The parser of everything that the zoo reads as JSON: by RFC 8259, in linear time, within limits.
final class JSONParsingTests: XCTestCase {
  private func parse(
    _ text: String, limits: JSON.Limits = JSON.Limits()
  ) throws(JSONError) -> JSON {
    try JSON(parsing: Array(text.utf8), source: "x.json", limits: limits)
  }

  private func assertRefused(
    _ bytes: [UInt8], _ words: String..., limits: JSON.Limits = JSON.Limits(),
    kind: JSONError.Kind = .malformed, line: UInt = #line
  ) {
    XCTAssertThrowsError(
      try JSON(parsing: bytes, source: "x.json", limits: limits), line: line
    ) { error in
      XCTAssertEqual((error as? JSONError)?.kind, kind, line: line)
      let text = "\(error)"
      XCTAssertFalse(text.contains("\n"), text, line: line)
      XCTAssertLessThan(text.utf8.count, 400, line: line)
      for word in ["x.json "] + words where !text.contains(word) {
        XCTFail("\"\(word)\" is not in: \(text)", line: line)
      }
    }
  }

  func testValuesAreReadAsTheStandardSays() throws {
    let values: [(String, JSON)] = [
      ("null", .null), (" true\n", .bool(true)), ("\tfalse\r\n", .bool(false)), ("0", .integer(0)),
      ("-0", .integer(0)), ("-12", .integer(-12)), ("9223372036854775807", .integer(.max)),
      ("-9223372036854775808", .integer(.min)),
      ("9007199254740993", .integer(9_007_199_254_740_993)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("0.5", .number(0.5)),
      ("1.0", .integer(1)), ("1e3", .integer(1000)), ("1E+2", .integer(100)),
      ("25e-1", .number(2.5)),
      ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)),
      ("5e-324", .number(.leastNonzeroMagnitude)), ("1e-400", .integer(0)),
      ("0.30000000000000004", .number(0.1 + 0.2)), (#""""#, .text("")),
      (#""a\"\\\/\b\f\n\r\tä€😀""#, .text("a\"\\/\u{8}\u{c}\n\r\tä€😀")),
      (#""\u00e4\u20AC\ud83D\uDE00\u0000""#, .text("ä€😀\0")), ("\"\u{7f}\"", .text("\u{7f}")),
      ("[]", .array([])), ("[ 1 , [ ] ]", .array([.integer(1), .array([])])), ("{}", .object([:])),
      (
        #"{ "a" : { "a" : 1 } , "" : [ ] }"#,
        .object(["a": .object(["a": .integer(1)]), "": .array([])])
      ),
      ("\u{feff}[1]", .array([.integer(1)])),
    ]
    for (text, value) in values { XCTAssertEqual(try parse(text), value, text) }
  }

  func testWhatTheStandardDoesNotAllowIsRefused() {
    for text in [
      "", " ", "nul", "nulll", "True", "+1", "01", "-", "-a", "1.", ".5", "1.e2", "1e", "1e+",
      "0x1",
      "NaN", "Infinity", "-Infinity", "[1,]", "[,1]", "[1 2]", "[", "[1", "[1,", "]", "{", "{\"a\"",
      "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}", "{1:1}",
      "{\"a\" 1}", "{} {}", "1 2", "\"", "\"a", "\"\\\"", "\"\\", "\"\\x\"", "\"\\u\"", "\"\\u12\"",
      "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"a\nb\"",
      "\"\t\"", "\"\0\"", "// a\n1", "/* */ 1", "\u{a0}1", "1e999", "-1e999", "1\0",
    ] { assertRefused(Array(text.utf8)) }
    for bytes: [UInt8] in [
      [0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xe2, 0x82, 0x22],
      [0xff, 0xfe, 0x31, 0], [0x31, 0xa0],
    ] { assertRefused(bytes) }
  }

  func testEveryPrefixOfADocumentIsRefused() {
    let text = Array(#"{"a": [1.5e3, "b\u00e4ä", true, null], "c": {"d": -0.25}}"#.utf8)
    for count in 0..<text.count { assertRefused(Array(text.prefix(count))) }
  }

  func testAnErrorSaysWhereItIs() {
    assertRefused(Array("{\n  \"a\": 1,\n  \"b\": x\n}".utf8), "line 3, column 8", "x stands")
    assertRefused(Array("[1".utf8), "line 1, column 3", "it ends")
    assertRefused(Array("{\"a\": \"\n\"}".utf8), "line 1, column 8", "control character")
  }

  func testANameThatComesTwiceIsRefusedNamingIt() throws {
    assertRefused(
      Array("{\"a\": 1,\n \"b\": {}, \"a\": 2}".utf8), "\"a\" twice", "line 2, column 11")
    assertRefused(Array(#"[{"b": {"a": 1, "\u0061": 2}}]"#.utf8), "\"a\" twice")
    let many = (0..<100).map { "\"n\($0)\": 1" }.joined(separator: ",")
    assertRefused(Array("{\(many), \"n50\": 2}".utf8), "\"n50\" twice")
    _ = try parse(#"{"a": {"a": 1}, "b": {"a": 1}}"#)
  }

  func testMembersKeepTheirOrder() throws {
    for count in [0, 1, 12, 13, 14, 1000] {
      let names = (0..<count).map { "n\($0 * 7919 % 1009)" }
      let text = "{" + names.map { "\"\($0)\": \"\($0)\"" }.joined(separator: ", ") + "}"
      let json = try parse(text)
      XCTAssertEqual(json.object?.members.map(\.name), names)
      XCTAssertEqual(json.line, text)
      XCTAssertEqual(try parse(json.document), json)
      for name in names { XCTAssertEqual(json.object?[name]?.text, name) }
      XCTAssertNil(json.object?["other"])
      let reversed = names.reversed().map { "\"\($0)\": \"\($0)\"" }.joined(separator: ", ")
      XCTAssertEqual(try parse("{\(reversed)}"), json, "equality does not depend on the order")
    }
  }

  func testMembersAreReplacedAndRemovedAlsoWhereThereAreMany() {
    for count in [3, 12, 13, 14, 40] {
      var object: JSON.Object = [:]
      for number in 0..<count { object["n\(number)"] = .integer(number) }
      object["n1"] = .integer(-1)
      object["n0"] = nil
      object["none"] = nil
      XCTAssertEqual(object.members.map(\.name), (1..<count).map { "n\($0)" })
      for number in 1..<count {
        XCTAssertEqual(object["n\(number)"], .integer(number == 1 ? -1 : number))
      }
      XCTAssertNil(object["n0"])
      object["n0"] = .null
      XCTAssertEqual(object.members.last?.name, "n0")
      XCTAssertEqual(object["n0"], .null)
    }
  }

  func testLimitsHoldAndCanBeRaised() throws {
    let nested = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
    assertRefused(Array(nested.utf8), "nested too deeply", "128", kind: .beyondLimits)
    _ = try parse(nested, limits: JSON.Limits(depth: 200))
    for text in [nested, String(repeating: "{\"a\":", count: 100_000)] {
      assertRefused(Array(text.utf8), limits: JSON.Limits(depth: 1), kind: .beyondLimits)
    }
    let list = "[" + String(repeating: "1,", count: 9) + "1]"
    assertRefused(
      Array(list.utf8), "10 values", limits: JSON.Limits(values: 10), kind: .beyondLimits)
    _ = try parse(list, limits: JSON.Limits(values: 11))
    assertRefused(
      Array(list.utf8), "21 bytes", "20", limits: JSON.Limits(bytes: 20), kind: .beyondLimits)
    _ = try parse(list, limits: JSON.Limits(bytes: 21))
  }

  /// Ten times the members may take ten times as long, and not a hundred times.
  func testTimeGrowsAsTheTextDoes() throws {
    func seconds(_ body: () throws -> Void) rethrows -> Double {
      let start = clock()
      try body()
      return Double(clock() - start) / Double(CLOCKS_PER_SEC)
    }
    func work(_ count: Int) throws -> Double {
      let members = (0..<count).map { "\"x\($0)\": \($0)" }.joined(separator: ",\n")
      let text = Array("{\(members)}".utf8)
      let header = Array(
        ("{"
          + (0..<count / 4).map {
            "\"t\($0)\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[\($0),\($0 + 1)]}"
          }.joined(separator: ",") + "}").utf8)
      let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
      let file = length + header + [UInt8](repeating: 1, count: count / 4)
      return try seconds {
        let json = try JSON(parsing: text, source: "x")
        XCTAssertEqual(json.object?["x\(count - 1)"], .integer(count - 1))
        XCTAssertEqual(try JSON(parsing: Array(json.line.utf8), source: "x"), json)
        let read = try Safetensors(parsing: file, path: "x")
        XCTAssertEqual(read.entries.count, count / 4)
        _ = try Safetensors(parsing: read.sealed(), path: "x")
      }
    }
    _ = try work(1000)
    let small = max(try work(2000), 0.002)
    XCTAssertLessThan(try work(20_000) / small, 40)
  }
}
