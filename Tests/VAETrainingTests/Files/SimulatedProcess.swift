import Foundation
import Synchronization
import VAEFiles
import VAETraining

/// Stands for a process that is killed, or loses its power, before one of its changes to the disk.
///
/// A killed process changes nothing any more, so everything that cleans up after an error is kept
/// from it too. Where the power fails, the content of files that nobody has waited for is lost.
final class SimulatedProcess: Sendable {
  struct Killed: Error {}

  private struct State {
    var changes: [DurableFiles.Change] = []
    var isDead = false
    /// The files whose content may not be on the disk yet.
    var unsynchronized: Set<String> = []
  }

  private let limit: Int
  private let losesPower: Bool
  private let state = Mutex(State())

  /// - Parameters:
  ///   - limit: the number of changes that it makes before it is killed.
  ///   - losesPower: whether files lose what has not been synchronized.
  init(killedAfter limit: Int = .max, losesPower: Bool = false) {
    self.limit = limit
    self.losesPower = losesPower
  }

  /// The changes that it has made.
  var changes: [DurableFiles.Change] { state.withLock { $0.changes } }

  /// Runs a closure as this process.
  ///
  /// - Returns: whether it came to its end.
  func run(_ body: () throws -> Void) throws -> Bool {
    do {
      try DurableFiles.withChanges(announcedTo: { try self.willChange($0) }, body)
    } catch is Killed {
      return false
    }
    return !state.withLock { $0.isDead }
  }

  private func willChange(_ change: DurableFiles.Change) throws {
    try state.withLock { state in
      if !state.isDead && state.changes.count == limit {
        state.isDead = true
        if losesPower { for path in state.unsynchronized { Self.loseContent(path) } }
      }
      guard !state.isDead else { throw Killed() }
      state.changes.append(change)
      switch change {
      case .write(let path), .truncate(let path): state.unsynchronized.insert(path)
      case .synchronize(let path): state.unsynchronized.remove(path)
      case .rename(let path, let target):
        state.unsynchronized = Set(
          state.unsynchronized.map {
            $0 == path || $0.hasPrefix(path + "/") ? target + $0.dropFirst(path.count) : $0
          })
      default: break
      }
    }
  }

  /// The first half of a file stays, then zeros up to its size.
  private static func loseContent(_ path: String) {
    guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int else {
      return
    }
    truncate(path, off_t(size / 2))
    truncate(path, off_t(size))
  }
}

/// Stands for one change that the system refuses.
final class FailingDisk: Sendable {
  private let number: Int
  private let count = Mutex(0)

  /// - Parameter number: of the change that fails, from zero.
  init(failingAt number: Int) {
    self.number = number
  }

  static let error = FileError(.unwritable, "write", "it", "No space left on device")

  func run(_ body: () throws -> Void) throws {
    try DurableFiles.withChanges(
      announcedTo: { _ in
        let isFailure = self.count.withLock { count in
          defer { count += 1 }
          return count == self.number
        }
        if isFailure { throw Self.error }
      }, body)
  }
}
