import Messages
import VAECore
import VAEData
import VAERecipes

extension DataSource {
  /// Writes down in a recipe of which a part listens to a condition what that is in these data.
  ///
  /// - Parameters:
  ///   - recipe: with a data part.
  ///   - known: what the recipe said before; it stays where these data have it.
  /// - Throws: `DataError` where labels cannot be numbers of classes; `RecipeError` where nothing is
  ///   known of the examples.
  public func nameCondition(in recipe: inout Recipe, known: ConditionSpace? = nil) throws {
    if let known {
      try checkCondition(known)
      recipe.data?.condition = known
      return
    }
    guard let found = try conditionSpace() else {
      throw RecipeError(
        .unsuitableData,
        "\(name) has neither labels nor conditions, but \(recipe.variant) is told one for each example; give data "
          + "with labels, as IDX, CIFAR, a folder for each class or train_labels in an .npz file have"
      )
    }
    recipe.data?.condition = found
  }
}
