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

  /// What is said of the file after its metadata were changed.
  private func refusal(_ change: (inout JSON.Object) throws -> Void) throws -> String {
    let sealed = file.sealed()
    let end = 8 + sealed.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    var header = try XCTUnwrap(JSON(parsing: sealed[8..<end], source: "x").object)
    var metadata = try XCTUnwrap(header["__metadata__"]?.object)
    try change(&metadata)
    header["__metadata__"] = .object(metadata)
    let text = Array(JSON.object(header).line.utf8)
    let length = (0..<8).map { UInt8(text.count >> (8 * $0) & 255) }
    do {
      _ = try Safetensors(parsing: length + text + sealed[end...], path: "x")
    } catch {
      return "\(error)"
    }
    return "nothing"
  }

  func testAChecksumThatIsMissingIsSaidToBeAndWhich() throws {
    for name in ["vae_zoo_format", "vae_zoo_checksum", "vae_zoo_tensors"] {
      XCTAssertEqual(
        try refusal { $0[name] = nil },
        "x: the header is damaged: it has lost \(name) of the checksums in its metadata")
    }
    func changeTensors(_ change: (inout JSON.Object) -> Void) throws -> String {
      try refusal { metadata in
        let text = try XCTUnwrap(metadata["vae_zoo_tensors"]?.text)
        var tensors = try XCTUnwrap(JSON(parsing: Array(text.utf8), source: "x").object)
        change(&tensors)
        metadata["vae_zoo_tensors"] = .text(JSON.object(tensors).line)
      }
    }
    XCTAssertEqual(
      try changeTensors { $0["counts"] = nil },
      "x: the header is damaged: there is no checksum of tensor \"counts\" in the vae_zoo_tensors of its metadata"
    )
    XCTAssertTrue(
      try changeTensors { $0["other"] = .text("crc32:00000000") }.contains(
        "has a checksum of tensor \"other\", which there is not"))
    XCTAssertTrue(
      try refusal { $0["vae_zoo_tensors"] = .text("[") }.contains("is no list of checksums"))
    // All of them are there, and one is another.
    XCTAssertTrue(try refusal { $0["more"] = .text("x") }.contains("does not fit"))
  }

  func testAnUnknownFormatIsNamedAndItsChecksumsAreNotJudged() throws {
    let words = "x: its vae_zoo_format is \"3\", but this version reads \"2\"; use the version"
    XCTAssertTrue(try refusal { $0["vae_zoo_format"] = .text("3") }.hasPrefix(words))
    XCTAssertTrue(
      try refusal {
        $0["vae_zoo_format"] = .text("3")
        $0["vae_zoo_checksum"] = nil
      }.hasPrefix(words))
  }

  func testNumbersThatAreNotFiniteAreCountedInEveryType() throws {
    var file = Safetensors()
    file.add("single", shape: [4], [.nan, 1, -.infinity, -.nan] as [Float])
    file.add("double", shape: [3], [.infinity, .greatestFiniteMagnitude, -0] as [Double])
    file.add("counts", shape: [2], [-1, .max] as [Int64])
    let counts = file.entries.map { file.nonFinite(in: $0) }
    XCTAssertEqual(counts.map(\.nan), [2, 0, 0])
    XCTAssertEqual(counts.map(\.infinite), [1, 1, 0])
    // Other programs write these, and need not align them.
    let header =
      #"{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
      + #""half":{"dtype":"F16","shape":[5],"data_offsets":[1,11]},"#
      + #""wide":{"dtype":"BF16","shape":[4],"data_offsets":[11,19]}}"#
    let halves: [UInt16] = [0x7c00, 0xfc00, 0x7c01, 0x7bff, 0xffff, 0x7f80, 0xff81, 0x7f7f, 0x7c00]
    let data: [UInt8] =
      [255]
      + halves.flatMap { half -> [UInt8] in
        [UInt8(half & 255), UInt8(half >> 8)]
      }
    let bytes = [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + data
    let read = try Safetensors(parsing: bytes, path: "x")
    XCTAssertEqual(read.entries.map { read.nonFinite(in: $0).nan }, [0, 2, 1])
    XCTAssertEqual(read.entries.map { read.nonFinite(in: $0).infinite }, [0, 2, 1])
  }

  /// zlib's own check value, which is that of ZIP and PNG.
  func testTheChecksumIsThatOfZIP() {
    XCTAssertEqual(Checksum("123456789".utf8).description, "crc32:cbf43926")
    XCTAssertEqual(Checksum([UInt8]()).description, "crc32:00000000")
  }
}
