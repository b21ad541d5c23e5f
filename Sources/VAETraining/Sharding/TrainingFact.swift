import Messages
import VAEFiles
import VAERecipes

/// Something that must be the same in all processes that train together.
package struct TrainingFact: Sendable {
  /// What it is, without an article: "another …" can stand before it.
  let name: String
  /// One text, or of settings a line for each: its path and value with `=` between them.
  private let lines: [String]
  private let isSettings: Bool

  /// A fact that is one text.
  package init(_ name: String, _ value: String) {
    (self.name, lines, isSettings) = (name, [value], false)
  }

  /// Settings, of which those that differ can be named: a JSON object, with the path that it lies at.
  package init(_ name: String, settings: JSON, path: String = "") {
    (self.name, lines, isSettings) = (name, Self.lines(settings, path), true)
  }

  private static func lines(_ value: JSON, _ path: String) -> [String] {
    guard let members = value.object?.members else {
      return ["\(path)=\(PlainText.line(value.text ?? value.line))"]
    }
    return members.flatMap { lines($0.value, path.isEmpty ? $0.name : "\(path).\($0.name)") }
  }

  /// What is compared first.
  var hash: [UInt8] { SHA256.hash(of: Array(lines.joined(separator: "\n").utf8)) }

  /// The bytes that each process tells the others where hashes differ.
  static let length = 16_384
  /// The characters of a line that it tells.
  private static let longestLine = 120

  /// As many of the lines, shortened, as the others are told.
  var told: [UInt8] {
    var bytes: [UInt8] = []
    for line in lines {
      let line = Array((isSettings ? PlainText.line(line, limit: Self.longestLine) : line).utf8)
      guard bytes.count + line.count < Self.length else { break }
      bytes += line + [UInt8(ascii: "\n")]
    }
    return bytes + [UInt8](repeating: 0, count: Self.length - bytes.count)
  }

  /// The longest text, and the most settings, that are named.
  private static let (longest, most) = (60, 4)

  /// What a process has in place of what the first one has, as the end of a sentence; empty where that says nothing.
  ///
  /// - Parameters:
  ///   - other: what that process has told.
  ///   - first: what the first one has told.
  func difference(_ other: some Sequence<UInt8>, _ first: some Sequence<UInt8>) -> Message {
    func lines(_ bytes: some Sequence<UInt8>) -> [String] {
      String(decoding: Array(bytes).prefix { $0 != 0 }, as: UTF8.self)
        .split(separator: "\n").map(String.init)
    }
    let (other, first) = (lines(other), lines(first))
    guard isSettings else {
      guard other.count == 1, first.count == 1, max(other[0].count, first[0].count) <= Self.longest
      else { return "" }
      return ": \(other[0]) in place of \(first[0])"
    }
    func settings(_ lines: [String]) -> [String: String] {
      let pairs = lines.map { line in
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
      }
      return Dictionary(pairs) { $1 }
    }
    let (others, firsts) = (settings(other), settings(first))
    let paths = Set(others.keys).union(firsts.keys).filter { others[$0] != firsts[$0] }.sorted()
    guard !paths.isEmpty else { return "" }
    var list: Message = ": "
    for (place, path) in paths.prefix(Self.most).enumerated() {
      list =
        list + (place == 0 ? "" : ", ") + Self.member(path, others[path]) + " in place of "
        + Self.member(path, firsts[path])
    }
    return paths.count > Self.most ? list + ", and \(paths.count - Self.most) more" : list
  }

  /// A member of settings as a front end says it where it is one that can be chosen.
  private static func member(_ path: String, _ value: String?) -> Message {
    let part = path.prefix { $0 != "." }
    guard part == "training" || Role(rawValue: String(part)) != nil else {
      return "\(path)=\(value ?? "nothing")"
    }
    return value.map { "\(.setting(path, $0))" } ?? "no \(.setting(path))"
  }
}
