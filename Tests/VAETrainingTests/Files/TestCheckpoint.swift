import VAETraining
import XCTest

/// Checkpoints whose files tell which one they are of.
enum TestCheckpoint {
  static let names = ["weights.safetensors", "optimizer.safetensors", "state.json"]

  /// - Parameter version: tells checkpoints of one step apart.
  static func files(_ step: Int, version: Int = 1) -> [(name: String, bytes: [UInt8])] {
    names.map { (name: $0, bytes: content($0, step, version)) }
  }

  private static func content(_ name: String, _ step: Int, _ version: Int) -> [UInt8] {
    Array("\(step) \(version) \(name) \(String(repeating: "x", count: 100 + step))".utf8)
  }

  /// The version of a checkpoint, whose files must be all there and of that version.
  static func version(
    _ files: [String: [UInt8]], step: Int, file: StaticString = #filePath, line: UInt = #line
  ) throws -> Int {
    let words = String(decoding: files["state.json"] ?? [], as: UTF8.self).split(separator: " ")
    let version = try XCTUnwrap(words.dropFirst().first.flatMap { Int($0) }, file: file, line: line)
    XCTAssertEqual(Set(files.keys), Set(names), file: file, line: line)
    for name in names {
      XCTAssertEqual(
        files[name], content(name, step, version), "\(name) of step \(step)", file: file, line: line
      )
    }
    return version
  }
}
