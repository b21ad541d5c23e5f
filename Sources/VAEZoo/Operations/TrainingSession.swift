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
  public internal(set) var notices: [Message]
  /// The command that asked for the training, which the run folder keeps; nil for none.
  public var command: String?

  /// Prepares to train a recipe with settings on data that are open already.
  convenience init(
    _ recipe: Recipe, settings: [(key: String, value: String)], data: DataSource,
    run path: String?, existing: TrainingRequest.Existing, checkpointDir: String? = nil,
    registry: Registry
  ) throws {
    let begun = existing == .resume ? path.flatMap { try? RunFolder.open($0) } : nil
    let (fresh, data) = try TrainedModel.fresh(
      recipe, settings: settings, begun: begun, source: path ?? "", registry: registry
    ) { _ in data }
    try self.init(
      model: fresh.model, recipe: fresh.recipe, data: data, run: path, existing: existing,
      checkpointDir: checkpointDir, start: fresh.start)
    notices += fresh.notices.filter { !notices.contains($0) }
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
        || DurableFiles.isSame(path, DurableFiles.folder(of: origin))
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

  /// How far it has come: the run folder is made or taken up, and then says what trains.
  private enum State {
    case prepared, open, begun
  }

  private let place: Place?
  private var state = State.prepared

  /// Makes or takes up the run folder, and changes nothing before all processes are known to train the same.
  private func open() throws {
    guard state == .prepared else { return }
    let isShared = trainer.communicator.size > 1
    if isShared { try trainer.compare() }
    try trainer.communicator.allSucceeding {
      if let place, trainer.communicator.rank == 0 { try open(place) }
    }
    if isShared { isResumed = try trainer.meet(isResumed: isResumed) }
    state = .open
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
    let checksum = try data.comparedChecksum(
      condition: model.condition, takesMasks: model.takesMasks)
    return [
      TrainingFact("version of the zoo", VAEZooVersion.text),
      TrainingFact("recipe", settings: recipe.json),
      TrainingFact("checksum of the data", checksum),
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
    let session = try WatchedCommunicator.watching(communicator).allSucceeding(make)
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

  /// Trains to the end, or until the token asks for a stop, which leaves a checkpoint. A run that
  /// is finished already returns at once.
  public func train(
    cancel: CancelToken = CancelToken(), observe: (TrainingEvent) -> Void = { _ in }
  ) throws -> Trainer.Outcome {
    try open()
    if trainer.isFinished && trainer.totalSteps > 0 {
      // A process killed after its last checkpoint has not come to the export.
      try trainer.communicator.allSucceeding { if let run, !run.hasModel { try exportModel() } }
      return .finished
    }
    try begin()
    let outcome = try trainer.train(run: run, cancel: cancel, observe: observe)
    if outcome == .finished { try trainer.communicator.allSucceeding(exportModel) }
    return outcome
  }

  /// Makes one update with all that belongs to it; see `Trainer.advance`. The last one of a run
  /// exports the model.
  @discardableResult
  public func advance(
    on batch: Tensor? = nil, condition: Tensor? = nil,
    observe: (TrainingEvent) -> Void = { _ in }
  ) throws -> BoundTerms {
    try trainer.check(batch: batch, condition: condition)
    try open()
    try begin()
    let terms = try trainer.advance(on: batch, condition: condition, run: run, observe: observe)
    if trainer.isFinished { try trainer.communicator.allSucceeding(exportModel) }
    return terms
  }

  /// What comes before the first update of this session.
  private func begin() throws {
    guard state != .begun else { return }
    try trainer.communicator.allSucceeding(noteBeginning)
    state = .begun
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
