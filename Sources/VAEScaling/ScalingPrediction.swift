import Tensors
import VAEBenchmark
import VAEZoo

/// What several ranks, each a machine like this one, are predicted to gain on a network.
public struct ScalingPrediction: Sendable {
  /// What grows with the number of ranks.
  public enum Kind: String, CaseIterable, Sendable {
    /// The batch: each rank has as many examples as one process had.
    case weak
    /// Nothing: ranks divide the batch of one process.
    case strong
  }

  /// What grows.
  public let kind: Kind
  /// The number of ranks.
  public let ranks: Int
  /// The examples of all ranks in a step.
  public let batch: Int
  /// What a rank exchanges in a step, counted.
  public let traffic: Traffic
  /// The step of one process by itself in milliseconds, measured.
  public let aloneMilliseconds: Double
  /// The step of a rank without the network in milliseconds, measured.
  public let rankMilliseconds: Double
  /// What the network adds to it in milliseconds, predicted.
  public let networkMilliseconds: Double

  /// A prediction.
  package init(
    _ kind: Kind, ranks: Int, batch: Int, traffic: Traffic, over network: Network,
    aloneMilliseconds: Double, rankMilliseconds: Double
  ) {
    (self.kind, self.ranks, self.batch, self.traffic) = (kind, ranks, batch, traffic)
    self.aloneMilliseconds = aloneMilliseconds
    self.rankMilliseconds = rankMilliseconds
    networkMilliseconds = 1e3 * network.seconds(for: traffic, ranks: ranks)
  }

  /// The most examples that a rank has of a batch.
  public var examplesPerRank: Int { (batch + ranks - 1) / ranks }
  /// The step in milliseconds: what a rank computes, and then the network, for nothing is sent while a rank computes.
  public var stepMilliseconds: Double { rankMilliseconds + networkMilliseconds }
  /// How many times as many examples a second all ranks compute as one process does.
  public var speedUp: Double {
    let times = aloneMilliseconds / stepMilliseconds
    return kind == .weak ? Double(ranks) * times : times
  }
  /// The speed-up by the number of ranks.
  public var efficiency: Double { speedUp / Double(ranks) }

  /// The prediction by its names in `bench --json`.
  public var json: JSON {
    func rounded(_ value: Double) -> JSON { .finite((value * 1e4).rounded() / 1e4) }
    return .object([
      "batch_size": .integer(batch), "examples_per_rank": .integer(examplesPerRank),
      "rank_ms": rounded(rankMilliseconds), "calls": .integer(traffic.calls),
      "bytes": .integer(traffic.bytes), "network_ms": rounded(networkMilliseconds),
      "step_ms": rounded(stepMilliseconds), "speed_up": rounded(speedUp),
      "efficiency": rounded(efficiency),
    ])
  }
}

extension Workload {
  /// The most ranks of a prediction.
  public static let mostRanks = 4096

  /// Predicts the step of several ranks from that of one process; nil where a step is no training, the batch has
  /// fewer examples than there are ranks to divide it, or the token asks for a stop.
  ///
  /// - Parameters:
  ///   - ranks: from 2 to `mostRanks`.
  ///   - alone: what was measured of one process in the same precision.
  ///   - seconds: how long a rank's step is timed, about.
  public func predicted(
    _ kind: ScalingPrediction.Kind, ranks: Int, over network: Network, from alone: BenchmarkResult,
    seconds: Double = 2, cancel: CancelToken = CancelToken()
  ) throws -> ScalingPrediction? {
    let batch = kind == .weak ? size.batch * ranks : size.batch
    guard batch >= ranks,
      let (milliseconds, traffic) = try mirrored(
        batch: batch, ranks: ranks, precision: alone.precision, seconds: seconds, cancel: cancel)
    else { return nil }
    return ScalingPrediction(
      kind, ranks: ranks, batch: batch, traffic: traffic, over: network,
      aloneMilliseconds: alone.medianMilliseconds, rankMilliseconds: milliseconds)
  }
}
