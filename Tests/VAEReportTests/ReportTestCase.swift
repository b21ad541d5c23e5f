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

  /// What a made-up run tells whose records, and the examples that these are about, are changed before they are read.
  func history(
    _ run: MadeRun, examples: (inout RecordedExamples) -> Void = { _ in },
    records: (inout TrainingRecord) -> Void
  ) throws -> RunHistory {
    var run = run
    let path = temporaryFolder(self)
    try run.write(to: path)
    let history = try RunHistory.read(path)
    var found = try XCTUnwrap(history.examples)
    examples(&found)
    try DurableFiles.replace("\(path)/records/examples.safetensors", with: found.encoded())
    for var record in history.records {
      let file = "\(path)/records/\(record.step).safetensors"
      records(&record)
      try DurableFiles.replace(file, with: record.encoded())
    }
    return try RunHistory.read(path)
  }

  /// The page about a run.
  func page(of history: RunHistory) throws -> String {
    String(decoding: try Report.page(history), as: UTF8.self)
  }

  /// What stands in a page behind some markup, up to other markup.
  func part(
    _ page: some StringProtocol, after start: String, before end: String,
    file: StaticString = #filePath, line: UInt = #line
  ) throws -> String {
    let first = try XCTUnwrap(page.range(of: start), start, file: file, line: line)
    let rest = page[first.upperBound...]
    let last = try XCTUnwrap(rest.range(of: end), end, file: file, line: line)
    return String(rest[..<last.lowerBound])
  }

  /// The plots of a page with a title, in order.
  func plots(_ page: String, titled title: String) -> [String] {
    page.components(separatedBy: "<figure class=\"plot\">").dropFirst().filter {
      $0.hasPrefix("<figcaption>\(title)</figcaption>")
    }.compactMap { $0.components(separatedBy: "</figure>").first }
  }

  /// Attributes of each element of a kind, as numbers.
  func numbers(_ markup: String, in element: String, _ names: [String]) throws -> [[Double]] {
    let parts = markup.components(separatedBy: "<\(element)").dropFirst()
    return try parts.map { text in
      try names.map { name in
        let value = try XCTUnwrap(text.components(separatedBy: " \(name)=\"").dropFirst().first)
        return try XCTUnwrap(Double(value.prefix { $0 != "\"" }), String(value.prefix(20)))
      }
    }
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
