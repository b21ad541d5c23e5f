import Communication
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAERecipes

/// Trains a model on a data source: order, updates, held-out measurement at each epoch's end,
/// checkpoints, resume.
///
/// Everything random follows from the seed and the step, so a trainer that takes up a checkpoint
/// continues as if it had never stopped, bit for bit with the same number of threads.
public final class Trainer {
  /// The model, changed by training.
  public let model: Model
  /// How it is trained.
  public let options: TrainingOptions
  /// What of it is trained, and on what.
  public let stage: Stage
  /// The data.
  public let data: DataSource
  /// Where everything random comes from.
  public let random: RandomSource
  /// The number of updates made.
  public internal(set) var step = 0

  /// Called with the gradients of every phase before they are used, those of the whole batch, which are the same in
  /// all processes.
  public var reduceGradients: (inout Gradients) -> Void {
    get { updater.reduceGradients }
    set { updater.reduceGradients = newValue }
  }

  /// What connects this trainer with those of other processes that train the same model with it.
  public let communicator: any Communicator
  /// What batches are divided into; nil where they are computed as a whole.
  let shards: ShardGroup?
  /// What else must be the same on all processes, by name, beside what a trainer knows itself.
  package var identity: [TrainingFact] = []
  /// Whether the trainers of all processes are known to be made alike.
  var isCompared = false
  /// Whether they have the state of the first one.
  var hasJoined = false

  /// Whether records are made for the run folder: what the model says about a few fixed examples at
  /// steps that lie ever further apart. They cost little, and change nothing in the training.
  public var makesRecords = true

  let batches: TrainingBatches
  /// What records and the ends of epochs measure: the held-out examples, or the training examples where
  /// there are none.
  let measuredExamples: Examples
  let updater: Updater
  let average: WeightAverage?
  /// Sums over the updates of the present epoch.
  var progress = EpochProgress()
  /// Makes the records, from the first one on.
  var storedRecorder: Recorder?
  /// Records that wait for the next checkpoint.
  var records: [TrainingRecord] = []
  /// What the first update found before it changed anything; nil before it, and where a run was begun
  /// by a version that did not keep it.
  var beginning: BoundTerms?
  /// The epoch with the best held-out bound so far; nil before the first, and where nothing is held out.
  public internal(set) var best: BestEpoch?
  /// The values of the stage's parameters as evaluation uses them at the best epoch, where training ends with
  /// these; nil before the first.
  var bestWeights: [Tensor]?
  /// What the last notice was about.
  var saidHealth = TrainingHealth.fine
  /// Whether the objective's concern about its own terms has been said.
  var saidConcern = false
  /// Whether it has been said that most updates are left out.
  var saidSkipping = false

  /// Whether short memory stopped an update half-way, so that the weights are those of no step.
  private var isTorn = false
  let start: Start
  private let schedule: Schedule
  private var isPrepared = false
  /// Whether it is known that a batch of one example teaches the model something.
  private var takesSingleExamples = false

  /// What a training begins with.
  public enum Start: Sendable {
    /// Weights as they were drawn: before the first update the parts look at the first batches.
    case fresh
    /// Weights that are trained on as they are.
    case asIs
  }

