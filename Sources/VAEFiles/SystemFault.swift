import Glibc

/// Why a system call failed: the one place that tells what is wrong with a path from what the process
/// lacks whatever the path is, and that puts either in words.
package struct SystemFault: Equatable, Sendable {
  /// The value of `errno`.
  package let code: Int32

  /// The failure of the call that has just returned, or of a code.
  package init(_ code: Int32 = errno) { self.code = code }

  /// Whether the process, or the system, has no more of what opening a file takes.
  package var isExhaustion: Bool { code == EMFILE || code == ENFILE }

  /// What went wrong, with what to do where that is not to be seen from it.
  package var text: String {
    switch code {
    case EMFILE:
      "the process has as many files open as it may; raise the limit, such as by ulimit -n"
    case ENFILE: "the system has as many files open as it can; end other programs"
    default: String(cString: strerror(code))
    }
  }
}
