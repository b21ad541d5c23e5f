import Messages
import Tensors
import VAECore
import VAEFiles

/// The bound of the examples of each class, of a model that is told a label.
public struct ELBOPerClassMetric: Metric {
  /// The bound of one class.
  public struct ClassBound: Sendable {
    /// The name of the class, or its number where it has none.
    public let name: String
    /// The number of examples.
    public let examples: Int
    /// The bound on log p(x|y) in nats per example.
    public let elbo: Estimate
  }

  /// What it is.
  public static let descriptor = MetricDescriptor(
    "elbo_per_class", title: "bound per class", unit: "nats per example", direction: .higher,
    needs: [.toldLabel], occasions: [.evaluation], numbers: [],
    help: "the bound on log p(x|y) of the examples of each class, of a model that is told a label")

  private let space: ConditionSpace?
  private var elbos: [[Double]]

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {
    space = setting.model.condition
    elbos = Array(repeating: [], count: space?.width ?? 0)
  }

  /// What it takes from a batch; a distribution over classes counts for the most likely one.
  public func findings(in sample: MetricSample) -> BatchFindings {
    guard let condition = sample.context.condition, !elbos.isEmpty else { return BatchFindings() }
    return BatchFindings(
      [sample.evaluation.logWeights.floats.map(Double.init)],
      tensors: [condition.argmax(axis: 1)])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    for (label, bound) in zip(findings.tensor(0)?.indices ?? [], findings.numbers(0))
    where elbos.indices.contains(Int(label)) {
      elbos[Int(label)].append(bound)
    }
  }

  /// The bounds of the classes that occur, in their order.
  public func value() throws(UndefinedMetric) -> [ClassBound] {
    guard let space else { throw UndefinedMetric("the model is told no label") }
    return elbos.enumerated().compactMap { number, values in
      values.isEmpty
        ? nil
        : ClassBound(
          name: space.name(number), examples: values.count, elbo: Estimate(of: values))
    }
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: [ClassBound]) -> MetricReport {
    MetricReport(
      [
        .plain(
          descriptor.name,
          .array(
            value.map {
              .object([
                "class": .text($0.name), "examples": .integer($0.examples),
                "elbo": .finite($0.elbo.mean),
                "elbo_stderr": $0.elbo.standardError.map(JSON.finite) ?? .null,
              ])
            }))
      ],
      rows: value.map {
        MetricReport.Row(
          "bound of class \($0.name)", $0.elbo, note: "\(Count.of($0.examples, "example"))")
      })
  }
}
