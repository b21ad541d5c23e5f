import VAECore
import VAEFiles

/// How often values fall into bins, at the record that the slider shows.
struct HistogramPanel {
  /// What the height of a bin says.
  enum Heights {
    /// Its count beside that of the fullest bin.
    case relative
    /// The square root of its share of all values; what is tallest has a share of `top`.
    case shares(top: Double)
  }

  let histogram: Histogram
  let id: String
  /// What the values are.
  let title: String
  /// Their symbol.
  let unit: String
  /// A value with a mark.
  let mark: Double?
  var heights = Heights.relative
  /// Begins the names of its elements, where a page has several.
  var prefix = ""

  /// The height of each bin at each record, in per cent.
  private var frames: [[Int]] {
    switch heights {
    case .relative: histogram.frames
    case .shares(let top): histogram.roots(top: top)
    }
  }

  /// The bins of the last record.
  ///
  /// - Parameter owner: whose values they are, for those who do not see where it stands.
  func markup(of owner: String) -> String {
    let axis = Axis(.linear, histogram.low, histogram.high)
    let place = { (value: Double) in
      Numerals.coordinate(BarFrame.left + axis.place(value) * BarFrame.width)
    }
    return VAEReport.markup {
      "<svg \(BarFrame.box) class=\"bars\" role=\"img\" aria-label=\"Histogram: \(title)\(owner.isEmpty ? "" : ", \(escaped(owner))")\">"
      switch heights {
      case .relative: BarFrame.heights(Axis(.linear, 0, 100), name: "count, % of the fullest bin")
      case .shares(let top): BarFrame.heights(Axis(.root, 0, top * 100), name: "% of all values")
      }
      axis.ticks.map {
        "<text x=\"\(place($0.value))\" y=\"\(Int(BarFrame.floor) + 14)\" text-anchor=\"middle\">\($0.text)</text>"
      }
      "<path class=\"h\" id=\"\(prefix)\(id)\" d=\"\(BarFrame.outline(frames.last ?? []))\"/>"
      if let mark {
        "<path class=\"mark\" d=\"M\(place(mark)) \(Int(BarFrame.top))V\(Int(BarFrame.floor))\"/>"
      }
      BarFrame.axes(name: unit)
      "</svg>"
    }
  }

  /// What the script draws from.
  var data: JSON { PanelData.integers(frames) }
}
