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

  private let model: Model
  private let stage: Stage
  private let size: Int
  private let random: RandomSource
  private var order: EpochOrder?
  private var storedCodes: StoredCodes?

  /// The batches of a training.
  ///
  /// - Throws: `TrainingError` where the data have fewer examples than a batch.
  init(
    _ data: DataSource, model: Model, options: TrainingOptions, stage: Stage, random: RandomSource
  ) throws(TrainingError) {
    (self.model, self.stage, self.random) = (model, stage, random)
    size = options.batchSize
    examples = Examples(data.train, options, condition: model.condition)
    let count = examples.count
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

  /// The batch of a step with its context.
  ///
  /// - Parameter given: values that take the place of the training examples, with what is known of
  ///   them where the model is told.
  func batch(step: Int, given: GivenBatch? = nil) -> (batch: Tensor, context: Context) {
    guard let given else {
      let indices = indices(step: step)
      let context = context(for: indices, step: step)
      return (batch(nil, indices, context), context)
    }
    let context = Context(
      mode: .training, step: step, epochs: Double(step) / Double(updatesPerEpoch), random: random,
      examples: (0..<given.values.shape[0]).map(UInt64.init), condition: given.condition)
    return (batch(given.values, [], context), context)
  }

  /// A batch drawn independently of the epoch's order.
  func second(step: Int) -> (batch: Tensor, context: Context) {
    var generator = random.stream("second batch", step: step).generator()
    let indices = (0..<size).map { _ in Int.random(in: 0..<examples.count, using: &generator) }
    var context = context(for: indices, step: step)
    context.random = random.child("second batch")
    return (examples.batch(indices, context), context)
  }

  /// The first batches of the first epoch, and the context of the first of them with the condition
  /// of all.
  ///
  /// - Parameter limit: of their examples, about.
  func first(examples limit: Int) -> (batches: [Tensor], context: Context) {
    let count = max(1, min(updatesPerEpoch, limit / size))
    let order = EpochOrder(epoch: 0, count: examples.count, random: random)
    let batches = (0..<count).map { number in
      let indices = order.batch(number, size: size)
      return examples.batch(indices, context(for: indices, step: 0))
    }
    var first = context(for: order.batch(0, size: size), step: 0)
    first.condition = examples.conditions(
      (0..<count).flatMap { order.batch($0, size: size) })
    return (batches, first)
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

  /// What an update looks at: given values or training examples, or the codes of either.
  private func batch(_ given: Tensor?, _ indices: [Int], _ context: Context) -> Tensor {
    guard let given else {
      return stage.data == .images ? examples.batch(indices, context) : codes(indices)
    }
    let values = examples.batch(of: given, context)
    guard stage.data == .latents else { return values }
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
    let size = 500
    var all = StoredCodes()
    for start in stride(from: 0, to: examples.count, by: size) {
      let indices = Array(start..<min(start + size, examples.count))
      let context = examples.context(.evaluation, indices, random: random.child("codes"))
      if let codes = model.codes(examples.batch(indices, context), context) { all.append(codes) }
    }
    return all
  }
}
