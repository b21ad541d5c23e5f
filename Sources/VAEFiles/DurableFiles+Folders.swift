import Glibc

// MARK: - Looking

extension DurableFiles {
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

  /// What stands at a path, nil for nothing.
  ///
  /// - Parameters:
  ///   - path: where to look.
  ///   - followingLinks: whether a link counts as what it leads to.
  public static func kind(of path: String, followingLinks: Bool = true) throws -> Kind? {
    var status = stat()
    guard
      fstatat(
        AT_FDCWD, path.systemPath, &status, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW) == 0
    else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw FileError(reading: path)
    }
    return Kind(status)
  }

  /// Whether something, a dangling link included, has this path.
  public static func exists(_ path: String) -> Bool {
    (try? kind(of: path, followingLinks: false)) != nil
  }

  /// Where a symbolic link leads, nil where there is none.
  public static func linkTarget(_ path: String) -> String? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path.systemPath, &target, target.count)
    return count < 0 ? nil : text(target.prefix(count))
  }

  /// The names in a folder, sorted, without `.` and `..`.
  public static func list(_ path: String) throws -> [String] {
    let folder = uninterrupted { open(path.systemPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard folder >= 0 else { throw FileError(reading: path) }
    return try entries(of: folder, path).map { text($0.dropLast()) }.sorted()
  }

  /// Text as the system spells it.
  private static func text(_ characters: ArraySlice<CChar>) -> String {
    String(systemPath: characters.map(UInt8.init(bitPattern:)))
  }

  /// The names in an open folder, which is closed, as the system spells them, zero at the end.
  private static func entries(of folder: Int32, _ path: String) throws -> [[CChar]] {
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

  /// The folder that a path lies in.
  package static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last part of a path.
  package static func name(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(path[path.utf8.index(after: slash)...])
  }
}

// MARK: - Changing

extension DurableFiles {
  /// Makes a folder that must not exist.
  public static func makeFolder(_ path: String) throws {
    try willChange(.makeFolder(path))
    guard mkdir(path.systemPath, 0o755) == 0 else { throw FileError(writing: path, to: "create") }
  }

  /// Waits until a folder's entries are on the disk.
  public static func synchronize(folder path: String) throws {
    let folder = uninterrupted { open(path.systemPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard folder >= 0 else {
      // A folder may be open for writing only; then there is no way to wait for it.
      if errno == EACCES { return }
      throw FileError(writing: path)
    }
    defer { close(folder) }
    try synchronize(folder, path)
  }

  /// Renames, replacing a file or link that has the name.
  public static func rename(_ path: String, to target: String) throws {
    try willChange(.rename(path, to: target))
    guard Glibc.rename(path.systemPath, target.systemPath) == 0 else {
      throw FileError(writing: target)
    }
  }

  /// Renames within a folder, replacing a file or link that has the name, and waits until that is
  /// on the disk.
  public static func publish(_ path: String, as target: String) throws {
    try rename(path, to: target)
    try synchronize(folder: folder(of: target))
  }

  /// Makes a symbolic link, replacing a file or link at once, and waits until it is on the disk.
  ///
  /// - Parameters:
  ///   - path: where the link stands.
  ///   - target: where it leads, from its own folder.
  public static func link(_ path: String, to target: String) throws {
    do {
      let temporary = try withTemporaryName(beside: path) { name in
        try willChange(.link(name))
        guard symlink(target.systemPath, name.systemPath) == 0 else {
          throw FileError(writing: name)
        }
      }
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

  /// Removes a file or link where there is one.
  public static func remove(_ path: String) throws {
    guard exists(path) else { return }
    try willChange(.removeFile(path))
    guard unlink(path.systemPath) == 0 || errno == ENOENT else {
      throw FileError(writing: path, to: "remove")
    }
  }

  /// Removes what has a name in a folder: a file, a link, or a folder with all it holds. Nothing
  /// outside of the folder is touched, for links are removed and never followed.
  public static func removeTree(_ name: String, in folder: String) throws {
    let path = "\(folder)/\(name)"
    guard !["", ".", ".."].contains(name), !name.utf8.contains(UInt8(ascii: "/")) else {
      throw FileError(.unwritable, "remove", path, "only what lies in the folder may be removed")
    }
    let descriptor = uninterrupted { open(folder.systemPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else {
      if errno == ENOENT { return }
      throw FileError(writing: folder)
    }
    defer { close(descriptor) }
    try removeTree(name.systemPath, in: descriptor, path)
  }

  private static func removeTree(_ name: [CChar], in folder: Int32, _ path: String) throws {
    var status = stat()
    guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT { return }
      throw FileError(writing: path, to: "remove")
    }
    guard Kind(status) == .folder else {
      try willChange(.removeFile(path))
      guard unlinkat(folder, name, 0) == 0 else {
        throw FileError(writing: path, to: "remove")
      }
      return
    }
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    // The names are read through a descriptor of their own, which reading them closes.
    let (inner, listed) = (openat(folder, name, flags), openat(folder, name, flags))
    defer { if inner >= 0 { close(inner) } }
    guard inner >= 0, listed >= 0 else {
      let error = FileError(writing: path, to: "remove")
      if listed >= 0 { close(listed) }
      throw error
    }
    for entry in try entries(of: listed, path) {
      try removeTree(entry, in: inner, "\(path)/\(text(entry.dropLast()))")
    }
    try willChange(.removeFolder(path))
    guard unlinkat(folder, name, AT_REMOVEDIR) == 0 else {
      throw FileError(writing: path, to: "remove")
    }
  }
}
