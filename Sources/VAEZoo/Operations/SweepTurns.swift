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
  /// The number of runs.
  private let count: Int
  /// The folder of the round; nil where one process trains all runs.
  private let round: Folder?
  private let isFirst: Bool

  /// The beginning of the names of such folders.
  package static let prefix = ".turns-"

  /// A round in which nothing is taken yet, begun by all processes at the same time.
  ///
  /// - Parameters:
  ///   - folder: of the runs.
  ///   - count: how many runs there are.
  ///   - communicator: what connects the processes.
  /// - Throws: `FileError` where the first process cannot write there, or another does not see it; `CommunicationError` in the
  ///   others.
  package init(in folder: String, count: Int, _ communicator: any Communicator) throws {
    self.count = count
    isFirst = communicator.rank == 0
    // Of a name that no process has looked for before, since file systems of networks remember what was not there.
    let own = Array((Self.prefix + RandomName.make()).utf8)
    let shared = try communicator.tellingOthers {
      try communicator.sharedByFirst(own) {
        try Memory.require(bytes: $0, for: "the name of a round of rank 0")
      }
    }
    let name = String(decoding: shared, as: UTF8.self)
    let isShared = communicator.size > 1
    try communicator.allSucceeding {
      guard communicator.rank == 0 else { return }
      let runs = try Folder(opening: folder)
      // A job that was killed has left its own.
      for other in try runs.list() where other.hasPrefix(Self.prefix) { try runs.removeTree(other) }
      if isShared { try runs.makeFolder(name) }
    }
    round = try communicator.allSucceeding {
      isShared ? try Folder(opening: "\(folder)/\(name)") : nil
    }
  }

  /// Takes a run for this process.
  ///
  /// - Parameter place: of the run in the round.
  /// - Returns: false where another process has it, or the round is to end.
  /// - Throws: `FileError` where the folder cannot be written to.
  public func take(_ place: Int) throws -> Bool {
    guard let round else { return true }
    do {
      try round.makeFolder("\(place)")
      return true
    } catch let error as FileError where error.kind == .exists {
      return false
    }
  }

  /// Keeps all processes from taking further runs of the round, by taking those that are left.
  ///
  /// - Throws: as `take`.
  public func stop() throws {
    guard round != nil else { return }
    for place in 0..<count { _ = try take(place) }
  }

  /// Whether every run is taken, so that no process begins another one.
  ///
  /// - Throws: `FileError` where the folder cannot be read.
  public func areAllTaken() throws -> Bool { try (round?.list().count ?? count) >= count }

  /// Ends the round, to whose end all processes have come; the first one removes its folder.
  public func end() throws {
    guard let round, isFirst else { return }
    try Folder(opening: DurableFiles.folder(of: round.path)).removeTree(
      DurableFiles.name(of: round.path))
  }
}
