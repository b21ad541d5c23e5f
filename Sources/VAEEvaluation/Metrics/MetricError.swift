import Messages

/// Why a metric that was asked for is not measured, in one line.
public typealias MetricError = ExplainedError<MetricFault>

/// The kinds of error about metrics, which front ends tell apart.
public enum MetricFault: Sendable {
  /// There is no metric of that name.
  case unknown
  /// The call lacks what the metric needs.
  case missingOption
  /// The model or the data lack it.
  case unsuitable
}
