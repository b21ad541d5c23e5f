import Messages

/// What is wrong with a plug-in, in one line that names it.
public typealias PluginError = ExplainedError<PluginFault>

/// The kinds of error about plug-ins, which front ends tell apart.
public enum PluginFault: Sendable {
  /// There is no such file.
  case missing
  /// It could not be loaded, or its description breaks the rules.
  case unusable
  /// It failed, or broke the rules, while it was at work.
  case failed
  /// The process or the system has no more of what opening a file takes.
  case exhausted
}

/// What is wrong with something of a plug-in, before it is known where that stands.
struct Misfit: Error {
  let message: Message

  init(_ message: Message) {
    self.message = message
  }
}