  /// A trainer at step zero.
  ///
  /// - Parameters:
  ///   - model: what is trained, in place.
  ///   - data: what it is trained on.
  ///   - options: how it is trained.
  ///   - stage: what is trained; a further stage needs the weights of the one before it.
  ///   - start: what the model's weights are.
  ///   - communicator: what connects this trainer with those of other processes. All of them are made alike, and
  ///     called alike; each computes a part of every batch, and one of them is given a run folder.
  /// - Throws: `TrainingError` where the data have fewer examples than a batch, a batch of one
  ///   leaves a normalisation nothing, or the stage does not suit the model; `DataError` where the
  ///   model's condition is not known of all of them; `RecipeError` where the processor lacks the precision asked
  ///   for, or training is to stop by held-out numbers that there are none of.
  public init(
    model: Model, data: DataSource, options: TrainingOptions, stage: Stage = .whole,
    start: Start = .fresh, communicator: any Communicator = SoloCommunicator()
  ) throws {
    self.communicator = WatchedCommunicator.watching(communicator)
    self.model = model
    self.stage = stage
    self.data = data
    self.options = options
    self.start = start
    random = RandomSource(seed: UInt64(bitPattern: Int64(options.seed))).child("training")
    // Here memory that is short is an error still; once updates run, nothing is made any more but they.
    model.makeValues()
    if let condition = model.condition { try data.checkCondition(condition) }
    measuredExamples = try Examples(data.heldOut ?? data.train, options, of: model)
    try data.checkMissing(takesMasks: model.takesMasks)
    try Self.checkPatience(options, isMeasured: data.heldOut != nil, data: data.name)
    batches = try TrainingBatches(
      data, model: model, options: options, stage: stage, random: random)
    try batches.fittedPrior?.check(examples: batches.examples.count)
    shards = try Self.shards(options, model, batches, self.communicator)
    updater = try Updater(model: model, options: options, stage: stage, shards: shards)
    if batches.fewestExamples == 1 {
      try BatchOfOne.check(
        model, stage, batches.examples, updater.requirements, data: data.name,
        batchSize: options.batchSize)
      takesSingleExamples = true
    }
    schedule = options.learningRateSchedule(
      updatesPerEpoch: batches.updatesPerEpoch, updates: batches.updatesPerEpoch * options.epochs)
    average =
      options.averageDecay > 0 && batches.fittedPrior == nil
      ? WeightAverage(
        of: model.parameters.filter { stage.includes($0.path) },
        decay: Float(options.averageDecay)) : nil
    try checkShards()
  }

  /// Updates in an epoch.
  public var updatesPerEpoch: Int { batches.updatesPerEpoch }

  /// The updates of the whole run.
  public var totalSteps: Int { updatesPerEpoch * options.epochs }

  /// Whether all epochs are done, or training has stopped early.
  public var isFinished: Bool {
    (step >= totalSteps || stops(at: step, best: best)) && !hasOpenEpoch
  }

  /// Whether all updates of an epoch are made and its end is not: it is measured first when the training
  /// goes on.
  var hasOpenEpoch: Bool { step > 0 && step % updatesPerEpoch == 0 && progress.updates > 0 }

  /// How a call of `train` ended.
  public enum Outcome: Sendable {
    /// All epochs are done, or training has stopped early; see `hasStoppedEarly`.
    case finished
    /// The token asked for a stop.
    case cancelled
  }

  /// Trains until all epochs are done, the held-out bound has not become better for as many epochs as
  /// `patience` says, or the token asks for a stop.
  ///
  /// - Parameters:
  ///   - run: where metrics and checkpoints go, nil for nowhere.
  ///   - cancel: polled after every update.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: `TrainingError` of kind `diverged` when a loss, gradient or weight is no longer
  ///   finite; `DataError` where examples cannot be read any more; `FileError` when the run cannot be
  ///   written; `MemoryError` where memory is short, with what is done stored in the run; whatever
  ///   data-dependent initialisation throws.
  public func train(
    run: RunFolder? = nil, cancel: CancelToken = CancelToken(),
    observe: (TrainingEvent) -> Void = { _ in }
  ) throws -> Outcome {
    let reserve = run.map { _ in Memory.Reserve(bytes: bytesToStore) }
    defer { withExtendedLifetime(reserve) {} }
    return try together {
      do {
        return try withMemoryErrors { try trainToEnd(run: run, cancel: cancel, observe: observe) }
      } catch let error as MemoryError {
        throw storing(in: run, after: error)
      }
    }
  }

  private func trainToEnd(
    run: RunFolder?, cancel: CancelToken, observe: (TrainingEvent) -> Void
  ) throws -> Outcome {
    if !isFinished { try prepare() }
    observe(.started(step: step, totalSteps: totalSteps))
    var lastCheckpoint = Clock.seconds
    while !isFinished {
      do {
        _ = try advance(run: run, cancel: cancel, observe: observe)
      } catch is StoppedFit {
        return .cancelled
      }
      communicator.enterIfShared("the end of update \(Count.text(step))")
      let isCancelled = try anyProcess(cancel.isCancelled)
      if step % updatesPerEpoch == 0 {
        lastCheckpoint = Clock.seconds
      } else if let run,
        Clock.seconds - lastCheckpoint > Self.checkpointInterval || isCancelled
      {
        try storeWithinEpoch(in: run, observe)
        lastCheckpoint = Clock.seconds
      }
      if isCancelled && !isFinished { return .cancelled }
    }
    return .finished
  }

