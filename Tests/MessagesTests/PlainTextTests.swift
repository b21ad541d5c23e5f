import Messages
import XCTest

/// Text from elsewhere is shown as what it is.
final class PlainTextTests: XCTestCase {
  /// Every character that a terminal obeys, or that nobody sees, of the kinds in Unicode.
  private static let hidden: [ClosedRange<UInt32>] = [
    0...0x1f, 0x7f...0x9f, 0xad...0xad, 0x34f...0x34f, 0x61c...0x61c, 0x115f...0x1160,
    0x180b...0x180f, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x2064, 0x2066...0x206f,
    0x3164...0x3164, 0xfe00...0xfe0d, 0xfeff...0xfeff, 0xfff9...0xfffb, 0x1d173...0x1d17a,
    0xe0000...0xe0fff,
  ]

  func testHiddenCharactersAreShownAsEscapes() throws {
    for code in Self.hidden.joined() {
      let scalar = try XCTUnwrap(Unicode.Scalar(code))
      let text = "a\(Character(scalar))b"
      let escape = "\\u{\(String(code, radix: 16))}"
      XCTAssertEqual(PlainText.line(text), "a\(escape)b")
      XCTAssertEqual(PlainText.lines(text), scalar == "\n" ? text : "a\(escape)b")
      XCTAssertEqual(PlainText.quoted(text), "\"a\(escape)b\"")
      XCTAssertEqual(PlainText.line(bytes: text.utf8), "a\(escape)b")
    }
  }

  func testTextThatPeopleReadStaysAsItIs() {
    for text in [
      "plain ~ text", "Größe −ELBO", "数据/集", "שלום", "\u{1f600}\u{fe0f}", "e\u{301}", "",
    ] {
      XCTAssertEqual(PlainText.line(text), text)
      XCTAssertEqual(PlainText.lines(text), text)
      XCTAssertEqual(PlainText.line(bytes: text.utf8), text)
    }
  }

  func testBytesThatAreNoTextAreShownOneByOne() {
    XCTAssertEqual(PlainText.line(bytes: [0x61, 0xff, 0x62]), "a\\xffb")
    XCTAssertEqual(PlainText.line(bytes: [0xe2, 0x82, 0x62]), "\\xe2\\x82b", "a cut character")
    XCTAssertEqual(PlainText.line(bytes: [0xe2, 0x82, 0xac, 0xf0]), "€\\xf0")
    XCTAssertEqual(PlainText.line(bytes: [0xc0, 0x80]), "\\xc0\\x80", "an overlong NUL")
    XCTAssertEqual(
      PlainText.line(bytes: [0xed, 0xa0, 0x80]), "\\xed\\xa0\\x80", "a surrogate")
  }

  func testLongTextIsShortened() {
    let text = String(repeating: "é", count: 81)
    XCTAssertEqual(PlainText.quoted(text), "\"\(text.dropLast())\"…")
    XCTAssertEqual(PlainText.quoted(bytes: text.utf8), "\"\(text.dropLast())\"…")
    XCTAssertEqual(PlainText.quoted(text.dropLast()), "\"\(text.dropLast())\"")
    XCTAssertEqual(PlainText.quoted(bytes: text.dropLast().utf8), "\"\(text.dropLast())\"")
    XCTAssertEqual(PlainText.line(text, limit: 3), "ééé…")
    XCTAssertEqual(PlainText.line(bytes: text.utf8, limit: 3), "ééé…")
    XCTAssertEqual(PlainText.line(bytes: "ééé".utf8, limit: 3), "ééé")
  }

  func testWhatHasBeenThroughComesOutTheSame() {
    var text = ""
    for code in Self.hidden.joined() {
      if let it = Unicode.Scalar(code) { text.unicodeScalars.append(it) }
    }
    let once = PlainText.line(text)
    XCTAssertEqual(PlainText.line(once), once)
    XCTAssertEqual(PlainText.lines(once), once)
  }

  func testNoMessageLetsThroughWhatATerminalObeys() {
    let foreign = "\u{1b}]0;owned\u{7}\n\u{9b}31m\u{202e}"
    let shown = "\\u{1b}]0;owned\\u{7}\\u{a}\\u{9b}31m\\u{202e}"
    let errors: [ExplainedError<Int>] = [
      ExplainedError(1, "cannot read \(foreign)"),
      ExplainedError(1, text: "cannot read " + foreign),
      ExplainedError(1, Message("cannot read \(foreign)")),
      ExplainedError(1, "cannot read \(ExplainedError(2, Message(foreign)))"),
    ]
    for error in errors { XCTAssertEqual("\(error)", "cannot read \(shown)") }
    let message: Message = "load \(.plugins([foreign]))"
    XCTAssertEqual(message.description, "load load_plugin: \(shown)")
    XCTAssertEqual(message.text { _ in foreign }, "load \(shown)")
  }

  func testAMessageShortensAVeryLongName() {
    let message: Message = "there is no \(String(repeating: "x", count: 1_000_000))"
    XCTAssertEqual(
      message.description, "there is no \(String(repeating: "x", count: PlainText.longestValue))…")
  }
}
