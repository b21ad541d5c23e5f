/// How the units that predict factors are shared among them; see `DCI`.
public struct DCIMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "dci", title: "DCI", direction: .higher, needs: FactoredPosteriors.needs,
    numbers: [
      .init("dci_disentanglement", "DCI disentanglement"),
      .init("dci_completeness", "DCI completeness"),
      .init("dci_informativeness", "DCI informativeness"),
    ],
    help:
      "disentanglement, completeness and informativeness of the units that predict the factors, each 1 at best "
      + "(Eastwood & Williams 2018)")

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
  public func value() throws(UndefinedMetric) -> DCI {
    DCI(try posteriors.representation(), random: posteriors.random.child("DCI"))
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: DCI) -> MetricReport {
    let parts = [value.disentanglement, value.completeness, value.informativeness]
    return MetricReport(
      zip(descriptor.numbers, parts).map { .plain($0.name, .finite($1)) },
      rows: [
        .init(
          "DCI", parts.map { Estimate(mean: $0, standardError: nil) },
          note: "disentanglement, completeness, informativeness")
      ])
  }
}
