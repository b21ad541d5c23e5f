import Foundation
import VAEFiles
import VAEReport
import VAETraining
import XCTest

/// What tests of pages have in common.
class ReportTestCase: XCTestCase {
  /// What a made-up run tells.
  func history(_ run: MadeRun) throws -> RunHistory {
    var run = run
    let path = temporaryFolder(self)
    try run.write(to: path)
    return try RunHistory.read(path)
  }

  /// What a made-up run tells whose prior is its own: every record has draws from it.
  func historyWithItsOwnPrior() throws -> RunHistory {
    var run = MadeRun()
    let path = temporaryFolder(self)
    try run.write(to: path)
    for step in run.steps {
      var record = run.record(step)
      record.priorDraws = [record.means]
      try DurableFiles.replace("\(path)/records/\(step).safetensors", with: record.encoded())
    }
    return try RunHistory.read(path)
  }

  /// The data of the script.
  func data(_ page: String) throws -> [String: Any] {
    let start = try XCTUnwrap(page.range(of: "id=\"data\">"))
    let end = try XCTUnwrap(page.range(of: "</script>", range: start.upperBound..<page.endIndex))
    let text = String(page[start.upperBound..<end.lowerBound])
    XCTAssertFalse(text.contains("<"))
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return try XCTUnwrap(value as? [String: Any])
  }

  /// Every element that is opened is closed, in order, as far as HTML asks for that.
  func assertWellFormed(
    _ page: String, _ name: String, file: StaticString = #filePath, line: UInt = #line
  ) throws {
    XCTAssertTrue(
      page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"), name, file: file, line: line)
    let empty: Set<Substring> = ["meta", "img", "input", "br"]
    var open: [Substring] = []
    var inside: Substring?
    for match in page.matches(of: #/<(\/?)([a-z][a-z0-9]*)\b([^>]*?)(\/?)>/#) {
      let (_, slash, tag, _, closed) = match.output
      if let script = inside {
        if slash.isEmpty || tag != script { continue }
        inside = nil
      }
      if !slash.isEmpty {
        XCTAssertEqual(open.popLast(), tag, "\(name): </\(tag)>", file: file, line: line)
      } else if closed.isEmpty && !empty.contains(tag) {
        open.append(tag)
        if tag == "script" || tag == "style" { inside = tag }
      }
    }
    XCTAssertEqual(open, [], name, file: file, line: line)
  }
}
