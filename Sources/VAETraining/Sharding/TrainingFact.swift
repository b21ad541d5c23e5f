import Messages
import VAEFiles

/// Something that must be the same in all processes that train together.
package struct TrainingFact: Sendable {
  /// What it is, without an article: "another …" can stand before it.
  let name: String
  /// A line for each setting, its path and value with `=` between them, or one text.
  private let text: String
  private let isSettings: Bool

  /// A fact that is one text.
  package init(_ name: String, _ value: String) {
    (self.name, text, isSettings) = (name, value, false)
  }

  /// Settings, of which those that differ can be named: a JSON object, with the path that it lies at.
  package init(_ name: String, settings: JSON, path: String = "") {
    self.name = name
    text = Self.lines(settings, path).joined(separator: "\n")
    isSettings = true
  }

  private static func lines(_ value: JSON, _ path: String) -> [String] {
    guard let members = value.object?.members else {
      return ["\(path)=\(PlainText.line(value.text ?? value.line))"]
    }
    return members.flatMap { lines($0.value, path.isEmpty ? $0.name : "\(path).\($0.name)") }
  }

  /// What is compared first.
  var hash: [UInt8] { SHA256.hash(of: Array(text.utf8)) }

  /// The bytes that each process tells the others where hashes differ.
  static let length = 16_384

  /// As much of the text as the others are told.
  var told: [UInt8] {
    let bytes = Array(text.utf8.prefix(Self.length))
    return bytes + [UInt8](repeating: 0, count: Self.length - bytes.count)
  }

  /// The longest value, and the most settings, that are named.
  private static let (longest, most) = (60, 4)

  /// What a process has in place of what the first one has, as the end of a sentence; empty where that says nothing.
  ///
  /// - Parameters:
  ///   - other: what that process has told.
  ///   - first: what the first one has told.
  func difference(_ other: some Sequence<UInt8>, _ first: some Sequence<UInt8>) -> Message {
    func text(_ bytes: some Sequence<UInt8>) -> String {
      String(decoding: Array(bytes).prefix { $0 != 0 }, as: UTF8.self)
    }
    let (other, first) = (text(other), text(first))
    guard isSettings else {
      guard max(other.count, first.count) <= Self.longest, !(other + first).contains("\n") else {
        return ""
      }
      return ": \(other) in place of \(first)"
    }
    func settings(_ text: String) -> [String: String] {
      let pairs = text.split(separator: "\n").map { line in
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
      func remedy(_ value: String?) -> Message {
        value.map { "\(.setting(path, $0))" } ?? "no \(.setting(path))"
      }
      list =
        list + (place == 0 ? "" : ", ") + remedy(others[path]) + " in place of "
        + remedy(firsts[path])
    }
    return paths.count > Self.most ? list + ", and \(paths.count - Self.most) more" : list
  }
}
