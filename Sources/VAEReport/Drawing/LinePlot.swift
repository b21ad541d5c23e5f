/// A plot of lines and points over two axes, as SVG whose colours come from the page's style.
package struct LinePlot {
  /// Points that belong together.
  struct Series {
    let name: String
    let points: [(x: Double, y: Double)]
    /// The number of its colour.
    let color: Int
    var isDashed = false
    var hasLine = true
    var hasMarks = true
    /// The shape of its marks.
    var shape = PlotMark.circle
    /// Whether any of it can be drawn.
    var isSeen: Bool { points.contains { $0.x.isFinite && $0.y.isFinite } }
    /// Says more of a point, for those who rest on it.
    var notes: [String] = []
  }

  /// A straight line drawn behind the series.
  package struct Guide {
    package let from: (x: Double, y: Double)
    package let to: (x: Double, y: Double)
    let text: String
  }

  let title: String
  let x: Axis
  let y: Axis
  let xName: String
  var yName = ""
  var series: [Series]
  package var guides: [Guide] = []
  /// Texts beside points.
  var labels: [(x: Double, y: Double, text: String)] = []
  var width = 360.0
  var height = 236.0
  /// Whether its series are named below it.
  var hasLegend = true

  private let left = 46.0
  private let right = 10.0
  private let top = 22.0
  private let bottom = 40.0

  private func point(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    (
      left + self.x.place(x) * (width - left - right),
      height - bottom - self.y.place(y) * (height - top - bottom)
    )
  }

  private func isInside(_ point: (x: Double, y: Double)) -> Bool {
    point.x.isFinite && point.y.isFinite && self.x.place(point.x) > -0.001
      && self.x.place(point.x) < 1.001 && self.y.place(point.y) > -0.001
      && self.y.place(point.y) < 1.001
  }

  /// What the plot shows in a sentence: where each series begins and ends.
  private var summary: String {
    let parts = series.compactMap { series -> String? in
      let finite = series.points.filter { $0.y.isFinite }
      guard let first = finite.first, let last = finite.last else { return nil }
      return "\(series.name) from \(Numerals.short(first.y)) to \(Numerals.short(last.y))"
    }
    return "\(title), over \(xName): \(parts.joined(separator: "; "))."
  }

  /// The picture with its caption and legend.
  var figure: String {
    markup {
      "<figure class=\"plot\"><figcaption>\(escaped(title))</figcaption>"
      svg
      if series.count > 1 && hasLegend { legend }
      "</figure>"
    }
  }

  private var legend: String {
    let entries = series.map { series in
      let dash = series.isDashed ? " stroke-dasharray=\"4 3\"" : ""
      let line =
        series.hasLine ? "<path d=\"M0 5h22\" class=\"l s\(series.color)\"\(dash)/>" : ""
      let mark =
        series.hasMarks ? series.shape.markup(x: 11, y: 5, color: series.color) : ""
      return
        "<li><svg width=\"22\" height=\"10\" aria-hidden=\"true\">\(line)\(mark)</svg>\(escaped(series.name))</li>"
    }
    return "<ul class=\"legend\">\(entries.joined())</ul>"
  }

  /// The picture.
  var svg: String {
    markup {
      "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"\(escaped(summary))\">"
      grid
      for guide in guides { drawn(guide) }
      for series in series { drawn(series) }
      placedLabels.map(drawn)
      "</svg>"
    }
  }

  private var grid: [String] {
    var parts: [String] = []
    let (right, floor) = (width - right, height - bottom)
    for tick in y.ticks {
      let place = Numerals.coordinate(point(x.low, tick.value).y)
      parts.append("<path class=\"g\" d=\"M\(Int(left)) \(place)H\(Int(right))\"/>")
      parts.append(
        "<text x=\"\(Int(left - 5))\" y=\"\(place)\" dy=\".32em\" text-anchor=\"end\">\(tick.text)</text>"
      )
    }
    for tick in x.ticks {
      let place = Numerals.coordinate(point(tick.value, y.low).x)
      parts.append("<path class=\"g\" d=\"M\(place) \(Int(top))V\(Int(floor))\"/>")
      parts.append(
        "<text x=\"\(place)\" y=\"\(Int(floor + 14))\" text-anchor=\"middle\">\(tick.text)</text>")
    }
    parts.append("<path class=\"a\" d=\"M\(Int(left)) \(Int(top))V\(Int(floor))H\(Int(right))\"/>")
    parts.append(
      "<text class=\"n\" x=\"\(Int(right))\" y=\"\(Int(height - 8))\" text-anchor=\"end\">\(escaped(xName))</text>"
    )
    if !yName.isEmpty {
      parts.append(
        "<text class=\"n\" x=\"\(Int(left - 5))\" y=\"\(Int(top - 10))\">\(escaped(yName))</text>")
    }
    return parts
  }

  private func drawn(_ guide: Guide) -> [String] {
    let (from, to) = (point(guide.from.x, guide.from.y), point(guide.to.x, guide.to.y))
    func text(_ value: Double) -> String { Numerals.coordinate(value) }
    let line =
      "<path class=\"i\" d=\"M\(text(from.x)) \(text(from.y))L\(text(to.x)) \(text(to.y))\"/>"
    // The end of its text stands where it covers least of what the plot is about.
    let ends = stride(from: 1.0, through: 0.25, by: -0.05).map { share in
      (x: from.x + (to.x - from.x) * share - 3, y: from.y + (to.y - from.y) * share - 3)
    }
    guard let end = ends.first(where: { isFree(endingAt: $0) }) else { return [line] }
    return [
      line,
      "<text class=\"i\" x=\"\(text(end.x))\" y=\"\(text(end.y))\" text-anchor=\"end\">\(escaped(guide.text))</text>",
    ]
  }

  /// Whether the text of a guide covers neither a point of a series nor the text beside one.
  private func isFree(endingAt end: (x: Double, y: Double)) -> Bool {
    let (length, size) = (62.0, 12.0)
    guard end.x - length > left, end.y - size > top else { return false }
    let isClear = series.allSatisfy { series in
      series.points.allSatisfy {
        let place = point($0.x, $0.y)
        return !(end.x - length - 4...end.x + 4).contains(place.x)
          || !(end.y - size - 2...end.y + 4).contains(place.y)
      }
    }
    return isClear
      && placedLabels.allSatisfy { label in
        end.x < label.left || end.x - length > label.right || abs(end.y - label.y) > size
      }
  }

  private func drawn(_ series: Series) -> [String] {
    var parts: [String] = []
    let places = series.points.enumerated().filter { isInside($0.element) }.map {
      (number: $0.offset, place: point($0.element.x, $0.element.y))
    }
    if series.hasLine, places.count > 1 {
      let path = places.map {
        "\(Numerals.coordinate($0.place.x)) \(Numerals.coordinate($0.place.y))"
      }
      let dash = series.isDashed ? " stroke-dasharray=\"5 4\"" : ""
      parts.append(
        "<path class=\"l s\(series.color)\" d=\"M\(path.joined(separator: "L"))\"\(dash)/>")
    }
    if series.hasMarks || places.count == 1 {
      for (number, place) in places {
        let note =
          number < series.notes.count ? "<title>\(escaped(series.notes[number]))</title>" : ""
        parts.append(
          series.shape.markup(x: place.x, y: place.y, color: series.color, content: note))
      }
    }
    return parts
  }

  /// A text beside a point, at a place where it covers no other one.
  private struct PlacedLabel {
    let text: String
    let x: Double
    let y: Double
    let isAtEnd: Bool

    /// About what eleven pixels of a bold sans serif take.
    private var length: Double { 7 * Double(text.count) + 4 }
    var left: Double { isAtEnd ? x - length : x }
    var right: Double { isAtEnd ? x : x + length }

    func covers(_ other: PlacedLabel) -> Bool {
      left < other.right && other.left < right && abs(y - other.y) < 12
    }
  }

  /// The texts beside points, those first that come first; one that has no place is left out, as
  /// the legend or the point's own note has it too.
  private var placedLabels: [PlacedLabel] {
    var placed: [PlacedLabel] = []
    for label in labels where isInside((label.x, label.y)) {
      let point = point(label.x, label.y)
      let sides = point.x > width * 0.75 ? [true, false] : [false, true]
      let places = [-5.0, 14].flatMap { below in
        sides.map { isAtEnd in
          PlacedLabel(
            text: label.text, x: point.x + (isAtEnd ? -6 : 6), y: point.y + below, isAtEnd: isAtEnd)
        }
      }
      let free = places.first { place in
        place.left >= 0 && place.right <= width && place.y < height - bottom
          && !placed.contains(where: place.covers)
      }
      if let free { placed.append(free) }
    }
    return placed
  }

  private func drawn(_ label: PlacedLabel) -> String {
    "<text class=\"t\" x=\"\(Numerals.coordinate(label.x))\" y=\"\(Numerals.coordinate(label.y))\" "
      + "text-anchor=\"\(label.isAtEnd ? "end" : "start")\">\(escaped(label.text))</text>"
  }
}
