import Glibc

/// What the launcher of an MPI job has told this process by variables of its environment.
public struct MPILauncher: Equatable, Sendable {
  /// The variable by which it was recognised.
  public let variable: String
  /// The number of processes that it has started.
  public let size: Int
  /// Those of them on this machine; one where it does not say.
  public let localSize: Int
  /// Whether this is the first of all processes; where it does not say, each is.
  public let isFirst: Bool
  /// The names of libraries that belong to it, the one to be tried first in front.
  let libraries: [String]

  /// The launcher of this process; nil where there was none, or where it has started one process alone.
  ///
  /// - Parameter variable: reads the environment.
  public init?(_ variable: (String) -> String? = Self.environment) {
    let known: [(size: String, local: String, rank: String, libraries: [String])] = [
      (
        "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "OMPI_COMM_WORLD_RANK",
        ["libmpi.so.40"]
      ),
      (
        "PMI_SIZE", "MPI_LOCALNRANKS", "PMI_RANK",
        ["libmpi_abi.so.1", "libmpich.so.12", "libmpi.so.12"]
      ),
    ]
    for launcher in known {
      guard let size = variable(launcher.size).flatMap({ Int($0) }), size > 1 else { continue }
      self.variable = launcher.size
      self.size = size
      localSize = max(1, variable(launcher.local).flatMap { Int($0) } ?? 1)
      isFirst = (variable(launcher.rank) ?? "0") == "0"
      libraries = launcher.libraries
      return
    }
    return nil
  }

  /// The threads that each process of this machine computes with, where nobody has said how many.
  ///
  /// - Parameters:
  ///   - allowed: the threads that a process by itself would have.
  ///   - processors: of the machine.
  ///   - quota: the processors that a control group lets all of its processes use at a time; nil for all.
  public func threads(allowed: Int, processors: Int, quota: Int?) -> Int {
    let share = max(1, (quota.map { min($0, processors) } ?? processors) / localSize)
    // Fewer than the quota are those that the launcher, or the user, has given each process.
    return allowed < min(quota ?? processors, processors) ? allowed : share
  }

  /// A variable of the environment.
  public static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
