import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAERecipes

/// The examples of a split as a model sees them: batches of tensors, made binary or real where the
/// recipe says so.
public struct Examples {
  /// Where they come from.
  public let split: DataSplit
  /// How values become binary.
  public let binarization: TrainingOptions.Binarization
  /// How bytes become real numbers.
  public let dequantization: TrainingOptions.Dequantization
  /// What the model is told of each of them; nil for a model of p(x).
  public var condition: ConditionSpace? { known?.space }
  /// Whether the model takes masks, so that NaN among the values stands for one that is missing.
  public let takesMasks: Bool
  /// The same of each example.
  private let known: KnownConditions?

  /// Examples of a split for a model that is told nothing of them.
  ///
  /// - Parameters:
  ///   - split: where they come from.
  ///   - binarization: how values become binary.
  ///   - dequantization: how bytes become real numbers.
  ///   - takesMasks: whether the model takes masks.
  public init(
    _ split: DataSplit, binarization: TrainingOptions.Binarization = .none,
    dequantization: TrainingOptions.Dequantization = .none, takesMasks: Bool = false
  ) {
    self.init(split, binarization, dequantization, nil, takesMasks)
  }

  /// Examples of a split as a model sees them.
  ///
  /// - Throws: `DataError` where the split does not say of each what the model is told.
  public init(_ split: DataSplit, _ options: TrainingOptions, of model: Model) throws(DataError) {
    try self.init(
      split, options, condition: model.condition, takesMasks: model.takesMasks)
  }

  /// Examples of a split as options say.
  ///
  /// - Throws: `DataError` where the split does not say of each what the model is told.
  public init(
    _ split: DataSplit, _ options: TrainingOptions = TrainingOptions(),
    condition: ConditionSpace?, takesMasks: Bool = false
  ) throws(DataError) {
    var known: KnownConditions?
    if let condition { known = try KnownConditions(of: split, condition) }
    self.init(split, options.binarize, options.dequantize, known, takesMasks)
  }

  private init(
    _ split: DataSplit, _ binarization: TrainingOptions.Binarization,
    _ dequantization: TrainingOptions.Dequantization, _ known: KnownConditions?, _ takesMasks: Bool
  ) {
    (self.split, self.binarization, self.dequantization) = (split, binarization, dequantization)
    (self.known, self.takesMasks) = (known, takesMasks)
  }

  /// The number of examples.
  public var count: Int { split.count }

  /// What the model is told of some examples, `[N, width]`; nil for a model of p(x).
  public func conditions(_ indices: [Int]) -> Tensor? {
    known?.rows(indices)
  }

  /// Which values of some examples are known; nil for a model that takes no masks.
  public func mask(_ indices: [Int]) -> ObservationMask? {
    takesMasks ? mask(of: split.batch(indices), indices) : nil
  }

  /// The same of values that have been read.
  private func mask(of values: Tensor, _ indices: [Int]) -> ObservationMask {
    let known = ObservationMask(missingIn: values)
    guard let hidden = split.hidden(indices) else { return known }
    return ObservationMask(withoutTape { known.values * (1 - hidden) })
  }

  /// The values of some examples that are hidden from the model although the data have them, with ones
  /// where they are and zeros elsewhere; nil where nothing is hidden.
  package func hidden(
    _ indices: [Int], _ context: Context
  ) -> (values: Tensor, chosen: Tensor)? {
    guard takesMasks, let hidden = split.hidden(indices) else { return nil }
    let raw = split.batch(indices)
    var open = context
    open.mask = nil
    return (batch(of: raw, open), hidden * ObservationMask(missingIn: raw).values)
  }

  /// The context of a batch of these examples: their numbers and what is known of them.
  ///
  /// - Parameters:
  ///   - mode: why it is made.
  ///   - indices: in this split.
  ///   - step: the number of updates made before.
  ///   - epochs: the same in epochs.
  ///   - random: where random numbers come from.
  package func context(
    _ mode: Context.Mode, _ indices: [Int], step: Int = 0, epochs: Double = 0, random: RandomSource
  ) -> Context {
    Context(
      mode: mode, step: step, epochs: epochs, random: random, examples: indices.map(UInt64.init),
      condition: conditions(indices), mask: mask(indices))
  }

  /// A batch `[N, height, width, channels]`.
  ///
  /// - Parameters:
  ///   - indices: in this split.
  ///   - context: the dynamic binarization draws from its stream `binarization` at its step, the
  ///     uniform dequantization from `dequantization`, so a training example is drawn anew at every
  ///     use and a held-out one is the same at every evaluation.
  public func batch(_ indices: [Int], _ context: Context) -> Tensor {
    batch(of: split.batch(indices), context)
  }

  /// A batch whose random numbers follow from what each example is, not from where it stands: what is
  /// said about an image is the same beside any others, and the same for equal images.
  ///
  /// - Parameters:
  ///   - indices: in this split.
  ///   - context: whose examples are numbered by the values that the split holds, before any are made
  ///     binary or real.
  /// - Returns: the batch, and the context to go on with.
  public func batchByContent(
    _ indices: [Int], _ context: Context
  ) -> (batch: Tensor, context: Context) {
    var values = split.batch(indices)
    // Draws are the same for the same numbers, of however many digits: when the centre is taken off, those of 64 bits have
    // other last ones.
    var contents = split.columns == nil ? values : split.contents(indices)
    var context = context
    if takesMasks {
      let mask = mask(of: values, indices)
      context.mask = mask
      // A value that is hidden is none that draws follow from.
      if split.hiddenStore != nil {
        values = values.missing(where: mask)
        contents = contents.missing(where: mask)
      }
    }
    context.examples = contents.rowHashes
    return (batch(of: values, context), context)
  }

  /// Values `[N, height, width, channels]` that come from elsewhere, made binary or real as those of
  /// the split.
  ///
  /// Those of a model that takes masks are zero where they are missing, as the context's mask says.
  package func batch(of values: Tensor, _ context: Context) -> Tensor {
    guard takesMasks else { return transformed(values, context) }
    let seen = transformed(values.withoutMissing, context)
    return context.mask.map { seen * $0.values } ?? seen
  }

  private func transformed(_ values: Tensor, _ context: Context) -> Tensor {
    func uniform(_ stream: String) -> Tensor {
      context.stream(stream).uniform(context.examples, shape: values.shape.removingFirst)
    }
    switch (binarization, dequantization) {
    case (.none, .none): return values
    case (.threshold, _): return values.isAbove(0.5)
    case (.dynamic, _): return (values - uniform("binarization")).isAbove(0)
    // (b + u) / 256, where values are b / 255 (Theis et al. 2016, section 3.1).
    case (.none, .uniform): return values * (255 / 256) + uniform("dequantization") * (1 / 256)
    }
  }
}

/// The order in which training visits the examples of an epoch: a shuffle that depends on seed and
/// epoch alone, so that a resumed run continues it.
package struct EpochOrder {
  package let epoch: Int
  package let indices: [Int]

  package init(epoch: Int, count: Int, random: RandomSource) {
    self.epoch = epoch
    var generator = random.stream("order", step: epoch).generator()
    indices = Array(0..<count).shuffled(using: &generator)
  }

  /// The examples of one update.
  package func batch(_ number: Int, size: Int) -> [Int] {
    Array(indices[number * size..<min((number + 1) * size, indices.count)])
  }
}
