import VAECore
import VAEData
import VAETraining

extension DataSource {
  /// Opens data for a model that exists: values are read by the rule that it was trained with, and
  /// must have its size and range. Images are prepared as those were that it was trained on, where
  /// `images` does not say otherwise.
  ///
  /// - Throws: `DataError` where the data cannot be read, `RecipeError` of kind `unsuitableData`
  ///   where they do not fit.
  public static func open(
    _ specification: String, for recipe: Recipe, options: TrainingOptions,
    images: ImageFolderOptions? = nil
  ) throws -> DataSource {
    guard let wanted = recipe.data else {
      throw RecipeError(.malformed, "the recipe has no data part, so its model has no size")
    }
    let source = try DataSource.open(
      specification, rule: wanted.rule, preparation: wanted.preparation, images: images)
    try source.checkFits(wanted, binarization: options.binarization)
    return source
  }

  /// Refuses data of another size or range than a model takes.
  ///
  /// - Throws: `RecipeError` of kind `unsuitableData`.
  public func checkFits(
    _ wanted: DataDescription, binarization: TrainingOptions.Binarization
  ) throws(RecipeError) {
    let found = try description(binarization: binarization)
    guard
      found.height == wanted.height, found.width == wanted.width, found.channels == wanted.channels
    else {
      throw RecipeError(
        .unsuitableData,
        "\(name) has images of \(found.height)x\(found.width)x\(found.channels), but the model takes "
          + "\(wanted.height)x\(wanted.width)x\(wanted.channels)")
    }
    guard
      found.range == wanted.range || (found.range == .binary && wanted.range == .unit)
        || wanted.range == .real
    else {
      throw RecipeError(
        .unsuitableData,
        "\(name) has \(found.range.phrase), but the model takes \(wanted.range.phrase)"
      )
    }
  }
}
