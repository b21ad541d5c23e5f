import Foundation
import Messages
import VAEFiles
import XCTest

/// Names of files are bytes to the system, and come back as the bytes they were.
final class SystemPathTests: XCTestCase {
  private func bytes(_ path: String) -> [UInt8] {
    path.systemPath.dropLast().map(UInt8.init(bitPattern:))
  }

  func testTextThatIsUTF8StaysWhatItIs() {
    for text in ["", "run", "café/日本語", "cafe\u{301}", "🙂.png", "\u{10F6FF}\u{10F800}", "a\nb"] {
      XCTAssertEqual(Array(String(systemPath: Array(text.utf8)).utf8), Array(text.utf8))
      XCTAssertEqual(bytes(text), Array(text.utf8))
      XCTAssertEqual(PlainText.lines(text), text)
    }
  }

  func testAnyBytesComeBackFromText() {
    var names: [[UInt8]] = [
      Array("caf".utf8) + [0xe9], [0xc3], [0xff, 0xfe], [0xed, 0xb3, 0xa9], [0xc0, 0xaf],
      [0xf4, 0x90, 0x80, 0x80],
      // The character that stands for a byte, as a name of its own.
      Array("\u{10F7E9}".utf8), Array("\u{10F780}x\u{10F7FF}".utf8) + [0xe9],
    ]
    for byte in UInt8(1)...255 { names.append([byte]) }
    var state: UInt64 = 7
    for length in 0..<2000 {
      names.append(
        (0..<length % 23).map { _ in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          // Leads and continuations more often than chance would have them.
          let pool: [UInt8] = [0xf4, 0x8f, 0x9e, 0x9f, 0xbf, 0x80, 0xe9, 0xc3, 0x2f, 0x61]
          let byte = UInt8(truncatingIfNeeded: state >> 40)
          return byte % 3 == 0 ? max(1, byte) : pool[Int(byte) % pool.count]
        })
    }
    for name in names { XCTAssertEqual(bytes(String(systemPath: name)), name, "\(name)") }
  }

  func testDifferentBytesAreDifferentTexts() {
    let names: [[UInt8]] = [
      [0xe9], Array("\u{10F7E9}".utf8), [0xf4, 0x8f, 0x9f, 0xa9, 0xe9], Array("é".utf8),
    ]
    XCTAssertEqual(Set(names.map { String(systemPath: $0) }).count, names.count)
  }

  /// A character may be cut in two by what puts paths together.
  func testPartsPutTogetherAreTheWholeName() {
    let name = Array("photos/café/😀".utf8)
    for cut in 0...name.count {
      let parts = String(systemPath: name[..<cut]) + String(systemPath: name[cut...])
      XCTAssertEqual(bytes(parts), name)
    }
  }

  func testBytesOfNoTextAreShownByTheirNumbers() {
    XCTAssertEqual(PlainText.line(String(systemPath: [0x63, 0xe9, 0x66])), "c\\xe9f")
    let message: Message =
      "\(String(systemPath: [0xff])) does not exist; use \(.plugins([String(systemPath: [0x80])]))"
    XCTAssertEqual(message.description, "\\xff does not exist; use load_plugin: \\x80")
  }

  func testNameWithAZeroNamesNothing() {
    XCTAssertEqual("run\0.png".systemPath, [0])
    XCTAssertNil(try DurableFiles.kind(of: "/tmp\0/x"))
  }
}
