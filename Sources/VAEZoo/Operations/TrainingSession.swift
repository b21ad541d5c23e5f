import Communication
import Glibc
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEFiles
import VAERecipes
import VAETraining

/// What to train, on what, and where to.
public struct TrainingRequest: Sendable {
  /// What the model is.
  public enum Subject: Sendable {
    /// A variant by name, with its defaults.
    case variant(String)
    /// A recipe's JSON, with the name of where it comes from.
    case recipe([UInt8], source: String)
    /// A further stage of a finished run, which stays as it is.
    case stage(String, from: String)
    /// What the run folder holds already: its recipe, to be continued.
    case begun
  }

  /// What to do where the run folder exists.
  public enum Existing: Sendable {
    /// Refuse.
    case refuse
    /// Continue it, or begin where there is nothing to continue.
    case resume
    /// Replace it.
    case replace
  }

  /// What the model is.
  public var subject: Subject
  /// Settings in addition, as after `--set`.
  public var settings: [(key: String, value: String)]
  /// The data source.
  public var data: String
  /// The run folder.
  public var run: String
  /// What to do where it exists.
  public var existing: Existing
  /// A folder outside of the run folder for its checkpoints; see `RunFolder.create`.
  public var checkpointDir: String?
  /// A run folder or exported model whose weights take the place of fresh ones; nil for these, or for
  /// what the recipe says. Its settings need not be the same.
  public var fromWeights: String?
  /// How image files are decoded; nil for a program that does not decode any.
  public var images: ImageFolderOptions?
  /// What somebody says of the columns of a table, by their names.
  public var columns: [String: TableColumnType] = [:]
  /// What connects this process with others that train the same model with it; the first one alone writes to the
  /// run folder.
  public var communicator: any Communicator = SoloCommunicator()
  /// Asked again and again while data are read; true asks for a stop.
  public var isCancelled: @Sendable () -> Bool = { false }

  /// A request.
  public init(
    _ subject: Subject, settings: [(key: String, value: String)] = [], data: String, run: String,
    existing: Existing = .refuse, fromWeights: String? = nil, images: ImageFolderOptions? = nil
  ) {
    self.subject = subject
    self.settings = settings
    self.data = data
    self.run = run
    self.existing = existing
    self.fromWeights = fromWeights
    self.images = images
  }
}

