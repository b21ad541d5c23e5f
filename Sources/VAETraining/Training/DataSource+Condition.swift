import Messages
import VAECore
import VAEData
import VAERecipes

extension DataSource: DescribedData {
  /// Rows of a table by recorded columns, or by those rows alone that `holdout` leaves for training.
  ///
  /// - Throws: `DataError` where a value does not suit the recorded columns, or without these a column has no value.
  public func standardized(
    by recorded: TableColumns?, _ options: TrainingOptions
  ) throws -> DataSource {
    if let recorded { return try asSeen(by: recorded) }
    try checkColumnsHaveValues()
    return try sayingNoticesOfColumns().standardizedByTraining(holdingOut: options.holdout)
  }

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
      // One of categories rather than one of many numbers, which are no classes.
      if let all = columns?.columns, columns?.haveNames == true,
        let column = all.last(where: { $0.kind == .category }) ?? all.last
      {
        throw RecipeError(
          .unsuitableData,
          "\(name) has no column of labels, but \(recipe.variant) is told one for each row; say which it is, such as "
            + "\(.columnType(column.name, "label"))")
      }
      throw RecipeError(
        .unsuitableData,
        "\(name) has neither labels nor conditions, but \(recipe.variant) is told one for each example; give data "
          + "with labels, as IDX, CIFAR, a folder for each class or train_labels in an .npz file have"
      )
    }
    return found
  }
}
