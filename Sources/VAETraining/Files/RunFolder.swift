import Glibc
import Messages
import VAEFiles

/// A run on disk.
///
///     recipe.json
///     metrics.jsonl                 a line an epoch
///     checkpoints/<step>/           weights.safetensors, optimizer.safetensors, state.json
///     latest                        → checkpoints/<step>
///     weights.safetensors, …        → latest/…
///     model.safetensors             the exported model of a finished run
///     records/                      what the model said about fixed examples as it was trained
///     .lock                         held by the process that trains
///
/// Whatever moment a process is killed at, or the power fails: what stands under its final name is
/// complete, and what does not is removed when the run is opened for writing again.
public struct RunFolder: Sendable {
  /// The folder.
  public let path: String
  /// Held while the run may be written; nil for a reader.
  private let lock: RunLock?

  private init(path: String, lock: RunLock?) {
    self.path = path
    self.lock = lock
  }

  var recipePath: String { "\(path)/\(Self.recipeFile)" }
  var metricsPath: String { "\(path)/\(Self.metricsFile)" }
  var checkpointsPath: String { "\(path)/\(Self.checkpointsFolder)" }

  static let recipeFile = "recipe.json"
  static let metricsFile = "metrics.jsonl"
  static let checkpointsFolder = "checkpoints"
  static let latestLink = "latest"
  /// The files of a checkpoint, which are also the names of the links to the newest ones.
  static let checkpointFiles = [
    CheckpointFile.weights, CheckpointFile.optimizer, CheckpointFile.state,
  ]

  // MARK: Opening

  /// A run for reading, also while another process trains it.
  ///
  /// - Throws: `FileError` of kind `missing` where there is nothing, `malformed` where it is no
  ///   run.
  public static func open(_ path: String) throws -> RunFolder {
    let run = RunFolder(path: trimmed(path), lock: nil)
    guard let kind = try DurableFiles.kind(of: run.path) else {
      throw FileError(.missing, "read", run.path, "it does not exist")
    }
    guard kind == .folder else {
      throw FileError(.malformed, "read", run.path, "it is not a run folder, nor any folder")
    }
    switch try run.content() {
    case .begun, .run: return run
    case .vacant, .foreign:
      throw FileError(
        .malformed, "read", run.path,
        "it is not a run folder: it has neither \(recipeFile) nor checkpoints")
    }
  }

  /// A run for writing: what interrupted writes have left is removed. Only one process at a time
  /// has a run for writing, until it lets go of this value and its copies.
  ///
  /// - Parameters:
  ///   - path: the folder; the one it lies in must exist.
  ///   - force: replace the run that is there. What does not belong to a run stays.
  ///   - resume: continue the run that is there, or begin it; it outdoes `force`.
  /// - Throws: `FileError` of kind `exists` where there is something that must not be touched, or
  ///   another process has the run; `unwritable` where nothing can be written; `malformed` where
  ///   the newest checkpoint has lost a file.
  public static func create(
    at path: String, force: Bool = false, resume: Bool = false
  ) throws -> RunFolder {
    let path = trimmed(path)
    if try mayBeMade(at: path, force: force, resume: resume) == nil {
      try DurableFiles.makeFolder(path)
      try DurableFiles.synchronize(folder: DurableFiles.folder(of: path))
    }
    let run = RunFolder(path: path, lock: try RunLock(run: path))
    // Another process may have begun a run between the first look and the lock.
    try run.checkMayBeTaken(force: force, resume: resume)
    if force && !resume { try run.removeRun() }
    try run.recover()
    return run
  }

  /// Looks whether `create` would take a path, and changes nothing.
  ///
  /// - Returns: what is there, for reading; nil where there is nothing.
  /// - Throws: `FileError` of kind `exists` where there is something that must not be touched.
  public static func mayBeMade(
    at path: String, force: Bool = false, resume: Bool = false
  ) throws -> RunFolder? {
    let run = RunFolder(path: trimmed(path), lock: nil)
    guard try DurableFiles.kind(of: run.path, followingLinks: false) != nil else { return nil }
    try run.checkMayBeTaken(force: force, resume: resume)
    return run
  }

