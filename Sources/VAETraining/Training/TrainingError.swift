import Messages

/// Why training cannot start or go on.
public typealias TrainingError = ExplainedError<TrainingFault>

/// The kinds of error about training, which front ends tell apart.
public enum TrainingFault: Sendable {
  /// Data or a stored run that does not fit.
  case unsuitable
  /// A loss or weights that are infinite or not a number.
  case diverged
}
