import Messages
import XCTest

/// Bytes that are no UTF-8 as characters.
final class ForeignByteTests: XCTestCase {
  func testEachByteBeyondASCIIHasACharacterOfItsOwn() throws {
    for byte in UInt8(0x80)...0xff {
      let text = try XCTUnwrap(
        String(validating: ForeignByte.codeUnits(for: byte), as: UTF8.self))
      let scalar = try XCTUnwrap(text.unicodeScalars.first)
      XCTAssertEqual(text.unicodeScalars.count, 1)
      XCTAssertEqual(scalar.value, 0x10f700 + UInt32(byte))
      XCTAssertEqual(ForeignByte.byte(of: scalar), byte)
      XCTAssertEqual(PlainText.line("a\(text)b"), "a\\x\(String(byte, radix: 16))b")
      XCTAssertEqual(PlainText.lines(text), "\\x\(String(byte, radix: 16))")
    }
  }

  func testOtherCharactersStandForThemselves() throws {
    for code: UInt32 in [0x10f77f, 0x10f800, 0x10f700, 0x80, 0xff, 0x41, 0x10ffff] {
      let scalar = try XCTUnwrap(Unicode.Scalar(code))
      XCTAssertNil(ForeignByte.byte(of: scalar))
    }
  }
}
