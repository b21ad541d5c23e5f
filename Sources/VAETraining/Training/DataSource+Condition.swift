import Messages
import VAECore
import VAEData
import VAERecipes

extension DataSource: DescribedData {
  /// What a recipe of which a part listens to a condition is told of these data.
  ///
  /// - Throws: `DataError` where labels cannot be numbers of classes; `RecipeError` where nothing is
  ///   known of the examples.
  public func condition(
    of recipe: Recipe, isTold: Bool, known: ConditionSpace?
  ) throws -> ConditionSpace? {
    guard isTold else { return nil }
    if let known {
      try checkCondition(known)
      return known
    }
    guard let found = try conditionSpace() else {
      throw RecipeError(
        .unsuitableData,
        "\(name) has neither labels nor conditions, but \(recipe.variant) is told one for each example; give data "
          + "with labels, as IDX, CIFAR, a folder for each class or train_labels in an .npz file have"
      )
    }
    return found
  }
}
