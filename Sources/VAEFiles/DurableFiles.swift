import Glibc
import Messages
import Tensors

/// File operations that happen whole and stay, or throw a `FileError` with path and reason.
public enum DurableFiles {
  /// A system call that changes what is on the disk.
  package enum Change: Equatable, Sendable {
    /// Makes a file, or opens one to add to it.
    case create(String)
    /// Writes to a file.
    case write(String)
    /// Cuts a file.
    case truncate(String)
    /// Waits until a file's content or a folder's entries are on the disk.
    case synchronize(String)
    /// Makes a symbolic link.
    case link(String)
    /// Makes a folder.
    case makeFolder(String)
    /// Gives a file, link or folder another name.
    case rename(String, to: String)
    /// Removes a file or link.
    case removeFile(String)
    /// Removes an empty folder.
    case removeFolder(String)
  }

  private static let announcement = Lock<(@Sendable (Change) throws -> Void)?>(nil)

  /// Runs a closure while every change of this process is announced to another. What that one
  /// throws takes the place of the change: once, it stands for a full disk; ever after, for a
  /// process that was killed.
  package static func withChanges<Result, Failure>(
    announcedTo willChange: @escaping @Sendable (Change) throws -> Void,
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    announcement.withLock { $0 = willChange }
    defer { announcement.withLock { $0 = nil } }
    return try body()
  }

  static func willChange(_ change: Change) throws {
    try announcement.withLock { $0 }?(change)
  }

  // MARK: Reading

  /// The contents of a file.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - limit: the largest size that is read; a larger one is refused before memory is taken for
  ///     it.
  public static func read(_ path: String, limit: Int = .max) throws -> [UInt8] {
    let file = uninterrupted { open(path.systemPath, O_RDONLY | O_CLOEXEC) }
    guard file >= 0 else { throw FileError(reading: path) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError(reading: path) }
    let kind = Kind(status)
    guard kind != .folder else { throw FileError(.malformed, "read", path, "it is a folder") }
    // A pipe has no size beforehand.
    let size = kind == .file ? Int(status.st_size) : 0
    try check(size, of: path, limit: limit)
    // One byte more shows whether the file ends where its size says.
    var bytes = try [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
      count = try fill(UnsafeMutableRawBufferPointer(buffer), from: file, path)
    }
    var isAtEnd = bytes.count <= size
    while !isAtEnd && bytes.count <= limit {
      let room = 1 << 16
      let more = try [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        count = try fill(UnsafeMutableRawBufferPointer(buffer), from: file, path)
      }
      bytes += more
      isAtEnd = more.count < room
    }
    try check(bytes.count, of: path, limit: limit)
    return bytes
  }

  /// Refuses sizes beyond a limit, and those for which there is no memory.
  private static func check(_ size: Int, of path: String, limit: Int) throws {
    guard size <= limit else {
      throw FileError(
        .unreadable, "read", path, "it has \(size) bytes or more, beyond the limit of \(limit)")
    }
    guard size < 1 << 20 || isAvailable(size) else {
      throw FileError(.unreadable, "read", path, "its \(size) bytes are more than there is memory")
    }
  }

  /// Whether the system gives this much memory; an array that it is refused for ends the program.
  private static func isAvailable(_ size: Int) -> Bool {
    let (pages, pageSize) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    guard pages <= 0 || size / max(1, pageSize) < pages else { return false }
    let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start, start != MAP_FAILED else { return false }
    munmap(start, size)
    return true
  }

  /// Fills a buffer as far as the file goes.
  private static func fill(
    _ buffer: UnsafeMutableRawBufferPointer, from file: Int32, _ path: String
  ) throws -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let count = uninterrupted { Glibc.read(file, rest.baseAddress, rest.count) }
      guard count >= 0 else { throw FileError(reading: path) }
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  // MARK: Writing

  /// Writes a file that must not exist, and waits until its content is on the disk. Its name is
  /// there for good only when its folder has been synchronized too.
  public static func create(_ path: String, _ bytes: [UInt8]) throws {
    try create(path, bytes, waits: true)
  }

