import Communication
import Tensors
import VAEBenchmark
import VAEZoo

/// What was measured of a workload whose steps several processes make together.
public struct DividedResult: Sendable {
  /// The workload.
  public let workload: String
  /// What products and convolutions multiplied.
  public let precision: Precision
  /// Examples of all processes in a step, and their pixels.
  public let size: WorkloadSize
  /// The threads of each process.
  public let threads: Int
  /// The number of processes.
  public let ranks: Int
  /// The quickest step.
  public let minimumMilliseconds: Double
  /// The median step.
  public let medianMilliseconds: Double
  /// The median of what a process takes for a step without the others, while these take it, too.
  public let rankMilliseconds: Double
  /// What a process exchanges in a step.
  public let traffic: Traffic

  /// The step that is predicted on a network, in milliseconds.
  public func predictedMilliseconds(over network: Network) -> Double {
    rankMilliseconds + 1e3 * network.seconds(for: traffic, ranks: ranks)
  }

  /// The result by its names in `bench --json`.
  ///
  /// - Parameter network: of which the step is predicted, too.
  public func json(over network: Network?) -> JSON {
    func rounded(_ value: Double) -> JSON { .finite((value * 1e4).rounded() / 1e4) }
    var object: JSON.Object = [
      "workload": .text(workload), "dtype": .text(precision.rawValue),
      "batch_size": .integer(size.batch), "image_size": .integer(size.side),
      "threads": .integer(threads), "ranks": .integer(ranks),
      "min_ms": rounded(minimumMilliseconds), "median_ms": rounded(medianMilliseconds),
      "rank_ms": rounded(rankMilliseconds), "calls": .integer(traffic.calls),
      "bytes": .integer(traffic.bytes),
    ]
    if let network {
      object["predicted_ms"] = rounded(predictedMilliseconds(over: network))
    }
    return .object(object)
  }
}

extension Workload {
  /// Times the workload in several processes, each of which calls this at the same time: first what each takes by
  /// itself, then their steps together. Nil where a step is no training.
  ///
  /// - Parameter communicator: what connects them; the batch has at least as many examples as it has members.
  /// - Throws: `CommunicationError`, and what one process fails with, which others would wait for.
  public func measure(
    among communicator: any Communicator, precision: Precision = .float32, seconds: Double = 4
  ) throws -> DividedResult? {
    let size = communicator.size
    guard
      let own = try mirrored(
        batch: self.size.batch, rank: communicator.rank, ranks: size, precision: precision,
        seconds: seconds / 2),
      let steps = try DividedSteps(
        self, batch: self.size.batch, among: communicator, precision, isMirrored: false),
      // The first says when it is enough.
      let times = try StepTimes.measure(
        seconds: seconds,
        goesOn: { isWanted in
          var byte = [UInt8(isWanted ? 1 : 0)]
          try byte.withUnsafeMutableBytes { try communicator.broadcast($0, from: 0) }
          return byte[0] == 1
        }, { try steps.run() })
    else { return nil }
    return DividedResult(
      workload: name, precision: precision, size: self.size, threads: Engine.threads, ranks: size,
      minimumMilliseconds: times[0] * 1e3, medianMilliseconds: times[times.count / 2] * 1e3,
      rankMilliseconds: own.milliseconds, traffic: own.traffic)
  }
}
