import Glibc
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData

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
  /// Updates in an epoch.
  public let updatesPerEpoch: Int
  /// The number of updates made.
  public internal(set) var step = 0

  /// Called with the gradients of every phase before they are used: the place where several
  /// processes would reduce theirs to a common mean.
  public var reduceGradients: (inout Gradients) -> Void = { _ in }

  /// Whether the parts look at the first batches before the first update. A model whose weights are
  /// to be trained on from where they are does without.
  public var preparesModel = true

  /// Whether records are made for the run folder: what the model says about a few fixed examples at
  /// steps that lie ever further apart. They cost little, and change nothing in the training.
  public var makesRecords = true

  let training: Examples
  let phases: [(phase: Phase, optimizer: Optimizer)]
  let average: WeightAverage?
  /// Sums over the updates of the present epoch.
  var progress = EpochProgress()

  private let schedule: Schedule
  private let requirements: ObjectiveRequirements
  private var isPrepared = false
  private var order: EpochOrder?
  private var storedCodes: StoredCodes?
  private var storedRecorder: Recorder?
  /// Records that wait for the next checkpoint.
  private var records: [TrainingRecord] = []

  /// A trainer at step zero.
  ///
  /// - Parameters:
  ///   - model: what is trained, in place.
  ///   - data: what it is trained on.
  ///   - options: how it is trained.
  ///   - stage: what is trained; a further stage needs the weights of the one before it.
  /// - Throws: `TrainingError` where the data have fewer examples than a batch, or the stage does
  ///   not suit the model; `RecipeError` where the processor lacks the precision asked for.
  public init(
    model: Model, data: DataSource, options: TrainingOptions, stage: Stage = .whole
  ) throws {
    self.model = model
    self.stage = stage
    self.data = data
    self.options = options
    training = Examples(data.train, binarization: options.binarization)
    random = RandomSource(seed: UInt64(bitPattern: Int64(options.seed))).child("training")
    let count = training.count
    let full = count / options.batchSize
    updatesPerEpoch = options.dropsLastBatch || count % options.batchSize == 0 ? full : full + 1
    guard updatesPerEpoch > 0 else {
      throw TrainingError(
        .unsuitable,
        "\(data.name) has \(count) training examples, fewer than a batch of \(options.batchSize); "
          + "choose a smaller \(.setting("training.batch_size")) or "
          + "\(.setting("training.drop_last", "false"))")
    }
    guard options.precision.isSupported else {
      throw RecipeError(.invalid, "training.precision: \(options.precision.refusal)")
    }
    schedule = options.schedule.schedule(
      updatesPerEpoch: updatesPerEpoch, updates: updatesPerEpoch * options.epochs)
    requirements = model.objective.requirements
    let parameters = model.parameters.filter { stage.includes($0.path) }
    guard stage.trains.isEmpty || !parameters.isEmpty else {
      throw TrainingError(
        .unsuitable,
        "stage \(stage.name) trains \(stage.trains.joined(separator: ", ")), but the model has no such parameters"
      )
    }
    guard stage.data == .images || (model.prior is any CodePrior && !requirements.needsSecondBatch)
    else {
      throw TrainingError(
        .unsuitable,
        "stage \(stage.name) trains on codes, but the prior or the objective of this recipe has no use for them"
      )
    }
    phases = model.objective.phases.map { phase in
      let group = parameters.filter { phase.group.contains($0.path) }
      return (phase, Optimizer(phase.rule ?? options.rule, parameters: group))
    }
    average =
      options.averageDecay > 0
      ? WeightAverage(of: parameters, decay: Float(options.averageDecay)) : nil
  }

  /// Whether everything is trained from fresh weights. Later stages find the statistics and
  /// codebooks of the first and leave them.
  private var isFirstStage: Bool { stage.trains.isEmpty }

  /// The updates of the whole run.
  public var totalSteps: Int { updatesPerEpoch * options.epochs }

  /// Whether all epochs are done.
  public var isFinished: Bool { step >= totalSteps }

  /// How a call of `train` ended.
  public enum Outcome: Sendable {
    /// All epochs are done.
    case finished
    /// The token asked for a stop.
    case cancelled
  }

  /// Trains until all epochs are done or the token asks for a stop.
  ///
  /// - Parameters:
  ///   - run: where metrics and checkpoints go, nil for nowhere.
  ///   - cancel: polled after every update.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: `TrainingError` of kind `diverged` when a loss or weight is no longer finite;
  ///   `FileError` when the run cannot be written; whatever data-dependent initialisation throws.
  public func train(
    run: RunFolder? = nil, cancel: CancelToken = CancelToken(),
    observe: (TrainingEvent) -> Void = { _ in }
  ) throws -> Outcome {
    if !isFinished { try prepare() }
    observe(.started(step: step, totalSteps: totalSteps))
    var lastCheckpoint = Clock.seconds
    while !isFinished {
      _ = try advance(run: run, observe: observe)
      if step % updatesPerEpoch == 0 {
        lastCheckpoint = Clock.seconds
      } else if let run,
        Clock.seconds - lastCheckpoint > Self.checkpointInterval || cancel.isCancelled
      {
        try writeCheckpoint(to: run)
        lastCheckpoint = Clock.seconds
        observe(.stored(step: step))
      }
      if cancel.isCancelled && !isFinished { return .cancelled }
    }
    return .finished
  }

  /// Makes one update with what belongs before the first one and after the last one of an epoch.
  ///
  /// - Parameters:
  ///   - batch: values to train on in place of the next batch, `[N, height, width, channels]` in
  ///     the
  ///     range of the data.
  ///   - run: where metrics and the checkpoint of an epoch go, nil for nowhere.
  ///   - observe: told what happens, on the calling thread.
  /// - Returns: the bound's terms of the batch.
  /// - Throws: what `train` throws.
  @discardableResult
  public func advance(
    on batch: Tensor? = nil, run: RunFolder? = nil, observe: (TrainingEvent) -> Void = { _ in }
  ) throws -> BoundTerms {
    try prepare()
    let begin = Clock.seconds
    if step == 0, run != nil { try makeRecord(after: nil) }
    let terms = try update(on: batch)
    if run != nil { try makeRecord(after: terms) }
    progress.seconds += Clock.seconds - begin
    observe(.step(step, of: totalSteps, epoch: epoch, terms: terms))
    if step % updatesPerEpoch == 0 { try finishEpoch(run: run, observe: observe) }
    return terms
  }

  /// A checkpoint is written at least this often, in seconds.
  static let checkpointInterval = 60.0

  /// The epoch of the last update, from one; zero before the first.
  public var epoch: Int { (step + updatesPerEpoch - 1) / updatesPerEpoch }

  /// Lets the parts look at the first batches before the first update.
  private func prepare() throws {
    guard step == 0 && !isPrepared && preparesModel && isFirstStage else { return }
    let count = max(1, min(updatesPerEpoch, Self.preparationExamples / options.batchSize))
    let order = EpochOrder(epoch: 0, count: training.count, random: random)
    let batches = (0..<count).map { number in
      let indices = order.batch(number, size: options.batchSize)
      return training.batch(indices, context(for: indices))
    }
    let first = context(for: order.batch(0, size: options.batchSize))
    try withoutTape { try model.prepare(firstBatches: batches, context: first) }
    isPrepared = true
  }

  /// Examples that parts may look at before the first update, about.
  private static let preparationExamples = 2048

  // MARK: One update

  /// Makes one update of all phases.
  ///
  /// - Parameter given: values to train on in place of the next batch.
  /// - Returns: the bound's terms of the first phase's batch.
  /// - Throws: `TrainingError` of kind `diverged`, with the parameters as they were before the
  ///   phase that diverged.
  public func update(on given: Tensor? = nil) throws -> BoundTerms {
    let indices = given.map { Array(0..<$0.shape[0]) } ?? batchIndices(step: step)
    let context = context(for: indices)
    let batch = batch(given, indices, context)
    let second = requirements.needsSecondBatch ? secondBatch() : nil
    let rate = Float(options.learningRate) * schedule.factor(at: step)
    var terms: BoundTerms?
    for (phase, optimizer) in phases {
      let isPartial = phases.count > 1 || phase.group != .model || !isFirstStage
      if isPartial { setTrainable(phase.group) }
      defer { if isPartial { setTrainable(nil) } }
      let (evaluation, loss) = withPrecision(options.precision) {
        let evaluation = evaluate(batch, second: second, context)
        return (evaluation, phase.loss(evaluation, context))
      }
      try model.checkParts()
      let bound = BoundTerms(
        distortion: evaluation.distortion.doubleSum / Double(evaluation.distortion.count),
        rate: evaluation.rate.doubleSum / Double(max(1, evaluation.rate.count)))
      var logged = loss.terms.map { (name: $0.name, value: Double($0.value.item)) }
      if terms == nil { logged += codeTerms(evaluation) }
      try checkFinite(bound, loss: loss.value.item, logged, phase: phase.name)
      if terms == nil { terms = bound }
      progress.addTerms(logged)
      var gradients = loss.value.backward()
      try model.checkParts()
      reduceGradients(&gradients)
      optimizer.update(
        gradients, rate: rate * phase.rateFactor,
        gradientScale: clipScale(gradients, optimizer.parameters))
    }
    if isFirstStage {
      model.afterUpdate(context)
      try model.checkParts()
    }
    average?.update(number: step)
    step += 1
    let bound = terms ?? BoundTerms(distortion: 0, rate: 0)
    progress.add(bound)
    return bound
  }

  /// What the model says about a batch, and about a second one where there is one.
  private func evaluate(
    _ batch: Tensor, second: (batch: Tensor, context: Context)?, _ context: Context
  ) -> Evaluation {
    var evaluation =
      stage.data == .latents
      ? model.evaluate(codes: batch, context) ?? model.evaluate(batch, requirements.draw, context)
      : model.evaluate(batch, requirements.draw, context)
    if let second {
      evaluation.second = model.encodeSecond(second.batch, requirements.draw, second.context)
    }
    return evaluation
  }

  /// How a batch uses the codebook, where there is one.
  private func codeTerms(_ evaluation: Evaluation) -> [(name: String, value: Double)] {
    guard var usage = CodeUsage(model.prior.latents) else { return [] }
    usage.add(evaluation)
    return usage.terms
  }

  private func setTrainable(_ group: ParameterGroup?) {
    for (path, parameter) in model.parameters {
      parameter.isTrainable = group.map { $0.contains(path) && stage.includes(path) } ?? true
    }
  }

  private func clipScale(
    _ gradients: Gradients, _ parameters: [(path: String, parameter: Parameter)]
  ) -> Float {
    guard options.clipNorm > 0 else { return 1 }
    let norm = gradients.globalNorm(parameters)
    return norm > options.clipNorm ? Float(options.clipNorm / norm) : 1
  }

  private func checkFinite(
    _ bound: BoundTerms, loss: Float, _ terms: [(name: String, value: Double)], phase: String
  ) throws {
    let all =
      [("distortion", bound.distortion), ("rate", bound.rate)] + terms + [("loss", Double(loss))]
    guard let bad = all.first(where: { !$0.1.isFinite }) else { return }
    throw TrainingError(
      .diverged,
      "training diverged at step \(step + 1): the \(bad.0) of phase \(phase) is \(bad.1); the last checkpoint "
        + "is kept; resume with a smaller \(.setting("training.learning_rate")) or "
        + "\(.setting("training.clip_norm", "100"))")
  }

  // MARK: Batches

  private func context(for indices: [Int]) -> Context {
    Context(
      mode: .training, step: step, epochs: Double(step) / Double(updatesPerEpoch), random: random,
      examples: indices.map(UInt64.init))
  }

  /// What an update looks at: given values or training examples, or the codes of either.
  private func batch(_ given: Tensor?, _ indices: [Int], _ context: Context) -> Tensor {
    guard let given else {
      return stage.data == .images ? training.batch(indices, context) : codes(indices)
    }
    let values = training.batch(of: given, indices, context)
    guard stage.data == .latents else { return values }
    var context = context
    context.mode = .evaluation
    return model.codes(values, context) ?? values
  }

  /// The codes of some training examples, `[N, height, width]`. Those of all are computed at the
  /// first use: encoder and codebook are frozen.
  private func codes(_ indices: [Int]) -> Tensor {
    let all = storedCodes ?? allCodes()
    storedCodes = all
    return all.rows(indices)
  }

  private func allCodes() -> StoredCodes {
    let size = 500
    var all = StoredCodes()
    for start in stride(from: 0, to: training.count, by: size) {
      let indices = Array(start..<min(start + size, training.count))
      let context = Context(
        mode: .evaluation, random: random.child("codes"), examples: indices.map(UInt64.init))
      if let codes = model.codes(training.batch(indices, context), context) { all.append(codes) }
    }
    return all
  }

  private func batchIndices(step: Int) -> [Int] {
    let epoch = step / updatesPerEpoch
    let order =
      order?.epoch == epoch
      ? order : EpochOrder(epoch: epoch, count: training.count, random: random)
    self.order = order
    return order?.batch(step % updatesPerEpoch, size: options.batchSize) ?? []
  }

  /// A batch drawn independently of the epoch's order.
  private func secondBatch() -> (batch: Tensor, context: Context) {
    var generator = random.stream("second batch", step: step).generator()
    let indices = (0..<options.batchSize).map { _ in
      Int.random(in: 0..<training.count, using: &generator)
    }
    var context = context(for: indices)
    context.random = random.child("second batch")
    return (training.batch(indices, context), context)
  }

  // MARK: Records

  private var recorder: Recorder {
    let recorder = storedRecorder ?? Recorder(model: model, data: data, options: options)
    storedRecorder = recorder
    return recorder
  }

  /// The steps that have a record, beside the last one of a training.
  public var recordingSchedule: RecordingSchedule { recorder.schedule }

  /// Makes a record where it is time for one, with the weights that evaluation uses and statistics
  /// that suit them.
  private func makeRecord(after terms: BoundTerms?) throws {
    guard makesRecords, isFinished || recorder.schedule.contains(step) else { return }
    let buffers = model.buffers.map { (buffer: $0.buffer, value: $0.buffer.value) }
    withAveragedWeights {
      calibrate(examples: Recorder.calibrationExamples)
      records.append(
        recorder.record(
          step: step, epochs: Double(step) / Double(updatesPerEpoch), batch: terms))
    }
    if model.usesCalibration { for (buffer, value) in buffers { buffer.value = value } }
    try model.checkParts()
  }

  /// Stores the records that were made since the last checkpoint. They come before the checkpoint,
  /// so that one never lacks a record of a step before it.
  func storeRecords(in run: RunFolder) throws {
    try run.writeRecords(records) { recorder.recordedExamples }
    records = []
  }

  // MARK: The end of an epoch

  private func finishEpoch(run: RunFolder?, observe: (TrainingEvent) -> Void) throws {
    let begin = Clock.seconds
    var record = EpochRecord(
      epoch: epoch, step: step, train: progress.mean, valid: nil, activeUnits: nil, unitRates: nil,
      layerRates: nil, codeUsage: nil, terms: progress.meanTerms, seconds: 0)
    try withAveragedWeights {
      calibrate(examples: Self.calibrationLimit)
      try measureHeldOut(into: &record)
      try model.checkParts()
    }
    record.seconds = progress.seconds + Clock.seconds - begin
    progress = EpochProgress()
    observe(.epoch(record))
    for notice in record.notices { observe(.notice(notice)) }
    if let run {
      try run.appendMetrics(record.json.line)
      try writeCheckpoint(to: run)
      observe(.stored(step: step))
    }
  }

  private func measureHeldOut(into record: inout EpochRecord) throws {
    guard let split = data.heldOut else { return }
    let evaluator = Evaluator(
      model: model, examples: Examples(split, binarization: options.binarization),
      seed: options.seed)
    guard let result = evaluator.run() else { return }
    record.valid = BoundTerms(distortion: result.distortion.mean, rate: result.rate.mean)
    record.activeUnits = result.activeUnits.map { Int($0.mean) }
    record.unitRates = result.unitRates
    if result.layerRates.count > 1 { record.layerRates = result.layerRates }
    record.codeUsage = result.codeUsage
  }

  /// Runs a closure with the weights that evaluation uses: their moving averages where the options
  /// ask for them.
  public func withAveragedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard let average else { return try body() }
    return try average.applied(body)
  }

  /// Makes those weights the model's own, once training is done.
  public func adoptAveragedWeights() {
    guard average != nil else { return }
    let averaged = withAveragedWeights { model.parameters.map { $0.parameter.value.copied() } }
    for ((_, parameter), value) in zip(model.parameters, averaged) { parameter.value = value }
  }

  /// Examples that calibration looks at, at most.
  private static let calibrationLimit = 10_000

  /// Gathers the statistics that normalisations use in evaluation, over a fixed, seeded part of the
  /// training data.
  private func calibrate(examples limit: Int) {
    guard model.usesCalibration, isFirstStage else { return }
    withoutTape {
      let calibration = Calibration()
      let random = random.child("calibration")
      let order = EpochOrder(epoch: 0, count: training.count, random: random)
      let count = min(limit, training.count)
      let size = min(max(2, options.batchSize), count)
      for number in 0..<(count / size) {
        let indices = order.batch(number, size: size)
        var context = Context(
          mode: .calibration, step: number, epochs: Double(step) / Double(updatesPerEpoch),
          random: random, examples: indices.map(UInt64.init))
        context.calibration = calibration
        _ = model.evaluate(training.batch(indices, context), requirements.draw, context)
      }
      model.recalibrate(calibration)
    }
  }
}

