import Communication
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles
import VAETraining

extension TrainedModel {
  /// Examples of a split, chosen by the seed, and what the model makes of them; both
  /// `[count, height, width, channels]`, in the data's own units. `progress` is given the fraction done before each part; what it
  /// throws ends the work.
  ///
  /// - Throws: `DataError` where the split does not say of each what the model is told, and what `progress`
  ///   throws.
  public func reconstruct(
    _ split: DataSplit, count: Int, seed: Int = 0, progress: (Double) throws -> Void = { _ in }
  ) throws -> (originals: Tensor, reconstructions: Tensor) {
    var originals: [Tensor] = []
    let chosen = chosenExamples(split, count: count, seed: seed)
    let reconstructions = try reconstruct(
      split, chosen, seed: seed, SoloCommunicator(), progress
    ) {
      originals.append($0)
    }
    return (Tensor.concatenated(originals, axis: 0), reconstructions.tensor)
  }

  /// Different examples of a split, chosen by the seed.
  func chosenExamples(_ split: DataSplit, count: Int, seed: Int) -> [Int] {
    let order = EpochOrder(
      epoch: 0, count: split.count, random: RandomSource(seed: UInt64(bitPattern: Int64(seed))))
    return Array(order.indices.prefix(count))
  }

  /// What the model makes of all examples of a split, in order, `[N, height, width, channels]`; the
  /// draws of an example follow from what it is. `progress` is given the fraction done before each part;
  /// what it throws ends the work.
  ///
  /// - Throws: `DataError` where the split does not say of each what the model is told, and what `progress`
  ///   throws.
  public func reconstruct(
    _ split: DataSplit, seed: Int = 0, progress: (Double) throws -> Void = { _ in }
  ) throws -> Tensor {
    try madeReconstructions(split, seed: seed, progress: progress).tensor
  }

  /// The same, of all examples or of `count` chosen by the seed, of which rows of a table can be had with all their
  /// digits.
  ///
  /// - Parameter communicator: what connects ranks that divide the examples, ask for the same, and get all of it; whose
  ///   `progress` throws `StoppedWork` to stop all.
  public func madeReconstructions(
    _ split: DataSplit, count: Int? = nil, seed: Int = 0,
    among communicator: any Communicator = SoloCommunicator(),
    progress: (Double) throws -> Void = { _ in }
  ) throws -> MadeExamples {
    let chosen =
      count.map { chosenExamples(split, count: $0, seed: seed) } ?? Array(0..<split.count)
    var question: JSON.Object {
      ["split": .text(split.name), "count": .integer(chosen.count), "seed": .integer(seed)]
    }
    return try together(communicator, [split], question) {
      try reconstruct(split, chosen, seed: seed, $0, progress) { _ in }
    }
  }

  /// What the model makes of chosen examples; `visit` is shown them as the model sees them, rows of a table in
  /// its own units.
  private func reconstruct(
    _ split: DataSplit, _ chosen: [Int], seed: Int,
    _ communicator: any Communicator, _ progress: (Double) throws -> Void,
    visit: (Tensor) -> Void
  ) throws -> MadeExamples {
    let examples = try examples(split)
    let ranges = parts(of: chosen.count)
    var made: [Tensor] = []
    let isDone = try Rounds(communicator, of: "the reconstructions").run(ranges.count) { number in
      try progress(Double(ranges[number].lowerBound) / Double(chosen.count))
      let indices = Array(chosen[ranges[number]])
      let (batch, context) = examples.batchByContent(
        indices, context(seed, "evaluation", indices, examples.conditions(indices)))
      // On one rank the parts come in their order.
      visit(columns == nil ? batch : split.ownBatch(indices))
      return [BatchFindings(tensors: [whereDataLie(model.reconstruct(batch, context))])]
    } goesOn: {
      try progress($0)
      return true
    } take: {
      made += $1.flatMap(\.tensors)
    }
    guard isDone else { throw StoppedWork() }
    return self.made(
      Tensor.concatenated(made, axis: 0), examples.conditions(chosen), rounding: false)
  }
}
