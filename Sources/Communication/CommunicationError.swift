import Messages

/// Why ranks cannot work together, or cannot go on with it.
public typealias CommunicationError = ExplainedError<CommunicationFault>

/// The kinds of error about several ranks, which front ends tell apart.
public enum CommunicationFault: Sendable {
  /// A rank has other data, another recipe or another program than the first one.
  case mismatch
  /// A rank has failed or has gone.
  case failed
  /// Another rank has failed by itself, knows why, and says so in the words of its own front end.
  case failedElsewhere
  /// There is no library for it, or it is not that of the launcher.
  case unavailable
}
