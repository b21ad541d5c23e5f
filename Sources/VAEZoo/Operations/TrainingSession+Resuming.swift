import Messages
import NeuralNetworks
import VAECore
import VAEData
import VAEFiles
import VAERecipes
import VAETraining

/// A run that goes on: with the recipe and the data that it was begun with.
extension TrainingSession {
  /// Continues what a run folder holds, and stores the recipe.
  ///
  /// - Returns: the checkpoint that was taken up, nil where there was none.
  static func takeUp(
    _ run: RunFolder, recipe: Recipe, trainer: Trainer, data: DataSource, path: String
  ) throws -> StoredCheckpoint? {
    let stored = try run.recipeBytes()
    if let stored { try checkSame(stored, recipe, run: path, located: run.located) }
    let checkpoint = try run.storedCheckpoint()
    let restore = try checkpoint.map { try trainer.restoration(of: $0) }
    let restoreBest = try trainer.bestRestoration(from: run, checkpoint?.best)
    if let checkpoint {
      try checkSameData(run, data, trainer.model, path: path)
      try checkLength(trainer, step: checkpoint.step, run: path)
    }
    // From here on nothing is refused any more, and last of all the model is changed, so that it is
    // what it was where the disk refuses.
    let step = checkpoint?.step ?? 0
    let document = Array((recipe.json.object ?? [:]).sealedDocument.utf8)
    if stored != document { try run.writeRecipe(document) }
    try run.cutMetrics(toStep: step)
    let schedule = trainer.recordingSchedule
    let isLast = checkpoint.map { trainer.isLast($0) } ?? false
    try run.cutRecords(toStep: step) {
      schedule.contains($0) || $0 == trainer.totalSteps || (isLast && $0 == step)
    }
    if checkpoint != nil { try takeUpBest(run, trainer, checkpoint?.best) }
    restore?()
    restoreBest?()
    return checkpoint
  }

  /// Makes `best` lead to the best checkpoint as the newest one knows it: a process that was killed between
  /// the two has not come to it. One that somebody has removed is forgotten.
  private static func takeUpBest(
    _ run: RunFolder, _ trainer: Trainer, _ best: BestEpoch?
  ) throws {
    guard trainer.options.keepBest else { return }
    let steps = try run.checkpointSteps()
    let wanted = best.flatMap { steps.contains($0.step) ? $0.step : nil }
    if run.bestStep != wanted { try run.keepAsBest(wanted) }
  }

  /// Throws what this training would be refused for in a run folder, and leaves the disk as it is.
  func checkMayUse(
    _ path: String, existing: TrainingRequest.Existing, checkpointDir: String? = nil
  ) throws {
    let run = try RunFolder.mayBeMade(
      at: path, force: existing == .replace, resume: existing == .resume,
      checkpointDir: checkpointDir)
    guard let run, existing == .resume else { return }
    if let stored = try run.recipeBytes() {
      try Self.checkSame(stored, recipe, run: path, located: run.located)
    }
    if let checkpoint = try run.latestCheckpoint() {
      try Self.checkSameData(run, data, trainer.model, path: path)
      try Self.checkLength(trainer, step: checkpoint.step, run: path)
    }
  }

  /// A resumed run goes on with the examples that it was begun with, wherever they lie now. A run of
  /// a version that did not record which these were takes any of the size.
  private static func checkSameData(
    _ run: RunFolder, _ data: DataSource, _ model: Model, path: String
  ) throws {
    let sessions = try run.readSessions().objects
    for checksum in try data.checksums(condition: model.condition, takesMasks: model.takesMasks) {
      guard let session = sessions.last(where: { $0[checksum.name] != nil }),
        session[checksum.name]?.text != checksum.text
      else { continue }
      let name = session["data"]?.text ?? "other data"
      let new =
        name == data.name
        ? "which has other \(checksum.phrase) now" : "and \(data.name) has other \(checksum.phrase)"
      throw RecipeError(
        .invalid,
        "\(path) was begun with the data \(name), \(new); resume with the data that it was begun with, "
          + "or \(.replace) to begin again")
    }
  }

