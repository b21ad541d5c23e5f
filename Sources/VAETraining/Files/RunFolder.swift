import Glibc
import Messages
import VAEFiles

/// A run on disk.
///
///     recipe.json
///     metrics.jsonl                 a line an epoch
///     checkpoints/<step>/           weights.safetensors, optimizer.safetensors, state.json
///     checkpoints.json              where checkpoints are instead, if the user named a folder
///     latest                        → checkpoints/<step>
///     best                          → the checkpoint with the best held-out bound, where it is kept
///     weights.safetensors, …        → latest/…
///     model.safetensors             the exported model of a finished run
///     report.html                   the page about it
///     records/                      what the model said about fixed examples as it was trained
///     .lock                         held by the process that trains
///
/// Whatever moment a process is killed at, or the power fails: what stands under its final name is
/// complete, and what does not is removed when the run is opened for writing again.
///
/// The folder may have come from anybody. Everything in it is looked up by its name in the open
/// folder, and no link is followed, those of the run itself included: their text is read. So nothing
/// outside of it is read, written or removed; for checkpoints in another place see
/// `create(at:force:resume:checkpointDir:)`.
public struct RunFolder: Sendable {
  /// The folder's path.
  public let path: String
  /// What the user should know of its opening, a sentence each.
  public private(set) var notices: [Message] = []
  let folder: Folder
  /// Held while the run may be written; nil for a reader.
  private let lock: RunLock?
  /// The other place of checkpoints that the user has named, with its lock.
  private var namedPlace: NamedPlace?

  private struct NamedPlace: Sendable {
    let folder: Folder
    let lock: RunLock
  }

  private init(_ folder: Folder, lock: RunLock? = nil) {
    path = folder.path
    self.folder = folder
    self.lock = lock
  }

