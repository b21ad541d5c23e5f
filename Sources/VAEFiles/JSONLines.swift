/// The objects of a file that grows by a line at a time.
///
/// Each line holds the checksum of itself; those of versions before 0.2 have none, and come first
/// where such a file was continued.
public struct JSONLines: Sendable {
  /// What a line has.
  public enum Content: Sendable {
    /// An object, and whether it had a checksum.
    case object(SealedObject)
    /// Why it is no such object.
    case fault(String)
  }

  /// A line that is not empty.
  public struct Line: Sendable {
    /// From one.
    public let number: Int
    /// Where it ends in the file with its line break, nil where it has none.
    let end: Int?
    /// What it has.
    public let content: Content

    /// The object, nil where it is damaged.
    public var object: JSON.Object? {
      if case .object(let sealed) = content { sealed.object } else { nil }
    }
  }

  /// What the lines are, for messages.
  public let source: String
  /// The lines in order.
  public let lines: [Line]

  /// The objects of the lines that are sound.
  public var objects: [JSON.Object] { lines.compactMap(\.object) }

  /// Whether every line had a checksum, which then was right.
  public var isSealed: Bool {
    lines.allSatisfy { if case .object(let sealed) = $0.content { sealed.isSealed } else { false } }
  }

  /// A sentence about each line that is damaged or cut short.
  public var faults: [String] {
    lines.compactMap { line in
      guard case .fault(let reason) = line.content else { return nil }
      return "\(source): line \(line.number) is left out: \(reason)"
    }
  }

  /// The bytes up to the first line that is of a later step, or past the last sound line before it:
  /// lines at the end that are damaged or cut short are those that were being written.
  ///
  /// - Parameter step: the last that is kept; nil to keep every sound line, also those without a
  ///   step.
  package func length(toStep step: Int?) -> Int {
    var kept = 0
    for line in lines {
      guard let object = line.object else { continue }
      if let step {
        guard let recorded = object["step"]?.integer, recorded <= step else { break }
      }
      kept = line.end ?? kept
    }
    return kept
  }

  /// Lines out of a file's bytes.
  public init(parsing bytes: [UInt8], source: String) {
    self.source = source
    var lines: [Line] = []
    var (start, number, wantsSeal) = (0, 0, false)
    while start < bytes.count {
      let lineBreak = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
      let text = bytes[start..<(lineBreak ?? bytes.count)]
      let end = lineBreak.map { $0 + 1 }
      start = end ?? bytes.count
      number += 1
      guard !text.isEmpty else { continue }
      let content: Content
      do throws(JSONError) {
        let found = try SealedObject(parsing: text, source: "it")
        content =
          wantsSeal && !found.isSealed
          ? .fault("it has lost its checksum") : .object(found)
        wantsSeal = wantsSeal || found.isSealed
      } catch {
        content = .fault(end == nil ? "it is cut short" : error.message.description)
      }
      lines.append(Line(number: number, end: end, content: content))
    }
    self.lines = lines
  }
}
