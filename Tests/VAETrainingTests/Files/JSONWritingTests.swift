import VAEFiles
import XCTest

/// The two forms in which JSON is written: a line, and a document for people to read.
final class JSONWritingTests: XCTestCase {
  private let value: JSON = .object([
    "a": .integer(-1), "list": .array([.integer(1), .text("x"), .array([.bool(true)])]),
    "rows": .array([.object(["b": .null, "c": .number(0.5)]), .object([:])]), "empty": .array([]),
    "none": .object([:]), "deep": .object(["d": .object(["e": .bool(false)])]),
  ])

  func testALineSeparatesMembersByACommaAndASpace() {
    XCTAssertEqual(
      value.line,
      #"{"a": -1, "list": [1, "x", [true]], "rows": [{"b": null, "c": 0.5}, {}], "empty": [], "#
        + #""none": {}, "deep": {"d": {"e": false}}}"#)
    XCTAssertEqual(JSON.array([.integer(1), .integer(2)]).line, "[1, 2]")
    XCTAssertEqual(JSON.null.line, "null")
  }

  func testADocumentHasALineForEachMemberAndListsOfPlainValuesOnOne() {
    XCTAssertEqual(
      value.document,
      """
      {
        "a": -1,
        "list": [1, "x", [true]],
        "rows": [
          {
            "b": null,
            "c": 0.5
          },
          {}
        ],
        "empty": [],
        "none": {},
        "deep": {
          "d": {
            "e": false
          }
        }
      }

      """)
    XCTAssertEqual(
      JSON.array([.object(["b": .integer(1)])]).document, "[\n  {\n    \"b\": 1\n  }\n]\n")
    XCTAssertEqual(JSON.integer(7).document, "7\n")
  }

  func testNumbersKeepWhatTheyAreAndWhatIsNotFiniteIsNull() {
    XCTAssertEqual(
      JSON.array([
        .integer(.min), .number(0.1), .number(2), .number(1e22), .number(-0.0), .number(.nan),
        .number(-.infinity),
      ]).line, "[-9223372036854775808, 0.1, 2.0, 1e+22, -0.0, null, null]")
    XCTAssertEqual(JSON.finite(1.5), .number(1.5))
    XCTAssertEqual(JSON.finite(.nan), .null)
    XCTAssertEqual(JSON.finite(.infinity), .null)
  }

  func testTextsEscapeWhatATerminalWouldNotShow() {
    XCTAssertEqual(
      JSON.text("\"\\/\n\r\t\u{8}\u{1b}\u{7f}\u{202e}é😀\u{e0041}").line,
      #""\"\\/\n\r\t\u0008\u001b\u007f\u202eé😀\udb40\udc41""#)
    XCTAssertEqual(JSON.object(["a\n": .null]).line, #"{"a\n": null}"#)
  }

  func testAValueIsGivenAsItsOwnKindAlone() {
    let values: [JSON] = [
      .null, .bool(true), .integer(3), .number(2.5), .text("t"), .array([.null]),
      .object(["a": .null]),
    ]
    XCTAssertEqual(values.map(\.bool), [nil, true, nil, nil, nil, nil, nil])
    XCTAssertEqual(values.map(\.integer), [nil, nil, 3, nil, nil, nil, nil])
    XCTAssertEqual(values.map(\.double), [nil, nil, 3, 2.5, nil, nil, nil])
    XCTAssertEqual(values.map(\.text), [nil, nil, nil, nil, "t", nil, nil])
    XCTAssertEqual(values.map { $0.array?.count }, [nil, nil, nil, nil, nil, 1, nil])
    XCTAssertEqual(values.map { $0.object?.members.count }, [nil, nil, nil, nil, nil, nil, 1])
  }

  func testObjectsAreEqualWhateverTheirOrderAndNotWithOneMemberMore() {
    let one: JSON.Object = ["a": .integer(1), "b": .integer(2)]
    XCTAssertEqual(one, ["b": .integer(2), "a": .integer(1)])
    XCTAssertNotEqual(one, ["a": .integer(1)])
    XCTAssertNotEqual(one, ["a": .integer(1), "b": .integer(3)])
    XCTAssertNotEqual(one, ["a": .integer(1), "c": .integer(2)])
  }

  // MARK: Files of lines

  private func lines(_ text: String) -> JSONLines {
    JSONLines(parsing: Array(text.utf8), source: "metrics")
  }

  func testALineThatCannotBeReadIsLeftOutAndNamedByItsNumber() {
    let read = lines("{\"step\": 1}\n\nnonsense\n{\"step\": 2}\n[3]\n{\"st")
    XCTAssertEqual(read.objects, [["step": .integer(1)], ["step": .integer(2)]])
    XCTAssertEqual(read.lines.map(\.number), [1, 3, 4, 5, 6])
    XCTAssertEqual(read.lines.map { $0.object != nil }, [true, false, true, false, false])
    XCTAssertEqual(read.faults.count, 3)
    XCTAssertTrue(
      read.faults[0].hasPrefix("metrics: line 3 is left out: it is not valid JSON"),
      "\(read.faults)")
    XCTAssertEqual(
      Array(read.faults[1...]),
      [
        "metrics: line 5 is left out: it is not a JSON object",
        "metrics: line 6 is left out: it is cut short",
      ])
    XCTAssertEqual(read.source, "metrics")
  }

  func testALastLineThatIsWholeCountsWithoutALineBreak() {
    XCTAssertEqual(lines("{\"step\": 1}\n{\"step\": 2}").objects.count, 2)
    XCTAssertEqual(lines("{\"step\": 1}\n{\"step\": 2}").faults, [])
    XCTAssertEqual(lines("").lines.count, 0)
  }

  func testLinesThatFollowOneWithAChecksumNeedOne() {
    let sealed = (["step": .integer(1)] as JSON.Object).sealedLine + "\n"
    let plain = "{\"step\": 2}\n"
    XCTAssertTrue(lines(sealed + sealed).isSealed)
    XCTAssertEqual(lines(sealed + sealed).faults, [])
    XCTAssertFalse(lines(plain + sealed).isSealed)
    XCTAssertEqual(lines(plain + sealed).faults, [], "a file may begin without checksums")
    XCTAssertEqual(lines(plain + plain).faults, [])
    XCTAssertFalse(lines(plain + plain).isSealed)
    let lost = lines(sealed + plain + sealed)
    XCTAssertEqual(lost.faults, ["metrics: line 2 is left out: it has lost its checksum"])
    XCTAssertEqual(lost.objects.count, 2)
    XCTAssertFalse(lost.isSealed)
  }

  func testAFileIsKeptToTheEndOfTheLastLineUpToAStep() {
    let text = "{\"step\": 2}\nnonsense\n{\"step\": 10}\n{\"a\": 0}\n{\"step\": 11}\n{\"st"
    let read = lines(text)
    let ends = [12, 12 + 9 + 13]
    XCTAssertEqual(read.length(toStep: 1), 0)
    XCTAssertEqual(read.length(toStep: 2), ends[0])
    XCTAssertEqual(read.length(toStep: 9), ends[0])
    XCTAssertEqual(read.length(toStep: 10), ends[1])
    XCTAssertEqual(read.length(toStep: 50), ends[1], "a line without a step ends what is kept")
    XCTAssertEqual(read.length(toStep: nil), ends[1] + 9 + 13)
    XCTAssertEqual(
      lines("{\"step\": 1}\n{\"step\": 2}").length(toStep: 5), 12, "a line that has no end yet")
  }

  // MARK: Checksums

  func testAChecksumIsTheLastMemberWhateverStoodThereBefore() throws {
    let object: JSON.Object = ["checksum": .text("old"), "a": .integer(1)]
    let line = object.sealedLine
    XCTAssertTrue(line.hasPrefix(#"{"a": 1, "checksum": "crc32:"#), line)
    XCTAssertEqual(line.utf8.count, #"{"a": 1, "checksum": "crc32:01234567"}"#.utf8.count)
    let read = try SealedObject(parsing: Array(line.utf8), source: "x")
    XCTAssertTrue(read.isSealed)
    XCTAssertEqual(read.object, ["a": .integer(1)])
    // It is that of the text with zeros in its place.
    let zeros = #"{"a": 1, "checksum": "crc32:00000000"}"#
    let digits = Checksum(zeros.utf8).description
    XCTAssertEqual(line, #"{"a": 1, "checksum": "\#(digits)"}"#)
  }

  func testAnObjectIsNeededWhereChecksumsStand() {
    XCTAssertThrowsError(try SealedObject(parsing: Array("[1]".utf8), source: "x.json")) {
      XCTAssertEqual("\($0)", "x.json is not a JSON object")
      XCTAssertEqual(($0 as? JSONError)?.kind, .malformed)
    }
    // A checksum that is not the last member, and one whose name was damaged.
    for text in [
      #"{"checksum": "crc32:00000000", "a": 1}"#, #"{"a": 1, "checksun": "crc32:01234567"}"#,
    ] {
      XCTAssertThrowsError(try SealedObject(parsing: Array(text.utf8), source: "x.json"), text) {
        XCTAssertEqual(($0 as? JSONError)?.kind, .damaged)
      }
    }
  }
}
