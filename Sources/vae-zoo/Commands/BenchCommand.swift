import ArgumentParser
import Tensors
import VAEBenchmark
import VAECore
import VAEFiles
import VAEZoo

extension Precision: ExpressibleByArgument {}

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time training steps of the reference workloads against what the processor can do.",
    discussion: """
      A step is forward, backward and Adam. Utilization is useful operations per second, from the median step, over the \
      best rate of oneDNN's matrix product in the same run. With --profile, further steps are recorded operation by \
      operation: bytes are those of the arrays that an operation reads and writes, and the time of a step beyond its \
      operations is shown as outside. With one thread these times are processor time, which other processes do not \
      lengthen.

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
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard precision.isSupported else { throw ValidationError("--precision: \(precision.refusal)") }
    let known = Workload.all.map(\.name)
    for name in workloads where !known.contains(name) {
      throw ValidationError(
        "there is no workload \(name); there are: \(known.joined(separator: ", "))")
    }
    do {
      _ = try chosen()
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// The workloads that were asked for, in the sizes that were.
  private func chosen() throws(WorkloadSizeError) -> [Workload] {
    var chosen: [Workload] = []
    for workload in Workload.all where workloads.isEmpty || workloads.contains(workload.name) {
      chosen.append(try workload.resized(batch: batchSize, side: imageSize))
    }
    return chosen
  }

  func run() throws {
    try threads.apply()
    let chosen = try chosen()
    let results = try chosen.compactMap { try $0.measure(precision: precision) }
    let profiles = profile ? try chosen.compactMap { try $0.profile(precision: precision) } : []
    if output.json {
      let values = results.map { result in
        var object = result.json.object ?? [:]
        object["profile"] = profiles.first { $0.workload == result.workload }?.json
        return JSON.object(object)
      }
      Console.print(JSON.array(values))
      return
    }
    Console.print(Self.table(results))
    for profile in profiles { Console.print("\n" + Self.table(profile)) }
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