  static let recipeFile = "recipe.json"
  static let metricsFile = "metrics.jsonl"
  static let checkpointsFolder = "checkpoints"
  static let latestLink = "latest"
  static let bestLink = "best"
  static let modelFile = "model.safetensors"
  private static let reportFile = "report.html"
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
    let path = trimmed(path)
    guard let kind = try DurableFiles.kind(of: path) else {
      throw FileError(.missing, "read", path, "it does not exist")
    }
    guard kind == .folder else {
      throw FileError(.malformed, "read", path, "it is not a run folder, nor any folder")
    }
    let run = RunFolder(try Folder(opening: path))
    switch try run.content() {
    case .begun, .run: return run
    case .vacant, .foreign:
      throw FileError(
        .malformed, "read", path,
        "it is not a run folder: it has neither \(recipeFile) nor checkpoints")
    }
  }

  /// Whether a run stands at a path, or what is left of one.
  public static func isRun(at path: String) -> Bool { (try? open(path)) != nil }

  /// A run for writing: what interrupted writes have left is removed. Only one process at a time
  /// has a run for writing, until it lets go of this value and its copies.
  ///
  /// - Parameters:
  ///   - path: the folder; the one it lies in must exist.
  ///   - force: replace the run that is there. What does not belong to a run stays.
  ///   - resume: continue the run that is there, or begin it; it outdoes `force`.
  ///   - checkpointDir: a folder, made if need be, in which a new one for the checkpoints of
  ///     this run is made; to resume such a run, the same again, or the one that the run's has been
  ///     moved to. Nil to keep checkpoints in the run folder.
  /// - Throws: `FileError` of kind `exists` where there is something that must not be touched, or
  ///   another process has the run; `unwritable` where nothing can be written; `malformed` where
  ///   the newest checkpoint has lost a file, or something in the folder is a link.
  public static func create(
    at path: String, force: Bool = false, resume: Bool = false, checkpointDir: String? = nil
  ) throws -> RunFolder {
    let path = trimmed(path)
    let isNew =
      try mayBeMade(
        at: path, force: force, resume: resume, checkpointDir: checkpointDir) == nil
    // What is refused there leaves no run folder behind, and an old run as it is.
    if isNew || force, let checkpointDir { try CheckpointPlace.check(checkpointDir) }
    if isNew { try DurableFiles.makeFolder(path) }
    let folder = try Folder(opening: path) { FileError(writing: path, $0) }
    var run = RunFolder(folder, lock: try RunLock(in: folder, run: path))
    // Another process may have begun a run between the first look and the lock.
    try run.checkMayBeTaken(force: force, resume: resume, checkpointDir: checkpointDir)
    if force && !resume { try run.removeRun(checkpointDir: checkpointDir) }
    try run.openPlace(in: checkpointDir)
    try run.recover()
    return run
  }

  /// Looks whether `create` would take a path, and changes nothing.
  ///
  /// - Returns: what is there, for reading; nil where there is nothing.
  /// - Throws: `FileError` of kind `exists` where there is something that must not be touched.
  public static func mayBeMade(
    at path: String, force: Bool = false, resume: Bool = false, checkpointDir: String? = nil
  ) throws -> RunFolder? {
    let path = trimmed(path)
    guard DurableFiles.exists(path) else { return nil }
    guard try DurableFiles.kind(of: path) == .folder else {
      throw refusal(path, "it exists and is not a folder")
    }
    let run = RunFolder(try Folder(opening: path))
    try run.checkMayBeTaken(force: force, resume: resume, checkpointDir: checkpointDir)
    return run
  }

  /// The path without slashes at its end, which would make a link stand for its folder.
  static func trimmed(_ path: String) -> String {
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
    var names = Set(try folder.list())
    if names.contains(Self.recipeFile) { return .run }
    let isLocked = names.remove(RunLock.fileName) != nil
    if isLocked {
      names = names.filter { !Self.isTemporary($0) && $0 != CheckpointPlace.recordFile }
    }
    if isLocked, try hasOnlyRecords() { names.remove(Self.recordsFolder) }
    if names.contains(Self.checkpointsFolder),
      try folder.kind(of: Self.checkpointsFolder) == .folder,
      let inside = try folder.folder(Self.checkpointsFolder)?.list()
    {
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

  private static func refusal(_ path: String, _ reason: Message) -> FileError {
    FileError(.exists, "train in", path, reason)
  }

  private func checkMayBeTaken(force: Bool, resume: Bool, checkpointDir: String?) throws {
    switch try content() {
    case .vacant: return
    case .begun where force && !resume: return
    case .begun: try checkPlace(checkpointDir)
    case .run where resume: try checkPlace(checkpointDir)
    case .run where force:
      if let other = try foreignInCheckpoints() {
        throw Self.refusal(
          path, "\(other) does not belong to a run; choose another folder, or move it away")
      }
    case .run:
      throw Self.refusal(
        path, "it exists; use \(.resume) to continue it or \(.replace) to replace it")
    case .foreign where force || resume:
      throw Self.refusal(
        path, "it exists and is not a run folder, so it is left alone; choose another folder")
    case .foreign:
      throw Self.refusal(path, "it exists and is not a run folder; choose another folder")
    }
  }

  /// What checkpoints are written to, or removed from, is the run folder, or a place that this call
  /// names.
  private func checkPlace(_ named: String?) throws {
    let recorded = try CheckpointPlace.read(in: folder)
    switch (recorded, named) {
    case (nil, nil): return
    case (let place?, nil):
      throw Self.refusal(
        path,
        "its checkpoints are kept in \(place.path), and only a folder that is named is written to; add "
          + "\(.checkpointDir(DurableFiles.folder(of: place.path)))")
    case (let place?, let named?):
      _ = try place.moved(to: named).open(for: path)
    case (nil, _?):
      guard try folder.kind(of: Self.checkpointsFolder) == .folder,
        let inside = try folder.folder(Self.checkpointsFolder), try !inside.list().isEmpty
      else { return }
      throw Self.refusal(
        path, "its checkpoints are in the run folder itself; leave out \(.checkpointDir())")
    }
  }

  /// Opens the place of checkpoints that the user names, or makes one.
  private mutating func openPlace(in named: String?) throws {
    guard let named else { return }
    let place: CheckpointPlace
    let recorded = try CheckpointPlace.read(in: folder)
    if let recorded {
      place = try recorded.moved(to: named)
    } else {
      place = try CheckpointPlace.make(in: named, for: path)
    }
    let other = try place.open(for: path)
    namedPlace = NamedPlace(folder: other, lock: try RunLock(in: other, run: path))
    if place != recorded { try place.write(to: folder) }
  }

  /// The folder of the checkpoints, nil where there is none yet.
  ///
  /// - Throws: `FileError` of kind `malformed` where it is a link, or does not belong to the run.
  func checkpoints() throws -> Folder? {
    if let namedPlace { return namedPlace.folder }
    if let place = try CheckpointPlace.read(in: folder) { return try place.open(for: path) }
    let path = folder.path(of: Self.checkpointsFolder)
    switch try folder.kind(of: Self.checkpointsFolder) {
    case nil, .folder: return try folder.folder(Self.checkpointsFolder)
    case .link:
      throw FileError(
        .malformed, "read", path,
        "it is a symbolic link, and links in a run folder are not followed; put the folder that it leads to in its "
          + "place, or begin the run with \(.checkpointDir()) to keep checkpoints elsewhere")
    default:
      throw lock == nil
        ? FileError(.malformed, "read", path, "it is not a folder")
        : FileError(.unwritable, "write", path, "it is not a folder")
    }
  }

  /// The folder of the checkpoints, which is made if need be.
  func madeCheckpoints() throws -> Folder {
    if let checkpoints = try checkpoints() { return checkpoints }
    try folder.makeFolder(Self.checkpointsFolder)
    guard let made = try folder.folder(Self.checkpointsFolder) else {
      throw FileError(
        .unwritable, "write", folder.path(of: Self.checkpointsFolder), "something removes it again")
    }
    return made
  }

  /// What the links to checkpoints lead through.
  var checkpointsPrefix: String {
    let elsewhere = namedPlace?.folder.path ?? (try? CheckpointPlace.read(in: folder))?.path
    return "\(elsewhere ?? Self.checkpointsFolder)/"
  }

  static func isTemporary(_ name: String) -> Bool { name.hasPrefix(Folder.temporaryPrefix) }

  /// Throws where the run was opened for reading.
  func checkMayBeWritten() throws {
    guard lock != nil else {
      throw FileError(.unwritable, "write", path, "the run was opened for reading")
    }
  }

  /// The contents of a file, nil where there is none.
  static func read(
    _ name: String, ifPresentIn folder: Folder, limit: SizeLimit = .unlimited
  ) throws -> [UInt8]? {
    guard try folder.kind(of: name) != nil else { return nil }
    return try folder.read(name, limit: limit)
  }

  // MARK: Removing

  /// Removes all that makes the folder a run. The checkpoints go first and at once, and the recipe
  /// last: a run of which the half is gone is begun anew and never continued.
  ///
  /// - Parameter named: where the user says that checkpoints may be removed outside of it.
  private mutating func removeRun(checkpointDir named: String?) throws {
    if folder.has(Self.checkpointsFolder) {
      let leaving = "\(Folder.temporaryPrefix)\(Self.checkpointsFolder)"
      try folder.removeTree(leaving)
      try folder.publish(Self.checkpointsFolder, as: leaving)
      try folder.removeTree(leaving)
    }
    if let place = try? CheckpointPlace.read(in: folder) {
      notices += try removePlace(place, named)
    }
    try removeRecords()
    if [.link, .folder].contains(try folder.kind(of: Self.bestLink)) {
      try Self.removeOwn(Self.bestLink, in: folder)
    }
    for name in [CheckpointPlace.recordFile, Self.modelFile, Self.reportFile, Self.latestLink]
      + Self.checkpointFiles + [Self.metricsFile, Self.recipeFile]
    {
      try Self.removeOwn(name, in: folder)
    }
    try folder.synchronize()
  }

  /// Removes checkpoints that are kept elsewhere, where the user named that place.
  ///
  /// - Returns: what stays of them.
  private func removePlace(_ place: CheckpointPlace, _ named: String?) throws -> [Message] {
    let stays: Message = "the checkpoints of the replaced run stay in \(place.path)"
    guard let named, let there = try? place.moved(to: named),
      let other = try? there.open(for: path)
    else { return [stays] }
    let lock = try RunLock(in: other, run: path)
    return try withExtendedLifetime(lock) {
      try Self.removeLeftovers(in: other)
      for name in try other.list() where Self.step(of: name) != nil {
        try Self.removeOwn(name, in: other)
      }
      for name in [CheckpointPlace.ownerFile, RunLock.fileName] { try other.remove(name) }
      let parent = try Folder(opening: DurableFiles.folder(of: there.path))
      return try parent.removeFolder(DurableFiles.name(of: there.path))
        ? [] : ["\(there.path) stays, for it holds files that do not belong to the run"]
    }
  }

  /// Removes a file or link of the run; a folder only as far as a run has written it: the files of
  /// a checkpoint, and itself where it is empty then. The state goes first and for good: what has none is no
  /// checkpoint any more, so that a process that is killed in the middle leaves no damaged one.
  ///
  /// - Returns: whether nothing of it stays.
  @discardableResult
  static func removeOwn(_ name: String, in folder: Folder) throws -> Bool {
    guard try folder.kind(of: name) == .folder, let inner = try folder.folder(name) else {
      try folder.remove(name)
      return true
    }
    if inner.has(CheckpointFile.state), try inner.kind(of: CheckpointFile.state) != .folder {
      try inner.remove(CheckpointFile.state)
      try inner.synchronize()
    }
    for file in checkpointFiles where try inner.kind(of: file) != .folder {
      try inner.remove(file)
    }
    return try folder.removeFolder(name)
  }

  /// Removes what interrupted writes have left, and finishes what they had begun.
  private mutating func recover() throws {
    try Self.removeLeftovers(in: folder)
    notices += try recoverCheckpoints().map(Self.leftNotice)
  }

  /// Removes what interrupted writes have left in a folder of the run. What another process writes
  /// at this moment, such as a report, is not touched.
  static func removeLeftovers(in folder: Folder) throws {
    OutputFile.removeLeftovers(in: folder)
    for name in try folder.list() where isTemporary(name) && !OutputFile.isTemporary(name) {
      try folder.removeTree(name)
    }
  }

  /// What the user should know of a checkpoint's folder that holds other files.
  static func leftNotice(_ path: String) -> Message {
    "\(path) stays, for it holds files that do not belong to the run; the checkpoint in it is removed"
  }

  // MARK: Recipe, model and report

  /// The stored recipe, nil where there is none yet.
  ///
  /// - Throws: `TrainingError` where it is damaged; see `checkRecipe`.
  public func recipeBytes() throws -> [UInt8]? {
    guard
      let bytes = try Self.read(
        Self.recipeFile, ifPresentIn: folder, limit: .text)
    else { return nil }
    try checkRecipe(bytes)
    return bytes
  }

  /// Stores the recipe.
  public func writeRecipe(_ bytes: [UInt8]) throws {
    try checkMayBeWritten()
    try folder.replace(Self.recipeFile, with: bytes)
  }

  /// Whether the model of a finished run is there in one file.
  public var hasModel: Bool { (try? folder.kind(of: Self.modelFile)) == .file }

  /// Stores the model of a finished run in one file, `model.safetensors`.
  public func writeModel(_ bytes: [UInt8]) throws {
    try checkMayBeWritten()
    try folder.replace(Self.modelFile, with: bytes)
  }

  /// Removes that file, where there is one.
  public func removeModel() throws {
    try checkMayBeWritten()
    try folder.remove(Self.modelFile)
  }

  /// Stores the page about the run, `report.html`, which any process may do.
  ///
  /// - Returns: the path of the page.
  @discardableResult
  public func writeReport(_ bytes: [UInt8]) throws -> String {
    try folder.replace(Self.reportFile, with: bytes)
    return folder.path(of: Self.reportFile)
  }
}
