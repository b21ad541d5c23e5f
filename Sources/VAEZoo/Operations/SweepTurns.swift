import Communication
import Glibc
import Messages
import VAEFiles

/// Which process trains which run of a round: a free one takes the next.
///
/// Nobody hands the runs out, and no process waits for another to answer. All see the folder of the runs; in it lies one of the
/// round, and whoever makes a folder with the number of a run there, which only one can, has taken that run. A run comes to
/// the same bits whoever trains it.
public struct SweepTurns: Sendable {
  /// The folder of the round; nil where one process trains all runs.
  private let path: String?
  private let isFirst: Bool

  /// The beginning of the names of such folders.
  package static let prefix = ".turns-"
  private static let stopped = "stopped"

  /// A round in which nothing is taken yet, begun by all processes at the same time.
  ///
  /// - Parameters:
  ///   - folder: of the runs.
  ///   - communicator: what connects the processes.
  /// - Throws: `FileError` where the first process cannot write there; `CommunicationError`.
  package init(in folder: String, _ communicator: any Communicator) throws {
    isFirst = communicator.rank == 0
    guard communicator.size > 1 else {
      path = nil
      return
    }
    // Of a name that no process has looked for before, since file systems of networks remember what was not there.
    let own = communicator.rank == 0 ? UInt64.random(in: 0 ... .max) : 0
    let names = try communicator.gathered([own], filling: 0)
    let name = Self.prefix + String(names[0], radix: 16)
    try communicator.allSucceeding {
      guard communicator.rank == 0 else { return }
      let runs = try Folder(opening: folder)
      // A job that was killed has left its own.
      for other in try runs.list() where other.hasPrefix(Self.prefix) { try runs.removeTree(other) }
      try runs.makeFolder(name)
    }
    path = "\(folder)/\(name)"
  }

  /// Takes a run for this process.
  ///
  /// - Parameter place: of the run in the round.
  /// - Returns: false where another process has it, or the round is to end.
  /// - Throws: `FileError` where the folder cannot be written to.
  public func take(_ place: Int) throws -> Bool {
    guard let path else { return true }
    return try !DurableFiles.exists("\(path)/\(Self.stopped)") && make("\(place)")
  }

  /// Keeps all processes from taking further runs of the round.
  public func stop() throws { _ = try make(Self.stopped) }

  /// Ends the round, to whose end all processes have come; the first one removes its folder.
  public func end() throws {
    guard let path, isFirst else { return }
    try Folder(opening: DurableFiles.folder(of: path)).removeTree(DurableFiles.name(of: path))
  }

  /// Makes a folder of the round; false where it is there already.
  private func make(_ name: String) throws -> Bool {
    guard let path else { return true }
    do {
      try DurableFiles.makeFolder("\(path)/\(name)")
      return true
    } catch let error as FileError where error.kind == .exists {
      return false
    }
  }
}
