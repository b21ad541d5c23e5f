import ArgumentParser
import Communication
import Tensors
import VAEBenchmark
import VAEFiles
import VAEScaling
import VAETraining
import VAEZoo

/// Several processes: what they are predicted to gain, or what a launcher's take together.
extension BenchCommand {
  /// The network and the ranks that a prediction is of; nil where none is asked for.
  var asked: (network: Network, ranks: Int)? {
    get throws {
      guard let network, let ranks else { return nil }
      return (try parsed(network), ranks)
    }
  }

  private func parsed(_ speed: String) throws -> Network {
    try Network(speed: speed, latency: latency ?? Network.usualLatency)
  }

  /// Refuses options that contradict each other, and what is no network.
  func checkScaling() throws {
    let launcher = MPILauncher()
    if network == nil && latency != nil {
      throw ValidationError("--latency is of the network that --network names; give that as well")
    }
    if let network {
      do { _ = try parsed(network) } catch {
        throw ValidationError("--network, --latency: \(error)")
      }
    }
    if let ranks, !(2...Workload.mostRanks).contains(ranks) {
      throw ValidationError("--ranks must be between 2 and \(Workload.mostRanks), not \(ranks)")
    }
    if let launcher {
      if let ranks, ranks != launcher.size {
        throw ValidationError(
          "--ranks \(ranks) is not the number of processes that the launcher has started, \(launcher.size); leave it out"
        )
      }
    } else if (network == nil) != (ranks == nil) {
      throw ValidationError(
        "--network and --ranks go together: on what network, and how many processes")
    }
    guard network != nil || launcher != nil else { return }
    if profile {
      throw ValidationError(
        "--profile shows the operations of one process by itself; leave out \(launcher == nil ? "it or --network" : "it")"
      )
    }
    for workload in Workload.all where workloads.contains(workload.name) && !workload.trains {
      throw ValidationError(
        "\(workload.name) does not train, and several processes divide training steps alone")
    }
  }

  /// Refuses batches that the processes of a launcher cannot divide.
  func checkDivision(of workloads: [Workload]) throws {
    guard let size = MPILauncher()?.size else { return }
    for workload in workloads where workload.size.batch < size {
      throw ValidationError(
        "\(workload.name) has a batch of \(workload.size.batch), fewer than \(size) processes; give a larger --batch-size"
      )
    }
  }

  /// Measures workloads by processes of which this is one; the first prints.
  func measure(among communicator: any Communicator) throws {
    let network = try network.map(parsed)
    let workloads = try chosen()
    let sizes = workloads.map { "\($0.name) \($0.size.batch)×\($0.size.side)×\($0.size.side)" }
    communicator.enter("the comparison of what the ranks measure")
    try communicator.compare(
      TrainingFact.ofEngine + [
        TrainingFact("number of threads", "\(Engine.threads)"),
        TrainingFact("list of workloads", sizes.joined(separator: ", ")),
        TrainingFact("precision", precision.rawValue),
      ])
    var results: [DividedResult] = []
    for workload in workloads {
      communicator.enter("the workload \(workload.name)")
      if let result = try workload.measure(among: communicator, precision: precision) {
        results.append(result)
      }
    }
    guard communicator.rank == 0 else { return }
    if output.json {
      return Console.print(JSON.array(results.map { $0.json(over: network) }))
    }
    let header = [
      "workload", "dtype", "batch", "image", "ranks", "threads", "rank ms", "calls", "MB sent",
      "min ms", "median ms",
    ]
    let rows = results.map { result in
      [
        result.workload, result.precision.rawValue, "\(result.size.batch)",
        "\(result.size.side)×\(result.size.side)", "\(result.ranks)", "\(result.threads)",
        Console.fixed(result.rankMilliseconds), "\(result.traffic.calls)",
        Console.fixed(Double(result.traffic.bytes) / 1e6),
        Console.fixed(result.minimumMilliseconds), Console.fixed(result.medianMilliseconds),
      ] + (network.map { [Console.fixed(result.predictedMilliseconds(over: $0))] } ?? [])
    }
    Console.print(Console.table([header + (network == nil ? [] : ["predicted ms"])] + rows))
  }
}

/// What several processes are predicted to gain on workloads.
struct BenchScaling {
  private let predictions: [(workload: Workload, kinds: [ScalingPrediction?])]
  private let ranks: Int
  private let network: Network

  /// Measures what a rank takes, and predicts.
  init(
    _ workloads: [Workload], _ results: [BenchmarkResult], _ ranks: Int, over network: Network
  ) throws {
    (self.ranks, self.network) = (ranks, network)
    predictions = try zip(workloads, results).map { workload, result in
      let kinds = try ScalingPrediction.Kind.allCases.map {
        try workload.predicted($0, ranks: ranks, over: network, from: result)
      }
      return (workload, kinds)
    }
  }

  /// The predictions of a workload; null where its batch has fewer examples than there are ranks.
  func json(of workload: String) -> JSON? {
    guard let found = predictions.first(where: { $0.workload.name == workload }) else { return nil }
    var object: JSON.Object = [
      "ranks": .integer(ranks), "bytes_per_s": .finite(network.bytesPerSecond),
      "latency_us": .finite((network.latencySeconds * 1e9).rounded() / 1e3),
    ]
    for (kind, prediction) in zip(ScalingPrediction.Kind.allCases, found.kinds) {
      object[kind.rawValue] = prediction?.json ?? .null
    }
    return .object(object)
  }

  /// The table for people.
  var text: String {
    let header = [
      "workload", "scaling", "batch", "a rank's", "rank ms", "calls", "MB sent", "network ms",
      "step ms", "speed-up", "efficiency",
    ]
    let rows = predictions.flatMap { workload, kinds in
      zip(ScalingPrediction.Kind.allCases, kinds).map { kind, prediction -> [String] in
        guard let prediction else {
          return [workload.name, kind.rawValue, "\(workload.size.batch)", "none"]
        }
        return [
          workload.name, kind.rawValue, "\(prediction.batch)", "\(prediction.examplesPerRank)",
          Console.fixed(prediction.rankMilliseconds), "\(prediction.traffic.calls)",
          Console.fixed(Double(prediction.traffic.bytes) / 1e6),
          Console.fixed(prediction.networkMilliseconds),
          Console.fixed(prediction.stepMilliseconds), Console.fixed(prediction.speedUp),
          Console.fixed(prediction.efficiency),
        ]
      }
    }
    // The examples of a batch are divided, and an example is not.
    let small = predictions.filter { $0.kinds.contains { $0 == nil } }.map { workload, _ in
      "\n\(workload.name) has a batch of \(workload.size.batch), which \(ranks) ranks cannot divide; "
        + "--batch-size gives it a larger one"
    }
    return
      "predicted for \(ranks) ranks on a network of \(Console.fixed(network.bytesPerSecond * 8 / 1e9, 3)) Gb/s "
      + "and \(Console.fixed(network.latencySeconds * 1e6, 1)) µs; rank ms is measured here:\n"
      + Console.table([header] + rows) + small.joined()
  }
}
