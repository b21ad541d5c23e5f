import VAECore
import VAEFiles
import VAETraining

/// How often each code is used, at the record that the slider shows.
package struct CodeUsagePanel {
  /// Codes from the most frequent to the least, in groups of neighbours where there are too many to
  /// draw: the mean of each group, in per cent of the most frequent code of the record, rounded up.
  package let frames: [[Int]]
  /// How many codes are in use at each record.
  package let texts: [String]
  /// Codes in a group.
  package let group: Int
  /// Begins the names of its elements, where a page has several.
  var prefix = ""

  /// Bars at most.
  private static let limit = 256

  /// The panel of a run; nil where its latents are no codes.
  package init?(_ history: RunHistory) {
    let counts = history.records.compactMap(\.codeCounts)
    guard counts.count == history.records.count, let first = counts.first, !first.isEmpty else {
      return nil
    }
    let group = (first.count + Self.limit - 1) / Self.limit
    self.group = group
    frames = counts.map { counts in
      let falling = counts.sorted(by: >)
      let most = Double(max(1, falling.first ?? 1))
      return stride(from: 0, to: falling.count, by: group).map { start in
        let part = falling[start..<min(start + group, falling.count)]
        let mean = part.reduce(0) { $0 + Double($1) } / Double(part.count)
        return Int((mean / most * 100).rounded(.up))
      }
    }
    texts = counts.map { counts in
      let unused = counts.count { $0 == 0 }
      return "\(counts.count - unused) of \(counts.count) codes in use, \(unused) unused."
    }
  }

  /// The figure of a page about one run.
  var figure: String {
    VAEReport.markup {
      "<figure><figcaption>Use of the codes<small>All codes, from the most frequent to the least"
        + (group > 1 ? ", \(group) to a bar" : "")
        + ", by the recorded examples.</small></figcaption>"
      markup
      "</figure>"
    }
  }

  /// The bars of the last record, and what it says.
  var markup: String {
    VAEReport.markup {
      "<svg \(BarFrame.box) class=\"bars\" role=\"img\" aria-labelledby=\"\(prefix)usage-text\">"
      BarFrame.heights(Axis(.linear, 0, 100), name: "count, % of the most frequent code")
      "<path class=\"h\" id=\"\(prefix)usage\" d=\"\(BarFrame.outline(frames.last ?? []))\"/>"
      BarFrame.axes(name: "codes by frequency")
      "</svg><p class=\"note\" id=\"\(prefix)usage-text\">\(escaped(texts.last ?? ""))</p>"
    }
  }

  /// What the script draws from.
  var data: JSON {
    .object([
      "frames": PanelData.integers(frames), "texts": .array(texts.map(JSON.text)),
    ])
  }
}
