import Messages
import VAEData
import VAERecipes
import VAETraining

extension DataSource {
  /// Opens data for a model that exists: values are read by the rule that it was trained with, and
  /// must have its size and range. Images are prepared as those were that it was trained on, where
  /// `images` does not say otherwise.
  ///
  /// - Parameters:
  ///   - specification: the built-in name, or the path.
  ///   - recipe: of the model.
  ///   - options: what becomes of values first.
  ///   - takesLevels: whether values must be among the 256 levels k/255.
  ///   - images: how image files are decoded; nil for a program that does not decode any.
  ///   - columns: what somebody says of columns of a table that the model was not trained on.
  ///   - isCancelled: asked again and again while files are read; true asks for a stop.
  /// - Throws: `DataError` where the data cannot be read, `RecipeError` of kind `unsuitableData`
  ///   where they do not fit.
  public static func open(
    _ specification: String, for recipe: Recipe, options: TrainingOptions,
    takesLevels: Bool = false, images: ImageFolderOptions? = nil,
    columns: [String: TableColumnType] = [:],
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> DataSource {
    guard let wanted = recipe.data else {
      throw RecipeError(.malformed, "the recipe has no data part, so its model has no size")
    }
    let source = try DataSource.open(
      specification, rule: wanted.rule, preparation: wanted.preparation, images: images,
      table: TableOptions(types: columns, for: wanted), isCancelled: isCancelled)
    try source.checkFits(wanted, options: options, takesLevels: takesLevels)
    return source
  }

  /// Refuses data of another size or range than a model takes, or of values that are no bytes where
  /// it is a model of bytes.
  ///
  /// - Parameters:
  ///   - wanted: what the model takes.
  ///   - options: what becomes of values first.
  ///   - takesLevels: whether its likelihood gives probabilities to the 256 levels k/255 alone.
  /// - Throws: `RecipeError` of kind `unsuitableData`.
  func checkFits(
    _ wanted: DataDescription, options: TrainingOptions, takesLevels: Bool
  ) throws(RecipeError) {
    do {
      if let condition = wanted.condition { try checkCondition(condition) }
      try checkMissing(takesMasks: wanted.missing)
    } catch {
      throw RecipeError(.unsuitableData, error.message)
    }
    let found = try description(binarization: options.binarize)
    guard found.columns == wanted.columns else {
      throw RecipeError(
        .unsuitableData,
        wanted.columns == nil
          ? "\(name) is a table, but the model takes images of \(wanted.height)x\(wanted.width)x\(wanted.channels)"
          : "\(name) is no table with the columns that the model was trained on")
    }
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
          + "\(found.range.remedy(for: wanted.range))")
    }
    // Where both are binary the range does not tell 1 from 255.
    let binaryRules = ["binary", "binary/255"]
    guard
      !areBytes || rule == wanted.rule || !binaryRules.contains(rule)
        || !binaryRules.contains(wanted.rule)
    else {
      throw RecipeError(
        .unsuitableData,
        "\(name) has bytes of rule \(rule), but the model was trained on rule \(wanted.rule)")
    }
    guard isDiscrete || !(takesLevels || options.dequantize != .none) else {
      throw RecipeError(
        .unsuitableData,
        "\(unquantizedValue ?? "\(name) has \(valueRange.phrase)"), but the model takes bytes, or floats "
          + "that are all multiples of 1/255")
    }
  }
}
