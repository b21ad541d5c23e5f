import VAECore

/// What a recipe is settled for: data, or what somebody says of data to come.
public protocol DescribedData {
  /// What a model must know of them, once values have become what options say.
  ///
  /// - Throws: `RecipeError` where values cannot become that.
  func description(_ options: TrainingOptions) throws -> DataDescription

  /// The same data as a model is to see them: rows of a table by columns that are recorded, found by their names, or
  /// where none are with numbers standardized by the examples that training sees. Other data are themselves.
  ///
  /// - Throws: an error of the data where they have not these columns.
  func standardized(by recorded: TableColumns?, _ options: TrainingOptions) throws -> Self

  /// The same data as they are, where they are vectors that are taken for rows of a table by their values alone, and lie
  /// in a range; others are themselves.
  func asVectors(in range: ValueRange) -> Self

  /// The same data with counts for columns, where they are rows of numbers; others are themselves.
  ///
  /// - Throws: an error of the data where a number is no count.
  func counted() throws -> Self

  /// What is known of each example beside it; nil where nothing is told.
  ///
  /// - Parameters:
  ///   - recipe: of the model.
  ///   - isTold: whether a part of it listens.
  ///   - known: what the recipe said before; it stays where the data have it.
  /// - Throws: `RecipeError` or an error of the data where nothing is known that could be told.
  func condition(
    of recipe: Recipe, isTold: Bool, known: ConditionSpace?
  ) throws -> ConditionSpace?
}

extension DescribedData {
  /// Data of which nothing is standardized.
  public func standardized(by recorded: TableColumns?, _ options: TrainingOptions) -> Self { self }

  /// Data of which nothing is standardized.
  public func asVectors(in range: ValueRange) -> Self { self }

  /// Data of which nothing is standardized.
  public func counted() -> Self { self }
}

extension Registry {
  /// A recipe with settings, and with what the data say of themselves: the one way in which a recipe
  /// becomes that of a model.
  ///
  /// Settings of training come first, since they say what becomes of values; then what the data are,
  /// which decides an automatic likelihood; then all other settings, and last the condition, which is
  /// named where a part has been chosen that listens.
  ///
  /// - Parameters:
  ///   - recipe: as it was given.
  ///   - settings: as after `--set`.
  ///   - weights: the data of the weights that the model begins with: their condition, and columns of a table, to which
  ///     the weights belong by their names; nil for what the recipe says.
  ///   - open: opens the data, given what the recipe says of them.
  /// - Throws: `RecipeError`, and what opening throws.
  public func settled<Data: DescribedData>(
    _ recipe: Recipe, _ settings: [(key: String, value: String)],
    weights: DataDescription? = nil, open: (DataDescription?) throws -> Data
  ) throws -> (recipe: Recipe, data: Data) {
    let given = recipe
    var recipe = recipe
    try checkBeforeData(settings, for: recipe)
    try applyTraining(settings, to: &recipe)
    let known = weights?.condition ?? recipe.data?.condition
    let options = TrainingOptions(recipe.training)
    let before = weights?.columns == nil ? recipe.data : weights
    var opened = try open(before)
    if let known = weights ?? before {
      // A model that takes vectors as they are does so with others as well.
      if known.columns == nil { opened = opened.asVectors(in: known.range.joined(with: .unit)) }
    } else if options.binarize != .none || options.dequantize != .none {
      opened = opened.asVectors(in: .unit)
    }
    if before?.columns == nil, takesCounts(recipe, settings) { opened = try opened.counted() }
    let data = try opened.standardized(by: before?.columns, options)
    recipe.data = try data.description(options)
    try apply(settings, to: &recipe)
    try recordNetworks(in: &recipe, before: given)
    let told = try data.condition(of: recipe, isTold: usesCondition(recipe), known: known)
    recipe.data?.condition = told
    if let notice = conditionNotice(of: recipe) { recipe.notices.append(notice) }
    return (recipe, data)
  }

  /// Whether the likelihood that a recipe has with some settings prices counts alone.
  private func takesCounts(_ recipe: Recipe, _ settings: [(key: String, value: String)]) -> Bool {
    let chosen = settings.last { Shorthand.rolesNamed(by: $0.key) == [.likelihood] }
    let name = chosen?.value ?? recipe.part(.likelihood).name
    return (try? component(.likelihood, name))?.takesCounts == true
  }

  /// Refuses settings that no data would let pass, before any are opened: these may take minutes.
  ///
  /// - Throws: `RecipeError` of kind `invalid`.
  package func checkBeforeData(
    _ settings: [(key: String, value: String)], for recipe: Recipe
  ) throws(RecipeError) {
    guard recipe.data == nil, leavesLikelihoodToData(recipe, settings: settings) else {
      var trial = recipe
      return try apply(settings, to: &trial)
    }
    // Which likelihood it will be is not known yet, and with it which settings there are.
    // A fault of a likelihood that has them all is one of a value, and says more than that another lacks them.
    var fault: (error: RecipeError, isOfValue: Bool)?
    for choice in automaticLikelihoods(of: try variant(recipe.variant)) {
      var trial = recipe
      do {
        return try apply(settings + [(key: "likelihood", value: choice)], to: &trial)
      } catch {
        let isOfValue = settings.allSatisfy { knows($0.key, in: trial) }
        if fault == nil || isOfValue && fault?.isOfValue == false { fault = (error, isOfValue) }
      }
    }
    if let fault { throw fault.error }
  }
}
