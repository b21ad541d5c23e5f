/// How well the unit that varies least tells which factor is fixed; see `FactorVAEScore`.
public struct FactorVAEScoreMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "factor_vae_score", title: "FactorVAE score", direction: .higher,
    needs: FactoredPosteriors.needs,
    help:
      "how often the unit that varies least tells which factor is fixed, 1 at best (Kim & Mnih 2018)"
  )

  private var posteriors: FactoredPosteriors

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) { posteriors = FactoredPosteriors(setting) }

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    FactoredPosteriors.findings(in: sample)
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { posteriors.take(findings) }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> FactorVAEScore {
    FactorVAEScore(
      try posteriors.representation(), random: posteriors.random.child("FactorVAE score"))
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: FactorVAEScore) -> MetricReport {
    MetricReport(
      [.plain(descriptor.name, .finite(value.score))],
      rows: [.init("FactorVAE score", Estimate(mean: value.score, standardError: nil))])
  }
}
