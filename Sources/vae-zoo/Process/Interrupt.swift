import ArgumentParser
import Glibc
import VAETraining
import VAEZoo

/// Ctrl-C: the first one asks for a clean stop, a second one ends the process.
enum Interrupt {
  /// Cancelled by the first SIGINT or SIGTERM.
  static let token = CancelToken()

  /// Whether it has come, for work that asks.
  @Sendable static func isAskedFor() -> Bool { token.isCancelled }

  /// Ends what asks where it has come.
  ///
  /// - Throws: the exit status of an interrupted command.
  static func proceed() throws {
    if token.isCancelled { throw ExitCode(ExitStatus.interrupted) }
  }

  /// The same in work that several processes do together, all of which end then.
  static func proceedTogether() throws { if token.isCancelled { throw StoppedWork() } }

  /// Installs the handler.
  static func install() {
    _ = token
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in Interrupt.token.cancel() }
    // One shot: the system's own action is back for the second signal.
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
  }
}
