import Foundation
import VAEData
import XCTest

/// A test with a folder of its own, which is gone afterwards.
class DataTestCase: XCTestCase {
  private(set) var folder = ""

  override func setUpWithError() throws {
    folder = NSTemporaryDirectory() + "vae-data-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(atPath: folder)
  }

  /// Writes a table as text and returns its path.
  func table(_ text: String, _ name: String = "t.csv") throws -> String {
    try write(Array(text.utf8), name)
    return "\(folder)/\(name)"
  }

  /// Writes a file below the test's folder and returns its path.
  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let url = URL(fileURLWithPath: "\(folder)/\(name)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  /// The values of examples, all of them where no indices are given.
  func values(_ split: DataSplit, _ indices: [Int]? = nil) -> [Float] {
    let indices = indices ?? Array(0..<split.count)
    return [Float](unsafeUninitializedCapacity: indices.count * split.shape.count) {
      buffer, count in
      count = indices.count * split.shape.count
      let destination = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      destination.initialize(repeating: .nan)
      split.store.write(indices, into: destination)
    }
  }

  /// Opening must fail with one line that holds all the words.
  func assertRefused(
    _ specification: String, rule: String? = nil, kind: DataFault = .malformed,
    naming words: [String], file: StaticString = #filePath, line: UInt = #line
  ) {
    XCTAssertThrowsError(try DataSource.open(specification, rule: rule), file: file, line: line) {
      guard let error = $0 as? DataError else {
        return XCTFail("\($0) is no DataError", file: file, line: line)
      }
      XCTAssertEqual(error.kind, kind, error.description, file: file, line: line)
      for word in [specification] + words where !error.description.contains(word) {
        XCTFail("\"\(word)\" is not in: \(error.description)", file: file, line: line)
      }
      XCTAssertFalse(error.description.contains("\n"), error.description, file: file, line: line)
    }
  }
}
