import Tensors

/// The price of the latents.
public struct RateMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "rate", title: "rate", unit: "nats per example", occasions: [.epoch, .evaluation],
    hasStandardError: true, decimals: 2,
    help: "the price of the latents: KL(q(z|x) ‖ p(z)), or log q(z|x) − log p(z) of one draw")

  private var rates: [Double] = []

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    BatchFindings([sample.evaluation.rate.floats.map(Double.init)])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { rates += findings.numbers(0) }

  /// What was measured.
  public func value() -> Estimate { Estimate(of: rates) }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Estimate) -> MetricReport {
    MetricReport(
      [.estimate(descriptor.name, value)],
      rows: [.init("rate", value, note: descriptor.unit)])
  }
}
