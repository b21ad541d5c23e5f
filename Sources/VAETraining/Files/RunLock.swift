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
  /// - Parameters:
  ///   - folder: that the lock's file lies in.
  ///   - run: the run's path, for errors.
  /// - Throws: `FileError` of kind `exists` where another process has it, `unwritable` where it
  ///   cannot be made.
  init(in folder: Folder, run: String) throws {
    file = try folder.openFile(Self.fileName, O_RDWR | O_CREAT, to: "write")
    // Where the file system knows no locks (ENOLCK, ENOSYS, …) training goes on without one.
    if flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      throw FileError(
        .exists, "train in", run, "another process is training this run; wait for it or stop it")
    }
  }

  deinit { if file >= 0 { close(file) } }
}
