import Tensors

/// What travels with every call through a model: why the call is made, and where its random numbers
/// come from. Nothing of that is global.
///
/// ```swift
/// // The tenth update of a training, on the examples 4, 0 and 7 of the data.
/// let context = Context(mode: .training, step: 9, random: random, examples: [4, 0, 7])
/// let noise = context.normalNoise("posterior", samples: 1, shape: [20])  // [3, 20]
/// ```
public struct Context {
  /// Why a computation is made.
  public enum Mode: Sendable {
    /// Towards an update: normalisations use the statistics of the batch.
    case training
    /// For its result: normalisations use their stored statistics.
    case evaluation
    /// To gather the statistics that evaluation will use: as training, and each normalisation
    /// reports what it saw.
    case calibration
  }

  /// Why this computation is made.
  public var mode: Mode
  /// The number of updates made before this computation; part of every random stream's position.
  public var step: Int
  /// Passes over the training data made so far, with the fraction of the present one; what warm-ups
  /// count in.
  public var epochs: Double
  /// The seed's source; parts draw from streams named after themselves.
  public var random: RandomSource
  /// The number of each example in the batch, which positions its random numbers: its index in the
  /// data, or a hash of its values.
  public var examples: [UInt64]
  /// What is known of each example beside the data, `[N, width]`, such as one-hot labels; nil for a
  /// model without a condition.
  public var condition: Tensor?
  /// Which elements of the batch are known; nil where all are.
  public var mask: ObservationMask?
  /// The first draw's number, so that a large number of samples can be made in parts.
  public var firstDraw = 0
  /// Where normalisations report in calibration.
  public var calibration: Calibration?
  /// Which part of a batch this is, and what connects it with the others; nil for a whole batch.
  public var shard: Shard?
  /// The shards that the batch was divided into, for what comes after an update; nil for a whole batch.
  public var shards: ShardGroup?
  /// What convolutions ask whether to go on; nil where nobody may stop the computation.
  public var watch: ComputationWatch?

  /// A context for a batch of the given examples.
  ///
  /// - Parameters:
  ///   - mode: why the computation is made.
  ///   - step: the number of updates made before.
  ///   - epochs: passes over the training data made before.
  ///   - random: where all random numbers come from.
  ///   - examples: the number of each example of the batch.
  ///   - condition: what is known of each example, `[N, width]`.
  ///   - mask: which elements of the examples are known; nil for all.
  public init(
    mode: Mode, step: Int = 0, epochs: Double = 0, random: RandomSource, examples: [UInt64],
    condition: Tensor? = nil, mask: ObservationMask? = nil
  ) {
    self.mask = mask
    self.mode = mode
    self.step = step
    self.epochs = epochs
    self.random = random
    self.examples = examples
    self.condition = condition
  }

  /// The stream of the part with this name at this step.
  public func stream(_ name: String) -> RandomStream {
    random.stream(name, step: step)
  }

  /// The context of a shard, from one of the batch.
  public func of(_ shard: Shard) -> Context {
    var context = self
    context.shard = shard
    context.examples = Array(examples[shard.examples])
    context.condition = condition?.rows(shard.examples)
    context.mask = mask?.rows(shard.examples)
    return context
  }

  /// The context of one of several batches, from one whose examples, condition and mask are those of all
  /// of them, batch after batch, as they are when parts look at the first batches.
  public func ofBatch(_ number: Int, among batches: [Tensor]) -> Context {
    guard batches.count > 1 else { return self }
    let sizes = batches.map { $0.shape[0] }
    ensure(
      examples.count == sizes.reduce(0, +),
      "a context of \(examples.count) examples is not that of batches of \(sizes)")
    let first = sizes[..<number].reduce(0, +)
    let rows = first..<first + sizes[number]
    var context = self
    context.examples = Array(examples[rows])
    context.condition = condition?.rows(rows)
    context.mask = mask?.rows(rows)
    return context
  }

  /// The condition of a number of rows, `[rows, width]`: that of the examples, once for each draw,
  /// since row `k · N + n` belongs to example `n`. A model whose parts ask for it has to be given
  /// one.
  public func condition(rows: Int) -> Tensor {
    guard let condition, condition.rank == 2, condition.shape[0] > 0,
      rows % condition.shape[0] == 0
    else {
      fatalError(
        "a part asks for the condition of \(rows) rows, but the context has "
          + "\(condition.map { "one of \($0.shape)" } ?? "none")")
    }
    return condition.tiled(rows / condition.shape[0])
  }

  /// Standard normal noise for `samples` draws per example: `[samples · N] + shape`, sample by
  /// sample.
  public func normalNoise(_ name: String, samples: Int, shape: Shape) -> Tensor {
    let stream = stream(name)
    let draws = (0..<samples).map { stream.normal(examples, shape: shape, draw: firstDraw + $0) }
    return draws.count == 1 ? draws[0] : Tensor.concatenated(draws, axis: 0)
  }
}

/// The statistics that normalisations gather in a calibration pass and take for evaluation afterwards
/// (``Module/recalibrate(_:)``).
public final class Calibration {
  private struct Sums {
    var count: Float
    var mean: Tensor
    /// Squared distances from the mean, added up.
    var squares: Tensor
  }

  private var sums: [ObjectIdentifier: Sums] = [:]
  /// The fewest numbers that a normalisation took one mean and variance of, nil where there was none.
  /// Of a single number nothing is left but the shift.
  public private(set) var fewestNormalized: Int?

  /// An empty collection.
  public init() {}

  /// Adds what a normalisation saw in one batch of `count` examples.
  ///
  /// Batches are merged by their distances from the mean (Chan et al. 1983), since a difference of large
  /// squares would lose the variance of a channel far from zero.
  public func add(_ moments: ChannelMoments, count: Int, for layer: AnyObject) {
    let count = Float(count)
    let key = ObjectIdentifier(layer)
    guard let old = sums[key] else {
      sums[key] = Sums(count: count, mean: moments.mean, squares: moments.variance * count)
      return
    }
    let total = old.count + count
    let distance = moments.mean - old.mean
    sums[key] = Sums(
      count: total, mean: old.mean + distance * (count / total),
      squares: old.squares + moments.variance * count
        + distance.squared() * (old.count * count / total))
  }

  /// Notes over how many numbers a normalisation takes each mean and variance in one batch.
  func note(normalized count: Int) {
    fewestNormalized = min(count, fewestNormalized ?? count)
  }

  /// The moments over all batches that a normalisation saw, nil where it saw none.
  public func moments(for layer: AnyObject) -> ChannelMoments? {
    guard let sums = sums[ObjectIdentifier(layer)] else { return nil }
    return ChannelMoments(mean: sums.mean, variance: sums.squares / sums.count)
  }
}
