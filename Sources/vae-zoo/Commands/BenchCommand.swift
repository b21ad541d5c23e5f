import ArgumentParser
import Communication
import Tensors
import VAEBenchmark
import VAECore
import VAEFiles
import VAEScaling
import VAEZoo

extension Precision: ExpressibleByArgument {}

struct BenchCommand: DividedCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time training steps of the reference workloads against what the processor can do.",
    discussion: """
      A step is forward, backward and Adam. Utilization is useful operations per second, from the median step, over the \
      best rate of oneDNN's matrix product in the same run. With --profile, further steps are recorded operation by \
      operation: bytes are those of the arrays that an operation reads and writes, and the time of a step beyond its \
      operations is shown as outside. With one thread these times are processor time, which other processes do not \
      lengthen.

      With --network and --ranks it predicts the step of so many processes, each on a machine like this with as many \
      threads: what one of them computes is measured, and bytes sent / speed + calls × ⌈log₂ ranks⌉ × latency is added, \
      both counted. Weak scaling keeps the examples of each process, strong scaling those of all together. Started several times \
      by a launcher of MPI, it measures the step that these processes make together on the batch of the workload.

      \(Workload.all.map { "  \($0.name)  \($0.summary)" }.joined(separator: "\n"))
      """)

  @Argument(help: "Workloads; all of them where none is named.") var workloads: [String] = []
  @Flag(help: "Print what each operation costs, forward and backward.") var profile = false
  @Option(
    help: ArgumentHelp(
      "What products and convolutions multiply in training steps: float32 or bfloat16.",
      valueName: "type"))
  var precision = Precision.float32
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Examples per step instead of the workload's own number.", valueName: "n"))
  var batchSize: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Images of NxN pixels instead of the workload's own size.", valueName: "n"))
  var imageSize: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Predict the step on a network of this speed, such as 10Gb (bits) or 1.25GB (bytes a second).",
      valueName: "speed"))
  var network: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many processes the prediction is of, 2 to \(Workload.mostRanks).", valueName: "n"))
  var ranks: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What a short message takes on that network (default: \(Network.usualLatency)).",
      valueName: "time"))
  var latency: String?
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard precision.isSupported else { throw ValidationError("--precision: \(precision.refusal)") }
    try checkScaling()
    let known = Workload.all.map(\.name)
    for name in workloads where !known.contains(name) {
      throw ValidationError(
        "there is no workload \(name); there are: \(known.joined(separator: ", "))")
    }
    do {
      try checkDivision(of: chosen())
    } catch let error as WorkloadSizeError {
      throw ValidationError("\(error)")
    }
  }

  /// The workloads that were asked for, in the sizes that were; where processes divide steps, those that train.
  func chosen() throws(WorkloadSizeError) -> [Workload] {
    var chosen: [Workload] = []
    let isDivided = network != nil || MPILauncher() != nil
    for workload in Workload.all where workloads.isEmpty || workloads.contains(workload.name) {
      guard workload.trains || !isDivided || !workloads.isEmpty else { continue }
      chosen.append(try workload.resized(batch: batchSize, side: imageSize))
    }
    return chosen
  }

  func run() throws {
    let mpi = try MPICommunicator.started()
    try threads.apply(mpi?.launcher)
    guard let mpi else { return try measureAlone() }
    defer { mpi.finish() }
    do { try measure(among: WatchedCommunicator.watching(mpi)) } catch {
      // All find a mismatch.
      Console.isSilent = mpi.rank > 0
      if (error as? CommunicationError)?.kind != .mismatch { mpi.abort("\(error)") }
      throw error
    }
  }

  private func measureAlone() throws {
    let chosen = try chosen()
    let results = try chosen.compactMap { try $0.measure(precision: precision) }
    let profiles = profile ? try chosen.compactMap { try $0.profile(precision: precision) } : []
    let scaling = try asked.map { try BenchScaling(chosen, results, $0.ranks, over: $0.network) }
    if output.json {
      let values = results.map { result in
        var object = result.json.object ?? [:]
        object["profile"] = profiles.first { $0.workload == result.workload }?.json
        object["scaling"] = scaling?.json(of: result.workload)
        return JSON.object(object)
      }
      Console.print(JSON.array(values))
      return
    }
    Console.print(Self.table(results))
    for profile in profiles { Console.print("\n" + Self.table(profile)) }
    if let scaling { Console.print("\n" + scaling.text) }
  }

  private static func table(_ results: [BenchmarkResult]) -> String {
    let header = [
      "workload", "dtype", "batch", "image", "threads", "min ms", "median ms", "GFLOP/s",
      "peak GFLOP/s",
      "utilization", "peak MB",
    ]
    let rows = results.map { result in
      [
        result.workload, result.precision.rawValue, "\(result.size.batch)",
        "\(result.size.side)×\(result.size.side)", "\(result.threads)",
        Console.fixed(result.minimumMilliseconds),
        Console.fixed(result.medianMilliseconds), Console.fixed(result.gflops, 1),
        Console.fixed(result.peakGflops, 1), Console.fixed(result.utilization),
        Console.fixed(result.peakMegabytes, 0),
      ]
    }
    return Console.table([header] + rows)
  }

  private static func table(_ profile: WorkloadProfile) -> String {
    let header = [
      "min ms", "median ms", "share", "calls", "Mflop", "MB", "GFLOP/s", "GB/s", "utilization",
      "pass", profile.workload,
    ]
    func share(_ milliseconds: Double) -> String {
      Console.fixed(100 * milliseconds / profile.medianMilliseconds, 1) + "%"
    }
    let rows = profile.lines.map { line in
      let multiplies = line.cost.flops > 0
      return [
        Console.fixed(line.minimumMilliseconds, 3), Console.fixed(line.medianMilliseconds, 3),
        share(line.medianMilliseconds), "\(line.cost.calls)",
        multiplies ? Console.fixed(line.cost.flops / 1e6, 1) : "",
        Console.fixed(line.cost.bytes / 1e6, 2), multiplies ? Console.fixed(line.gflops, 1) : "",
        Console.fixed(line.gigabytes, 1),
        multiplies ? Console.fixed(line.gflops / profile.peakGflops) : "",
        line.cost.pass.rawValue, "\(line.cost.name) \(line.cost.sizes)",
      ]
    }
    let outside = [
      "", Console.fixed(profile.outsideMilliseconds, 3), share(profile.outsideMilliseconds),
      "", "", "", "", "", "", "", "outside operations",
    ]
    let whole = [
      "", Console.fixed(profile.medianMilliseconds, 3), share(profile.medianMilliseconds), "", "",
      "", "", "", "", "", "the step",
    ]
    return Console.table([header] + rows + [outside, whole])
  }
}
