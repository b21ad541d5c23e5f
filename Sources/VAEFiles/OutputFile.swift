import Glibc

/// A file that is written under a temporary name beside its own and gets that when it is complete:
/// the one way in which this package writes files that others read. A reader sees the old content
/// or the new one, whatever happens meanwhile; what was begun and not completed goes.
///
/// The file keeps the mode of the one that it replaces, and its owner and group where the system
/// allows that; a new one has the mode that the process's mask leaves. At a path that a user named,
/// a link is written through: the file that it leads to is replaced, in its own folder, and the
/// link stays. In a `Folder` a link is refused.
package final class OutputFile {
  /// What errors name.
  private let path: String
  private let folder: Folder
  private let name: String
  private let temporary: String
  /// Below zero once it is closed.
  private var file: Int32

  /// Begins a file at a path that a user named.
  ///
  /// - Throws: `FileError` of kind `unwritable` for a folder, a device, and what a link leads to
  ///   nowhere with.
  package convenience init(replacing path: String) throws {
    let place = try Self.place(of: path)
    try self.init(replacing: place.name, in: place.folder, named: path)
  }

  /// Begins a file in a folder.
  ///
  /// - Parameters:
  ///   - name: of the file.
  ///   - folder: that it lies in.
  ///   - path: what errors call it; nil for where it lies.
  /// - Throws: `FileError` of kind `unwritable` for a link, a folder or a device.
  package init(replacing name: String, in folder: Folder, named path: String? = nil) throws {
    let path = path ?? folder.path(of: name)
    let old = try folder.status(of: name)
    switch old.map(DurableFiles.Kind.init) {
    case nil, .file: break
    case .link: throw folder.linkRefusal("write", name)
    default: throw FileError(.unwritable, "write", path, "it is not a file")
    }
    Self.removeLeftovers(onceIn: folder)
    (file, temporary) = try Self.begin(in: folder, path, inPlaceOf: old)
    (self.path, self.folder, self.name) = (path, folder, name)
  }

  deinit {
    guard file >= 0 else { return }
    try? folder.remove(temporary)
    close(file)
  }

  // MARK: Writing

  /// Adds to the file.
  package func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0) }
  }

  /// Adds to the file.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    try namingPath { try DurableFiles.write(bytes, to: file, folder.path(of: temporary)) }
  }

  /// Waits until all is on the disk, gives the file its name, and waits for that.
  package func commit() throws {
    try synchronize()
    try publish()
    try namingPath { try folder.synchronize() }
  }

  /// Waits until the content is on the disk.
  func synchronize() throws {
    try namingPath { try DurableFiles.synchronize(file, folder.path(of: temporary)) }
  }

  /// Gives the file its name.
  func publish() throws {
    try namingPath { try folder.rename(temporary, to: name) }
    close(file)
    file = -1
  }

  private func namingPath<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as FileError { throw error.at(path) }
  }

  // MARK: Where it lies

  /// The folder and the name of a path, through links at its end.
  private static func place(of given: String) throws -> (folder: Folder, name: String) {
    var path = given
    // As many as the system itself follows.
    for _ in 0..<40 {
      let (parent, name) = (DurableFiles.folder(of: path), DurableFiles.name(of: path))
      guard !["", ".", ".."].contains(name) else { break }
      let folder = try Folder(opening: parent) { FileError(writing: given, $0) }
      guard let status = try folder.status(of: name) else { return (folder, name) }
      switch DurableFiles.Kind(status) {
      case .file:
        // A link of /proc may lead to a file that has lost the name that it shows.
        var found = stat()
        guard stat(given.systemPath, &found) == 0, Folder.Identity(found) == Folder.Identity(status)
        else {
          throw FileError(.unwritable, "write", given, "it leads to a file without a name")
        }
        return (folder, name)
      case .link:
        guard let target = folder.linkTarget(name) else {
          throw FileError(.unwritable, "write", given, "it is a link that cannot be followed")
        }
        path = target.utf8.first == UInt8(ascii: "/") ? target : "\(parent)/\(target)"
      default: throw FileError(.unwritable, "write", given, "it is not a file")
      }
    }
    throw FileError(.unwritable, "write", given, "it is not a file")
  }

  // MARK: The temporary file

  private static let prefix = "\(Folder.temporaryPrefix)vae-zoo-"

  /// Whether a name is one that such a file has until it is complete.
  package static func isTemporary(_ name: String) -> Bool {
    name.hasPrefix(prefix) && RandomName.isOne(name.dropFirst(prefix.count))
  }

  /// Makes a file of a new name, and locks it for as long as it is written.
  private static func begin(
    in folder: Folder, _ path: String, inPlaceOf old: stat?
  ) throws -> (Int32, String) {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    while true {
      let temporary = prefix + RandomName.make()
      do {
        try DurableFiles.willChange(.create(folder.path(of: temporary)))
      } catch let error as FileError { throw error.at(path) }
      // Nobody else reads it before it has the mode of the file that it replaces.
      let file = DurableFiles.uninterrupted {
        openat(folder.descriptor, temporary.systemPath, flags, old == nil ? 0o666 : 0o600)
      }
      guard file >= 0 else {
        if errno == EEXIST { continue }
        throw FileError(writing: path)
      }
      // Between the two calls another process may have taken it for a leftover, and removed it.
      var status = stat()
      let isOurs = flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
      if isOurs && fstat(file, &status) == 0 && status.st_nlink > 0 {
        if let old { take(old, for: file, status) }
        return (file, temporary)
      }
      close(file)
    }
  }

  /// Gives a new file the owner, the group and the mode of an old one, as far as the system allows.
  private static func take(_ old: stat, for file: Int32, _ new: stat) {
    var mode = old.st_mode & 0o7777
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid),
      fchown(file, old.st_uid, old.st_gid) != 0
    {
      mode &= ~(S_ISUID | S_ISGID)
      if old.st_gid != new.st_gid, fchown(file, uid_t.max, old.st_gid) != 0 {
        // Another group than the old one may do no more than everybody.
        mode &= ~0o070 | (mode & 0o007) << 3
      }
    }
    fchmod(file, mode)
  }
}
