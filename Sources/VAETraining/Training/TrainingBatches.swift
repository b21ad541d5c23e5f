import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAERecipes

/// What each update looks at, which follows from the seed and the step alone.
final class TrainingBatches {
  /// All training examples.
  let examples: Examples
  /// Updates in an epoch.
  let updatesPerEpoch: Int
  /// Examples in the smallest batch of an epoch.
  let fewestExamples: Int
  /// The prior, where the stage trains it by an algorithm of its own.
  let fittedPrior: (any FittedPrior)?

  private let model: Model
  private let stage: Stage
  private let size: Int
  private let random: RandomSource
  private var order: EpochOrder?
  private var storedCodes: StoredCodes?

  /// The batches of a training.
  ///
  /// - Throws: `TrainingError` where the data have fewer examples than a batch, `DataError` where they do
  ///   not say of each what the model is told.
  init(
    _ data: DataSource, model: Model, options: TrainingOptions, stage: Stage, random: RandomSource
  ) throws {
    (self.model, self.stage, self.random) = (model, stage, random)
    fittedPrior = stage.data == .latents ? model.prior as? any FittedPrior : nil
    size = options.batchSize
    examples = try Examples(data.train, options, of: model)
    let count = examples.count
    guard fittedPrior == nil else {
      // The whole fit is one update, over all examples.
      (updatesPerEpoch, fewestExamples) = (1, count)
      return
    }
    let full = count / size
    updatesPerEpoch = options.dropLast || count % size == 0 ? full : full + 1
    fewestExamples = updatesPerEpoch > full ? count % size : size
    guard updatesPerEpoch > 0 else {
      throw TrainingError(
        .unsuitable,
        "\(data.name) has \(Count.of(count, "training example")), fewer than a batch of \(size); choose a smaller "
          + "\(.setting("training.batch_size")) or \(.setting("training.drop_last", "false"))")
    }
  }

  /// What an update looks at: the batch of a step, or the local shards of it.
  ///
  /// - Parameters:
  ///   - given: values that take the place of the training examples, with what is known of
  ///     them where the model is told.
  ///   - shards: what the batch is divided into; nil for the whole batch.
  ///   - withSecond: whether a second batch is drawn beside it.
  func parts(step: Int, given: GivenBatch?, shards: ShardGroup?, withSecond: Bool) -> [UpdatePart] {
    let other = withSecond ? secondIndices(step: step) : []
    guard let shards else {
      let (batch, context) = batch(step: step, given: given)
      return [
        UpdatePart(batch, second: withSecond ? second(other, step: step) : nil, context)
      ]
    }
    let whole = given.map { batch(step: step, given: $0) }
    let indices = whole == nil ? indices(step: step) : []
    let count = whole?.batch.shape[0] ?? indices.count
    return zip(shards.shards(ofBatch: count), shards.shards(ofBatch: other.count)).map {
      shard, secondShard in
      let second =
        withSecond
        ? second(Array(other[secondShard.examples]), step: step, shard: secondShard) : nil
      if let whole {
        let context = whole.context.of(shard)
        return UpdatePart(whole.batch.rows(shard.examples), second: second, context)
      }
      let own = Array(indices[shard.examples])
      var context = context(for: own, step: step)
      context.shard = shard
      return UpdatePart(batch(nil, own, context), second: second, context)
    }
  }

  /// The batch of a step with its context.
  private func batch(step: Int, given: GivenBatch? = nil) -> (batch: Tensor, context: Context) {
    guard let given else {
      let indices = indices(step: step)
      let context = context(for: indices, step: step)
      return (batch(nil, indices, context), context)
    }
    let context = Context(
      mode: .training, step: step, epochs: Double(step) / Double(updatesPerEpoch), random: random,
      examples: (0..<given.values.shape[0]).map(UInt64.init), condition: given.condition,
      mask: model.takesMasks ? ObservationMask(missingIn: given.values) : nil)
    return (batch(given.values, [], context), context)
  }

  /// The examples of a batch drawn independently of the epoch's order.
  private func secondIndices(step: Int) -> [Int] {
    var generator = random.stream("second batch", step: step).generator()
    return (0..<size).map { _ in Int.random(in: 0..<examples.count, using: &generator) }
  }

  /// Such a batch, or a shard of it.
  private func second(
    _ indices: [Int], step: Int, shard: Shard? = nil
  ) -> (batch: Tensor, context: Context) {
    var context = context(for: indices, step: step)
    context.random = random.child("second batch")
    context.shard = shard
    return (examples.batch(indices, context), context)
  }

