import Glibc
import Messages
import VAECore
import VAEFiles

/// Where a run keeps its checkpoints that does not keep them in its folder.
///
/// The run folder only tells of the place, in `checkpoints.json`. It may have come from anybody, so
/// what it tells is believed for reading alone, and only where the place holds a file with the same
/// random number, which nobody but the run itself has put there. To write there, or to remove
/// checkpoints, the place must be named again.
struct CheckpointPlace: Sendable, Equatable {
  /// The folder, an absolute path.
  let path: String
  /// Tells the run from others.
  let identity: String

  /// The file in the run folder that tells of the place.
  static let recordFile = "checkpoints.json"
  /// The file in the place that tells which run it belongs to.
  static let ownerFile = "run.json"

  private static let limit = 1 << 16

  init(path: String, identity: String) { (self.path, self.identity) = (path, identity) }

  // MARK: Reading

  /// What a run folder tells, nil where it keeps its checkpoints itself.
  ///
  /// - Throws: `FileError` of kind `malformed` where the file is damaged.
  static func read(in run: Folder) throws -> CheckpointPlace? {
    guard let bytes = try RunFolder.read(recordFile, ifPresentIn: run, limit: .bytes(limit)) else {
      return nil
    }
    let source = run.path(of: recordFile)
    guard let object = try? JSON(parsing: bytes, source: source).object,
      let path = object["folder"]?.text, path.utf8.first == UInt8(ascii: "/"),
      !path.utf8.contains(0), let identity = object["run"]?.text, !identity.isEmpty
    else {
      throw FileError(.malformed, "read", source, "it does not say where the checkpoints are")
    }
    return CheckpointPlace(path: path, identity: identity)
  }

  /// The folder.
  ///
  /// - Throws: `FileError` where it is gone, or does not belong to the run.
  func open(for run: String) throws -> Folder {
    let folder = try Folder(opening: path) { code in
      let error = FileError(reading: path, code)
      return FileError(
        error.kind, "read", path,
        "the checkpoints of \(run) are kept there; where they have been moved, resume with "
          + "\(.checkpointDir()) (\(error.reason))")
    }
    guard try Self.owner(of: folder) == identity else {
      throw FileError(
        .malformed, "read", path,
        "\(run) says that its checkpoints are there, but \(Self.ownerFile) in it does not say so too"
      )
    }
    return folder
  }

  private static func owner(of folder: Folder) throws -> String? {
    guard let bytes = try RunFolder.read(ownerFile, ifPresentIn: folder, limit: .bytes(limit))
    else {
      return nil
    }
    return try? JSON(parsing: bytes, source: folder.path(of: ownerFile)).object?["run"]?.text
  }

  // MARK: Writing

  /// Refuses a folder in which no place can be made, and changes nothing.
  ///
  /// - Parameter parent: the folder that the user named, which may be missing.
  static func check(_ parent: String) throws {
    let isThere = try DurableFiles.kind(of: parent) != nil
    let place = isThere ? parent : DurableFiles.folder(of: RunFolder.trimmed(parent))
    _ = try Folder(opening: place) { FileError(writing: parent, $0) }
    guard access(place.systemPath, W_OK | X_OK) == 0 else {
      throw FileError(.unwritable, "write", parent, SystemFault())
    }
  }

  /// Makes a place for a run's checkpoints.
  ///
  /// - Parameters:
  ///   - parent: the folder that the user named, which is made if need be.
  ///   - run: the path of the run, after which it is called.
  static func make(in parent: String, for run: String) throws -> CheckpointPlace {
    if try DurableFiles.kind(of: parent) == nil { try DurableFiles.makeFolder(parent) }
    let identity = RandomName.make() + RandomName.make()
    let path = try "\(DurableFiles.absolute(parent))/\(name(of: run))-\(identity.prefix(8))"
    try DurableFiles.makeFolder(path)
    let folder = try Folder(opening: path)
    try folder.replace(ownerFile, with: document(["run": .text(identity)]))
    return CheckpointPlace(path: path, identity: identity)
  }

  /// What the run is called; of a path that ends in dots, what it leads to.
  private static func name(of run: String) throws -> String {
    let name = DurableFiles.name(of: run)
    guard ["", ".", ".."].contains(name) else { return name }
    let last = DurableFiles.name(of: try DurableFiles.absolute(run))
    return last.isEmpty ? "run" : last
  }

  /// The same place, where it lies in a folder that the user named now.
  func moved(to parent: String) throws -> CheckpointPlace {
    CheckpointPlace(
      path: "\(try DurableFiles.absolute(parent))/\(DurableFiles.name(of: path))",
      identity: identity)
  }

  /// Stores where the place is in the run's folder.
  func write(to run: Folder) throws {
    try run.replace(
      Self.recordFile,
      with: Self.document(["folder": .text(path), "run": .text(identity)]))
  }

  private static func document(_ object: JSON.Object) -> [UInt8] {
    Array(JSON.object(object).document.utf8)
  }
}
