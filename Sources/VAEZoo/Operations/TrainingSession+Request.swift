import Messages
import VAEData
import VAERecipes
import VAETraining

/// From what is asked for to a model and data that can be trained.
extension TrainingSession {
  /// Checks a request and prepares it.
  ///
  /// - Throws: `RecipeError`, `DataError`, `TrainingError`, `FileError` or `SafetensorsError`;
  ///   nothing has been changed on disk then but for an empty run folder.
  public convenience init(_ request: TrainingRequest, registry: Registry) throws {
    let fresh: TrainedModel
    let data: DataSource
    var likelihoodNotice: LikelihoodNotice?
    switch request.subject {
    case .variant(let name):
      let recipe = try registry.recipe(for: name)
      (fresh, data) = try Self.firstStage(of: recipe, request, registry: registry)
      likelihoodNotice = LikelihoodNotice(
        of: fresh, recipe, settings: request.settings, registry: registry)
    case .recipe(let bytes, let source):
      let recipe = try registry.recipe(parsing: bytes, source: source)
      (fresh, data) = try Self.beginning(of: recipe, request, registry: registry)
      likelihoodNotice = LikelihoodNotice(
        of: fresh, recipe, settings: request.settings, registry: registry)
    case .begun:
      let path = request.run
      let run = try RunFolder.open(path)
      guard let bytes = try run.recipeBytes() else {
        throw TrainingError(.unsuitable, "\(path) has no recipe yet, so there is nothing to resume")
      }
      let recipe = try Registry.locatingNetworks(
        in: registry.recipe(parsing: bytes, source: "\(path)/recipe.json"), run.located)
      (fresh, data) = try Self.beginning(
        of: recipe, request, located: run.located, registry: registry)
    case .stage(let name, let origin):
      try Self.refuseWeights(request, stage: name)
      let before = try TrainedModel.finished(origin, registry: registry)
      (fresh, data) = try before.begunStage(
        registry.recipe(ofStage: name, after: before.recipe, origin: before.source),
        settings: request.settings, registry: registry
      ) {
        try $0.wholeData(
          request.data, images: request.images, columns: request.columns,
          isCancelled: request.isCancelled)
      }
    }
    try Self.checkKeepBest(request.settings, fresh.options, data)
    try self.init(
      model: fresh.model, recipe: fresh.recipe, data: data, run: request.run,
      existing: request.existing, checkpointDir: request.checkpointDir, start: fresh.start,
      communicator: request.communicator)
    notices += fresh.notices.filter { !notices.contains($0) }
    // What others need to know too the model says itself.
    if let likelihoodNotice, !likelihoodNotice.isOfScales { notices.append(likelihoodNotice.text) }
  }

  /// Refuses to keep the best checkpoint where somebody asks for it and there are no held-out numbers.
  ///
  /// - Throws: `RecipeError` of kind `invalid`.
  static func checkKeepBest(
    _ settings: [(key: String, value: String)], _ options: TrainingOptions, _ data: DataSource
  ) throws(RecipeError) {
    guard settings.last(where: { $0.key == "training.keep_best" })?.value == "true",
      data.heldOut == nil, options.holdout == 0
    else { return }
    throw RecipeError(
      .invalid,
      "\(.setting("training.keep_best", "true")) needs a held-out split, and \(data.name) has none; set some examples "
        + "apart by \(.setting("training.holdout", "0.1")), or leave it out")
  }

  /// A model for what a recipe trains, which may be a further stage of a finished run, and the data.
  ///
  /// - Parameter located: where the run lies that the recipe names.
  private static func beginning(
    of recipe: Recipe, _ request: TrainingRequest, located: (String) throws -> String = { $0 },
    registry: Registry
  ) throws -> (TrainedModel, DataSource) {
    guard let origin = recipe.stage.origin, !recipe.stage.isWhole else {
      return try firstStage(of: recipe, request, registry: registry)
    }
    try refuseWeights(request, stage: recipe.stage.name)
    let path = try located(origin)
    guard DurableFiles.exists(path) else {
      throw RecipeError(
        .invalid,
        "\(request.run) is a further stage of \(origin), which does not exist; where that lies elsewhere now, name it with "
          + "\(.stage(recipe.stage.name)) and its path")
    }
    return try TrainedModel.finished(path, registry: registry).begunStage(
      recipe, settings: request.settings, registry: registry
    ) {
      try $0.wholeData(
        request.data, images: request.images, columns: request.columns,
        isCancelled: request.isCancelled)
    }
  }

  /// A further stage begins with the weights of its own run.
  private static func refuseWeights(_ request: TrainingRequest, stage: String) throws {
    guard let weights = request.fromWeights else { return }
    throw RecipeError(
      .invalid,
      "stage \(stage) begins with the weights of the run that it follows; leave out \(.fromWeights(weights))"
    )
  }

  /// A model for the data that a request names, and these data.
  private static func firstStage(
    of recipe: Recipe, _ request: TrainingRequest, registry: Registry
  ) throws -> (TrainedModel, DataSource) {
    let begun = request.existing == .resume ? try? RunFolder.open(request.run) : nil
    var takesSizes = false
    if case .variant = request.subject { takesSizes = true }
    return try TrainedModel.fresh(
      recipe, settings: request.settings, fromWeights: request.fromWeights, takesSizes: takesSizes,
      begun: begun,
      source: request.run, registry: registry
    ) { data in
      try DataSource.open(
        request.data, rule: data?.rule, preparation: data?.preparation, images: request.images,
        table: TableOptions(types: request.columns, for: data),
        isCancelled: request.isCancelled)
    }
  }
}
