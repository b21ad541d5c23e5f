import Foundation
import VAEFiles
import VAETraining
import XCTest

/// Safetensors files that are sound: what is written, and what is read from it.
final class SafetensorsFormatTests: XCTestCase {
  /// 1e-40
  private let subnormal = Float(bitPattern: 0x116c2)
  private let oddName = "encoder.é\"\\/\n"

  private func parse(_ bytes: [UInt8]) throws -> Safetensors {
    try Safetensors(parsing: bytes, path: "file.safetensors")
  }

  // MARK: The reference library's file

  func testAFileOfTheReferenceLibraryIsRead() throws {
    let file = try parse(ReferenceSafetensors.bytes)
    XCTAssertEqual(file.path, "file.safetensors")
    XCTAssertEqual(file.metadata, ["recipe": "{\"a\": \"ü\\\n\t\u{1}\"}"])
    XCTAssertEqual(
      file.entries.map(\.name),
      ["bytes", "counts", oddName, "labels", "none", "scalar", "steps", "weights"])
    let weights = try file.floats("weights", shape: [2, 3])
    XCTAssertEqual(weights, [1.5, -2.25, 3, 0, 0, subnormal])
    XCTAssertEqual(weights[4].sign, .minus)
    XCTAssertEqual(try file.values(oddName, shape: [2]), [-1, 0.1] as [Double])
    XCTAssertEqual(try file.values("steps", shape: [1, 2]), [.min, .max] as [Int64])
    XCTAssertEqual(try file.values("counts", shape: [1]), [.max] as [UInt64])
    XCTAssertEqual(try file.values("labels", shape: [2]), [-7, 7] as [Int32])
    XCTAssertEqual(try file.values("bytes", shape: [3]), [0, 1, 255] as [UInt8])
    XCTAssertEqual(try file.floats("scalar", shape: []), [2.5])
    XCTAssertEqual(try file.floats("none", shape: [0, 4]), [])
    XCTAssertEqual(file.entry("steps")?.type, .int64)
    XCTAssertEqual(file.entry("steps")?.shape, [1, 2])
    XCTAssertNil(file.entry("weight"))
  }

  func testWhatIsWrittenAreTheBytesOfTheReferenceLibrary() throws {
    XCTAssertEqual(
      try parse(ReferenceSafetensors.bytes).encoded(), ReferenceSafetensors.bytes)
    var file = Safetensors()
    file.add("bytes", shape: [3], [0, 1, 255] as [UInt8])
    file.add("scalar", shape: [], [2.5] as [Float])
    file.add("none", shape: [0, 4], [] as [Float])
    file.add("labels", shape: [2], [-7, 7] as [Int32])
    file.add("weights", shape: [2, 3], [1.5, -2.25, 3, 0, -0.0, subnormal] as [Float])
    file.add("counts", shape: [1], [.max] as [UInt64])
    file.add(oddName, shape: [2], [-1, 0.1] as [Double])
    file.add("steps", shape: [1, 2], [.min, .max] as [Int64])
    file.metadata["recipe"] = "{\"a\": \"ü\\\n\t\u{1}\"}"
    XCTAssertEqual(file.encoded(), ReferenceSafetensors.bytes)
  }

  // MARK: Round trips

  func testWhatIsWrittenIsReadBackBitForBit() throws {
    var file = Safetensors()
    let floats: [Float] = [.nan, -.infinity, subnormal, -0.0, .greatestFiniteMagnitude]
    floats.withUnsafeBufferPointer { file.add("floats", shape: [5, 1], floats: $0) }
    let doubles: [Double] = [.nan, .ulpOfOne, -.infinity]
    file.add("doubles", shape: [3], doubles)
    file.add("integers", shape: [2, 1, 1], [.min, -1] as [Int64])
    file.metadata = ["": "", "a\0b": "\u{7f}\u{2028}😀\u{8}\u{c}\r"]
    let read = try parse(file.encoded())
    XCTAssertEqual(
      try read.floats("floats", shape: [5, 1]).map(\.bitPattern), floats.map(\.bitPattern))
    XCTAssertEqual(
      try read.values("doubles", shape: [3], as: Double.self).map(\.bitPattern),
      doubles.map(\.bitPattern))
    XCTAssertEqual(try read.values("integers", shape: [2, 1, 1]), [.min, -1] as [Int64])
    XCTAssertEqual(read.metadata, file.metadata)
    XCTAssertEqual(read.encoded(), file.encoded())
  }