  /// Makes one update with what belongs before the first one and after the last one of an epoch.
  ///
  /// - Parameters:
  ///   - batch: values to train on in place of the next batch, `[N, height, width, channels]` in
  ///     the range of the data.
  ///   - condition: what is known of them, `[N, width]`, where the model is told.
  ///   - run: where metrics and the checkpoint of an epoch go, nil for nowhere.
  ///   - observe: told what happens, on the calling thread.
  /// - Returns: the bound's terms of the batch.
  /// - Throws: what `train` throws.
  @discardableResult
  public func advance(
    on batch: Tensor? = nil, condition: Tensor? = nil, run: RunFolder? = nil,
    observe: (TrainingEvent) -> Void = { _ in }
  ) throws -> BoundTerms {
    // What all callers do wrong alike ends no process.
    try check(batch: batch, condition: condition)
    return try together {
      try advance(
        on: batch, condition: condition, run: run, cancel: CancelToken(), observe: observe)
    }
  }

  /// Refuses a batch of the caller's that no update can be made of.
  ///
  /// - Throws: `TrainingError` where several processes train, or its condition is not what the model is told.
  package func check(batch: Tensor?, condition: Tensor?) throws(TrainingError) {
    guard let batch else { return }
    guard communicator.size == 1 else {
      throw TrainingError(
        .unsuitable,
        "a batch of the caller's is no part of what \(communicator.size) processes train on together"
      )
    }
    let wanted = model.condition.map { Shape([batch.shape[0], $0.width]) }
    guard condition?.shape == wanted else {
      throw TrainingError(
        .unsuitable,
        "the batch has \(condition.map { "a condition of \($0.shape)" } ?? "no condition"), but the model is told "
          + "\(wanted.map { "one of \($0)" } ?? "none")")
    }
  }

  private func advance(
    on batch: Tensor? = nil, condition: Tensor? = nil, run: RunFolder?, cancel: CancelToken,
    observe: (TrainingEvent) -> Void
  ) throws -> BoundTerms {
    do {
      let given = batch.map { GivenBatch(values: $0, condition: condition) }
      return try withMemoryErrors {
        try makeStep(on: given, run: run, cancel: cancel, observe: observe)
      }
    } catch let error as TrainingError where error.kind == .diverged {
      let message: Message = "\(error.message); \(divergenceAdvice(run: run))"
      throw TrainingError(.diverged, message)
    }
  }

  /// What `advance` does, without what to do where it diverges.
  private func makeStep(
    on batch: GivenBatch?, run: RunFolder?, cancel: CancelToken,
    observe: (TrainingEvent) -> Void
  ) throws -> BoundTerms {
    try prepare()
    if hasOpenEpoch {
      let terms = progress.mean
      try finishEpoch(run: run, observe: observe)
      if isFinished { return terms }
    }
    try Memory.checkReserve()
    let begin = Clock.seconds
    if step == 0, run != nil { try makeRecord(after: nil) }
    let terms =
      if let prior = batches.fittedPrior {
        try fit(prior, to: batch, cancel: cancel, observe)
      } else {
        try update(on: batch)
      }
    if run != nil { try makeRecord(after: terms) }
    progress.seconds += Clock.seconds - begin
    if step == 1 { noteBeginning(terms, observe) }
    observe(.step(step, of: totalSteps, epoch: epoch, terms: terms))
    if step % updatesPerEpoch == 0 { try finishEpoch(run: run, observe: observe) }
    return terms
  }

  /// A checkpoint is written at least this often, in seconds.
  static let checkpointInterval = 60.0

  /// The epoch of the last update, from one; zero before the first.
  public var epoch: Int { (step + updatesPerEpoch - 1) / updatesPerEpoch }

