import Foundation
import VAEFiles
import VAETraining
import XCTest

/// A test with a folder of its own, which is gone afterwards.
class FilesTestCase: XCTestCase {
  private(set) var folder = ""

  override func setUpWithError() throws {
    // Waiting for a disk is most of what these tests would do; memory needs none.
    let memory = "/dev/shm"
    let isUsable = access(memory, W_OK) == 0
    let parent = isUsable ? memory : (NSTemporaryDirectory() as NSString).standardizingPath
    folder = "\(parent)/vae-training-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(atPath: folder)
  }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Writes a file below the test's folder and returns its path.
  @discardableResult
  func write(_ text: String, _ name: String) throws -> String {
    let url = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
    return url.path
  }

  func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
  }

  func linkTarget(_ name: String) throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: path(name))
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: path(name), withIntermediateDirectories: true)
  }

  func names(_ name: String) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: path(name)))
  }

  /// Everything below the test's folder: each path with a file's text or a link's target.
  func snapshot() throws -> [String: String] {
    var found: [String: String] = [:]
    let manager = FileManager.default
    for name in try manager.subpathsOfDirectory(atPath: folder) {
      if let target = try? manager.destinationOfSymbolicLink(atPath: path(name)) {
        found[name] = "→ \(target)"
      } else {
        found[name] = (try? text(name)) ?? "folder"
      }
    }
    return found
  }

  /// The call must throw a `FileError` of one line that holds all the words.
  func assertFails<Result>(
    _ kind: FileError.Kind, naming words: [String], file: StaticString = #filePath,
    line: UInt = #line, _ body: () throws -> Result
  ) {
    XCTAssertThrowsError(try body(), file: file, line: line) { error in
      guard let error = error as? FileError else {
        return XCTFail("\(error) is no FileError", file: file, line: line)
      }
      XCTAssertEqual(error.kind, kind, error.description, file: file, line: line)
      for word in words where !error.description.contains(word) {
        XCTFail("\"\(word)\" is not in: \(error)", file: file, line: line)
      }
      XCTAssertFalse(error.description.contains("\n"), file: file, line: line)
    }
  }

  /// Runs a closure without the rights of a superuser over files.
  func withoutPrivileges(_ body: () throws -> Void) rethrows {
    let nobody: uid_t = 65534
    let isSuperuser = geteuid() == 0
    if isSuperuser { XCTAssertEqual(seteuid(nobody), 0) }
    defer { if isSuperuser { XCTAssertEqual(seteuid(0), 0) } }
    try body()
  }
}