  func testAnEmptyFileIsWrittenAndRead() throws {
    let bytes = Safetensors().encoded()
    XCTAssertEqual(bytes, [8, 0, 0, 0, 0, 0, 0, 0] + Array("{}      ".utf8))
    XCTAssertEqual(try parse(bytes).entries, [])
    XCTAssertEqual(try parse([2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)).entries, [])
  }

  func testTheBytesDoNotDependOnTheOrderOfAddition() throws {
    let names = ["b", "a.10", "a.9", "A", "ä"]
    var first = Safetensors(), second = Safetensors()
    for name in names { first.add(name, shape: [1], [Float(name.utf8.count)]) }
    for name in names.reversed() { second.add(name, shape: [1], [Float(name.utf8.count)]) }
    XCTAssertEqual(first.encoded(), second.encoded())
    XCTAssertEqual(try parse(first.encoded()).entries.map(\.name), ["A", "a.10", "a.9", "b", "ä"])
  }

  func testEveryTensorIsAlignedInTheFile() throws {
    var file = Safetensors()
    file.add("a", shape: [3], [1, 2, 3] as [UInt8])
    file.add("b", shape: [3], [1, 2, 3] as [Float])
    file.add("c", shape: [1], [1] as [UInt8])
    file.add("d", shape: [1], [1] as [Double])
    for length in 0..<9 {
      file.metadata["text"] = String(repeating: "x", count: length)
      let bytes = file.encoded()
      let header = 8 + Int(bytes[0]) + Int(bytes[1]) << 8
      XCTAssertEqual(header % 8, 0)
      // The data begin with the double, then come the floats.
      XCTAssertEqual(Array(bytes[header..<header + 8]), [0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
      XCTAssertEqual(Array(bytes[header + 8..<header + 12]), [0, 0, 0x80, 0x3f])
      XCTAssertEqual(Array(bytes[(header + 20)...]), [1, 2, 3, 1])
    }
  }

  func testTensorsCanBeAddedToAFileThatWasRead() throws {
    var file = try parse(ReferenceSafetensors.bytes)
    file.add("more", shape: [2], [5, 6] as [Float])
    let read = try parse(file.encoded())
    XCTAssertEqual(try read.floats("more", shape: [2]), [5, 6])
    XCTAssertEqual(try read.floats("weights", shape: [2, 3]), [1.5, -2.25, 3, 0, 0, subnormal])
    XCTAssertEqual(read.entries.count, 9)
  }

  // MARK: Values that are not what is needed

  func testValuesOfAnotherNameTypeOrShapeAreRefused() throws {
    let file = try parse(ReferenceSafetensors.bytes)
    func refusal(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "none"
      } catch {
        XCTAssertTrue(error is SafetensorsError)
        return "\(error)"
      }
    }
    XCTAssertEqual(
      refusal { _ = try file.floats("weight", shape: [2, 3]) },
      #"file.safetensors: there is no tensor "weight""#)
    XCTAssertEqual(
      refusal { _ = try file.floats("steps", shape: [1, 2]) },
      #"file.safetensors: tensor "steps" has type I64, but F32 is needed"#)
    XCTAssertEqual(
      refusal { _ = try file.floats("weights", shape: [6]) },
      #"file.safetensors: tensor "weights" has shape [2, 3], but [6] is needed"#)
  }
}
