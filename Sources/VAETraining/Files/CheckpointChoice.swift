import Messages
import VAERecipes

/// Which checkpoint of a run is used.
public enum CheckpointChoice: Equatable, Sendable {
  /// The newest one.
  case last
  /// That of the epoch with the best held-out bound, which runs keep where examples are held out.
  case best
  /// That of so many updates, where it is still there.
  case step(Int)

  /// As it is written.
  public var text: String {
    switch self {
    case .last: "last"
    case .best: "best"
    case .step(let step): "\(step)"
    }
  }

  /// Reads `last`, `best`, or a number of updates.
  ///
  /// - Throws: `RecipeError` of kind `invalid`.
  public init(parsing text: String) throws(RecipeError) {
    switch text {
    case "last": self = .last
    case "best": self = .best
    default:
      guard let step = Int(text), step >= 0 else {
        throw RecipeError(
          .invalid,
          "the checkpoint \(PlainText.quoted(text)) is neither last, best nor a number of updates")
      }
      self = .step(step)
    }
  }
}