  /// Lets the parts look at the first batches before the first update, or a prior that is trained on latents at
  /// draws of these.
  private func prepare() throws {
    guard step == 0 && !isPrepared else { return }
    if stage.data == .latents, let prior = model.prior as? any LatentStartingPrior {
      try begin(prior)
    }
    guard start == .fresh && stage.isWhole else { return }
    let first = batches.first(examples: Self.preparationExamples)
    try data.checkExamples()
    try withoutTape { try model.prepare(firstBatches: first.batches, context: first.context) }
    isPrepared = true
  }

  /// Shows a prior that the stage trains as a whole some draws of the posteriors.
  private func begin(_ prior: any LatentStartingPrior) throws {
    guard model.parameters.allSatisfy({ !$0.path.hasPrefix("prior.") || stage.includes($0.path) })
    else { return }
    let first = batches.first(examples: Self.preparationExamples)
    try data.checkExamples()
    let draws = first.batches.indices.compactMap { number in
      model.posteriorDraws(
        first.batches[number], samples: 1, first.context.ofBatch(number, among: first.batches)
      )?.draws
    }
    try model.checkParts()
    if !draws.isEmpty { withoutTape { prior.begin(at: .concatenated(draws, axis: 0)) } }
    isPrepared = true
  }

  /// Examples that parts may look at before the first update, about.
  private static let preparationExamples = 2048

  /// Makes one update of all phases, and nothing of what belongs to the beginning or the end of an
  /// epoch.
  ///
  /// - Parameter given: values to train on in place of the next batch.
  /// - Returns: the bound's terms of the first phase's batch.
  /// - Throws: what `Updater.update` throws.
  package func update(on given: GivenBatch? = nil) throws -> BoundTerms {
    guard !isTorn else {
      throw TrainingError(
        .unsuitable,
        "an update was broken off in the middle, so that the weights are those of no step; go on from the last checkpoint"
      )
    }
    communicator.enterIfShared("update \(Count.text(step + 1))")
    try checkShards(of: given)
    if given?.values.shape[0] == 1, !takesSingleExamples {
      try BatchOfOne.check(
        model, stage, batches.examples, updater.requirements, data: "the batch",
        batchSize: nil)
      takesSingleExamples = true
    }
    let parts = batches.parts(
      step: step, given: given, shards: shards, withSecond: updater.needsSecondBatch)
    try data.checkExamples()
    do {
      let (bound, terms) = try updater.update(
        on: parts,
        rate: Float(options.learningRate) * schedule.factor(at: step))
      average?.update(number: step) { !updater.isLeftOut($0) }
      step += 1
      progress.add(bound, terms, isLeftOut: updater.isBoundLeftOut)
      return bound
    } catch {
      if error is MemoryError || error is CommunicationError { isTorn = updater.isHalfWay }
      throw error
    }
  }
}

// MARK: - Short memory

extension Trainer {
  /// What a checkpoint takes while it is written, about: weights, moments and averages, each once as
  /// they are gathered and once as the file's bytes.
  private var bytesToStore: Int {
    let bytes = model.storedTensors.reduce(0) { $0 + $1.tensor.value.count * 4 }
    return bytes * (average == nil ? 3 : 5) * 2
  }

  /// Stores what is done where memory ran short, and says in the error what became of it.
  private func storing(in run: RunFolder?, after error: MemoryError) -> MemoryError {
    guard let run, step > 0 else { return error }
    var error = error
    do {
      if !isTorn { try storeWithLittleMemory(in: run) }
    } catch {}
    let stored = try? run.latestCheckpoint()?.step
    error.outcome =
      stored.map { "the run is stored at step \($0) and can be resumed" } ?? "nothing is stored yet"
    return error
  }

  /// Writes a checkpoint; where there is no memory for the records that wait for it, without them.
  private func storeWithLittleMemory(in run: RunFolder) throws {
    MemoryPool.shared.trim()
    do {
      _ = try withMemoryErrors { try writeCheckpoint(to: run) }
    } catch is MemoryError where !records.isEmpty {
      records = []
      _ = try withMemoryErrors { try writeCheckpoint(to: run) }
    }
  }
}
