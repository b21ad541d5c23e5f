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

  /// Takes in a batch.
  public mutating func add(_ sample: MetricSample) {
    let evaluation = sample.evaluation
    count += Double(evaluation.batch.shape[0])
    if sums.isEmpty { sums = evaluation.draw.layers.map { _ in 0 } }
    for (level, layer) in evaluation.draw.layers.enumerated() {
      sums[level] += layer.rate.doubleSum
    }
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
