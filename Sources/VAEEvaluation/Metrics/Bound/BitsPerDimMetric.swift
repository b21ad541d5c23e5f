/// Bits that a code for images takes for each of their numbers; see `CodeLength`.
public struct BitsPerDimMetric: Metric {
  /// Bits a dimension, and of what.
  public struct Value: Sendable {
    /// Bits a dimension; of dequantized bytes an upper bound on those of the bytes.
    public var estimate: Estimate
    /// What they are of: `nll` of an importance-weighted likelihood, or `elbo`.
    public var bound: String
  }

  /// What it is.
  public static let descriptor = MetricDescriptor(
    "bits_per_dim", title: "bits per dimension", unit: "bits per dimension", direction: .lower,
    needs: [.discreteValues], uses: [.importanceSamples], hasStandardError: true, decimals: 4,
    help: "−log₂ p(x) for each number of an image: of the NLL where there is one, else of the −ELBO"
  )

  private let code: CodeLength?
  private var bound: any CostMetric

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {
    code = setting.codeLength
    if setting.importanceSamples == nil {
      bound = ELBOMetric(setting)
    } else {
      bound = NLLMetric(setting)
    }
  }

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings { bound.findings(in: sample) }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { bound.take(findings) }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Value {
    guard let code else { throw UndefinedMetric("their values have no code of finite length") }
    return Value(
      estimate: code.bitsPerDimension(of: bound.cost), bound: type(of: bound).descriptor.name)
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Value) -> MetricReport {
    MetricReport(
      [
        .estimate(descriptor.name, value.estimate),
        .plain("bits_per_dim_bound", .text(value.bound)),
      ],
      rows: [
        .init(
          "bits per dimension", value.estimate, decimals: descriptor.numbers[0].decimals,
          note: value.bound == NLLMetric.descriptor.name ? "of the NLL" : "of the −ELBO")
      ])
  }
}

/// What says how much an image costs.
private protocol CostMetric: Metric {
  /// −log p of an image in nats, or a bound on it.
  var cost: Estimate { get }
}

extension ELBOMetric: CostMetric {
  fileprivate var cost: Estimate { value().scaled(by: -1) }
}

extension NLLMetric: CostMetric {
  fileprivate var cost: Estimate { value().estimate }
}
