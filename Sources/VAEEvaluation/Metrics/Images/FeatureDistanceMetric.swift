import Tensors
import VAEFiles

/// How much of what a frozen network sees in the examples reconstructions lose: Σ ‖Φ(x) − Φ(x̂)‖² over
/// Σ ‖Φ(x) − m‖², with m the mean of Φ over the examples. It is 0 where they are the same to the network, and 1
/// where they tell no more of an example than the mean of all does.
public struct FeatureDistanceMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "feature_distance", title: "feature distance", direction: .lower,
    needs: [.network, .severalExamples],
    help:
      "the squared distance of an example's and its reconstruction's features, as a share of the variance of the "
      + "examples' features: 0 where a network sees no difference, 1 where it sees as much as without latents"
  )

  private var errors = 0.0
  private var count = 0.0
  private var center: Tensor?
  private var sums: Tensor?
  private var squares = 0.0

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    guard let maps = sample.features?.maps(of: .data),
      let others = sample.features?.maps(of: .reconstructions)
    else { return BatchFindings() }
    let values = maps.flattened()
    return BatchFindings(
      [[(others.flattened() - values).doubleSumOfSquares]], tensors: [values])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    guard let values = findings.tensor(0) else { return }
    errors += findings.numbers(0).first ?? 0
    // Around the mean of the first batch, so that features far from zero keep their variance.
    let center = self.center ?? values.mean(axis: 0)
    self.center = center
    let centered = values - center
    squares += centered.doubleSumOfSquares
    let sum = centered.sum(axis: 0)
    sums = sums.map { $0 + sum } ?? sum
    count += Double(values.shape[0])
  }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Double {
    guard let sums, count > 0 else {
      throw UndefinedMetric("the model has no latents, and so no reconstructions")
    }
    let variance = squares - sums.doubleSumOfSquares / count
    guard variance > 0, errors.isFinite else {
      throw UndefinedMetric("the network sees the same in all of them, or a feature is not finite")
    }
    return errors / variance
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Double) -> MetricReport {
    MetricReport(
      [.plain(descriptor.name, .finite(value))],
      rows: [
        .init(
          descriptor.title, Estimate(mean: value, standardError: nil), decimals: 4,
          note: "of the variance of features")
      ])
  }
}
