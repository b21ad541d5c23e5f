/// How missing values are filled in.
public struct ImputationOptions: Sendable, Equatable {
  /// Latents that are drawn for each example and weighted.
  public var samples = 1000
  /// Whether a value is a draw from what the model expects in its place, in place of the mean of that: as
  /// scattered as data are, and another one with every seed.
  public var drawing = false
  /// Of all draws.
  public var seed = 0

  /// The defaults.
  public init() {}
}
