import Tensors

/// The bound on log p(x): −(distortion + rate) of one draw per example.
public struct ELBOMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "elbo", title: "ELBO", unit: "nats per example", direction: .higher,
    occasions: [.epoch, .evaluation], hasStandardError: true, decimals: 2,
    help: "the bound on log p(x): −(distortion + rate) of one draw for each example")

  private var bounds: [Double] = []

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    let evaluation = sample.evaluation
    return BatchFindings([
      zip(evaluation.rate.floats, evaluation.distortion.floats).map {
        -(Double($0) + Double($1))
      }
    ])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { bounds += findings.numbers(0) }

  /// What was measured.
  public func value() -> Estimate { Estimate(of: bounds) }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Estimate) -> MetricReport {
    MetricReport(
      [.estimate(descriptor.name, value)],
      rows: [.init("−ELBO", value.scaled(by: -1), note: descriptor.unit)])
  }
}
