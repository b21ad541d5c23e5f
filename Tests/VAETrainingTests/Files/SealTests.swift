import VAEFiles
import XCTest

/// Checksums of texts and tensors: every flipped bit is found, and says what it damaged.
final class SealTests: XCTestCase {
  private func eachFlip(_ bytes: [UInt8], _ body: ([UInt8], Int) throws -> Void) rethrows {
    for place in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[place] ^= 1 << bit
        try body(flipped, place)
      }
    }
  }

  private var object: JSON.Object {
    [
      "step": .integer(3), "escaped": .text("\u{1b}\u{1f}\"\\"), "small": .number(1e-7),
      // Digits of which the last is more than a double can hold.
      "sum": .number(0.1 + 0.2), "list": .array([.number(0.1 + 0.7), .null]),
    ]
  }

  func testEveryFlippedBitOfALineOrADocumentIsFound() throws {
    for text in [object.sealedLine, object.sealedDocument] {
      let sealed = try SealedObject(parsing: Array(text.utf8), source: "x")
      XCTAssertTrue(sealed.isSealed)
      XCTAssertEqual(sealed.object, object)
      try eachFlip(Array(text.utf8)) { bytes, place in
        XCTAssertThrowsError(
          try SealedObject(parsing: bytes, source: "x"), "byte \(place) of \(text)")
      }
    }
  }

  func testEveryFlippedBitOfAFileOfLinesIsReported() {
    let lines = (1...3).map { (["step": .integer($0)] as JSON.Object).sealedLine + "\n" }
    let bytes = Array(lines.joined().utf8)
    XCTAssertEqual(JSONLines(parsing: bytes, source: "x").faults, [])
    eachFlip(bytes) { bytes, place in
      let read = JSONLines(parsing: bytes, source: "x")
      XCTAssertFalse(read.faults.isEmpty, "byte \(place)")
      XCTAssertGreaterThanOrEqual(read.objects.count, 1, "byte \(place)")
    }
  }

  func testTextsWithoutAChecksumAreRead() throws {
    let plain = try SealedObject(parsing: Array(JSON.object(object).line.utf8), source: "x")
    XCTAssertFalse(plain.isSealed)
    XCTAssertEqual(plain.object, object)
    XCTAssertThrowsError(
      try SealedObject(parsing: Array(#"{"a": 1, "checksum": 7}"#.utf8), source: "x")
    ) { XCTAssertTrue("\($0)".contains("x is damaged, or was changed by hand"), "\($0)") }
  }

  private var file: Safetensors {
    var file = Safetensors(path: "x")
    file.add("layer.weights", shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
    file.add("counts", shape: [3], [1, 2, 3] as [Int64])
    file.add("empty", shape: [0], [] as [Float])
    file.metadata = ["vae_zoo_recipe": "{\"a\": \"\u{1b}\"}", "format": "pt"]
    return file
  }

  func testEveryFlippedBitOfASafetensorsFileIsFoundAndATensorNamed() throws {
    let sealed = file.sealed()
    let read = try Safetensors(parsing: sealed, path: "x")
    XCTAssertTrue(read.isSealed)
    XCTAssertEqual(read.metadata, file.metadata)
    XCTAssertEqual(read.encoded(), file.encoded())
    XCTAssertEqual(read.sealed(), sealed)
    let header = 8 + Int(sealed[0]) + Int(sealed[1]) << 8
    try eachFlip(sealed) { bytes, place in
      XCTAssertThrowsError(try Safetensors(parsing: bytes, path: "x"), "byte \(place)") { error in
        guard place >= header else { return }
        // Tensors of eight bytes an element come first.
        let name = place < header + 24 ? "counts" : "layer.weights"
        XCTAssertEqual(
          "\(error)", "x: tensor \"\(name)\" is damaged: its checksum does not fit")
      }
    }
  }

  func testFilesWithoutChecksumsAreRead() throws {
    let read = try Safetensors(parsing: file.encoded(), path: "x")
    XCTAssertFalse(read.isSealed)
    XCTAssertEqual(read.metadata, file.metadata)
    for name in ["vae_zoo_format", "vae_zoo_checksum", "vae_zoo_tensors"] {
      var part = file
      part.metadata[name] = "2"
      XCTAssertThrowsError(try Safetensors(parsing: part.encoded(), path: "x"), name)
    }
  }

  /// zlib's own check value, which is that of ZIP and PNG.
  func testTheChecksumIsThatOfZIP() {
    XCTAssertEqual(Checksum("123456789".utf8).description, "crc32:cbf43926")
    XCTAssertEqual(Checksum([UInt8]()).description, "crc32:00000000")
  }
}
