/// The share of all codes that was seen at least once; see `CodeUsage`.
public struct CodebookUsageMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "codebook_usage", title: "codebook usage", direction: .higher, needs: [.codes],
    occasions: [.update, .epoch, .evaluation],
    help: "the share of all codes that stands for something at least once")

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
    let used = Double(value.used)
    return MetricReport(
      [.plain(descriptor.name, .finite(value.share))],
      rows: [
        .init(
          "codes in use", Estimate(mean: used, standardError: nil), decimals: 0,
          note: "of \(value.counts.count)")
      ], curves: [("codes_in_use", used)])
  }
}
