import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation

/// What belongs to the end of an epoch: the weights and statistics that evaluation uses, held-out
/// numbers, metrics and checkpoint.
extension Trainer {
  func finishEpoch(run: RunFolder?, observe: (TrainingEvent) -> Void) throws {
    let begin = Clock.seconds
    communicator.enterIfShared("the end of epoch \(Count.text(epoch))")
    try checkSameWeights()
    var record = EpochRecord(
      epoch: epoch, step: step, train: progress.mean, terms: progress.meanTerms)
    let buffers = model.buffers.map { (buffer: $0.buffer, value: $0.buffer.value) }
    do {
      try withAveragedWeights {
        calibrate(examples: Self.calibrationLimit)
        try measureHeldOut(into: &record)
        try model.checkParts()
        try data.checkExamples()
      }
    } catch {
      // The epoch stays open: its end is measured when the training goes on.
      restore(buffers)
      throw error
    }
    // Updates on latents decode no image.
    if stage.data == .latents { record.train.distortion = .nan }
    record.seconds = progress.seconds + Clock.seconds - begin
    progress = EpochProgress()
    best = BestEpoch(record, before: best)
    keepBestWeights()
    observe(.epoch(record))
    noteHealth(of: record, observe)
    noteConcern(about: record, observe)
    noteSkipping(in: record, observe)
    if let notice = endNotice(isStored: run != nil) { observe(.notice(notice)) }
    if let run {
      try run.appendMetrics(record.members.sealedLine)
      // The last update of all has its record already.
      if isFinished && step < totalSteps { try makeRecord(after: record.train) }
      try store(in: run, observe)
    }
    if let notice = latentNotice() { observe(.notice(notice)) }
  }

  /// Says what calls for attention, once until it changes.
  private func noteHealth(of record: EpochRecord, _ observe: (TrainingEvent) -> Void) {
    let health = TrainingHealth(record, model.prior.latents, begunWith: judgedBeginning)
    if health == .fine { saidHealth = .fine }
    // A further stage leaves codebook and encoder as they are.
    guard stage.isWhole || health.concernsAllStages else { return }
    let objective = model.objective.latentAdvice(
      step: step, epochs: Double(step) / Double(updatesPerEpoch))
    let advice =
      switch health {
      case .notFinite, .worsened: isFinished ? .change([]) : objective
      default: step < Self.firstJudgedStep ? .wait : objective
      }
    // How a training ends is said where it does, whatever was said before.
    guard health != saidHealth || (isFinished && health.isOfEnd),
      let notice = record.notice(health, advice, begunWith: judgedBeginning?.cost)
    else { return }
    saidHealth = health
    observe(.notice(notice))
  }

  /// Says what the objective finds in its own terms, once: they go up and down.
  private func noteConcern(about record: EpochRecord, _ observe: (TrainingEvent) -> Void) {
    guard stage.data == .images, !saidConcern,
      let concern = model.objective.concern(about: record.terms)
    else { return }
    saidConcern = true
    observe(.notice(concern))
  }

  /// Says where most updates of an epoch were left out, once: a model that steep learns no more, and one
  /// whose gradients are no numbers learns nothing whatever the limit is.
  private func noteSkipping(in record: EpochRecord, _ observe: (TrainingEvent) -> Void) {
    let notFinite = updater.takeNotFinite()
    let share =
      record.terms.filter { $0.name.hasSuffix(Updater.skippedUpdates) }
      .map(\.value).max() ?? 0
    guard share >= 0.5, !saidSkipping else { return }
    saidSkipping = true
    let start: Message =
      "\(Int((share * 100).rounded())) % of the updates of epoch \(epoch) were left out, because their gradients were "
    let limit = "\(Float(options.skipNorm))"
    let rest: Message =
      if Double(notFinite.count) > share * Double(updatesPerEpoch) / 2 {
        "not finite, the last time that of \(notFinite.last ?? "the parameters"): nothing is learnt like this; try a "
          + "smaller \(.setting("training.learning_rate"))"
      } else {
        "larger than \(.setting("training.skip_norm", limit)): little is learnt like this; try a larger one, or a "
          + "smaller \(.setting("training.learning_rate"))"
      }
    observe(.notice(start + rest))
  }

  /// Measures the held-out examples. Where there are none, some training examples still show how
  /// the latents are used.
  private func measureHeldOut(into record: inout EpochRecord) throws {
    let held = data.heldOut
    let evaluator = Evaluator(
      model: model, examples: measuredExamples,
      seed: options.seed, exampleLimit: held == nil ? Self.diagnosedExamples : nil)
    guard var result = evaluator.run(.epoch) else { return }
    if held != nil {
      record.valid = BoundTerms(distortion: result.distortion.mean, rate: result.rate.mean)
    }
    // The bound has its place in `valid`.
    result.metrics[ELBOMetric.self] = nil
    result.metrics[RateMetric.self] = nil
    result.metrics[DistortionMetric.self] = nil
    record.metrics = result.metrics
  }

  /// Updates before which latents need not say anything yet.
  static let firstJudgedStep = 200

  /// Training examples that show how latents are used where none are held out, at most.
  private static let diagnosedExamples = 2000

  /// Runs a closure with the weights that evaluation uses: their moving averages where the options
  /// ask for them, and those of the best epoch where training has ended with these.
  public func withAveragedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    if let bestWeights = endWeights {
      let own = stageParameters.map { $0.parameter.value }
      setParameters(bestWeights)
      defer { setParameters(own) }
      return try body()
    }
    guard let average else { return try body() }
    return try average.applied(body)
  }

  /// Makes those weights the model's own, once training is done.
  public func adoptAveragedWeights() {
    guard average != nil || endWeights != nil else { return }
    let averaged = withAveragedWeights { stageParameters.map { $0.parameter.value.copied() } }
    setParameters(averaged)
  }

  /// Examples that calibration looks at, at most.
  private static let calibrationLimit = 10_000

  /// Gathers the statistics that normalisations use in evaluation, over a fixed, seeded part of the
  /// training data.
  func calibrate(examples limit: Int) {
    let parts = stage.data == .images ? model.parts(of: stage) : []
    guard parts.contains(where: \.usesCalibration) else { return }
    let examples = batches.examples
    withoutTape {
      let calibration = Calibration()
      let random = random.child("calibration")
      let order = EpochOrder(epoch: 0, count: examples.count, random: random)
      let count = min(limit, examples.count)
      let size = min(max(2, options.batchSize), count)
      for number in 0..<(count / size) {
        let indices = order.batch(number, size: size)
        var context = examples.context(
          .calibration, indices, step: number, epochs: Double(step) / Double(updatesPerEpoch),
          random: random)
        context.calibration = calibration
        let (batch, request) = (examples.batch(indices, context), updater.requirements.draw)
        _ =
          stage.leavesLatents
          ? model.evaluateWithFrozenLatents(batch, request, context)
          : model.evaluate(batch, request, context)
      }
      for part in parts { part.recalibrate(calibration) }
    }
  }
}
