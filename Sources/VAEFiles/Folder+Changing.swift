import Glibc

/// Changes in a folder, each announced before it is made.
extension Folder {
  private func willChange(_ change: DurableFiles.Change) throws {
    try DurableFiles.willChange(change)
  }

  // MARK: Files

  /// Writes a file that must not exist, and waits until its content is on the disk. Its name is
  /// there for good only when the folder has been synchronized too.
  package func create(_ name: String, _ bytes: [UInt8]) throws {
    try check(name)
    let path = path(of: name)
    try willChange(.create(path))
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let file = DurableFiles.uninterrupted { openat(descriptor, name.systemPath, flags, 0o666) }
    guard file >= 0 else { throw FileError(writing: path) }
    defer { close(file) }
    do {
      try bytes.withUnsafeBytes { try DurableFiles.write($0, to: file, path) }
      try DurableFiles.synchronize(file, path)
    } catch {
      try? remove(name)
      throw error
    }
  }

  /// Puts a file in place of whatever file has its name, at once and for good: a reader sees the
  /// old content or the new one.
  ///
  /// - Throws: `FileError` where the name is that of a link, a folder or a device, too.
  package func replace(_ name: String, with bytes: [UInt8]) throws {
    let file = try OutputFile(replacing: name, in: self)
    try file.write(bytes)
    try file.commit()
  }

  /// Puts files in place of whatever files have their names, each at once and for good. All are
  /// written before the disk is waited for, which makes many small files cheap.
  package func replace(_ files: [(name: String, bytes: [UInt8])]) throws {
    // A process has a limited number of files open.
    let most = 64
    for start in stride(from: 0, to: files.count, by: most) {
      let outputs = try files[start..<min(start + most, files.count)].map { name, bytes in
        let file = try OutputFile(replacing: name, in: self)
        try file.write(bytes)
        return file
      }
      for output in outputs { try output.synchronize() }
      for output in outputs { try output.publish() }
    }
    try synchronize()
  }

  /// Adds to the end of a file, which is made if need be, and waits until it is on the disk. What
  /// cannot be added whole is not added at all.
  ///
  /// A file that has a second name, a hard link, elsewhere becomes the folder's own first: what
  /// lies elsewhere stays as it is.
  package func append(_ name: String, _ bytes: [UInt8]) throws {
    let path = path(of: name)
    try willChange(.create(path))
    let file = try openOwn(name, O_WRONLY | O_CREAT | O_APPEND)
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError(writing: path) }
    do {
      try bytes.withUnsafeBytes { try DurableFiles.write($0, to: file, path) }
      try DurableFiles.synchronize(file, path)
    } catch {
      try? DurableFiles.truncate(file, path, to: Int(status.st_size))
      throw error
    }
    if status.st_size == 0 { try synchronize() }
  }

  /// Cuts a file to a length, and waits until that is on the disk. Of hard links see `append`.
  package func truncate(_ name: String, to length: Int) throws {
    let file = try openOwn(name, O_WRONLY)
    defer { close(file) }
    try DurableFiles.truncate(file, path(of: name), to: length)
    try DurableFiles.synchronize(file, path(of: name))
  }

  /// Opens a file that has no other name.
  private func openOwn(_ name: String, _ flags: Int32) throws -> Int32 {
    let file = try openFile(name, flags, to: "write")
    var status = stat()
    if fstat(file, &status) == 0 && status.st_nlink <= 1 { return file }
    close(file)
    try replace(name, with: read(name))
    return try openFile(name, flags, to: "write")
  }

  // MARK: Folders, names and links

  /// Makes a folder that must not exist.
  package func makeFolder(_ name: String) throws {
    try check(name)
    try willChange(.makeFolder(path(of: name)))
    guard mkdirat(descriptor, name.systemPath, 0o777) == 0 else {
      throw FileError(writing: path(of: name), to: "create")
    }
  }

  /// Waits until the names in the folder are on the disk.
  package func synchronize() throws {
    let folder = DurableFiles.uninterrupted {
      openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard folder >= 0 else {
      // A folder may be open for writing only; then there is no way to wait for it.
      if errno == EACCES { return }
      throw FileError(writing: path)
    }
    defer { close(folder) }
    try DurableFiles.synchronize(folder, path)
  }

  /// Renames within the folder, or into another of the same disk, replacing a file or link that
  /// has the name.
  package func rename(_ name: String, to target: String, in other: Folder? = nil) throws {
    let other = other ?? self
    try check(name)
    try other.check(target)
    try willChange(.rename(path(of: name), to: other.path(of: target)))
    guard
      renameat(
        descriptor, name.systemPath, other.descriptor, target.systemPath) == 0
    else {
      throw FileError(writing: other.path(of: target))
    }
  }

  /// Renames within the folder, replacing a file or link that has the name, and waits until that
  /// is on the disk.
  package func publish(_ name: String, as target: String) throws {
    try rename(name, to: target)
    try synchronize()
  }

  /// Makes a symbolic link, replacing a file or link at once, and waits until it is on the disk.
  ///
  /// - Parameters:
  ///   - name: of the link.
  ///   - target: where it leads, from this folder.
  package func link(_ name: String, to target: String) throws {
    do {
      let temporary = "\(Self.temporaryPrefix)link-\(RandomName.make())"
      try check(name)
      try willChange(.link(path(of: temporary)))
      guard symlinkat(target.systemPath, descriptor, temporary.systemPath) == 0 else {
        throw FileError(writing: path(of: temporary))
      }
      do {
        try publish(temporary, as: name)
      } catch {
        try? remove(temporary)
        throw error
      }
    } catch let error as FileError {
      throw error.at(path(of: name))
    }
  }

  /// What names of things that are being written begin with.
  package static let temporaryPrefix = ".tmp-"

  // MARK: Removing

  /// Removes a file or link where there is one.
  package func remove(_ name: String) throws {
    guard has(name) else { return }
    try willChange(.removeFile(path(of: name)))
    guard unlinkat(descriptor, name.systemPath, 0) == 0 || errno == ENOENT else {
      throw FileError(writing: path(of: name), to: "remove")
    }
  }

  /// Removes an empty folder.
  ///
  /// - Returns: whether it is gone; one that holds something stays.
  package func removeFolder(_ name: String) throws -> Bool {
    try check(name)
    try willChange(.removeFolder(path(of: name)))
    if unlinkat(descriptor, name.systemPath, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
    guard errno == ENOTEMPTY || errno == EEXIST else {
      throw FileError(writing: path(of: name), to: "remove")
    }
    return false
  }

  /// Removes what has a name: a file, a link, or a folder with all it holds. Nothing outside of the
  /// folder is touched, for links are removed and never followed.
  package func removeTree(_ name: String) throws {
    try check(name)
    try Self.removeTree(name.systemPath, in: descriptor, path(of: name))
  }

  private static func removeTree(_ name: [CChar], in folder: Int32, _ path: String) throws {
    var status = stat()
    guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT { return }
      throw FileError(writing: path, to: "remove")
    }
    guard DurableFiles.Kind(status) == .folder else {
      try DurableFiles.willChange(.removeFile(path))
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
      try removeTree(entry, in: inner, "\(path)/\(text(entry))")
    }
    try DurableFiles.willChange(.removeFolder(path))
    guard unlinkat(folder, name, AT_REMOVEDIR) == 0 else {
      throw FileError(writing: path, to: "remove")
    }
  }
}