  /// A resumed run keeps its recipe; only when it ends and which checkpoints stay may be another matter:
  /// `patience`, `keep_best` and, where the learning rate does not depend on it, the number of epochs, and where
  /// the run lies now whose weights it began with, once it is not any more where it was, or how its path is written.
  ///
  /// - Parameter located: where a path leads that the run has on record.
  private static func checkSame(
    _ stored: [UInt8], _ recipe: Recipe, run: String, located: (String) throws -> String
  ) throws {
    let source = "\(run)/recipe.json"
    guard var old = try JSON(parsing: stored, source: source).object,
      var oldTraining = old["training"]?.object,
      // As it would be stored: what is written as 18 is read as a whole number.
      var new = try JSON(parsing: Array(recipe.json.line.utf8), source: "the recipe").object,
      var newTraining = new["training"]?.object
    else {
      throw RecipeError(.malformed, "\(source) is not a recipe")
    }
    var changing = ["patience", "keep_best"]
    if TrainingOptions(recipe.training).schedule != .cosine { changing.append("epochs") }
    for name in changing {
      oldTraining[name] = nil
      newTraining[name] = nil
    }
    // A recipe of a version that lacked an option means its default.
    let missing = TrainingOptions.hyperparameters.filter { oldTraining[$0.name] == nil }
    for declaration in missing where !changing.contains(declaration.name) {
      oldTraining[declaration.name] = declaration.default.json
    }
    for role in Role.allCases {
      guard case .object(var members)? = old[role.rawValue] else { continue }
      for (name, value) in defaults(of: role, named: members["name"]?.text, recipe.variant)
      where members[name] == nil {
        members[name] = value.json
      }
      old[role.rawValue] = .object(members)
    }
    // One of a version that did not record which column has the labels means that of these data.
    if case .object(var data)? = old["data"], data["label_column"] == nil,
      let label = new["data"]?.object?["label_column"]
    {
      data["label_column"] = label
      old["data"] = .object(data)
    }
    if let moved = origin(old["stages"]), let place = origin(new["stages"]),
      DurableFiles.exists(place),
      case let before = try located(moved),
      !DurableFiles.exists(before) || DurableFiles.isSame(before, place)
    {
      old["stages"] = withoutOrigin(old["stages"])
      new["stages"] = withoutOrigin(new["stages"])
    }
    var differences: [String] = []
    for part in ["variant"] + Role.allCases.map(\.rawValue) + ["data", "stages"] {
      differences += Recipe.differences(
        Registry.withoutPath(ofSameNetwork: old[part], as: new[part]),
        Registry.withoutPath(ofSameNetwork: new[part], as: old[part]), path: part)
    }
    for member in newTraining.members {
      differences += Recipe.differences(
        oldTraining[member.name], member.value, path: "training.\(member.name)")
    }
    guard !differences.isEmpty else { return }
    throw RecipeError(
      .invalid,
      "\(run) was begun with \(differences.joined(separator: ", and with ")); resume with the same settings, or "
        + "\(.replace) to begin again")
  }

  /// Where the last of a recipe's stages began; nil for fresh weights.
  private static func origin(_ stages: JSON?) -> String? {
    guard case .array(let list)? = stages else { return nil }
    return list.last?.object?["origin"]?.text
  }

  /// Stages as a recipe stores them, of which the last one does not say where it began.
  private static func withoutOrigin(_ stages: JSON?) -> JSON? {
    guard case .array(var list)? = stages, case .object(var last)? = list.last else {
      return stages
    }
    last["origin"] = nil
    list[list.count - 1] = .object(last)
    return .array(list)
  }

  /// What a built-in part of a variant has where a recipe says nothing; empty for one of a plug-in.
  private static func defaults(
    of role: Role, named name: String?, _ variant: String
  ) -> [String: HyperparameterValue] {
    let registry = Registry.builtIn
    guard let name, var recipe = try? registry.recipe(for: variant),
      (try? registry.apply([(key: "\(role).name", value: name)], to: &recipe)) != nil
    else { return [:] }
    return recipe.part(role).values.values
  }

  /// A run cannot end before the epoch it has come to.
  private static func checkLength(_ trainer: Trainer, step: Int, run: String) throws {
    guard step > trainer.totalSteps else { return }
    let done = (step + trainer.updatesPerEpoch - 1) / trainer.updatesPerEpoch
    let wanted = trainer.options.epochs
    throw RecipeError(
      .invalid,
      "\(run) has come to epoch \(done), beyond the \(Count.of(wanted, "epoch")) asked for; resume with "
        + "\(.setting("training.epochs", "\(done)")) or more, or \(.replace) to begin again")
  }
}
