import Communication
import NeuralNetworks
import Tensors
import VAEBenchmark
import VAEZoo

/// Training steps of a workload by one of several ranks, as trainers make them: each has a part of every batch.
final class DividedSteps {
  private let updater: Updater
  private let batch: Tensor
  private let shard: Shard
  private let rate: Float
  private var step = 0

  /// The steps of a rank; nil where those of the workload are no training.
  ///
  /// - Parameters:
  ///   - workload: of which the size of the batch does not count.
  ///   - batch: the examples of all ranks, at least as many as these.
  ///   - isMirrored: whether sums are not those of a group, so that weights are left as they are.
  init?(
    _ workload: Workload, batch whole: Int, among communicator: any Communicator,
    _ precision: Precision, isMirrored: Bool
  ) throws {
    let group = ShardGroup(communicator, count: communicator.size)
    shard = group.shards(ofBatch: whole)[0]
    let own = try workload.resized(batch: shard.exampleCounts[shard.index], side: nil)
    guard let (model, batch) = try own.training() else { return nil }
    self.batch = batch
    var options = TrainingOptions()
    options.precision = precision
    updater = try Updater(model: model, options: options, shards: group)
    rate = isMirrored ? 0 : Float(options.learningRate)
  }

  /// Makes one.
  func run() throws {
    var context = Context(
      mode: .training, step: step, random: RandomSource(seed: 1),
      examples: shard.examples.map(UInt64.init))
    context.shard = shard
    _ = try updater.update(on: [UpdatePart(batch, context)], rate: rate)
    step += 1
  }
}

extension Workload {
  /// What a rank of so many takes for a step by itself, and what it exchanges in one; nil where a step is no
  /// training, or the token asks for a stop.
  ///
  /// The others are taken to do the same (``MirrorCommunicator``), so that copies and sums are in the time, and the
  /// network is not.
  ///
  /// - Parameter batch: the examples of all ranks, at least as many as these.
  package func mirrored(
    batch: Int, rank: Int = 0, ranks: Int, precision: Precision, seconds: Double,
    cancel: CancelToken = CancelToken()
  ) throws -> (milliseconds: Double, traffic: Traffic)? {
    let mirror = MirrorCommunicator(rank: rank, size: ranks)
    guard
      let steps = try DividedSteps(
        self, batch: batch, among: mirror, precision, isMirrored: true)
    else { return nil }
    // The first may do what is done once.
    try steps.run()
    let before = mirror.traffic
    try steps.run()
    let traffic = mirror.traffic - before
    guard
      let times = try StepTimes.measure(seconds: seconds, cancel: cancel, { try steps.run() })
    else { return nil }
    return (times[times.count / 2] * 1e3, traffic)
  }
}
