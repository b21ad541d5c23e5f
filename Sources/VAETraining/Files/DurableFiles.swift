import Glibc
import Synchronization

/// File operations that either happen whole and stay, or throw a `FileError` with path and reason.
public enum DurableFiles {
  /// Called before every operation that changes the disk; a test makes it throw to stand for a
  /// crash.
  package static let interruption = Mutex<(@Sendable (_ operation: String) throws -> Void)?>(nil)

  private static func willChange(_ operation: String) throws {
    try interruption.withLock { try $0?(operation) }
  }

  /// The contents of a file.
  public static func read(_ path: String, limit: Int = 1 << 40) throws -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError(reading: path) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError(reading: path) }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw FileError(.malformed, "\(path) is a folder, not a file")
    }
    guard Int(status.st_size) <= limit else {
      throw FileError(
        .unreadable, "\(path) has \(status.st_size) bytes, beyond the limit of \(limit)")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.st_size) + 1)
    let chunk = 1 << 20
    while true {
      let start = bytes.count
      bytes.append(contentsOf: repeatElement(0, count: chunk))
      let count = bytes[start...].withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, chunk) }
      bytes.removeLast(chunk - max(0, count))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(reading: path)
      }
      if count == 0 { return bytes }
      guard bytes.count <= limit else {
        throw FileError(.unreadable, "\(path) has more bytes than the limit of \(limit)")
      }
    }
  }

  /// Writes a new file and waits until it is on the disk.
  public static func write(_ path: String, _ bytes: [UInt8]) throws {
    try willChange("write \(path)")
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw FileError(writing: path) }
    defer { close(file) }
    try writeAll(bytes, to: file, path)
    guard fsync(file) == 0 else { throw FileError(writing: path) }
  }

  /// Puts a file in place of whatever has its path, at once: a reader sees the old contents or the
  /// new ones.
  public static func replace(_ path: String, with bytes: [UInt8]) throws {
    var status = stat()
    if stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG {
      throw FileError(.unwritable, "cannot write \(path): it is not a regular file")
    }
    let temporary = "\(path).tmp-\(getpid())"
    do {
      try write(temporary, bytes)
      try rename(temporary, to: path)
    } catch {
      unlink(temporary)
      if error is FileError { throw FileError(writing: path) }
      throw error
    }
  }

  /// Appends to a file in one write and waits until it is on the disk.
  public static func append(_ path: String, _ bytes: [UInt8]) throws {
    try willChange("append \(path)")
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw FileError(writing: path) }
    defer { close(file) }
    try writeAll(bytes, to: file, path)
    guard fsync(file) == 0 else { throw FileError(writing: path) }
  }

  /// Renames, replacing the target, and waits until its folder is on the disk.
  public static func rename(_ path: String, to target: String) throws {
    try willChange("rename \(target)")
    guard Glibc.rename(path, target) == 0 else { throw FileError(writing: target) }
    try synchronizeFolder(of: target)
  }

  /// Points a symbolic link at a path relative to its own folder, replacing an older link at once.
  public static func link(_ path: String, to target: String) throws {
    let temporary = "\(path).tmp-\(getpid())"
    unlink(temporary)
    try willChange("link \(temporary)")
    guard symlink(target, temporary) == 0 else { throw FileError(writing: path) }
    try rename(temporary, to: path)
  }

  /// Makes a folder where there is none.
  public static func makeFolder(_ path: String) throws {
    try willChange("folder \(path)")
    guard mkdir(path, 0o755) != 0 else { return }
    guard errno == EEXIST else { throw FileError(writing: path) }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw FileError(.unwritable, "cannot write \(path): it exists and is not a folder")
    }
  }

  /// The names in a folder, sorted, without `.` and `..`.
  public static func list(_ path: String) throws -> [String] {
    guard let folder = opendir(path) else { throw FileError(reading: path) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file, a link, or a folder with all it holds. Links are removed, never followed.
  public static func remove(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw FileError(writing: path)
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try list(path) { try remove("\(path)/\(name)") }
      try willChange("remove \(path)")
      guard rmdir(path) == 0 else { throw FileError(writing: path) }
    } else {
      try willChange("remove \(path)")
      guard unlink(path) == 0 else { throw FileError(writing: path) }
    }
  }

  /// Whether something, a dangling link included, has this path.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Waits until a folder's entries are on the disk.
  public static func synchronize(folder: String) throws {
    let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { throw FileError(writing: folder) }
    defer { close(file) }
    guard fsync(file) == 0 || errno == EINVAL else { throw FileError(writing: folder) }
  }

  private static func synchronizeFolder(of path: String) throws {
    let pieces = path.split(separator: "/", omittingEmptySubsequences: false)
    let folder = pieces.dropLast().joined(separator: "/")
    try synchronize(folder: folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder)
  }

  private static func writeAll(_ bytes: [UInt8], to file: Int32, _ path: String) throws {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(writing: path)
      }
      written += count
    }
  }
}
