/// Where the bars of a small plot stand, and what stands around them.
enum BarFrame {
  static let left = 40.0
  static let width = 330.0
  static let top = 22.0
  static let floor = 172.0
  static let height = 150.0
  /// About as wide as a phone, so that texts are there as large as they say.
  static let box = "viewBox=\"0 0 380 206\""

  private static var right: Int { Int(left + width) }

  /// The marks of the axis of heights.
  static func heights(_ axis: Axis, name: String) -> [String] {
    axis.ticks.map { tick in
      let place = Numerals.coordinate(floor - axis.place(tick.value) * height)
      return
        "<path class=\"g\" d=\"M\(Int(left)) \(place)H\(right)\"/><text x=\"\(Int(left) - 5)\" y=\"\(place)\" dy=\".32em\" "
        + "text-anchor=\"end\">\(tick.text)</text>"
    } + ["<text class=\"n\" x=\"\(Int(left) - 5)\" y=\"\(Int(top) - 10)\">\(escaped(name))</text>"]
  }

  /// The axes, with the name of the horizontal one.
  static func axes(name: String) -> String {
    "<path class=\"a\" d=\"M\(Int(left)) \(Int(top))V\(Int(floor))H\(right)\"/>"
      + "<text class=\"n\" x=\"\(right)\" y=\"\(Int(floor) + 29)\" text-anchor=\"end\">\(escaped(name))</text>"
  }

  /// The outline of bars whose heights are percentages.
  static func outline(_ counts: [Int]) -> String {
    let step = width / Double(max(1, counts.count))
    let tops = counts.map { count in
      "V\(Numerals.coordinate(floor - Double(count) / 100 * height))h\((step * 1000).rounded() / 1000)"
    }
    return "M\(Int(left)) \(Int(floor))\(tops.joined())V\(Int(floor))Z"
  }
}
