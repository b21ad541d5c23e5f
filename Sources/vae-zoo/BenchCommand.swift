import ArgumentParser
import VAECore
import VAEZoo

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time training steps of the reference workloads against what the processor can do.",
    discussion: """
      A step is forward, backward and Adam. Utilization is useful operations a second, from the median step, over the \
      best rate of oneDNN's matrix product in the same run.

      \(Workload.all.map { "  \($0.name)  \($0.summary)" }.joined(separator: "\n"))
      """)

  @Argument(help: "Workloads; all of them where none is named.") var workloads: [String] = []
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    let known = Workload.all.map(\.name)
    for name in workloads where !known.contains(name) {
      throw ValidationError(
        "there is no workload \(name); there are: \(known.joined(separator: ", "))")
    }
  }

  func run() throws {
    threads.apply()
    let chosen =
      workloads.isEmpty ? Workload.all : Workload.all.filter { workloads.contains($0.name) }
    let results = try chosen.compactMap { try $0.measure() }
    if output.json {
      Console.print(JSON.array(results.map(\.json)).line)
      return
    }
    let header = [
      "workload", "threads", "min ms", "median ms", "GFLOP/s", "peak GFLOP/s", "utilization",
      "peak MB",
    ]
    let rows = results.map { result in
      [
        result.workload, "\(result.threads)", Console.fixed(result.minimumMilliseconds),
        Console.fixed(result.medianMilliseconds), Console.fixed(result.gflops, 1),
        Console.fixed(result.peakGflops, 1), Console.fixed(result.utilization),
        Console.fixed(result.peakMegabytes, 0),
      ]
    }
    Console.print(Console.table([header] + rows))
  }
}
