/// Something that is measured on examples: what it is, an accumulator that takes in batches, and how
/// its value reads.
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

  /// Takes in a batch that meets the needs of the descriptor.
  mutating func add(_ sample: MetricSample)

  /// What was measured on everything that was taken in.
  ///
  /// - Throws: `UndefinedMetric` where these examples leave it without a value.
  func value() throws(UndefinedMetric) -> Value

  /// The value as records, tables and charts have it.
  static func report(_ value: Value) -> MetricReport
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
