import Messages
import VAERecipes

extension [Int] {
  /// One number for each level of a hierarchy: the list as it is, or its one number for every level.
  ///
  /// - Parameters:
  ///   - levels: how many there are.
  ///   - path: of the hyper-parameter, for errors.
  /// - Throws: `RecipeError` where the list has another length.
  package func each(of levels: Int, named path: String) throws(RecipeError) -> [Int] {
    if count == 1 { return [Int](repeating: self[0], count: levels) }
    guard count == levels else {
      throw RecipeError(
        .invalid,
        "\(path) has \(count) numbers but the hierarchy has \(levels) levels: give one number for all levels, or one "
          + "each, the one nearest to the data first")
    }
    return self
  }
}
