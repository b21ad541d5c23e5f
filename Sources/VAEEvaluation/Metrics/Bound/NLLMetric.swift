import Messages

/// −log p(x) by importance weighting (Burda et al. 2016).
public struct NLLMetric: Metric {
  /// −log p(x), and how it was estimated.
  public struct Value: Sendable {
    /// −log p(x) in nats per example.
    public var estimate: Estimate
    /// K, the draws per example.
    public var samples: Int
  }

  /// What it is.
  public static let descriptor = MetricDescriptor(
    "nll", title: "NLL", unit: "nats per example", direction: .lower,
    needs: [.importanceSamples], hasStandardError: true, decimals: 2,
    help: "−log p(x) by importance weighting with K draws for each example (Burda et al. 2016)")

  private let samples: Int
  private var costs: [Double] = []

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {
    samples = setting.importanceSamples ?? 0
  }

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    BatchFindings([(sample.logLikelihoods ?? []).map { -$0 }])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { costs += findings.numbers(0) }

  /// What was measured.
  public func value() -> Value { Value(estimate: Estimate(of: costs), samples: samples) }

  /// The name of the draws per example among the members.
  public static let samplesName = "nll_samples"

  /// The value as records, tables and charts have it.
  public static func report(_ value: Value) -> MetricReport {
    MetricReport(
      [.estimate(descriptor.name, value.estimate), .plain(samplesName, .integer(value.samples))],
      rows: [
        .init(
          "NLL", value.estimate,
          note: "\(descriptor.unit), \(Count.of(value.samples, "importance sample"))")
      ])
  }
}
