import Tensors

/// −log p(x|z).
public struct DistortionMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "distortion", title: "distortion", unit: "nats per example", direction: .lower,
    occasions: [.epoch, .evaluation], hasStandardError: true, decimals: 2,
    help: "−log p(x|z) of one draw of the latents for each example")

  private var distortions: [Double] = []

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    BatchFindings([sample.evaluation.distortion.floats.map(Double.init)])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { distortions += findings.numbers(0) }

  /// What was measured.
  public func value() -> Estimate { Estimate(of: distortions) }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Estimate) -> MetricReport {
    MetricReport(
      [.estimate(descriptor.name, value)],
      rows: [.init("distortion", value, note: descriptor.unit)])
  }
}
