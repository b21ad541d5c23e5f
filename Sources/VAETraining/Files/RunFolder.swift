import Glibc
import VAECore

/// A run on disk.
///
///     recipe.json
///     metrics.jsonl                 a line an epoch
///     checkpoints/<step>/           the files of a checkpoint
///     latest                        → checkpoints/<step>
///     weights.safetensors, …        → latest/…
///
/// A checkpoint is written under a temporary name, every file and folder synced, and published by
/// one rename; then `latest` is replaced by rename. Whatever moment a process is killed at, the
/// newest complete checkpoint is found again.
public final class RunFolder {
  /// The folder.
  public let path: String
  /// The open lock file of a run that is being written; -1 for a reader.
  private var lock: Int32 = -1

  private static let keptCheckpoints = 2
  private static let temporaryPrefix = ".tmp-"

  private init(path: String) {
    self.path = path
  }

  deinit {
    if lock >= 0 { close(lock) }
  }

  private var checkpointsPath: String { "\(path)/checkpoints" }

  // MARK: Opening

  /// A run for reading.
  ///
  /// - Throws: `FileError` of kind `missing` where there is nothing, `malformed` where it is no
  ///   run.
  public static func open(_ path: String) throws -> RunFolder {
    guard DurableFiles.exists(path) else { throw FileError(.missing, "\(path) does not exist") }
    let run = RunFolder(path: path)
    guard run.looksLikeRun else {
      throw FileError(
        .malformed, "\(path) is not a run folder: it has neither recipe.json nor checkpoints")
    }
    return run
  }

  /// A run for writing.
  ///
  /// - Parameters:
  ///   - force: replace a run that exists; anything else is left alone.
  ///   - resume: continue a run that exists, or begin it.
  /// - Throws: `FileError` of kind `exists` where there is something that must not be touched or
  ///   another process trains this run, `unwritable` where nothing can be written.
  public static func create(at path: String, force: Bool, resume: Bool) throws -> RunFolder {
    let run = RunFolder(path: path)
    if DurableFiles.exists(path), let names = try? DurableFiles.list(path) {
      let isEmpty = names.allSatisfy { $0 == ".lock" }
      guard isEmpty || force || resume else {
        throw FileError(
          .exists, "\(path) exists; use --resume to continue it or --force to replace it")
      }
      guard isEmpty || run.looksLikeRun else {
        throw FileError(.exists, "\(path) exists and is not a run folder, so it is left alone")
      }
      try run.takeLock()
      if force {
        for name in names where name != ".lock" { try DurableFiles.remove("\(path)/\(name)") }
      }
    } else {
      guard !DurableFiles.exists(path) else {
        throw FileError(.exists, "\(path) exists and is not a folder")
      }
      try DurableFiles.makeFolder(path)
      try run.takeLock()
    }
    try DurableFiles.makeFolder(run.checkpointsPath)
    try run.removeLeftovers()
    return run
  }

  private var looksLikeRun: Bool {
    DurableFiles.exists("\(path)/recipe.json") || DurableFiles.exists(checkpointsPath)
  }

  private func takeLock() throws {
    let name = "\(path)/.lock"
    lock = Glibc.open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard lock >= 0 else { throw FileError(writing: name) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw FileError(
        .exists, "\(path) is being trained by another process; wait for it or stop it")
    }
  }

  /// Removes what a killed process left under temporary names.
  private func removeLeftovers() throws {
    for name in try DurableFiles.list(checkpointsPath) where name.hasPrefix(Self.temporaryPrefix) {
      try DurableFiles.remove("\(checkpointsPath)/\(name)")
    }
    for name in try DurableFiles.list(path) where name.contains(".tmp-") {
      try DurableFiles.remove("\(path)/\(name)")
    }
  }

  // MARK: Recipe and metrics

  /// The stored recipe, nil where there is none yet.
  public func recipeBytes() throws -> [UInt8]? {
    let name = "\(path)/recipe.json"
    return DurableFiles.exists(name) ? try DurableFiles.read(name, limit: 1 << 24) : nil
  }

  /// Stores the recipe.
  public func writeRecipe(_ bytes: [UInt8]) throws {
    try DurableFiles.replace("\(path)/recipe.json", with: bytes)
  }

  private var metricsPath: String { "\(path)/metrics.jsonl" }

  /// Adds a line to the metrics.
  public func appendMetrics(_ line: String) throws {
    try DurableFiles.append(metricsPath, Array((line + "\n").utf8))
  }

  /// Drops metrics of later steps, and a line that was cut short.
  public func cutMetrics(toStep step: Int) throws {
    guard DurableFiles.exists(metricsPath) else { return }
    let bytes = try DurableFiles.read(metricsPath)
    var kept: [UInt8] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let record = try? JSON(parsing: Array(line), source: metricsPath).object,
        let recorded = record["step"]?.integer, recorded <= step
      else { break }
      kept += line + [UInt8(ascii: "\n")]
    }
    if kept != bytes { try DurableFiles.replace(metricsPath, with: kept) }
  }

  // MARK: Checkpoints

  /// Writes and publishes a checkpoint, then removes all but the newest two.
  public func writeCheckpoint(step: Int, files: [(name: String, bytes: [UInt8])]) throws {
    let temporary = "\(checkpointsPath)/\(Self.temporaryPrefix)\(step)"
    let final = "\(checkpointsPath)/\(step)"
    try DurableFiles.remove(temporary)
    try DurableFiles.makeFolder(temporary)
    for (name, bytes) in files { try DurableFiles.write("\(temporary)/\(name)", bytes) }
    try DurableFiles.synchronize(folder: temporary)
    if DurableFiles.exists(final) { try discard(step) }
    try DurableFiles.rename(temporary, to: final)
    try DurableFiles.link("\(path)/latest", to: "checkpoints/\(step)")
    for (name, _) in files where !DurableFiles.exists("\(path)/\(name)") {
      try DurableFiles.link("\(path)/\(name)", to: "latest/\(name)")
    }
    for old in try checkpointSteps().dropLast(Self.keptCheckpoints) { try discard(old) }
  }

  /// Removes a checkpoint: out of the way under a temporary name first, so that a half-removed one
  /// is never taken for a whole one.
  private func discard(_ step: Int) throws {
    let leaving = "\(checkpointsPath)/\(Self.temporaryPrefix)old-\(step)"
    try DurableFiles.remove(leaving)
    try DurableFiles.rename("\(checkpointsPath)/\(step)", to: leaving)
    try DurableFiles.remove(leaving)
  }

  private func checkpointSteps() throws -> [Int] {
    try DurableFiles.list(checkpointsPath).compactMap(Int.init).sorted()
  }

  /// The newest checkpoint, nil where there is none yet.
  ///
  /// - Throws: `TrainingError` where it has lost a file or holds damaged state, `SafetensorsError`
  ///   where a weights file is damaged.
  public func storedCheckpoint() throws -> StoredCheckpoint? {
    guard DurableFiles.exists(checkpointsPath) else { return nil }
    guard let step = try checkpointSteps().last else { return nil }
    let folder = "\(checkpointsPath)/\(step)"
    var files: [String: [UInt8]] = [:]
    for name in [CheckpointFile.weights, CheckpointFile.optimizer, CheckpointFile.state]
    where DurableFiles.exists("\(folder)/\(name)") {
      files[name] = try DurableFiles.read("\(folder)/\(name)")
    }
    return try StoredCheckpoint(files: files, source: folder)
  }
}
