import CProcess
import Glibc
import VAEFiles

/// How threads of the OpenMP pool wait for each other.
///
/// By default libgomp's threads spin for milliseconds. Where another process wants a processor too,
/// each of the forty parallel loops of a small training step then waits for a whole time slice:
/// with one busy neighbour on two cores a step of 2.5 ms was measured at 156 ms. Spinning for some
/// microseconds only and then sleeping costs a few percent on a quiet machine and keeps the step at
/// about 6 ms on a busy one.
enum WaitingPolicy {
  private static let spinCount = "2000"

  /// Puts the policy in force, unless the user has chosen one. libgomp reads its settings before
  /// `main`, so the process begins again with the setting in its environment.
  static func apply() {
    guard getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil else { return }
    setenv("GOMP_SPINCOUNT", spinCount, 1)
    if let executable = Invocation.executable {
      execv(executable.systemPath, process_arguments())
    }
    // Where that is not possible the process goes on as it is.
  }
}
