import VAEFiles

/// How far the posteriors of all examples together lie from the prior; see `AggregateMoments`.
public struct AggregatePosteriorMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "aggregate_posterior", title: "aggregate posterior", unit: "nats", direction: .lower,
    needs: [.reparameterizedPrior, .severalExamples],
    numbers: [
      .init("aggregate_posterior.kl", "aggregate posterior, KL"),
      .init("aggregate_posterior.mean_norm", "aggregate posterior, norm of the mean"),
    ],
    help:
      "how far the posteriors of all examples together lie from the prior: the KL of a Gaussian with their mean "
      + "and variance of each unit, and the norm of that mean")

  private let setting: MetricSetting
  private var moments = AggregateMoments()

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) { self.setting = setting }

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    BatchFindings(
      tensors: AggregateMoments.noise(
        of: sample.evaluation.draw, setting.model.prior, sample.context))
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { moments.add(noise: findings.tensors) }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> AggregateMoments.Distance {
    guard let distance = moments.distance else { throw UndefinedMetric("the model has no latents") }
    return distance
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: AggregateMoments.Distance) -> MetricReport {
    var object: JSON.Object = [
      "mean_norm": .finite(value.meanNorm), "kl": .finite(value.divergence),
    ]
    var rows = rows("aggregate posterior", value.divergence, value.meanNorm, byChance: value.chance)
    if value.layers.count > 1 {
      object["mean_norm_per_layer"] = .array(value.layers.map { .finite($0.meanNorm) })
      object["kl_per_layer"] = .array(value.layers.map { .finite($0.divergence) })
      for (level, layer) in value.layers.enumerated() {
        rows += Self.rows(
          "  layer \(level + 1)", layer.divergence, layer.meanNorm,
          byChance: layer.chance(examples: value.examples))
      }
    }
    return MetricReport([.plain(descriptor.name, .object(object))], rows: rows)
  }

  private static func rows(
    _ title: String, _ divergence: Double, _ norm: Double, byChance chance: Double
  ) -> [MetricReport.Row] {
    let indent = title.prefix { $0 == " " }
    // Few examples lie away from the prior whatever the model is.
    let part =
      chance >= 0.05 && chance > 0.1 * divergence
      ? "; about \(AggregateMoments.Distance.rounded(chance)) are chance with so few examples" : ""
    return [
      .init(
        title, Estimate(mean: divergence, standardError: nil), note: "nats from the prior\(part)"),
      .init(
        indent + "  its mean", Estimate(mean: norm, standardError: nil),
        note: "standard deviations from zero"),
    ]
  }
}
