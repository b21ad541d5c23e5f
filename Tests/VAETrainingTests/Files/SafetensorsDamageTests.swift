import VAEFiles
import VAETraining
import XCTest

/// Safetensors files that are damaged or hostile: each is refused in one line, and none is fatal.
final class SafetensorsDamageTests: XCTestCase {
  private func file(_ header: String, data: Int = 0) -> [UInt8] {
    file(Array(header.utf8), data: data)
  }

  private func file(_ header: [UInt8], data: Int = 0) -> [UInt8] {
    length(UInt64(header.count)) + header + [UInt8](repeating: 7, count: data)
  }

  private func length(_ value: UInt64) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
  }

  /// The entry of a tensor.
  private func tensor(
    _ name: String, type: String = "F32", shape: String = "[1]", _ start: Int, _ end: Int
  ) -> String {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(start),\#(end)]}"#
  }

  private func assertRefused(
    _ bytes: [UInt8], naming words: [String], file: StaticString = #filePath, line: UInt = #line
  ) {
    XCTAssertThrowsError(
      try Safetensors(parsing: bytes, path: "run/weights.safetensors"), file: file, line: line
    ) { error in
      let text = "\(error)"
      XCTAssertTrue(error is SafetensorsError, text, file: file, line: line)
      XCTAssertFalse(text.contains("\n"), text, file: file, line: line)
      XCTAssertLessThan(text.utf8.count, 400, file: file, line: line)
      for word in ["run/weights.safetensors: "] + words where !text.contains(word) {
        XCTFail("\"\(word)\" is not in: \(text)", file: file, line: line)
      }
    }
  }

  func testTheFilesThatAreDamagedBelowAreSoundBefore() throws {
    for (header, size) in [
      ("{\(tensor("a", 0, 4))}", 4), ("{\(tensor("a", 0, 4)),\(tensor("b", 4, 8))}", 8),
      ("{\(tensor("a", shape: "[]", 0, 4))}", 4), ("{\(tensor("a", shape: "[0]", 0, 0))}", 0),
      ("{\(tensor("a", type: "BOOL", 0, 1)),\(tensor("b", type: "BF16", 1, 3))}", 3),
      (#"{"__metadata__":{"a":"b"}}   "#, 0),
    ] {
      _ = try Safetensors(parsing: file(header, data: size), path: "sound")
    }
  }

  // MARK: The header's length

  func testAFileShorterThanALengthIsRefused() {
    for count in 0..<8 {
      assertRefused([UInt8](repeating: 1, count: count), naming: ["\(count) bytes"])
    }
  }

  func testAHeaderLongerThanTheFileOrTheLimitIsRefused() {
    let header = Array("{}".utf8)
    assertRefused(length(3) + header, naming: ["claims 3 bytes", "only 2"])
    assertRefused(length(100_000_000) + header, naming: ["claims 100000000 bytes", "only 2"])
    for claim in [100_000_001, 1 << 32, 1 << 62, 1 << 63, .max] as [UInt64] {
      assertRefused(
        length(claim) + header,
        naming: ["claims \(claim) bytes", "100000000", "no safetensors file"])
    }
  }

  // MARK: The header's text

  func testAHeaderThatIsNoObjectIsRefused() {
    for header in ["", "[]", "1", "\"a\"", "null", " {}", "\u{feff}{}"] {
      assertRefused(file(header), naming: ["header is not a JSON object"])
    }
  }

  func testAHeaderThatIsNoJSONIsRefused() {
    for header in [
      "{", "{\"a\"}", "{\"a\":", "{\"a\": \"unfinishe", "{} {}", "{}x", "{,}", "{'a':1}",
      "{\"a\":1}}", "{\"a\":01}", "{\"__metadata__\":{\"a\":\"\\x\"}}", "{\"a\\\"", "{\"\\",
    ] {
      assertRefused(file(header), naming: ["run/weights.safetensors: "])
    }
    let sound = "{\(tensor("a", 0, 4))}"
    for count in 1..<sound.utf8.count {
      assertRefused(file(Array(sound.utf8.prefix(count)), data: 4), naming: ["header"])
    }
  }

  func testAHeaderThatIsNotUTF8IsRefused() {
    let text = "{\"__metadata__\":{\"a\":\"b\"}}"
    var broken = Array(text.utf8)
    broken[22] = 0xff
    assertRefused(file(broken), naming: ["not UTF-8"])
    broken[22...] = [0xed, 0xa0, 0x80, 0x22, 0x7d, 0x7d]
    assertRefused(file(broken), naming: ["not UTF-8"])
    assertRefused(file(text.utf16.flatMap { [UInt8($0), 0] }), naming: ["header", "value 0"])
    assertRefused(file(Array("{}".utf8) + [0]), naming: ["header", "value 0"])
  }

  func testDeepNestingIsRefused() {
    for depth in [1000, 100_000, 5_000_000] {
      let (open, close) = (
        String(repeating: "[", count: depth), String(repeating: "]", count: depth)
      )
      assertRefused(file("{\"a\":\(open)\(close)}"), naming: ["header"])
      assertRefused(file("{\"a\":\(open)"), naming: ["header"])
      let objects = String(repeating: "{\"a\":", count: depth)
      assertRefused(file(objects), naming: ["header"])
    }
    let shape = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    assertRefused(file("{\"a\":{\"shape\":\(shape)}}"), naming: ["tensor \"a\""])
  }

  func testANameThatComesTwiceIsRefused() {
    let tensor = tensor("a", 0, 4)
    assertRefused(file("{\(tensor),\(tensor)}", data: 4), naming: ["\"a\" twice"])
    assertRefused(
      file("{\(tensor),\(self.tensor("\\u0061", 0, 4))}", data: 4), naming: ["\"a\" twice"])
    let escaped = ["x\\\"\\\\", "x\\u0022\\u005C"].map { self.tensor($0, 0, 4) }
    assertRefused(file("{\(escaped[0]), \(escaped[1]) }", data: 4), naming: ["twice"])
    let empty = ["[0]", "[0,1]"].map { self.tensor("a", shape: $0, 0, 0) }
    assertRefused(file("{\(empty[0]),\(empty[1])}"), naming: ["\"a\" twice"])
    let members = #""dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]"#
    assertRefused(file("{\"a\":{\(members)}}", data: 4), naming: ["\"dtype\" twice"])
    assertRefused(file("{\"__metadata__\":{},\"__metadata__\":{}}"), naming: ["twice"])
    assertRefused(
      file("{\"__metadata__\":{\"a\":\"b\",\"a\":\"b\"}}"), naming: ["\"a\" twice"])
  }

  func testNamesMayComeAgainInOtherObjectsAndAsValues() throws {
    let header =
      "{\"__metadata__\":{\"a\":\"a\",\"b\":\"a\",\"dtype\":\"{\\\"a\\\":1,\\\"a\\\":2}\"},"
      + tensor("a", 0, 4) + "," + tensor("b", 4, 8) + "}"
    let read = try Safetensors(parsing: file(header, data: 8), path: "sound")
    XCTAssertEqual(read.entries.map(\.name), ["a", "b"])
    XCTAssertEqual(read.metadata.count, 3)
  }

  // MARK: Metadata

  func testMetadataThatAreNotStringsAreRefused() {
    for value in ["1", "null", "[]", "{}", "true"] {
      assertRefused(
        file("{\"__metadata__\":{\"a\":\"b\",\"c\":\(value)}}"),
        naming: ["\"c\" in __metadata__", "not a string"])
    }
    for value in ["1", "null", "[]", "\"a\"", "true"] {
      assertRefused(file("{\"__metadata__\":\(value)}"), naming: ["__metadata__ is not an object"])
    }
  }

  // MARK: Tensors

  func testAnEntryOfAnotherFormIsRefusedNamingTheTensorAndTheMember() {
    for value in ["1", "null", "[]", "\"a\"", "true"] {
      assertRefused(file("{\"w\":\(value)}"), naming: ["tensor \"w\"", "object"])
    }
    let sound = [
      ("dtype", "\"F32\""), ("shape", "[1]"), ("data_offsets", "[0,4]"),
    ]
    for (index, member) in sound.enumerated() {
      func entry(_ value: String?) -> String {
        var members = sound
        if let value { members[index].1 = value } else { members.remove(at: index) }
        return "{\"w\":{\(members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ","))}}"
      }
      assertRefused(file(entry(nil), data: 4), naming: ["tensor \"w\" needs \(member.0)"])
      for value in [
        "null", "1", "true", "{}", "[1.5]", "[\"a\"]", "[null]", "[true]", "[[1]]",
        "[1e30]", "[9223372036854775808]", "[-9223372036854775809]",
      ] {
        assertRefused(file(entry(value), data: 4), naming: ["tensor \"w\" needs \(member.0)"])
      }
    }
  }

  func testAnUnknownTypeIsRefused() {
    for type in ["Q7", "", "f32", "F32 ", "F8_E4M3"] {
      assertRefused(
        file("{\(tensor("w", type: type, 0, 4))}", data: 4),
        naming: ["tensor \"w\"", "unknown type \"\(type)\""])
    }
  }

  func testImpossibleShapesAreRefused() {
    for shape in [
      "[-1]", "[1,-1]", "[-1,-1]", "[-9223372036854775808]", "[4611686018427387904]",
      "[9223372036854775807,9223372036854775807]", "[4294967296,4294967296]", "[0,-1]",
    ] {
      assertRefused(
        file("{\(tensor("w", shape: shape, 0, 4))}", data: 4),
        naming: ["tensor \"w\"", "impossible shape"])
    }
    let long = "[\([String](repeating: "1", count: 5000).joined(separator: ",")),2]"
    assertRefused(
      file("{\(tensor("w", shape: long, 0, 4))}", data: 4), naming: ["tensor \"w\"", "8 bytes"])
  }

  func testOffsetsOutOfRangeAreRefused() {
    for (start, end) in [
      (0, 5), (4, 8), (-4, 0), (4, 0), (.max - 4, .max), (.min, .max), (.min, 4), (0, .max),
    ] {
      assertRefused(
        file("{\(tensor("w", start, end))}", data: 4),
        naming: ["tensor \"w\" lies at [\(start), \(end)]", "4 bytes"])
    }
    for offsets in ["[]", "[0]", "[0,4,4]"] {
      assertRefused(
        file("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":\(offsets)}}", data: 4),
        naming: ["tensor \"w\" lies at"])
    }
  }

  func testASizeThatDisagreesWithTheShapeIsRefused() {
    for (type, shape, size) in [
      ("F32", "[2]", 8), ("F64", "[1]", 8), ("U8", "[1]", 1), ("F32", "[0]", 0), ("F16", "[]", 2),
      ("F32", "[1,1,2]", 8),
    ] {
      assertRefused(
        file("{\(tensor("w", type: type, shape: shape, 0, 4))}", data: 4),
        naming: ["tensor \"w\"", "type \(type)", "takes \(size) bytes", "has 4"])
    }
  }

  func testTensorsThatOverlapAreRefused() {
    let cases = [
      [tensor("a", 0, 4), tensor("w", 0, 4)],
      [tensor("a", shape: "[2]", 0, 8), tensor("w", 4, 8)],
      [tensor("a", shape: "[2]", 0, 8), tensor("w", shape: "[0]", 4, 4)],
    ]
    for entries in cases {
      for entries in [entries, entries.reversed()] {
        assertRefused(
          file("{\(entries.joined(separator: ","))}", data: 8), naming: ["\"", "overlaps another"])
      }
    }
  }

  func testHolesAreRefused() {
    assertRefused(
      file("{\(tensor("w", 4, 8))}", data: 8), naming: ["4 bytes before tensor \"w\""])
    assertRefused(
      file("{\(tensor("a", 0, 4)),\(tensor("w", 6, 10))}", data: 10),
      naming: ["2 bytes before tensor \"w\""])
    assertRefused(file("{\(tensor("a", 0, 4))}", data: 7), naming: ["3 bytes at the end"])
    assertRefused(file("{}", data: 1), naming: ["1 bytes at the end"])
  }

  func testNamesOutOfAFileStayOnOneShortLine() {
    let name = "evil\\n\\u001b[31m\\r\\u2028\\u202e" + String(repeating: "x", count: 10_000)
    for entry in [tensor(name, type: "Q7", 0, 4), tensor("w", type: name, 0, 4)] {
      assertRefused(
        file("{\(entry)}", data: 4), naming: ["\"evil\\u{a}\\u{1b}[31m\\u{d}\\u{2028}\\u{202e}x"])
    }
  }

  // MARK: Every damage

  func testEveryPrefixIsRefused() {
    let bytes = ReferenceSafetensors.bytes
    for count in 0..<bytes.count {
      assertRefused(Array(bytes.prefix(count)), naming: [])
    }
    assertRefused(bytes + [0], naming: ["1 bytes at the end"])
  }

  func testEveryFlippedBitOfTheHeaderIsRefusedOrReadWhole() throws {
    let sound = ReferenceSafetensors.bytes
    let headerEnd = 8 + Int(sound[0]) + Int(sound[1]) << 8
    var refused = 0
    for place in 0..<headerEnd {
      for bit in 0..<8 {
        var bytes = sound
        bytes[place] ^= 1 << bit
        do {
          let file = try Safetensors(parsing: bytes, path: "flipped")
          let values = file.entries.reduce(0) {
            $0 + $1.shape.reduce($1.type.byteCount, *)
          }
          XCTAssertEqual(values, sound.count - headerEnd, "bit \(bit) of byte \(place)")
          XCTAssertEqual(
            try Safetensors(parsing: file.encoded(), path: "again").entries.map(\.name),
            file.entries.map(\.name))
        } catch {
          XCTAssertTrue(error.message.hasPrefix("flipped: "), error.message)
          refused += 1
        }
      }
    }
    XCTAssertGreaterThan(refused, headerEnd * 4)
  }
}
