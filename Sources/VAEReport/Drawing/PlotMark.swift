/// The shapes that points of a plot have.
enum PlotMark: CaseIterable {
  case circle, square, triangle, diamond, cross, dart

  /// The shape of a number; they repeat.
  static func numbered(_ number: Int) -> PlotMark { allCases[number % allCases.count] }

  /// The mark at a place in a colour of the style.
  func markup(x: Double, y: Double, color: Int, content: String = "") -> String {
    let (left, top) = (Numerals.coordinate(x), Numerals.coordinate(y))
    let style = "class=\"m s\(color)\""
    guard let path else {
      return "<circle \(style) cx=\"\(left)\" cy=\"\(top)\" r=\"2.6\">\(content)</circle>"
    }
    return "<path \(style) d=\"M\(left) \(top)\(path)Z\">\(content)</path>"
  }

  /// The outline from the middle on; nil for a circle.
  private var path: String? {
    switch self {
    case .circle: nil
    case .square: "m-2.5-2.5h5v5h-5"
    case .triangle: "m0-3.4l3.4 5.9h-6.8"
    case .diamond: "m0-3.6l3.6 3.6l-3.6 3.6l-3.6-3.6"
    case .cross: "m-1-3.4h2v2.4h2.4v2h-2.4v2.4h-2v-2.4h-2.4v-2h2.4"
    case .dart: "m0 3.4l3.4-5.9h-6.8"
    }
  }
}
