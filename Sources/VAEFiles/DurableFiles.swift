import Glibc
import Messages
import Tensors

/// File operations that happen whole and stay, or throw a `FileError` with path and reason, at paths
/// that a user named: their links are followed.
///
/// What lies in a folder whose content is not trusted goes through `Folder`, which follows none.
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

  /// Comes before every change. What was computed in short memory, or could not be encoded, is never
  /// written.
  static func willChange(_ change: Change) throws {
    try Memory.check()
    try announcement.withLock { $0 }?(change)
  }

  // MARK: Looking

  /// Whether two paths lead to one file, by links or by other names; not where one of them leads nowhere.
  package static func isSame(_ path: String, _ other: String) -> Bool {
    guard let first = identity(of: path) else { return false }
    return first == identity(of: other)
  }

  private static func identity(of path: String) -> Folder.Identity? {
    var status = stat()
    return stat(path.systemPath, &status) == 0 ? Folder.Identity(status) : nil
  }

  /// What can stand at a path.
  public enum Kind: Sendable {
    /// A regular file.
    case file
    /// A folder.
    case folder
    /// A symbolic link, which only functions that do not follow links tell of.
    case link
    /// A device, a pipe, a socket.
    case other

    init(_ status: stat) {
      switch status.st_mode & S_IFMT {
      case S_IFREG: self = .file
      case S_IFDIR: self = .folder
      case S_IFLNK: self = .link
      default: self = .other
      }
    }
  }

  /// What stands at a path, nil for nothing, as at one too long for anything to have it. A link counts as what it leads to.
  public static func kind(of path: String) throws -> Kind? {
    var status = stat()
    guard fstatat(AT_FDCWD, path.systemPath, &status, 0) == 0 else {
      if [ENOENT, ENOTDIR, ENAMETOOLONG].contains(errno) { return nil }
      throw FileError(reading: path)
    }
    return Kind(status)
  }

  /// Whether something, a dangling link included, has this path.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return fstatat(AT_FDCWD, path.systemPath, &status, AT_SYMLINK_NOFOLLOW) == 0
  }

  // MARK: Reading

  /// The contents of a file. Pipes are refused, since nobody could end the waiting for who writes into them.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - limit: the largest size that is read.
  public static func read(_ path: String, limit: SizeLimit = .unlimited) throws -> [UInt8] {
    let (file, status) = try openForReading(path)
    defer { close(file) }
    guard status.st_mode & S_IFMT != S_IFIFO else {
      throw FileError(.malformed, "read", path, "it is not a file")
    }
    return try contents(of: file, path, limit: limit)
  }

  /// The contents of a file, or what comes out of a pipe.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - limit: the largest size that is read.
  ///   - proceed: called before each part of the file, and again and again while a pipe is waited for; what it throws ends
  ///     the reading.
  public static func read(
    _ path: String, limit: SizeLimit = .unlimited, proceed: () throws -> Void
  ) throws -> [UInt8] {
    let (file, status) = try openForReading(path)
    defer { close(file) }
    let bytes = try contents(of: file, path, limit: limit, proceed)
    guard !bytes.isEmpty || status.st_mode & S_IFMT != S_IFIFO else {
      throw FileError(.malformed, "read", path, "it is a pipe, and nothing comes out of it")
    }
    return bytes
  }

  /// Opens a file, or a pipe as the `<(…)` of a shell is one, without waiting for somebody who writes into the pipe:
  /// `fill` waits, and for how long it says.
  ///
  /// - Returns: the descriptor, which the caller closes, and what it leads to.
  static func openForReading(_ path: String) throws(FileError) -> (file: Int32, status: stat) {
    let file = uninterrupted { open(path.systemPath, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
    guard file >= 0 else { throw FileError(reading: path) }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      let error = FileError(reading: path)
      close(file)
      throw error
    }
    return (file, status)
  }

  /// The first bytes of a file, fewer where it has no more.
  ///
  /// - Throws: `FileError` where it cannot be read, or is a pipe or device, which cannot be read from its start again.
  package static func readStart(of path: String, count: Int) throws -> [UInt8] {
    let (file, status) = try openForReading(path)
    defer { close(file) }
    guard Kind(status) != .other else {
      throw FileError(.malformed, "read", path, "it is not a file")
    }
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = try fill(UnsafeMutableRawBufferPointer(buffer), from: file, path)
    }
  }

  // MARK: Writing

  /// Puts a file in place of whatever file has its path, at once and for good: a reader sees the
  /// old content or the new one. For links, mode and owner see `OutputFile`.
  public static func replace(_ path: String, with bytes: [UInt8]) throws {
    let file = try OutputFile(replacing: path)
    try file.write(bytes)
    try file.commit()
  }

  /// Makes a folder that must not exist, and waits until its name is on the disk.
  public static func makeFolder(_ path: String) throws {
    try willChange(.makeFolder(path))
    guard mkdir(path.systemPath, 0o777) == 0 else { throw FileError(writing: path, to: "create") }
    try Folder(opening: folder(of: path)).synchronize()
  }

  // MARK: Parts of paths

  /// The folder that a path lies in.
  package static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The path of something that exists, from the root and without links.
  package static func absolute(_ path: String) throws -> String {
    guard let resolved = realpath(path.systemPath, nil) else { throw FileError(reading: path) }
    defer { free(resolved) }
    return String(systemPath: resolved)
  }

  /// The last part of a path.
  package static func name(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(path[path.utf8.index(after: slash)...])
  }
}
