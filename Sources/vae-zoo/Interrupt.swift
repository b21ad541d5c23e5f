import Glibc
import VAETraining

/// Ctrl-C: the first one asks for a clean stop, a second one ends the process.
enum Interrupt {
  /// Cancelled by the first SIGINT or SIGTERM.
  static let token = CancelToken()

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
