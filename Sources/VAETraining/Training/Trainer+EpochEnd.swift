import NeuralNetworks
import Tensors
import VAECore
import VAEData

/// What belongs to the end of an epoch: the weights and statistics that evaluation uses, held-out
/// numbers, metrics and checkpoint.
extension Trainer {
  func finishEpoch(run: RunFolder?, observe: (TrainingEvent) -> Void) throws {
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
  func calibrate(examples limit: Int) {
    guard model.usesCalibration, stage.isWhole else { return }
    let examples = batches.examples
    withoutTape {
      let calibration = Calibration()
      let random = random.child("calibration")
      let order = EpochOrder(epoch: 0, count: examples.count, random: random)
      let count = min(limit, examples.count)
      let size = min(max(2, options.batchSize), count)
      for number in 0..<(count / size) {
        let indices = order.batch(number, size: size)
        var context = Context(
          mode: .calibration, step: number, epochs: Double(step) / Double(updatesPerEpoch),
          random: random, examples: indices.map(UInt64.init))
        context.calibration = calibration
        _ = model.evaluate(examples.batch(indices, context), updater.requirements.draw, context)
      }
      model.recalibrate(calibration)
    }
  }
}
