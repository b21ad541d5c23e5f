import Tensors
import VAEFiles
import VAETraining
import XCTest

final class SafetensorsTests: XCTestCase {
  /// A file with the given header text and data.
  private func file(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
    let text = Array(header.utf8)
    let size = length ?? UInt64(text.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) } + text + data
  }

  private func assertRefused(
    _ bytes: [UInt8], _ words: String, file: StaticString = #filePath, line: UInt = #line
  ) {
    XCTAssertThrowsError(
      try Safetensors(parsing: bytes, path: "x.safetensors"), file: file, line: line
    ) {
      let text = "\($0)"
      XCTAssertTrue($0 is SafetensorsError, text, file: file, line: line)
      XCTAssertTrue(
        text.hasPrefix("x.safetensors") && text.contains(words), text, file: file, line: line)
      XCTAssertFalse(text.contains("\n"), file: file, line: line)
    }
  }

  func testTensorsAndMetadataComeBackFromTheirBytes() throws {
    var written = Safetensors(tensors: [
      (name: "b", values: Tensor([1, -2, .infinity, 0.1], shape: [2, 2])),
      (name: "a.weights", values: Tensor(3)), (name: "empty", values: Tensor([], shape: [0, 3])),
    ])
    written.metadata = ["format": "pt", "note": "quote \" and \u{1} and ü"]
    let bytes = written.encoded()
    let read = try Safetensors(parsing: bytes, path: "memory")
    XCTAssertEqual(read.entries.map(\.name), ["a.weights", "b", "empty"])
    XCTAssertEqual(read.metadata, written.metadata)
    XCTAssertEqual(try read.tensor("b", shape: [2, 2]).floats, [1, -2, .infinity, 0.1])
    XCTAssertEqual(try read.tensor("a.weights", shape: []).item, 3)
    XCTAssertNil(try read.tensor(ifPresent: "c", shape: [1]))
    XCTAssertEqual(read.encoded(), bytes)
    XCTAssertEqual(bytes[0] % 8, 0, "the data begin at a multiple of eight")
  }

  /// Written by the Python package safetensors 0.7: {"x": float32 [[1, 2, 3]], "n": int64 [7]}, metadata {"k": "v"}.
  func testAFileOfThePythonPackageIsRead() throws {
    let header =
      #"{"__metadata__":{"k":"v"},"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"#
      + #""x":{"dtype":"F32","shape":[1,3],"data_offsets":[8,20]}}      "#
    let data: [UInt8] = [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64]
    let read = try Safetensors(parsing: file(header, data: data), path: "python")
    XCTAssertEqual(try read.floats("x", shape: [1, 3]), [1, 2, 3])
    XCTAssertEqual(read.metadata, ["k": "v"])
    XCTAssertEqual(read.entry("n")?.type, .int64)
  }

  func testReadingAsksForTheRightNameTypeAndShape() throws {
    let read = try Safetensors(
      parsing: file(
        #"{"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#,
        data: Array(repeating: 0, count: 8)),
      path: "f")
    XCTAssertThrowsError(try read.floats("m", shape: [1])) {
      XCTAssertEqual("\($0)", "f: there is no tensor \"m\"")
    }
    XCTAssertThrowsError(try read.floats("n", shape: [1])) {
      XCTAssertEqual("\($0)", "f: tensor \"n\" has type I64, but F32 is needed")
    }
    let floats = Safetensors(tensors: [(name: "x", values: Tensor([1, 2]))])
    XCTAssertThrowsError(try floats.floats("x", shape: [2, 1])) {
      XCTAssertTrue("\($0)".contains("has shape [2], but [2, 1] is needed"), "\($0)")
    }
  }

  func testDamagedFilesAreRefusedNamingWhatIsWrong() {
    assertRefused([], "0 bytes, fewer than the 8")
    assertRefused(file("", length: 4_000_000_000), "claims 4000000000 bytes, beyond the limit")
    assertRefused(file("{}", length: .max), "beyond the limit")
    assertRefused(file("{}", length: 3), "claims 3 bytes, but only 2 follow")
    assertRefused(file("[]"), "not a JSON object")
    assertRefused(file("{\"a\":"), "not valid JSON")
    assertRefused(file("{\"a\": 3}"), "tensor \"a\" is not an object")
    assertRefused(
      file("{\"__metadata__\": {\"a\": 3}}"), "\"a\" in __metadata__ is not a string")
    assertRefused(
      file(String(repeating: "{\"a\":", count: 100_000)), "nested too deeply")
    func tensor(_ type: String, _ shape: String, _ offsets: String) -> String {
      "{\"t\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}}"
    }
    let eight = [UInt8](repeating: 0, count: 8)
    assertRefused(
      file(tensor("F33", "[2]", "[0,8]"), data: eight), "\"t\" has the unknown type \"F33\"")
    assertRefused(
      file(tensor("F32", "[-2]", "[0,8]"), data: eight), "\"t\" has the impossible shape [-2]")
    assertRefused(
      file(tensor("F32", "[4611686018427387904,4]", "[0,8]"), data: eight), "impossible shape")
    assertRefused(file(tensor("F32", "[2]", "[0,16]"), data: eight), "outside of the 8 bytes")
    assertRefused(file(tensor("F32", "[2]", "[8,0]"), data: eight), "outside of the 8 bytes")
    assertRefused(file(tensor("F32", "[2]", "[-8,0]"), data: eight), "outside of the 8 bytes")
    assertRefused(file(tensor("F32", "[2]", "[0]"), data: eight), "outside of the 8 bytes")
    assertRefused(file(tensor("F32", "[1]", "[0,8]"), data: eight), "takes 4 bytes, but has 8")
    assertRefused(file(tensor("F32", "[1]", "[4,8]"), data: eight), "4 bytes before tensor \"t\"")
    assertRefused(
      file(tensor("F32", "[1]", "[0,4]"), data: eight), "4 bytes at the end")
    let two =
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
      + #""b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
    assertRefused(file(two, data: eight), "tensor \"b\" overlaps another")
  }

  func testEverySingleBitFlipOfTheHeaderIsRefusedOrHarmless() throws {
    let bytes = Safetensors(tensors: [
      (name: "x", values: Tensor([1, 2])), (name: "y", values: Tensor(1)),
    ])
    .encoded()
    for bit in 0..<(bytes.count - 12) * 8 {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      if let read = try? Safetensors(parsing: damaged, path: "flipped") {
        XCTAssertEqual(read.entries.count, 2)
      }
    }
  }
}