/// The codes of many examples, one grid after another.
private struct StoredCodes {
  private var numbers: [Int32] = []
  private var height = 0
  private var width = 0

  /// Adds an index tensor `[N, height, width]`.
  mutating func append(_ codes: Tensor) {
    (height, width) = (codes.shape[1], codes.shape[2])
    numbers += codes.indices
  }

  /// The codes of some examples, an index tensor `[N, height, width]`.
  func rows(_ indices: [Int]) -> Tensor {
    let size = height * width
    return Tensor(
      indices: indices.flatMap { numbers[$0 * size..<($0 + 1) * size] },
      shape: [indices.count, height, width])
  }
}

/// Sums over the updates of an epoch.
struct EpochProgress: Equatable {
  var updates = 0
  var distortion = 0.0
  var rate = 0.0
  var seconds = 0.0
  var terms: [String: Double] = [:]
  var termOrder: [String] = []

  mutating func add(_ bound: BoundTerms) {
    updates += 1
    distortion += bound.distortion
    rate += bound.rate
  }

  mutating func addTerms(_ logged: [(name: String, value: Double)]) {
    for (name, value) in logged {
      if terms[name] == nil { termOrder.append(name) }
      terms[name, default: 0] += value
    }
  }

  var mean: BoundTerms {
    let count = Double(max(1, updates))
    return BoundTerms(distortion: distortion / count, rate: rate / count)
  }

