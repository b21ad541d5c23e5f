import Tensors

/// The mean rate of each latent unit, where it is a sum over units.
public struct RatePerUnitMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "rate_per_unit", title: "rate per unit", unit: "nats per example", needs: [.unitRates],
    occasions: [.epoch, .evaluation], numbers: [],
    help: "the mean rate of each latent unit, those of the layer nearest to the data first")

  /// Units beyond which nobody reads a list of them: maps of the size of an image, as very deep models draw one in
  /// every block, have hundreds of thousands.
  static let unitLimit = 1 << 14

  private var sums: [[Double]] = []
  private var count = 0.0

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    let evaluation = sample.evaluation
    return BatchFindings(
      [[Double(evaluation.batch.shape[0])]]
        + evaluation.draw.layers.map {
          $0.unitRates?.sum(axis: 0).floats.map(Double.init) ?? []
        })
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    count += findings.numbers(0).first ?? 0
    let parts = findings.numbers.dropFirst()
    if sums.isEmpty { sums = parts.map { _ in [] } }
    for (level, part) in zip(sums.indices, parts) where !part.isEmpty {
      sums[level] = sums[level].isEmpty ? part : zip(sums[level], part).map { $0 + $1 }
    }
  }

  /// Layer by layer, the one nearest to the data first; of a layer whose rate is no such sum nothing.
  public func value() -> [[Double]] { sums.map { $0.map { $0 / max(1, count) } } }

  /// The value as records, tables and charts have it.
  public static func report(_ value: [[Double]]) -> MetricReport {
    MetricReport([.list(descriptor.name, value.flatMap(\.self))])
  }
}
