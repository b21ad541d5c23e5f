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

  /// Takes in a batch.
  public mutating func add(_ sample: MetricSample) {
    distortions += sample.evaluation.distortion.floats.map(Double.init)
  }

  /// What was measured.
  public func value() -> Estimate { Estimate(of: distortions) }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Estimate) -> MetricReport {
    MetricReport(
      [.estimate(descriptor.name, value)],
      rows: [.init("distortion", value, note: descriptor.unit)])
  }
}
