import NeuralNetworks
import Tensors
import VAECore
import VAEData

/// The examples of a split as a model sees them: batches of tensors, made binary where the recipe
/// says so.
public struct Examples {
  /// Where they come from.
  public let split: DataSplit
  /// How values become binary.
  public let binarization: TrainingOptions.Binarization

  /// Examples of a split.
  public init(_ split: DataSplit, binarization: TrainingOptions.Binarization = .none) {
    self.split = split
    self.binarization = binarization
  }

  /// The number of examples.
  public var count: Int { split.count }

  /// A batch `[N, height, width, channels]`.
  ///
  /// - Parameters:
  ///   - indices: in this split.
  ///   - context: the dynamic binarization draws from its stream `binarization` at its step, so a
  ///     training example is drawn anew at every use and a held-out one is the same at every
  ///     evaluation.
  public func batch(_ indices: [Int], _ context: Context) -> Tensor {
    batch(of: split.batch(indices), indices, context)
  }

  /// Values `[N, height, width, channels]` that come from elsewhere, made binary as those of the
  /// split.
  func batch(of values: Tensor, _ indices: [Int], _ context: Context) -> Tensor {
    switch binarization {
    case .none: return values
    case .threshold: return values.isAbove(0.5)
    case .dynamic:
      let uniform = context.stream("binarization").uniform(
        indices.map(UInt64.init), shape: values.shape.removingFirst)
      return (values - uniform).isAbove(0)
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

extension DataSource {
  /// What a model must know of this source, once values have become binary where that is asked for.
  ///
  /// - Throws: `RecipeError` of kind `unsuitableData` where values cannot be made binary.
  public func description(
    binarization: TrainingOptions.Binarization
  ) throws(RecipeError) -> DataDescription {
    guard binarization == .none || valueRange != .real else {
      throw RecipeError(
        .unsuitableData,
        "--binarize \(binarization.rawValue) needs values between 0 and 1, but \(name) has values outside"
      )
    }
    let range: DataDescription.Range =
      switch (binarization, valueRange) {
      case (.threshold, _), (.dynamic, _), (.none, .binary): .binary
      case (.none, .unit): .unit
      case (.none, .real): .real
      }
    return DataDescription(
      height: shape.height, width: shape.width, channels: shape.channels, range: range,
      rule: rule, preparation: preparation)
  }

  /// The split that watches over training: `valid` where there is one, else `test`.
  public var heldOut: DataSplit? { validation ?? test }
}