  /// The first batches of the first epoch, and the context of all of them, batch after batch.
  ///
  /// - Parameter limit: of their examples, about.
  func first(examples limit: Int) -> (batches: [Tensor], context: Context) {
    let count = max(1, min(updatesPerEpoch, limit / size))
    let order = EpochOrder(epoch: 0, count: examples.count, random: random)
    let batches = (0..<count).map { number in
      let indices = order.batch(number, size: size)
      return examples.batch(indices, context(for: indices, step: 0))
    }
    let all = (0..<count).flatMap { order.batch($0, size: size) }
    return (batches, context(for: all, step: 0))
  }

  private func context(for indices: [Int], step: Int) -> Context {
    examples.context(
      .training, indices, step: step, epochs: Double(step) / Double(updatesPerEpoch), random: random
    )
  }

  private func indices(step: Int) -> [Int] {
    let epoch = step / updatesPerEpoch
    let order =
      order?.epoch == epoch
      ? order : EpochOrder(epoch: epoch, count: examples.count, random: random)
    self.order = order
    return order?.batch(step % updatesPerEpoch, size: size) ?? []
  }

  /// What an update looks at: given values or training examples, or the codes of either. Posteriors are
  /// drawn from anew at each use, and so they are encoded anew.
  private func batch(_ given: Tensor?, _ indices: [Int], _ context: Context) -> Tensor {
    let looksAtCodes = stage.data == .latents && model.prior is any CodePrior
    guard let given else {
      return looksAtCodes ? codes(indices) : examples.batch(indices, context)
    }
    let values = examples.batch(of: given, context)
    guard looksAtCodes else { return values }
    var context = context
    context.mode = .evaluation
    return model.codes(values, context) ?? values
  }

  /// The codes of some training examples, `[N, height, width]`. Those of all are computed at the
  /// first use: encoder and codebook are frozen.
  private func codes(_ indices: [Int]) -> Tensor {
    let all = storedCodes ?? allCodes()
    if !Memory.hasFailed { storedCodes = all }
    return all.rows(indices)
  }

  private func allCodes() -> StoredCodes {
    var all = StoredCodes()
    for indices in parts(of: examples.count) {
      let context = examples.context(.evaluation, indices, random: random.child("codes"))
      if let codes = model.codes(examples.batch(indices, context), context) { all.append(codes) }
    }
    return all
  }

  /// Draws of the posteriors of all training examples, or of given ones.
  ///
  /// - Parameter proceed: called before each part of them; what it throws ends the drawing.
  /// - Throws: `TrainingError` where posteriors are no distributions; what `proceed` throws.
  func latents(
    _ given: GivenBatch?, samples: Int, step: Int, proceed: () throws -> Void
  ) throws -> LatentSample {
    let random = random.child("latents")
    let count = given?.values.shape[0] ?? examples.count
    var draws = [[Tensor]](repeating: [], count: samples)
    var conditions: [Tensor] = []
    var logPosterior = 0.0
    for indices in parts(of: count) {
      try proceed()
      var context = examples.context(
        .evaluation, given == nil ? indices : [], step: step, random: random)
      let x: Tensor
      if let given {
        let range = indices[0]..<indices[0] + indices.count
        context.examples = indices.map(UInt64.init)
        context.condition = given.condition?.rows(range)
        if model.takesMasks {
          context.mask = ObservationMask(missingIn: given.values.rows(range))
        }
        x = examples.batch(of: given.values.rows(range), context)
      } else {
        x = examples.batch(indices, context)
      }
      guard let part = model.posteriorDraws(x, samples: samples, context) else {
        throw TrainingError(
          .unsuitable,
          "stage \(stage.name) fits draws of posteriors, but those of this model's encoder are no distributions"
        )
      }
      logPosterior += part.logDensity.doubleSum
      if let condition = context.condition { conditions.append(condition) }
      for sample in 0..<samples {
        draws[sample].append(
          part.draws.rows(sample * indices.count..<(sample + 1) * indices.count))
      }
      try model.checkParts()
    }
    return LatentSample(
      draws: withoutTape { Tensor.concatenated(draws.flatMap { $0 }, axis: 0) },
      exampleCount: count, meanLogPosterior: logPosterior / Double(count * samples),
      conditions: conditions.isEmpty
        ? nil : withoutTape { Tensor.concatenated(conditions, axis: 0) })
  }

  /// As many examples at a time as a forward pass may have.
  private func parts(of count: Int) -> [[Int]] {
    Evaluator.passes(over: count, of: examples.split.shape).map(Array.init)
  }
}
