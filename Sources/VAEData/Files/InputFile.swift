import Glibc
import VAEFiles

/// A regular file that is open for reading at any place.
final class InputFile: Sendable {
  let path: String
  /// In bytes, when it was opened.
  let size: Int
  private let descriptor: Int32
  /// When its content was changed last, in nanoseconds since 1970.
  private let time: Int
  private let isCancelled: @Sendable () -> Bool
  /// Bytes that are read between two questions whether to stop.
  private static let largestPiece = 1 << 24

  /// What stands at a path.
  enum Kind {
    case file
    case folder
    case missing
    /// Something that is not read; the reason completes a sentence that begins with the path.
    case other(reason: String)
  }

  static func kind(of path: String) -> Kind {
    var status = stat()
    guard stat(path.systemPath, &status) == 0 else {
      return errno == ENOENT || errno == ENOTDIR ? .missing : .other(reason: Self.failure)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .other(reason: "is neither a file nor a folder")
    }
  }

  /// The text of `errno`, completing a sentence that begins with the path.
  private static var failure: String { "cannot be read: \(SystemFault().text)" }

  /// Opens a file that holds at least one byte.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - isCancelled: asked before every piece that is read; true asks for a stop.
  init(
    path: String, isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(DataError) {
    self.path = path
    self.isCancelled = isCancelled
    switch Self.kind(of: path) {
    case .file: break
    case .folder: throw DataError(.unusable, "\(path) is a folder, where a file was expected")
    case .missing: throw DataError(.missing, "\(path) does not exist")
    case .other(let reason): throw DataError(.unusable, "\(path) \(reason)")
    }
    let opened = open(path.systemPath, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw DataError(reading: path) }
    var status = stat()
    guard fstat(opened, &status) == 0 else {
      let error = DataError(reading: path)
      close(opened)
      throw error
    }
    guard status.st_size > 0 else {
      close(opened)
      throw DataError(.malformed, "\(path) is empty")
    }
    size = Int(status.st_size)
    time = Self.time(of: status)
    // The last property: from here on deinit closes it, also where an initializer throws. A descriptor that is closed
    // twice may be another thread's by then.
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// The file by a descriptor of its own, whose reading nobody stops.
  init(again file: InputFile) throws(DataError) {
    (path, size, time) = (file.path, file.size, file.time)
    isCancelled = { false }
    descriptor = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { throw DataError(reading: path) }
  }

  private static func time(of status: stat) -> Int {
    status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
  }

  /// Throws where the file has been written to since it was opened.
  func checkUnchanged() throws(DataError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw DataError(reading: path)
    }
    guard Int(status.st_size) == size, Self.time(of: status) == time else {
      throw DataError(
        .unusable,
        "\(path) was changed while it was in use, and is too large to be kept in memory; begin again"
      )
    }
  }

  /// Reads from a place on; fewer bytes than the buffer holds only at the file's end.
  ///
  /// - Throws: `DataError`, of kind `cancelled` where a stop is asked for.
  func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DataError) -> Int {
    var filled = 0
    while filled < buffer.count {
      guard !isCancelled() else {
        throw DataError(.cancelled, "\(path): interrupted while it was read")
      }
      let rest = UnsafeMutableRawBufferPointer(
        rebasing: buffer[filled...].prefix(Self.largestPiece))
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled))
      if count == 0 { break }
      if count > 0 {
        filled += count
      } else if errno != EINTR {
        throw DataError(reading: path)
      }
    }
    return filled
  }

  /// The bytes of a range, fewer where the file ends before it does.
  func bytes(_ range: Range<Int>) throws(DataError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    let count = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(DataError) in
      try read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
    }
    return Array(bytes.prefix(count))
  }
}
