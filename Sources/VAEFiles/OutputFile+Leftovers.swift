import Glibc
import Tensors

/// What processes that were killed while they wrote have left.
extension OutputFile {
  /// A folder that this process has looked at; another of the same number has another path.
  private struct Place: Hashable, Sendable {
    let identity: Folder.Identity
    let path: String
  }

  private static let looked = Lock<Set<Place>>([])

  /// Removes leftovers from a folder, when this process first writes to it.
  static func removeLeftovers(onceIn folder: Folder) {
    guard let identity = folder.identity,
      looked.withLock({ $0.insert(Place(identity: identity, path: folder.path)).inserted })
    else { return }
    removeLeftovers(in: folder)
  }

  /// Removes temporary files that nobody writes any more: who writes one holds a lock on it, which
  /// ends with the process. What cannot be removed stays, for that is no reason not to write.
  package static func removeLeftovers(in folder: Folder) {
    guard let names = try? folder.list() else { return }
    for name in names where isTemporary(name) {
      // Some file systems lock only what may be written.
      guard
        let file = (try? folder.openFile(name, O_RDWR, to: "write"))
          ?? (try? folder.openFile(name, O_RDONLY, to: "read"))
      else { continue }
      defer { close(file) }
      var status = stat()
      if fstat(file, &status) == 0, status.st_uid == geteuid(), flock(file, LOCK_EX | LOCK_NB) == 0
      {
        try? folder.remove(name)
      }
    }
  }
}