  var meanTerms: [(name: String, value: Double)] {
    termOrder.map { (name: $0, value: (terms[$0] ?? 0) / Double(max(1, updates))) }
  }
}

extension EpochRecord {
  /// A layer whose mean rate is below this, in nats, says nothing of use.
  private static let deadLayerRate = 0.01

  /// What in this record calls for attention, in plain words with a remedy.
  var notices: [Message] {
    if let valid, !valid.elbo.isFinite {
      return [
        "held-out numbers after epoch \(epoch) are not finite: the model is about to diverge; try a smaller "
          + "\(.setting("training.learning_rate")) or \(.setting("training.clip_norm", "100"))"
      ]
    }
    if let layerRates, let level = layerRates.firstIndex(where: { $0 < Self.deadLayerRate }) {
      return [
        "level \(level + 1) of \(layerRates.count) carries no information after epoch \(epoch) (rate "
          + "\((layerRates[level] * 1e4).rounded() / 1e4) nats): the levels below it say everything; try "
          + "\(.setting("warmup_epochs", "\(max(5, epoch))")) or \(.setting("free_bits", "0.5")), or fewer levels"
      ]
    }
    if let codeUsage, codeUsage.isCollapsed {
      return [
        "only \(codeUsage.used) of \(codeUsage.counts.count) codes are in use after epoch \(epoch) (perplexity "
          + "\((codeUsage.perplexity * 10).rounded() / 10)): the codebook has died; try "
          + "\(.setting("prior.restart_threshold", "0.1")), fewer \(.setting("prior.codes")), or a smaller learning rate"
      ]
    }
    guard let activeUnits, let unitRates, !unitRates.isEmpty else { return [] }
    if activeUnits == 0 {
      return [
        "no latent unit carries information after epoch \(epoch) (posterior collapse): the decoder ignores the latents; "
          + "try \(.setting("warmup_epochs", "\(max(5, epoch))")), a smaller beta or a smaller learning rate"
      ]
    }
    return []
  }
}

/// Monotonic time.
enum Clock {
  /// Seconds since some moment.
  static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
