import Tensors
import VAEZoo

/// Where the time of a workload's step goes.
public struct WorkloadProfile: Sendable {
  /// One line of the profile: an operation with its sizes, forward or backward.
  public struct Line: Sendable {
    /// Name, sizes and pass; calls, operations and bytes of one step. Its `seconds` are those of
    /// the median step.
    public let cost: OperationCost
    /// The quickest step's time in this operation, in milliseconds.
    public let minimumMilliseconds: Double
    /// The median step's time in this operation, in milliseconds.
    public let medianMilliseconds: Double

    /// 10⁹ floating-point operations a second, from the median.
    public var gflops: Double { cost.flops / medianMilliseconds / 1e6 }
    /// 10⁹ bytes read and written a second, from the median.
    public var gigabytes: Double { cost.bytes / medianMilliseconds / 1e6 }
  }

  /// The workload.
  public let workload: String
  /// The median step with its recording, in milliseconds.
  public let medianMilliseconds: Double
  /// The median over steps of the time outside operations, in milliseconds.
  public let outsideMilliseconds: Double
  /// The best rate of matrix products in the same run, in 10⁹ operations a second.
  public let peakGflops: Double
  /// The operations, the most expensive first.
  public let lines: [Line]

  /// The profile by its names in `bench --profile --json`.
  public var json: JSON {
    .object([
      "median_ms": .finite(medianMilliseconds), "outside_ms": .finite(outsideMilliseconds),
      "operations": .array(
        lines.map { line in
          .object([
            "operation": .text(line.cost.name), "sizes": .text(line.cost.sizes),
            "pass": .text(line.cost.pass.rawValue), "calls": .integer(line.cost.calls),
            "min_ms": .finite(line.minimumMilliseconds),
            "median_ms": .finite(line.medianMilliseconds), "flops": .finite(line.cost.flops),
            "bytes": .finite(line.cost.bytes),
            "utilization": .finite(line.gflops / peakGflops),
          ])
        }),
    ])
  }
}

extension Workload {
  /// Records steps of the workload, at least 10 and about `seconds` of them, after a warm-up, with
  /// the precision as for `measure`. Nil where the token asks for a stop.
  public func profile(
    precision asked: Precision = .float32, seconds: Double = 3, cancel: CancelToken = CancelToken()
  ) throws -> WorkloadProfile? {
    let precision = trains ? asked : .float32
    let peak = MatrixPeak.measure(precision)
    let subject = try make(precision)
    for _ in 0..<5 where !cancel.isCancelled { try subject.run() }
    var steps: [(seconds: Double, operations: [OperationCost])] = []
    let begin = Clock.seconds
    while steps.count < 10 || (Clock.seconds - begin < seconds && steps.count < 1000) {
      guard !cancel.isCancelled else { return nil }
      steps.append(try Profiler.record { try subject.run() })
    }
    let outside = steps.map { step in
      step.seconds - step.operations.reduce(0) { $0 + $1.seconds }
    }
    return WorkloadProfile(
      workload: name, medianMilliseconds: Self.median(steps.map(\.seconds)) * 1e3,
      outsideMilliseconds: Self.median(outside) * 1e3,
      peakGflops: max(peak, MatrixPeak.measure(precision)),
      lines: Self.lines(steps.map(\.operations)))
  }

  /// The operations of the last step, each with its times over all of them.
  private static func lines(_ steps: [[OperationCost]]) -> [WorkloadProfile.Line] {
    var times: [String: [Double]] = [:]
    func key(_ cost: OperationCost) -> String { "\(cost.name)|\(cost.sizes)|\(cost.pass)" }
    for cost in steps.joined() { times[key(cost), default: []].append(cost.seconds) }
    return (steps.last ?? []).map { cost in
      let times = times[key(cost)] ?? []
      return WorkloadProfile.Line(
        cost: cost, minimumMilliseconds: (times.min() ?? 0) * 1e3,
        medianMilliseconds: median(times) * 1e3)
    }.sorted { $0.medianMilliseconds > $1.medianMilliseconds }
  }

  private static func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}