/// A training that is ready to run: everything that can be refused has been checked.
public final class TrainingSession {
  /// The full recipe.
  public let recipe: Recipe
  /// The data.
  public let data: DataSource
  /// The trainer, at the step it begins with.
  public let trainer: Trainer
  /// The run folder, nil where nothing is stored, and in all processes but the first.
  public private(set) var run: RunFolder?
  /// Whether it goes on from a checkpoint, whose weights the model has taken up.
  public private(set) var isResumed = false
  /// The record that the resumed run has of its last finished epoch, a line of `metrics.jsonl`; nil
  /// where no epoch was finished.
  public private(set) var lastRecord: JSON?
  /// What the user should know before it begins, a sentence each.
  public private(set) var notices: [Message]
  /// The command that asked for the training, which the run folder keeps; nil for none.
  public var command: String?

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
    try self.init(
      model: fresh.model, recipe: fresh.recipe, data: data, run: request.run,
      existing: request.existing, checkpointDir: request.checkpointDir, start: fresh.start,
      communicator: request.communicator)
    notices += fresh.notices.filter { !notices.contains($0) }
    if let likelihoodNotice { notices.append(likelihoodNotice) }
  }

  /// What the user should know where the data have made the likelihood a density; nil where they
  /// have not.
  private static func likelihoodNotice(
    of model: TrainedModel, _ recipe: Recipe, _ request: TrainingRequest, registry: Registry
  ) -> Message? {
    let part = model.recipe.part(.likelihood)
    guard registry.leavesLikelihoodToData(recipe, settings: request.settings),
      part.name == "gaussian", let data = model.recipe.data
    else { return nil }
    let sigma = GaussianLikelihood.Options(part.values).sigma.hyperparameterValue
    let kind = sigma == .text("learnt") ? "learnt sigma" : "sigma \(sigma)"
    let notice: Message =
      "likelihood: gaussian with \(kind) (auto); its distortion is a density and can be negative"
    guard data.rule == "bytes/255" && data.channels == 1 else { return notice }
    return notice
      + "; for numbers like those of papers on binarized MNIST use \(.setting("training.binarize", "dynamic"))"
  }

  /// Prepares to train a recipe with settings on data that are open already.
  convenience init(
    _ recipe: Recipe, settings: [(key: String, value: String)], data: DataSource,
    run path: String?, existing: TrainingRequest.Existing, checkpointDir: String? = nil,
    registry: Registry
  ) throws {
    let (fresh, data) = try TrainedModel.fresh(
      recipe, settings: settings, source: path ?? "", registry: registry
    ) { _ in data }
    try self.init(
      model: fresh.model, recipe: fresh.recipe, data: data, run: path, existing: existing,
      checkpointDir: checkpointDir, start: fresh.start)
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

  /// Prepares to train a model that exists, on data that suit its recipe.
  ///
  /// - Parameters:
  ///   - model: made from the recipe; a resumed run's weights take the place of its own.
  ///   - recipe: with the training options that hold.
  ///   - data: see `DataSource.checkFits`.
  ///   - path: the run folder, nil to store nothing.
  ///   - existing: what to do where it exists.
  ///   - checkpointDir: a folder outside of the run folder for its checkpoints; see
  ///     `RunFolder.create`.
  ///   - start: what the model's weights are, unless a run is resumed.
  ///   - communicator: what connects this process with others that train the same model with it. The run folder is
  ///     then made, or read, when all have come together, by `together` or before the first update.
  /// - Throws: as for a request; the model is as it was then.
  public init(
    model: Model, recipe: Recipe, data: DataSource, run path: String?,
    existing: TrainingRequest.Existing, checkpointDir: String? = nil, start: Trainer.Start = .fresh,
    communicator: any Communicator = SoloCommunicator()
  ) throws {
    if let path, let origin = recipe.stage.origin, existing == .replace,
      DurableFiles.isSame(path, origin)
    {
      throw RecipeError(
        .invalid,
        "\(path) is the run that the weights come from, which would be replaced; name another folder for the new one"
      )
    }
    let given = data
    let data = try Self.settingApart(
      TrainingOptions(recipe.training).holdout, of: data, stage: recipe.stage)
    self.data = data
    var recipe = recipe
    let chosen = recipe.chooseTraining(
      examples: data.train.count, isTable: data.train.columns != nil)
    self.recipe = recipe
    let options = TrainingOptions(recipe.training)
    try options.dequantize.check(model.likelihood)
    _ = try data.description(options)
    trainer = try Trainer(
      model: model, data: data, options: options, stage: recipe.stage, start: start,
      communicator: communicator)
    if communicator.size > 1 { trainer.identity = try Self.identity(of: recipe, data, model) }
    var notices: [Message] = recipe.notices + data.notices + ["values: \(data.ruleSentence)"]
    notices += chosen
    if options.holdout > 0, let split = given.validation {
      notices.append(
        "\(data.name) has a split \(split.name), which is held out in place of a share of the training examples"
      )
    }
    if data.validation == nil {
      notices.append(
        data.test == nil
          ? "\(data.name) has no held-out split, so no held-out numbers are recorded"
          : "\(data.name) has no valid split, so held-out numbers are of its test split")
      if data.test != nil, options.patience > 0 {
        notices.append(
          "the test split decides when training stops, so that what is measured on it flatters the model; "
            + "\(.setting("training.holdout", "0.1")) sets other examples apart for that")
      }
    }
    self.notices = notices
    // The first process alone reads and writes the run folder; the others are given what it has.
    place = path.map { Place(path: $0, existing: existing, checkpointDir: checkpointDir) }
    if communicator.size == 1 { try open() }
  }

  /// Where a run is to be stored.
  private struct Place {
    let path: String
    let existing: TrainingRequest.Existing
    let checkpointDir: String?
  }

  private let place: Place?
  private var isOpen = false

  /// Makes or takes up the run folder, and changes nothing before all processes are known to train the same.
  private func open() throws {
    guard !isOpen else { return }
    let isShared = trainer.communicator.size > 1
    if isShared { try trainer.compare() }
    try trainer.allSucceeding {
      if let place, trainer.communicator.rank == 0 { try open(place) }
    }
    if isShared { isResumed = try trainer.meet(isResumed: isResumed) }
    isOpen = true
  }

  private func open(_ place: Place) throws {
    let path = place.path
    let run = try RunFolder.create(
      at: path, force: place.existing == .replace, resume: place.existing == .resume,
      checkpointDir: place.checkpointDir)
    var faults: [String] = []
    // Before lines that were cut short are removed.
    for lines in [try run.readMetrics(), try run.readSessions(), try run.readEvaluations()] {
      faults += lines.faults
    }
    let checkpoint = try Self.takeUp(
      run, recipe: recipe, trainer: trainer, data: data, path: path)
    self.run = run
    if let checkpoint {
      notices.append("resuming at step \(checkpoint.step)")
      notices += faults.map(Message.init(stringLiteral:))
      if !checkpoint.isSealed {
        notices.append(StoredCheckpoint.unsealedNotice(path))
      }
      if checkpoint.threads != trainer.threadsOfShard {
        notices.append(
          "the run began with \(Count.of(checkpoint.threads, "thread")) and goes on with \(trainer.threadsOfShard), so its last digits may "
            + "differ from an uninterrupted one")
      }
    }
    notices += run.notices
    isResumed = checkpoint != nil
    lastRecord = checkpoint == nil ? nil : try run.readMetrics().objects.last.map(JSON.object)
  }

  /// What must be the same in all processes beside what their trainers know.
  private static func identity(
    of recipe: Recipe, _ data: DataSource, _ model: Model
  ) throws -> [TrainingFact] {
    let checksums = try data.checksums(condition: model.condition, takesMasks: model.takesMasks)
    return [
      TrainingFact("version of the zoo", VAEZooVersion.text),
      TrainingFact("recipe", settings: recipe.json),
      TrainingFact("checksum of the data", checksums.map(\.text).joined(separator: " ")),
    ]
  }

  /// Prepares a session in each of several processes, which go on together or not at all.
  ///
  /// - Parameters:
  ///   - communicator: what connects them, which the closure gives to its session.
  ///   - make: prepares the session.
  /// - Throws: what the closure throws; where it throws in another process, or where that has been
  ///   started otherwise, `CommunicationError`.
  public static func together(
    _ communicator: any Communicator, _ make: () throws -> TrainingSession
  ) throws -> TrainingSession {
    let session = try communicator.allSucceeding(make)
    try session.open()
    return session
  }

  /// The data with a split that watches over training, where the options ask for one. A further stage, which holds
  /// a share out by default, takes a split that the data have in its place.
  ///
  /// - Throws: `RecipeError` where the data have one already.
  private static func settingApart(
    _ share: Double, of data: DataSource, stage: Stage
  ) throws -> DataSource {
    guard share > 0, stage.isWhole, let split = data.validation else {
      return try data.settingApart(share)
    }
    throw RecipeError(
      .invalid,
      "\(data.name) has a split \(split.name) already; leave out "
        + "\(.setting("training.holdout", "\(share)"))")
  }

  /// Continues what a run folder holds, and stores the recipe.
  ///
  /// - Returns: the checkpoint that was taken up, nil where there was none.
  private static func takeUp(
    _ run: RunFolder, recipe: Recipe, trainer: Trainer, data: DataSource, path: String
  ) throws -> StoredCheckpoint? {
    let stored = try run.recipeBytes()
    if let stored { try checkSame(stored, recipe, run: path) }
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
    if let stored = try run.recipeBytes() { try Self.checkSame(stored, recipe, run: path) }
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
  /// `patience`, `keep_best` and, where the learning rate does not depend on it, the number of epochs.
  private static func checkSame(_ stored: [UInt8], _ recipe: Recipe, run: String) throws {
    let source = "\(run)/recipe.json"
    guard var old = try JSON(parsing: stored, source: source).object,
      var oldTraining = old["training"]?.object,
      // As it would be stored: what is written as 18 is read as a whole number.
      let new = try JSON(parsing: Array(recipe.json.line.utf8), source: "the recipe").object,
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
    // The weights are the run's own by now, wherever those lie that it began with.
    old["stages"] = withoutOrigin(old["stages"])
    let newStages = withoutOrigin(new["stages"])
    var differences: [String] = []
    for part in ["variant"] + Role.allCases.map(\.rawValue) + ["data", "stages"] {
      differences += Recipe.differences(
        Registry.withoutPath(ofSameNetwork: old[part], as: new[part]),
        Registry.withoutPath(
          ofSameNetwork: part == "stages" ? newStages : new[part], as: old[part]), path: part)
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

  /// Trains to the end, or until the token asks for a stop, which leaves a checkpoint. A run that
  /// is finished already returns at once.
  public func train(
    cancel: CancelToken = CancelToken(), observe: (TrainingEvent) -> Void = { _ in }
  ) throws -> Trainer.Outcome {
    try open()
    if trainer.isFinished && trainer.totalSteps > 0 {
      // A process killed after its last checkpoint has not come to the export.
      try trainer.allSucceeding { if let run, !run.hasModel { try exportModel() } }
      return .finished
    }
    try begin()
    let outcome = try trainer.train(run: run, cancel: cancel, observe: observe)
    if outcome == .finished { try trainer.allSucceeding(exportModel) }
    return outcome
  }

  /// Makes one update with all that belongs to it; see `Trainer.advance`. The last one of a run
  /// exports the model.
  @discardableResult
  public func advance(
    on batch: Tensor? = nil, condition: Tensor? = nil,
    observe: (TrainingEvent) -> Void = { _ in }
  ) throws -> BoundTerms {
    try open()
    try begin()
    let terms = try trainer.advance(on: batch, condition: condition, run: run, observe: observe)
    if trainer.isFinished { try trainer.allSucceeding(exportModel) }
    return terms
  }

  /// What comes before the first update of this session.
  private func begin() throws {
    guard !hasBegun else { return }
    try trainer.allSucceeding(noteBeginning)
    hasBegun = true
  }

  private func noteBeginning() throws {
    // The exported model of fewer epochs must not pass for the end of this run.
    try run?.removeModel()
    guard let run else { return }
    var line: JSON.Object = [
      "step": .integer(trainer.step), "time": .integer(time(nil)), "data": .text(data.name),
      "version": .text(VAEZooVersion.text),
      "threads": .integer(Engine.threads),
      "instruction_set": .text(Engine.instructionSet), "onednn": .text(Engine.oneDNNVersion),
      "parameters": .integer(trainer.model.parameterCount),
      "training_examples": .integer(data.train.count),
      "updates": .integer(trainer.totalSteps),
      "updates_per_epoch": .integer(trainer.updatesPerEpoch),
    ]
    let model = trainer.model
    for checksum in try data.checksums(condition: model.condition, takesMasks: model.takesMasks) {
      line[checksum.name] = .text(checksum.text)
    }
    if let folder = presentFolder() { line["folder"] = .text(folder) }
    if let command { line["command"] = .text(command) }
    try run.appendSession(line.sealedLine)
  }

  private var hasBegun = false
  /// Whether the model of a finished run is in its folder in one file.
  public var isExported: Bool { run?.hasModel ?? false }

  /// Writes `model.safetensors`: the weights with the recipe in the metadata, all that another
  /// program needs. Where weights are averaged, these are the averages, and become the model's own.
  private func exportModel() throws {
    if let run, trainer.step == 0 { try trainer.writeCheckpoint(to: run) }
    trainer.adoptAveragedWeights()
    guard let run else { return }
    try run.writeModel(
      TrainedModel(model: trainer.model, recipe: recipe, source: run.path).encoded())
  }
}
