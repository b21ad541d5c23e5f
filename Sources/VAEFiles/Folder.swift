import Glibc

/// An open folder, in which everything is looked up by its name and no link is followed, so that
/// nothing outside of it is read, written or removed, whatever somebody has put into it, and
/// whatever becomes of its path meanwhile.
///
/// A name is one component: no slash, and neither `.` nor `..`.
package final class Folder: Sendable {
  /// The path that it was opened by, for messages.
  package let path: String
  /// What names are looked up in. It may be neither listed nor waited for.
  let descriptor: Int32

  /// Takes over an open descriptor.
  private init(_ descriptor: Int32, _ path: String) {
    (self.descriptor, self.path) = (descriptor, path)
  }

  deinit { close(descriptor) }

  // MARK: Opening

  /// Opens the folder of a path that a user named: links in it are followed.
  ///
  /// - Parameters:
  ///   - path: of the folder.
  ///   - failure: the error for a code of the system; nil for that of reading the folder.
  /// - Throws: `FileError`.
  package convenience init(
    opening path: String, failure: ((_ code: Int32) -> FileError)? = nil
  ) throws {
    // Such a descriptor needs no right to read the folder, only the right to pass through it.
    let descriptor = DurableFiles.uninterrupted { open(path.systemPath, Self.flags) }
    guard descriptor >= 0 else {
      let code = errno
      throw failure?(code) ?? FileError(reading: path, code)
    }
    self.init(descriptor, path)
  }

  /// Opens the folder of a path that a user named: links in it are followed up to another folder, if
  /// it lies in that one, and none from there on.
  ///
  /// - Parameters:
  ///   - path: of the folder.
  ///   - root: of the other folder, nil for none.
  /// - Throws: `FileError`.
  package static func opening(_ path: String, within root: String?) throws -> Folder {
    func failure(_ code: Int32) -> FileError {
      code == ENOTDIR
        ? FileError(.unwritable, "write", path, "it is not a folder")
        : FileError(writing: path, code)
    }
    guard let root, try DurableFiles.kind(of: root) == .folder else {
      return try Folder(opening: path, failure: failure)
    }
    let rootFolder = try Folder(opening: root)
    var (above, below) = (path, [String]())
    while true {
      var status = stat()
      if stat(above.systemPath, &status) == 0, Identity(status) == rootFolder.identity {
        return try below.reversed().reduce(rootFolder) { folder, name in
          guard let inner = try folder.folder(name) else { throw failure(ENOENT) }
          return inner
        }
      }
      let parent = DurableFiles.folder(of: above)
      // A path that goes up again is no longer one in the folder.
      let name = DurableFiles.name(of: above)
      guard parent != above, above.utf8.contains(UInt8(ascii: "/")), name != ".." else {
        return try Folder(opening: path, failure: failure)
      }
      if name != "" && name != "." { below.append(name) }
      above = parent
    }
  }

  /// `O_PATH` is Linux's own, and Swift's Glibc does not have it everywhere.
  private static let flags = 0o10000000 | O_DIRECTORY | O_CLOEXEC

  /// The folder of a name in this one, nil where nothing has the name.
  ///
  /// - Throws: `FileError` of kind `malformed` where something else has it, a link included.
  package func folder(_ name: String) throws -> Folder? {
    try check(name)
    let inner = DurableFiles.uninterrupted {
      openat(descriptor, name.systemPath, Self.flags | O_NOFOLLOW)
    }
    if inner >= 0 { return Folder(inner, path(of: name)) }
    let code = errno
    switch try kind(of: name) {
    case nil: return nil
    case .folder: throw FileError(reading: path(of: name), code)
    case .link: throw linkRefusal("read", name)
    default: throw FileError(.malformed, "read", path(of: name), "it is not a folder")
    }
  }

  // MARK: Looking

  /// The path of a name, for messages.
  package func path(of name: String) -> String { path == "/" ? "/\(name)" : "\(path)/\(name)" }

  /// What has a name, nil for nothing.
  package func kind(of name: String) throws -> DurableFiles.Kind? {
    try status(of: name).map(DurableFiles.Kind.init)
  }

  func status(of name: String) throws -> stat? {
    try check(name)
    var status = stat()
    guard fstatat(descriptor, name.systemPath, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      // Nothing has a name that is too long; who writes it is told so by the writing.
      if errno == ENOENT || errno == ENAMETOOLONG { return nil }
      throw FileError(reading: path(of: name))
    }
    return status
  }

  /// Whether something, a link included, has a name.
  package func has(_ name: String) -> Bool { (try? kind(of: name)) != nil }

  /// The text of a symbolic link, nil where there is none.
  package func linkTarget(_ name: String) -> String? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlinkat(descriptor, name.systemPath, &target, target.count)
    guard count >= 0 else { return nil }
    return String(systemPath: target.prefix(count).map(UInt8.init(bitPattern:)))
  }

  /// The names in the folder, sorted, without `.` and `..`.
  package func list() throws -> [String] {
    try Self.entries(of: readable(), path).map { Self.text($0) }.sorted()
  }

  /// What tells a folder from another of the same path.
  package struct Identity: Hashable, Sendable {
    private let device: dev_t
    private let number: ino_t

    init(_ status: stat) { (device, number) = (status.st_dev, status.st_ino) }
  }

  /// What tells this folder from others.
  package var identity: Identity? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Identity(status) : nil
  }

  /// A descriptor of the folder for reading its names, or waiting for them.
  func readable() throws -> Int32 {
    let folder = DurableFiles.uninterrupted {
      openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard folder >= 0 else { throw FileError(reading: path) }
    return folder
  }

  /// The names in an open folder, which is closed, as the system spells them, zero at the end.
  static func entries(of folder: Int32, _ path: String) throws -> [[CChar]] {
    guard let stream = fdopendir(folder) else {
      let error = FileError(reading: path)
      close(folder)
      throw error
    }
    defer { closedir(stream) }
    var names: [[CChar]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        Array($0.bindMemory(to: CChar.self).prefix { $0 != 0 }) + [0]
      }
      if name != [46, 0] && name != [46, 46, 0] { names.append(name) }
    }
    guard errno == 0 else { throw FileError(reading: path) }
    return names
  }

  /// A name as the system spells it, with its zero.
  static func text(_ name: [CChar]) -> String {
    String(systemPath: name.dropLast().map(UInt8.init(bitPattern:)))
  }

  // MARK: Reading

  /// The contents of a file.
  ///
  /// - Parameters:
  ///   - name: of the file.
  ///   - limit: the largest size that is read; a larger one is refused before memory is taken for
  ///     it.
  /// - Throws: `FileError`, of kind `malformed` for what is no regular file, a link included.
  package func read(_ name: String, limit: SizeLimit = .unlimited) throws -> [UInt8] {
    let file = try openFile(name, O_RDONLY, to: "read")
    defer { close(file) }
    return try DurableFiles.contents(of: file, path(of: name), limit: limit)
  }

  // MARK: Opening files

  /// Opens a regular file and nothing else.
  ///
  /// - Parameters:
  ///   - name: of the file.
  ///   - flags: how, in the system's words.
  ///   - operation: what it is for, `read` or `write`.
  /// - Returns: a descriptor, which the caller closes.
  /// - Throws: `FileError` where the file cannot be opened, or is none, such as a link.
  package func openFile(_ name: String, _ flags: Int32, to operation: String) throws -> Int32 {
    try check(name)
    // Opening a pipe would wait for its other end.
    let safely = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    let file = DurableFiles.uninterrupted {
      openat(descriptor, name.systemPath, flags | safely, 0o666)
    }
    let code = errno
    guard file >= 0 else {
      switch try? kind(of: name) {
      case .link: throw linkRefusal(operation, name)
      case .folder: throw FileError(.malformed, operation, path(of: name), "it is a folder")
      case .other: throw FileError(.malformed, operation, path(of: name), "it is not a file")
      default: break
      }
      throw operation == "read"
        ? FileError(reading: path(of: name), code) : FileError(writing: path(of: name), code)
    }
    var status = stat()
    guard fstat(file, &status) == 0, DurableFiles.Kind(status) == .file else {
      let isFolder = DurableFiles.Kind(status) == .folder
      close(file)
      throw FileError(
        .malformed, operation, path(of: name), isFolder ? "it is a folder" : "it is not a file")
    }
    return file
  }

  // MARK: Refusing

  /// The error for a link.
  func linkRefusal(_ operation: String, _ name: String) -> FileError {
    FileError(
      .malformed, operation, path(of: name),
      "it is a symbolic link, and links are not followed here; put what it leads to in its place")
  }

  /// Refuses what is no name of something in the folder.
  func check(_ name: String) throws {
    guard !["", ".", ".."].contains(name), !name.utf8.contains(UInt8(ascii: "/")),
      !name.utf8.contains(0)
    else {
      throw FileError(
        .malformed, "use", path(of: name), "only what lies in the folder itself has a name here")
    }
  }
}
