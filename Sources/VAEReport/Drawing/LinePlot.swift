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

  private let left = 46.0
  private let right = 10.0
  private let top = 12.0
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
      if series.count > 1 { legend }
      "</figure>"
    }
  }

  private var legend: String {
    let entries = series.map { series in
      let dash = series.isDashed ? " stroke-dasharray=\"4 3\"" : ""
      let line =
        series.hasLine ? "<path d=\"M0 5h22\" class=\"l s\(series.color)\"\(dash)/>" : ""
      let mark =
        series.hasMarks ? "<circle cx=\"11\" cy=\"5\" r=\"2.6\" class=\"m s\(series.color)\"/>" : ""
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
      for label in labels where isInside((label.x, label.y)) { drawn(label) }
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
        "<text class=\"n\" x=\"\(Int(left + 5))\" y=\"\(Int(top + 8))\">\(escaped(yName))</text>")
    }
    return parts
  }

  private func drawn(_ guide: Guide) -> [String] {
    let (from, to) = (point(guide.from.x, guide.from.y), point(guide.to.x, guide.to.y))
    func text(_ value: Double) -> String { Numerals.coordinate(value) }
    return [
      "<path class=\"i\" d=\"M\(text(from.x)) \(text(from.y))L\(text(to.x)) \(text(to.y))\"/>",
      "<text class=\"i\" x=\"\(text(to.x - 3))\" y=\"\(text(to.y - 3))\" text-anchor=\"end\">\(escaped(guide.text))</text>",
    ]
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
        let (x, y) = (Numerals.coordinate(place.x), Numerals.coordinate(place.y))
        let note =
          number < series.notes.count ? "<title>\(escaped(series.notes[number]))</title>" : ""
        parts.append(
          "<circle class=\"m s\(series.color)\" cx=\"\(x)\" cy=\"\(y)\" r=\"2.6\">\(note)</circle>")
      }
    }
    return parts
  }

  private func drawn(_ label: (x: Double, y: Double, text: String)) -> String {
    let place = point(label.x, label.y)
    let isRight = place.x > width * 0.75
    return
      "<text class=\"t\" x=\"\(Numerals.coordinate(place.x + (isRight ? -6 : 6)))\" "
      + "y=\"\(Numerals.coordinate(place.y - 5))\" text-anchor=\"\(isRight ? "end" : "start")\">"
      + "\(escaped(label.text))</text>"
  }
}