  /// - Parameter waits: whether to wait until the content is on the disk.
  private static func create(_ path: String, _ bytes: [UInt8], waits: Bool) throws {
    try willChange(.create(path))
    let file = uninterrupted {
      open(path.systemPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    }
    guard file >= 0 else { throw FileError(writing: path) }
    defer { close(file) }
    do {
      try write(bytes, to: file, path)
      if waits { try synchronize(file, path) }
    } catch {
      try? remove(path)
      throw error
    }
  }

  /// Puts a file in place of whatever file has its path, at once and for good: a reader sees the
  /// old content or the new one.
  public static func replace(_ path: String, with bytes: [UInt8]) throws {
    if let kind = try kind(of: path), kind != .file {
      throw FileError(.unwritable, "write", path, "it is not a file")
    }
    do {
      let temporary = try withTemporaryName(beside: path) { try create($0, bytes) }
      do {
        try publish(temporary, as: path)
      } catch {
        try? remove(temporary)
        throw error
      }
    } catch let error as FileError {
      throw error.at(path)
    }
  }

  /// Puts files of one folder in place of whatever files have their paths, each at once and for
  /// good. All are written before the disk is waited for, which makes many small files cheap.
  package static func replace(_ files: [(path: String, bytes: [UInt8])], in folder: String) throws {
    var written: [(temporary: String, path: String)] = []
    do {
      for (path, bytes) in files {
        let temporary = try withTemporaryName(beside: path) {
          try create($0, bytes, waits: false)
        }
        written.append((temporary, path))
      }
      for (temporary, path) in written {
        let file = uninterrupted { open(temporary.systemPath, O_RDONLY | O_CLOEXEC) }
        guard file >= 0 else { throw FileError(writing: path) }
        defer { close(file) }
        try synchronize(file, path)
      }
      for (temporary, path) in written { try rename(temporary, to: path) }
    } catch {
      for (temporary, _) in written { try? remove(temporary) }
      throw error
    }
    try synchronize(folder: folder)
  }

  /// Adds to the end of a file, which is made if need be, in one write, and waits until it is on
  /// the disk. What cannot be added whole is not added at all.
  public static func append(_ path: String, _ bytes: [UInt8]) throws {
    try willChange(.create(path))
    let file = uninterrupted {
      open(path.systemPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    }
    guard file >= 0 else { throw FileError(writing: path) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError(writing: path) }
    do {
      try write(bytes, to: file, path)
      try synchronize(file, path)
    } catch {
      try? truncate(file, path, to: Int(status.st_size))
      throw error
    }
    if status.st_size == 0 { try synchronize(folder: folder(of: path)) }
  }

  /// Cuts a file to a length, and waits until that is on the disk.
  public static func truncate(_ path: String, to length: Int) throws {
    let file = uninterrupted { open(path.systemPath, O_WRONLY | O_CLOEXEC) }
    guard file >= 0 else { throw FileError(writing: path) }
    defer { close(file) }
    try truncate(file, path, to: length)
    try synchronize(file, path)
  }

  private static func truncate(_ file: Int32, _ path: String, to length: Int) throws {
    try willChange(.truncate(path))
    guard uninterrupted({ ftruncate(file, off_t(length)) }) == 0 else {
      throw FileError(writing: path)
    }
  }

  private static func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws {
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        try willChange(.write(path))
        let part = UnsafeRawBufferPointer(rebasing: rest)
        let count = uninterrupted { Glibc.write(file, part.baseAddress, part.count) }
        guard count >= 0 else { throw FileError(writing: path) }
        rest = rest.dropFirst(count)
      }
    }
  }

  // MARK: What the other operations share

  /// Repeats a system call for as long as signals interrupt it.
  package static func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
  }

  /// Waits until what was written to a file or folder is on the disk.
  package static func synchronize(_ file: Int32, _ path: String) throws {
    try willChange(.synchronize(path))
    // Pipes and some file systems have nothing to wait for, and say so with EINVAL.
    guard uninterrupted({ fsync(file) }) == 0 || errno == EINVAL else {
      throw FileError(writing: path)
    }
  }

  /// What names of things that are being written begin with.
  package static let temporaryPrefix = ".tmp-"

  /// Makes something beside a path, under the first of a row of temporary names that is free.
  ///
  /// - Returns: the name.
  package static func withTemporaryName(
    beside path: String, make: (_ temporary: String) throws -> Void
  ) throws -> String {
    let stem = "\(folder(of: path))/\(temporaryPrefix)\(name(of: path))-\(getpid())"
    var number = 0
    while true {
      do {
        let temporary = "\(stem)-\(number)"
        try make(temporary)
        return temporary
      } catch let error as FileError where error.kind == .exists && number < 1000 {
        number += 1
      }
    }
  }
}
