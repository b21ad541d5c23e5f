import Glibc
import VAEFiles

/// Keeps other processes from writing to a run, until it is let go or the process ends, however it
/// ends.
final class RunLock: Sendable {
  /// The file in the run folder that the lock is on. It stays: removing it could let two processes
  /// lock two files of that name.
  static let fileName = ".lock"

  private let file: Int32

  /// Takes the lock.
  ///
  /// - Throws: `FileError` of kind `exists` where another process has it, `unwritable` where it
  ///   cannot be made.
  init(run: String) throws {
    let path = "\(run)/\(Self.fileName)"
    file = DurableFiles.uninterrupted { open(path.systemPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
    guard file >= 0 else { throw FileError(writing: path) }
    // Where the file system knows no locks (ENOLCK, ENOSYS, …) training goes on without one.
    if flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      throw FileError(
        .exists, "train in", run, "another process is training this run; wait for it or stop it")
    }
  }

  deinit { if file >= 0 { close(file) } }
}
