/// Something that is measured on examples: what it is, what it takes from a batch, an accumulator of that, and how
/// its value reads.
///
/// What it takes from a batch depends on nothing else, so that batches can be looked at by different processes; all of
/// them take in that of every batch, in the order of the batches, and come to the value of one process.
///
/// A metric is one file and one line of `MetricRegistry.standard`. Commands, C, Python, reports and
/// training read everything else from its descriptor and its reports.
public protocol Metric: SendableMetatype {
  /// What Swift code gets of it.
  associatedtype Value: Sendable

  /// Name, unit, direction and needs.
  static var descriptor: MetricDescriptor { get }

  /// Nothing measured yet.
  init(_ setting: MetricSetting)

  /// What it takes from a batch that meets the needs of the descriptor. The model is at work here.
  func findings(in sample: MetricSample) -> BatchFindings

  /// Takes in what it has taken from a batch, of one after the other in their order.
  mutating func take(_ findings: BatchFindings)

  /// What was measured on everything that was taken in.
  ///
  /// - Throws: `UndefinedMetric` where these examples leave it without a value.
  func value() throws(UndefinedMetric) -> Value

  /// The value as records, tables and charts have it.
  static func report(_ value: Value) -> MetricReport
}

extension Metric {
  /// Takes in a batch that meets the needs of the descriptor.
  public mutating func add(_ sample: MetricSample) { take(findings(in: sample)) }
}

/// Why some examples leave a metric without a value.
public struct UndefinedMetric: Error {
  /// The reason, in words that follow a colon.
  public let reason: String

  /// A reason.
  public init(_ reason: String) {
    self.reason = reason
  }
}
