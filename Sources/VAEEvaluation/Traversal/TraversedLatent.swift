/// A latent that is changed while all others stay.
public enum TraversedLatent: Equatable, Sendable {
  /// A unit of a stochastic layer; of both the first is 0, and the first layer is nearest to the
  /// data.
  case unit(Int, level: Int)
  /// A place in a grid of codes; the first row and the first column are 0.
  case place(row: Int, column: Int)

  /// What it is called, a line for each part: whatever shows latents calls them by this name.
  ///
  /// - Parameter levels: the stochastic layers of the model; where there is one, it has no name.
  public func name(levels: Int) -> [String] {
    switch self {
    case .unit(let unit, let level):
      (levels > 1 ? [Self.levelName(level)] : []) + ["unit \(unit)"]
    case .place(let row, let column): ["row \(row)", "column \(column)"]
    }
  }

  /// What a stochastic layer of a hierarchy is called.
  public static func levelName(_ level: Int) -> String { "level \(level)" }
}
