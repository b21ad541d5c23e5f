import Foundation
import VAEZoo
import XCTest

/// Models of other programs, and what these make of images.
enum ForeignReference {
  /// A file or folder among them.
  static func path(_ name: String) -> String {
    Bundle.module.bundleURL.appendingPathComponent("Reference/\(name)").path
  }

  /// A tensor of a safetensors file.
  static func tensor(_ name: String, in file: String) throws -> Tensor {
    let path = path("\(file).safetensors")
    let file = try Safetensors(parsing: DurableFiles.read(path), path: path)
    return try file.tensor(name, shape: Shape(XCTUnwrap(file.entry(name), name).shape))
  }

  /// Holds a tensor to another to rounding.
  static func assertEqual(
    _ found: Tensor, _ expected: Tensor, _ what: String, file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    XCTAssertEqual(found.shape, expected.shape, what, file: file, line: line)
    let distance = zip(found.floats, expected.floats).map { abs($0 - $1) }.max()
    XCTAssertLessThan(try XCTUnwrap(distance), 2e-5, what, file: file, line: line)
  }
}
