import Glibc
import VAEFiles

/// A file that is written under a temporary name and gets its own when it is complete.
final class OutputFile {
  private let path: String
  private let temporary: String
  private var descriptor: Int32

  /// Begins a file that will take the place of what is at `path`.
  init(replacing path: String) throws(DataError) {
    self.path = path
    temporary = "\(path).\(getpid()).part"
    descriptor = open(
      temporary.systemPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure(path) }
  }

  /// A file that was not completed goes.
  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporary.systemPath)
  }

  func write(_ bytes: [UInt8]) throws(DataError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(DataError) in
      try write(UnsafeRawBufferPointer(buffer))
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(DataError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // One call writes two gigabytes at most.
      let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      let count = Glibc.write(descriptor, part.baseAddress, part.count)
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw Self.failure(path)
      }
    }
  }

  /// Waits until all is on the disk, and gives the file its name.
  func commit() throws(DataError) {
    guard fsync(descriptor) == 0, rename(temporary.systemPath, path.systemPath) == 0 else {
      throw Self.failure(path)
    }
    close(descriptor)
    descriptor = -1
  }

  private static func failure(_ path: String) -> DataError {
    DataError(.unwritable, "\(path) cannot be written: \(String(cString: strerror(errno)))")
  }
}
