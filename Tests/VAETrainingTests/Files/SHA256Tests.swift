import Foundation
import VAEFiles
import XCTest

/// SHA-256 by the examples of NIST (FIPS 180-4 "Examples with Intermediate Values", and the
/// Cryptographic Algorithm Validation Program's short messages).
final class SHA256Tests: XCTestCase {
  private let examples: [(message: [UInt8], hash: String)] = [
    ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      Array(
        ("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
          + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu").utf8),
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
    (
      [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
    ([0xd3], "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"),
    ([0xbd], "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"),
    (
      [UInt8](repeating: 0, count: 55),
      "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"
    ),
    (
      [UInt8](repeating: 0, count: 56),
      "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"
    ),
    (
      [UInt8](repeating: 0, count: 64),
      "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"
    ),
  ]

  func testTheHashesAreThoseOfNIST() {
    for (message, hash) in examples {
      XCTAssertEqual(SHA256.text(SHA256.hash(of: message)), hash, "\(message.count) bytes")
    }
  }

  func testPiecesHashAsTheWholeDoes() {
    let message = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for size in 1...130 {
      var hash = SHA256()
      for start in stride(from: 0, to: message.count, by: size) {
        message[start..<min(start + size, message.count)].withUnsafeBytes { hash.update($0) }
      }
      XCTAssertEqual(hash.finished(), SHA256.hash(of: message), "pieces of \(size)")
      XCTAssertEqual(hash.finished(), SHA256.hash(of: message), "asked twice")
    }
  }

  func testAFileHashesAsItsBytesDo() throws {
    let path = NSTemporaryDirectory() + "vae-sha-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    for count in [0, 1, 65_535, 65_536, 200_000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 >> 3) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      XCTAssertEqual(try SHA256.hash(ofFile: path), SHA256.hash(of: bytes))
    }
    XCTAssertThrowsError(try SHA256.hash(ofFile: path + ".none")) {
      XCTAssertEqual(($0 as? FileError)?.kind, .missing)
    }
    XCTAssertThrowsError(try SHA256.hash(ofFile: NSTemporaryDirectory()))
  }
}
