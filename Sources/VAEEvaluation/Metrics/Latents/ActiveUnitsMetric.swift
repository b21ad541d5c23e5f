import Tensors

/// Latent units whose posterior mean varies over the examples; see `ActiveUnits`.
public struct ActiveUnitsMetric: Metric {
  /// How many units are active.
  public struct Value: Sendable {
    /// Those that are active.
    public var active: Estimate
    /// All units.
    public var units: Int

    /// A count of units.
    public init(active: Estimate, units: Int) {
      self.active = active
      self.units = units
    }
  }

  /// What it is.
  public static let descriptor = MetricDescriptor(
    "active_units", title: "active units", unit: "units",
    needs: [.posteriorMeans, .severalExamples],
    occasions: [.epoch, .evaluation], hasStandardError: true, decimals: 0,
    help:
      "latent units whose posterior mean has a variance above 0.01 over the examples (Burda et al. 2016)"
  )

  private var columns = ActiveUnits()
  private var units = 0

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    BatchFindings(tensors: sample.evaluation.posterior.mean.map { [$0] } ?? [])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    guard let mean = findings.tensor(0) else { return }
    units = mean.shape.removingFirst.count
    columns.add(mean.floats, units: units)
  }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Value {
    guard let active = columns.count else {
      throw UndefinedMetric("the posterior has no units")
    }
    return Value(active: active, units: units)
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Value) -> MetricReport {
    let count = value.active.mean
    return MetricReport(
      [.estimate(descriptor.name, value.active, isWhole: true)],
      rows: [
        .init(
          "active units", Estimate(mean: count, standardError: nil), decimals: 0,
          note: "of \(value.units)")
      ], curves: [(descriptor.name, count)])
  }
}