  /// The path without slashes at its end, which would make a link stand for its folder.
  private static func trimmed(_ path: String) -> String {
    var bytes = Array(path.utf8)
    while bytes.count > 1 && bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: What is there

  private enum Content {
    /// Nothing.
    case vacant
    /// What there is of a run before its recipe is stored.
    case begun
    /// A run.
    case run
    /// Something else.
    case foreign
  }

  private func content() throws -> Content {
    var names = Set(try DurableFiles.list(path))
    if names.contains(Self.recipeFile) { return .run }
    let isLocked = names.remove(RunLock.fileName) != nil
    if isLocked { names = names.filter { !Self.isTemporary($0) } }
    if isLocked, try hasOnlyRecords() { names.remove(Self.recordsFolder) }
    if names.contains(Self.checkpointsFolder),
      try DurableFiles.kind(of: checkpointsPath) == .folder
    {
      let inside = try DurableFiles.list(checkpointsPath)
      if inside.isEmpty { names.remove(Self.checkpointsFolder) }
      if !inside.isEmpty && inside.allSatisfy(Self.isOfCheckpoints) { return .run }
    }
    guard names.isEmpty else { return .foreign }
    return isLocked ? .begun : .vacant
  }

  /// Whether a name in `checkpoints` is one of ours: many programs have a folder of that name.
  private static func isOfCheckpoints(_ name: String) -> Bool {
    step(of: name) != nil || isTemporary(name)
  }

  private func checkMayBeTaken(force: Bool, resume: Bool) throws {
    func refusal(_ reason: Message) -> FileError { FileError(.exists, "train in", path, reason) }
    guard try DurableFiles.kind(of: path) == .folder else {
      throw refusal("it exists and is not a folder")
    }
    switch try content() {
    case .vacant, .begun: return
    case .run where resume: return
    case .run where force:
      guard try DurableFiles.kind(of: checkpointsPath) == .folder else { return }
      let names = try DurableFiles.list(checkpointsPath)
      if let other = names.first(where: { !Self.isOfCheckpoints($0) }) {
        throw refusal("\(checkpointsPath)/\(other) does not belong to a run; choose another folder")
      }
    case .run:
      throw refusal("it exists; use \(.resume) to continue it or \(.replace) to replace it")
    case .foreign where force || resume:
      throw refusal("it exists and is not a run folder, so it is left alone; choose another folder")
    case .foreign:
      throw refusal("it exists and is not a run folder; choose another folder")
    }
  }

  static func isTemporary(_ name: String) -> Bool {
    name.hasPrefix(DurableFiles.temporaryPrefix)
  }

  /// Throws where the run was opened for reading.
  func checkMayBeWritten() throws {
    guard lock != nil else {
      throw FileError(.unwritable, "write", path, "the run was opened for reading")
    }
  }

  // MARK: Removing

  /// Removes all that makes the folder a run. The checkpoints go first and at once, and the recipe
  /// last: a run of which the half is gone is begun anew and never continued.
  private func removeRun() throws {
    if DurableFiles.exists(checkpointsPath) {
      let leaving = "\(DurableFiles.temporaryPrefix)\(Self.checkpointsFolder)"
      try DurableFiles.removeTree(leaving, in: path)
      try DurableFiles.publish(checkpointsPath, as: "\(path)/\(leaving)")
      try DurableFiles.removeTree(leaving, in: path)
    }
    try removeRecords()
    for name in ["model.safetensors", "report.html", Self.latestLink] + Self.checkpointFiles
      + [Self.metricsFile, Self.recipeFile]
    {
      try DurableFiles.removeTree(name, in: path)
    }
    try DurableFiles.synchronize(folder: path)
  }

  /// Removes what interrupted writes have left, and finishes what they had begun.
  private func recover() throws {
    for name in try DurableFiles.list(path) where Self.isTemporary(name) {
      try DurableFiles.removeTree(name, in: path)
    }
    try recoverCheckpoints()
  }

  // MARK: Recipe

  /// The stored recipe, nil where there is none yet.
  public func recipeBytes() throws -> [UInt8]? {
    guard try DurableFiles.kind(of: recipePath) != nil else { return nil }
    return try DurableFiles.read(recipePath, limit: InputLimits.current.textBytes)
  }

  /// Stores the recipe.
  public func writeRecipe(_ bytes: [UInt8]) throws {
    try checkMayBeWritten()
    try DurableFiles.replace(recipePath, with: bytes)
  }
}
