import FoundationEssentials
import VAECore
import VAEFiles

/// Colours of examples by a class or a factor.
struct Coloring {
  /// What they are of.
  let name: String
  /// The number of each example's colour.
  private(set) var classes: [UInt8]
  /// The colours, as classes of the style.
  let colors: [String]
  /// What each stands for.
  let names: [String]

  private static let most = 10
  /// Factors whose values have no order.
  private static let unordered: Set<String> = [
    "label", "shape", "color", "colour", "class", "type",
  ]

  /// All that the recorded examples can be coloured by; one colour for all where that is nothing.
  static func colorings(of history: RunHistory) -> [Coloring] {
    let names = history.examples?.classNames ?? []
    let found = history.classes.compactMap { name, values in
      Coloring(name, values, names: name == RunHistory.labelName ? names : [])
    }
    guard found.isEmpty, let count = history.examples?.indices.count else { return found }
    return [
      Coloring(
        name: "nothing", classes: Array(repeating: 0, count: count), colors: ["s0"],
        names: ["examples"])
    ]
  }

  private init(name: String, classes: [UInt8], colors: [String], names: [String]) {
    self.name = name
    self.classes = classes
    self.colors = colors
    self.names = names
  }

  /// Classes by their values; nil where all are the same.
  ///
  /// - Parameter classNames: of the values, counted from 0; they may be missing.
  private init?(_ name: String, _ values: [Int32], names classNames: [String]) {
    self.name = name
    let levels = Set(values).sorted()
    guard levels.count > 1, let low = levels.first, let high = levels.last else { return nil }
    func title(_ value: Int32) -> String {
      classNames.indices.contains(Int(value)) ? classNames[Int(value)] : "\(value)"
    }
    let isOrdered = !Self.unordered.contains(name)
    if levels.count <= Self.most {
      let places = Dictionary(
        levels.enumerated().map { ($0.element, UInt8($0.offset)) },
        uniquingKeysWith: { first, _ in first })
      classes = values.map { places[$0] ?? 0 }
      names = levels.map { "\(name == RunHistory.labelName ? "" : "\(name) ")\(title($0))" }
      colors = levels.indices.map { place in
        isOrdered ? "q\(place * 9 / (levels.count - 1))" : "c\(place)"
      }
    } else {
      // Too many for a colour each: bands of neighbours.
      let width = Double(high) - Double(low) + 1
      func band(_ value: Int32) -> Int {
        min(9, Int((Double(value) - Double(low)) / width * Double(Self.most)))
      }
      classes = values.map { UInt8(band($0)) }
      names = (0..<Self.most).map { place in
        let members = levels.filter { band($0) == place }
        guard let first = members.first, let last = members.last else { return "–" }
        return first == last
          ? "\(name) \(title(first))" : "\(name) \(title(first))–\(title(last))"
      }
      colors = (0..<Self.most).map { "q\($0)" }
    }
  }

  /// Colours of the first examples.
  func prefix(_ count: Int) -> Coloring {
    var coloring = self
    coloring.classes = Array(classes.prefix(count))
    return coloring
  }

  /// The key, as it is printed; the script makes buttons of it.
  var key: String {
    zip(colors, names).map { color, name in
      "<span><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><circle cx=\"5\" cy=\"5\" r=\"5\" class=\"\(color)\"/></svg>"
        + "\(escaped(name))</span>"
    }.joined()
  }

  /// What the script needs.
  var json: JSON {
    .object([
      "classes": .text(Data(classes).base64EncodedString()),
      "colors": .array(colors.map(JSON.text)), "names": .array(names.map(JSON.text)),
    ])
  }
}
