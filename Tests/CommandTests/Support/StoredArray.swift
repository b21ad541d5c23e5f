import XCTest

/// An NPY file as the commands write it: version 1.0, little-endian, in rows.
struct StoredArray {
  /// The type of its numbers, as NumPy spells it.
  let type: String
  let shape: [Int]
  let content: [UInt8]

  /// The array that begins a file; what follows it is passed over.
  init(_ bytes: [UInt8]) throws {
    XCTAssertEqual(Array(bytes.prefix(8)), [0x93] + Array("NUMPY".utf8) + [1, 0])
    let length = Int(bytes[8]) | Int(bytes[9]) << 8
    XCTAssertEqual((10 + length) % 64, 0, "the values must be aligned")
    let header = try XCTUnwrap(String(bytes: bytes[10..<10 + length], encoding: .ascii))
    XCTAssertTrue(header.contains("'fortran_order': False"), header)
    XCTAssertTrue(header.hasSuffix("\n"), header)
    let type = try XCTUnwrap(header.firstMatch(of: #/'descr': '([^']*)'/#), header)
    let sizes = try XCTUnwrap(header.firstMatch(of: #/'shape': \(([0-9, ]*)\)/#), header)
    self.type = String(type.1)
    shape = sizes.1.split(whereSeparator: { ", ".contains($0) }).compactMap { Int($0) }
    let size = try XCTUnwrap(["|u1": 1, "<f4": 4, "<f8": 8][self.type], header)
    let rest = bytes[(10 + length)...]
    content = Array(rest.prefix(shape.reduce(size, *)))
    XCTAssertEqual(content.count, shape.reduce(size, *))
  }

  /// The values of an array of 32-bit floats.
  var floats: [Float] {
    XCTAssertEqual(type, "<f4")
    return numbers(of: 4).map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
  }

  /// The values of an array of floats of 32 or 64 bits.
  var doubles: [Double] {
    guard type == "<f8" else { return floats.map(Double.init) }
    return numbers(of: 8).map(Double.init(bitPattern:))
  }

  private func numbers(of size: Int) -> [UInt64] {
    stride(from: 0, to: content.count, by: size).map { start in
      content[start..<start + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }
}
