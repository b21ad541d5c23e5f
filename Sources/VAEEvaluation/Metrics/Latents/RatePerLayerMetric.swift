import Tensors

/// The mean rate of each of several stochastic layers.
public struct RatePerLayerMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "rate_per_layer", title: "rate per layer", unit: "nats per example", needs: [.severalLayers],
    occasions: [.epoch, .evaluation], numbers: [],
    help: "the mean rate of each stochastic layer, the one nearest to the data first")

  private var sums: [Double] = []
  private var count = 0.0

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    let evaluation = sample.evaluation
    return BatchFindings([
      [Double(evaluation.batch.shape[0])], evaluation.draw.layers.map { $0.rate.doubleSum },
    ])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    count += findings.numbers(0).first ?? 0
    let rates = findings.numbers(1)
    if sums.isEmpty { sums = rates.map { _ in 0 } }
    for (level, rate) in zip(sums.indices, rates) { sums[level] += rate }
  }

  /// What was measured.
  public func value() -> [Double] { sums.map { $0 / max(1, count) } }

  /// The value as records, tables and charts have it.
  public static func report(_ value: [Double]) -> MetricReport {
    MetricReport(
      [.list(descriptor.name, value)],
      curves: value.enumerated().map { ("rate_of_level_\($0)", $1) })
  }
}
