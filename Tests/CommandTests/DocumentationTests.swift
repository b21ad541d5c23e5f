import Foundation
import XCTest

/// Every command that the documentation shows is one that the program takes.
final class DocumentationTests: CommandTestCase {
  private struct Line {
    let place: String
    let words: [String]
  }

  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The pages of the repository.
  private func pages() throws -> [URL] {
    let manager = FileManager.default
    let root = Self.root
    var pages = [root.appendingPathComponent("README.md")]
    for folder in ["docs", "Plugins", "Examples", "Benchmarks"] {
      let names = try manager.subpathsOfDirectory(
        atPath: root.appendingPathComponent(folder).path)
      pages += names.filter { $0.hasSuffix(".md") && !$0.contains(".build") }.sorted().map {
        root.appendingPathComponent(folder).appendingPathComponent($0)
      }
    }
    return pages
  }

  /// The lines of code that begin with the command, joined where they go on.
  private func commands() throws -> [Line] {
    var found: [Line] = []
    for page in try pages() {
      let lines = try String(contentsOf: page, encoding: .utf8)
        .components(separatedBy: .newlines)
      for (number, line) in lines.enumerated() where line.hasPrefix("    vae-zoo ") {
        var text = line
        var next = number
        while text.hasSuffix("\\") && next + 1 < lines.count {
          next += 1
          text = text.dropLast() + lines[next]
        }
        let command = text.components(separatedBy: " #")[0].components(separatedBy: " > ")[0]
        let words = command.split(separator: " ").map {
          $0.trimmingCharacters(in: CharacterSet(charactersIn: "'\""))
        }
        found.append(
          Line(place: "\(page.lastPathComponent):\(number + 1)", words: Array(words.dropFirst())))
      }
    }
    return found
  }

  /// The words with small data in place of those that are named, and nothing to train.
  private func harmless(_ words: [String], data: String) -> [String] {
    // $S stands for settings that the page gives above.
    var words = words.filter { $0 != "$S" }
    if let place = words.firstIndex(of: "--data"), place + 1 < words.count {
      words[place + 1] = data
    }
    guard let name = words.first, ["train", "sweep"].contains(name) else { return words }
    return words + ["--epochs", "0", "--no-records", "--threads", "1"]
  }

  func testEveryCommandShownIsTaken() throws {
    let data = try makeData(height: 16, width: 16)
    let commands = try commands()
    XCTAssertGreaterThan(commands.count, 60)
    let manager = FileManager.default
    for (number, line) in commands.enumerated() {
      let folder = path("\(number)")
      try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
      guard line.words.first != "bench" else {
        try checkBenchmark(line)
        continue
      }
      let outcome = try Command(harmless(line.words, data: data), currentFolder: folder).wait()
      // What a line before it would have made is missing here; what is wrong as it stands ends in
      // 64, and what the program does wrong in 70 or by a signal.
      // A sweep that trains nothing is refused once all else has been looked at.
      XCTAssertTrue(
        [0, 65, 66].contains(outcome.status) || outcome.err.contains("leaves nothing to compare"),
        "\(line.place): vae-zoo \(line.words.joined(separator: " ")): \(outcome.err)")
      try manager.removeItem(atPath: folder)
    }
  }

  /// A command as the program describes itself, with those below it.
  private struct Description: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable {
        let kind: String
        let name: String
      }
      let names: [Name]?
      let shouldDisplay: Bool
    }
    let commandName: String
    let shouldDisplay: Bool
    let arguments: [Argument]?
    let subcommands: [Description]?

    /// The long options that help shows, of this command and of those below it.
    var options: Set<String> {
      let own = (arguments ?? []).filter(\.shouldDisplay).flatMap { $0.names ?? [] }
        .filter { $0.kind == "long" }.map { "--\($0.name)" }
      let below = (subcommands ?? []).filter(\.shouldDisplay)
      return below.reduce(Set(own)) { $0.union($1.options) }
    }
  }

  func testTheManualNamesEveryOption() throws {
    struct Help: Decodable { let command: Description }
    let outcome = try Command.run(["--experimental-dump-help"])
    let options = try JSONDecoder().decode(Help.self, from: Data(outcome.out.utf8)).command.options
    XCTAssertGreaterThan(options.count, 30)
    let manual = try String(
      contentsOf: Self.root.appendingPathComponent("docs/vae-zoo.1"), encoding: .utf8
    ).replacingOccurrences(of: "\\-", with: "-")
    let known = Set(
      manual.matches(of: /--[a-z]+(?:-[a-z]+)*/).map { String($0.output) })
    XCTAssertEqual(options.subtracting(known).sorted(), [], "the manual does not name them")
  }

  /// A benchmark takes its time: a workload that there is not keeps it from beginning, and is what
  /// it is refused for if all before it is right.
  private func checkBenchmark(_ line: Line) throws {
    let words = line.words.filter { $0.hasPrefix("-") || $0 != $0.uppercased() || Int($0) != nil }
    let outcome = try Command.run(words + ["no-such-workload"])
    XCTAssertEqual(outcome.status, 64, line.place)
    XCTAssertTrue(
      outcome.err.contains("there is no workload no-such-workload"), "\(line.place): \(outcome.err)"
    )
  }
}
