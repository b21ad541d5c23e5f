import Messages
import VAEComponents
import VAECore
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
    var likelihoodNotice: Message?
    switch request.subject {
    case .variant(let name):
      let recipe = try registry.recipe(for: name)
      (fresh, data) = try Self.firstStage(of: recipe, request, registry: registry)
      likelihoodNotice = Self.likelihoodNotice(of: fresh, recipe, request, registry: registry)
    case .recipe(let bytes, let source):
      let recipe = try registry.recipe(parsing: bytes, source: source)
      (fresh, data) = try Self.beginning(of: recipe, request, registry: registry)
      likelihoodNotice = Self.likelihoodNotice(of: fresh, recipe, request, registry: registry)
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
    if let likelihoodNotice { notices.append(likelihoodNotice) }
  }

  /// What the user should know where nobody has chosen the likelihood and it is a density, whose numbers cannot be
  /// compared with those of others; nil elsewhere.
  package static func likelihoodNotice(
    of model: TrainedModel, _ recipe: Recipe, _ request: TrainingRequest, registry: Registry
  ) -> Message? {
    let part = model.recipe.part(.likelihood)
    guard let data = model.recipe.data, !model.model.likelihood.isDiscrete, part.name != "mixed"
    else { return nil }
    let isAutomatic = registry.leavesLikelihoodToData(recipe, settings: request.settings)
    var isDefault = false
    if case .variant = request.subject {
      isDefault = !registry.chooseLikelihood(request.settings)
    }
    guard isAutomatic || isDefault else { return nil }
    let reason = isAutomatic ? "auto" : "the default of \(recipe.variant)"
    var notice: Message =
      "likelihood: \(part.name)\(sigmaPhrase(of: part)) (\(reason)); its distortion is a density and can be negative"
    let isGreyDigit =
      data.rule == "bytes/255" && (data.height, data.width, data.channels) == (28, 28, 1)
    guard isGreyDigit || data.range == .binary else { return notice }
    let ofBits: Message = "\(.setting("likelihood", "bernoulli"))"
    let takesBits = isAutomatic || takesBits(model.recipe, registry)
    if data.range == .binary {
      notice =
        notice
        + ", and its numbers cannot be compared with probabilities, as variants have whose likelihood is bernoulli"
      return takesBits ? notice + "; for these choose " + ofBits : notice
    }
    guard takesBits else { return notice }
    notice =
      notice
      + "; for numbers like those of papers on binarized MNIST use \(.setting("training.binarize", "dynamic"))"
    return isAutomatic ? notice : notice + " and " + ofBits
  }

  /// Which deviation a Gaussian has; nothing of another likelihood.
  private static func sigmaPhrase(of part: Recipe.Part) -> String {
    guard part.name == "gaussian" else { return "" }
    let sigma = GaussianLikelihood.Options(part.values).sigma.hyperparameterValue
    return switch sigma {
    case .text("data"): " with the deviation of the data as sigma"
    case .text(let kind): " with \(kind) sigma"
    default: " with sigma \(sigma)"
    }
  }

  /// Whether a model of a recipe can have probabilities of zeros and ones in place of its likelihood.
  private static func takesBits(_ recipe: Recipe, _ registry: Registry) -> Bool {
    var trial = recipe
    if let data = recipe.data {
      trial.data = DataDescription(
        height: data.height, width: data.width, channels: data.channels, range: .binary,
        rule: data.rule, condition: data.condition)
      trial.data?.missing = data.missing
    }
    return (try? registry.apply([(key: "likelihood", value: "bernoulli")], to: &trial)) != nil
      && (try? registry.plan(trial)) != nil
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
