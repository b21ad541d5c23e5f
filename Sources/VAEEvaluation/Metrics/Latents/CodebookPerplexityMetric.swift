/// As many codes as would be in use if all in use were equally frequent; see `CodeUsage`.
public struct CodebookPerplexityMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "codebook_perplexity", title: "codebook perplexity", unit: "codes", direction: .higher,
    needs: [.codes], occasions: [.update, .epoch, .evaluation], decimals: 1,
    help:
      "e^H of the distribution of codes: as many as would be in use if all in use were equally frequent"
  )

  private var usage: CodeUsage

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {
    usage = CodeUsage(setting.model.prior.latents) ?? CodeUsage(codeCount: 0)
  }

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    BatchFindings(tensors: CodeUsage.codes(of: sample.evaluation))
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    for codes in findings.tensors { usage.add(codes) }
  }

  /// What was measured.
  public func value() -> CodeUsage { usage }

  /// The value as records, tables and charts have it.
  public static func report(_ value: CodeUsage) -> MetricReport {
    MetricReport(
      [.plain(descriptor.name, .finite(value.perplexity))],
      rows: [
        .init(
          "codebook perplexity", Estimate(mean: value.perplexity, standardError: nil), decimals: 1)
      ], curves: [(descriptor.name, value.perplexity)])
  }
}
