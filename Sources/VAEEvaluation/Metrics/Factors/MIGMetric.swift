/// The mutual information gap of posterior and factors; see `MutualInformationGap`.
public struct MIGMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "mig", title: "MIG", direction: .higher,
    needs: FactoredPosteriors.needs + [.posteriorVariances],
    help:
      "the mutual information gap: by how much the unit that says most of a factor exceeds the second, 1 at best "
      + "(Chen et al. 2018)")

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
  public func value() throws(UndefinedMetric) -> MutualInformationGap {
    let gap = MutualInformationGap(
      try posteriors.representation(), random: posteriors.random.child("mutual information gap"))
    guard let gap else {
      throw UndefinedMetric("a posterior variance is not finite, or zero")
    }
    return gap
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: MutualInformationGap) -> MetricReport {
    MetricReport(
      [.plain(descriptor.name, .finite(value.score))],
      rows: [
        .init(
          "MIG", Estimate(mean: value.score, standardError: nil), note: "mutual information gap")
      ])
  }
}
