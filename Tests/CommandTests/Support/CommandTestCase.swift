import Foundation
import XCTest

/// A test with a folder of its own and words for what commands must do.
class CommandTestCase: XCTestCase {
  /// Empty before each test, removed after it.
  private(set) var folder = ""

  override func setUpWithError() throws {
    folder = try TemporaryFolder.make()
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(atPath: folder)
  }

  /// A path in the test's folder.
  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Runs a command that must succeed.
  @discardableResult
  func run(
    _ arguments: [String], environment: [String: String] = [:], file: StaticString = #filePath,
    line: UInt = #line
  ) throws -> Outcome {
    let outcome = try Command.run(arguments, environment: environment)
    XCTAssertEqual(
      outcome.status, 0, "\(arguments.joined(separator: " "))\n\(outcome.err)", file: file,
      line: line)
    return outcome
  }

  /// Runs a command that must be refused with one clear line.
  ///
  /// - Parameters:
  ///   - words: what the line must name.
  ///   - memoryLimit: of the address space in MB.
  func assertRefused(
    _ arguments: [String], status: Int32, naming words: [String], memoryLimit: Int? = nil,
    file: StaticString = #filePath, line: UInt = #line
  ) throws {
    let outcome = try Command(arguments, memoryLimit: memoryLimit).wait()
    let command = "vae-zoo \(arguments.joined(separator: " "))"
    XCTAssertEqual(outcome.status, status, "\(command)\n\(outcome.err)", file: file, line: line)
    XCTAssertEqual(outcome.out, "", "standard output of \(command)", file: file, line: line)
    XCTAssertTrue(
      outcome.err.hasPrefix("vae-zoo: ") && outcome.err.hasSuffix("\n")
        && outcome.err.split(separator: "\n", omittingEmptySubsequences: false).count == 2,
      "\(command) must give one line beginning with vae-zoo:, not\n\(outcome.err)", file: file,
      line: line)
    for word in words {
      XCTAssertTrue(
        outcome.err.contains(word), "\(command) must name \(word), not\n\(outcome.err)", file: file,
        line: line)
    }
  }

  /// The array in an NPY file.
  func array(_ path: String) throws -> StoredArray { try StoredArray(bytes(path)) }

  /// The content of a file.
  func bytes(_ path: String, file: StaticString = #filePath, line: UInt = #line) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let path = path(name)
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  func exists(_ path: String) -> Bool {
    (try? FileManager.default.attributesOfItem(atPath: path)) != nil
  }

  /// Everything below a folder: each path with a file's content or a link's target.
  func snapshot(_ root: String) throws -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: root) {
      let path = "\(root)/\(name)"
      let type = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
      switch type {
      case .typeRegular: found[name] = try bytes(path)
      case .typeSymbolicLink:
        found[name] = Array(try FileManager.default.destinationOfSymbolicLink(atPath: path).utf8)
      default: found[name] = []
      }
    }
    return found
  }

  /// A JSON object on one line.
  func object(
    _ text: String, file: StaticString = #filePath, line: UInt = #line
  ) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return try XCTUnwrap(value as? [String: Any], text, file: file, line: line)
  }

  func number(
    _ object: [String: Any], _ key: String, file: StaticString = #filePath, line: UInt = #line
  ) throws -> Double {
    try XCTUnwrap(object[key] as? NSNumber, "\(key) in \(object)", file: file, line: line)
      .doubleValue
  }
}
