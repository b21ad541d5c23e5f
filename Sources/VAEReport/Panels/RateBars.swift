import VAECore
import VAEEvaluation
import VAEFiles

/// Rates as bars, at the record that the slider shows.
struct RateBars {
  /// What each bar is called.
  let names: [String]
  /// The same as short as it can be.
  let numbers: [String]
  /// What they are numbers of.
  let axis: String
  /// In nats, of each bar at each record.
  let rates: [[Double]]
  /// Whether each bar is filled at each record.
  let isFilled: [[Bool]]
  /// What each record says, in a sentence.
  let texts: [String]
  /// The name of its element.
  let id: String
  /// The rate at the upper end.
  var top: Double
  /// Begins the names of its elements, where a page has several.
  var prefix = ""

  private static func top(_ rates: [[Double]]) -> Double {
    max(0.1, rates.joined().filter(\.isFinite).max() ?? 1) * 1.02
  }

  /// The rates of units.
  init(_ units: UnitActivity) {
    names = units.names
    numbers = units.numbers
    axis = units.hasLevels ? "level.unit, by rate" : "unit, by rate"
    rates = units.rates
    isFilled = units.isActive
    texts = units.rates.indices.map { units.text(of: $0) }
    id = "units"
    top = Self.top(units.rates)
  }

  /// The rates of levels; nil where there is one at most.
  init?(levelsOf history: RunHistory) {
    guard let count = history.records.last?.layerRates.count, count > 1 else { return nil }
    names = (0..<count).map(TraversedLatent.levelName)
    numbers = (0..<count).map { "\($0)" }
    axis = "level, nearest to the data first"
    rates = history.records.map(\.layerRates)
    isFilled = rates.map { $0.map { _ in true } }
    texts = rates.map { rates in
      rates.enumerated().map { "\(TraversedLatent.levelName($0)) \(Numerals.short($1))" }
        .joined(separator: ", ") + " nats."
    }
    id = "levels"
    top = Self.top(rates)
  }

  /// The bars of the last record, and what it says.
  var markup: String {
    let step = min(44, BarFrame.width / Double(max(1, names.count)))
    let (floor, height) = (BarFrame.floor, BarFrame.height)
    let last = rates.count - 1
    let bars = names.indices.map { number in
      let tall = max(0.8, min(1, rates[last][number] / top) * height)
      let place = BarFrame.left + step * Double(number) + step * 0.12
      return
        "<rect class=\"bar\(isFilled[last][number] ? "" : " off")\" x=\"\(Numerals.coordinate(place))\" "
        + "y=\"\(Numerals.coordinate(floor - tall))\" width=\"\(Numerals.coordinate(step * 0.76))\" "
        + "height=\"\(Numerals.coordinate(tall))\"><title>\(names[number])</title></rect>"
    }
    // As many numbers as there is room for.
    let length = numbers.map(\.count).max() ?? 1
    let every = Int(((length > 2 ? 24 : 16) / step).rounded(.up))
    let texts = numbers.enumerated().filter { $0.offset % every == 0 }.map {
      let place = BarFrame.left + step * (Double($0.offset) + 0.5)
      return
        "<text x=\"\(Numerals.coordinate(place))\" y=\"\(Int(floor) + 14)\" text-anchor=\"middle\">\($0.element)</text>"
    }
    return VAEReport.markup {
      "<svg \(BarFrame.box) id=\"\(prefix)\(id)\" role=\"img\" aria-labelledby=\"\(prefix)\(id)-text\">"
      BarFrame.heights(Axis(.linear, 0, top), name: "nats")
      bars
      texts
      BarFrame.axes(name: axis)
      "</svg><p class=\"note\" id=\"\(prefix)\(id)-text\">\(escaped(self.texts[last]))</p>"
    }
  }

  /// What the script draws from.
  var data: JSON {
    .object([
      "top": .number(top), "floor": .number(BarFrame.floor), "height": .number(BarFrame.height),
      "rates": .array(rates.map { .array($0.map { .finite(($0 * 1e4).rounded() / 1e4) }) }),
      "active": .array(isFilled.map { .text(String($0.map { $0 ? "1" : "0" })) }),
      "texts": .array(texts.map(JSON.text)),
    ])
  }
}
