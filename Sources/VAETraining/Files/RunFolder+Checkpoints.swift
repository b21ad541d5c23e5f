import Messages
import Tensors
import VAEFiles

// MARK: - Finding checkpoints

extension RunFolder {
  /// The newest checkpoint, nil where there is none yet.
  ///
  /// That is the newest one that has all its files, but none older than `latest`: a process that is
  /// killed between the two renames of a publication leaves a newer one, and where `latest` or the
  /// folder it leads to is gone, an older one stands in.
  ///
  /// - Throws: `FileError` of kind `malformed` where the newest checkpoint has lost a file, or
  ///   `checkpoints` is a link.
  public func latestCheckpoint() throws -> (step: Int, folder: String)? {
    guard let checkpoints = try checkpoints() else { return nil }
    while true {
      let folders = try Self.checkpointFolders(in: checkpoints)
      let steps = folders.keys.sorted(by: >)
      let linked = linkedStep.flatMap { folders[$0] == nil ? nil : $0 }
      let complete = steps.first { Self.missingFile(in: folders[$0], of: checkpoints) == nil }
      if let complete, complete >= linked ?? complete, let folder = folders[complete] {
        return (complete, checkpoints.path(of: folder))
      }
      guard let damaged = linked ?? steps.first, let folder = folders[damaged] else { return nil }
      // A process that trains may have replaced all of them since they were listed.
      guard let file = Self.missingFile(in: folder, of: checkpoints),
        try Self.checkpointFolders(in: checkpoints) == folders,
        Self.missingFile(in: folder, of: checkpoints) == file
      else { continue }
      // Something else in its place, such as a link, is called what it is.
      if let inner = try checkpoints.folder(folder), inner.has(file) { _ = try inner.read(file) }
      throw FileError(
        .malformed, "read", "\(checkpoints.path(of: folder))/\(file)",
        "the checkpoint has lost this file; remove its folder to go back to the one before")
    }
  }

  /// The names of the folders that hold checkpoints, by step.
  static func checkpointFolders(in checkpoints: Folder) throws -> [Int: String] {
    var names: [Int: String] = [:]
    for name in try checkpoints.list() {
      // The one that was set aside counts only until its successor is there.
      if let step = step(of: name), names[step] == nil || !name.hasPrefix(asidePrefix) {
        names[step] = name
      }
    }
    return names
  }

  /// The step of a checkpoint's folder, nil for another name.
  static func step(of name: String) -> Int? {
    let digits = name.hasPrefix(asidePrefix) ? String(name.dropFirst(asidePrefix.count)) : name
    guard let step = Int(digits), step >= 0, String(step) == digits else { return nil }
    return step
  }

  private static let asidePrefix = ".aside-"

  /// The step that `latest` names.
  private var linkedStep: Int? { linkedStep(Self.latestLink) }

  /// The step that a link of the run names, nil where it is none or names something else.
  private func linkedStep(_ link: String) -> Int? {
    let prefix = checkpointsPrefix
    guard let target = folder.linkTarget(link), target.hasPrefix(prefix) else { return nil }
    return Self.step(of: String(target.dropFirst(prefix.count)))
  }

  /// The step of the checkpoint that is kept as the best one, nil where none is. Its folder may be
  /// gone, where somebody has removed it.
  public var bestStep: Int? {
    if let step = linkedStep(Self.bestLink) { return step }
    // A copy of a run that was made without regard to links has a folder here.
    guard let copy = try? folder.folder(Self.bestLink),
      let bytes = try? copy.read(CheckpointFile.state, limit: .text),
      let state = try? JSON(parsing: bytes, source: copy.path(of: CheckpointFile.state)).object
    else { return nil }
    return state["step"]?.integer
  }

  /// Whether `latest` or `best` leads to the checkpoint of a step, or would without a link.
  func isNeeded(_ step: Int?) -> Bool {
    guard let step else { return false }
    let newest = linkedStep ?? (try? latestCheckpoint())?.step
    return newest.map { step >= $0 } ?? true || step == bestStep
  }

  /// Whether the newest checkpoint was written at the end of the training.
  ///
  /// - Throws: `FileError` where it cannot be read.
  func newestIsFinished() throws -> Bool { try newestState()?["finished"]?.bool ?? false }

  /// What the newest checkpoint says of the training, nil where there is none.
  func newestState() throws -> JSON.Object? {
    guard let step = try latestCheckpoint()?.step, let checkpoints = try checkpoints(),
      let name = try Self.checkpointFolders(in: checkpoints)[step],
      let stored = try checkpoints.folder(name)
    else { return nil }
    let bytes = try stored.read(CheckpointFile.state, limit: .text)
    return try JSON(parsing: bytes, source: stored.path(of: CheckpointFile.state)).object
  }

  /// Where a checkpoint is, for errors.
  func checkpointPath(_ step: Int) throws -> String {
    "\(try checkpoints()?.path ?? folder.path(of: Self.checkpointsFolder))/\(step)"
  }

  /// The steps that have a checkpoint with all its files, in order.
  ///
  /// - Throws: `FileError` where `checkpoints` is a link, or belongs to another run.
  public func checkpointSteps() throws -> [Int] {
    guard let checkpoints = try checkpoints() else { return [] }
    let folders = try Self.checkpointFolders(in: checkpoints)
    return folders.keys.filter { Self.missingFile(in: folders[$0], of: checkpoints) == nil }
      .sorted()
  }

  /// The first file that a checkpoint's folder lacks.
  private static func missingFile(in name: String?, of checkpoints: Folder) -> String? {
    guard let name, let folder = try? checkpoints.folder(name) else { return checkpointFiles.first }
    return checkpointFiles.first { (try? folder.kind(of: $0)) != .file }
  }

  /// The path of something in the folder of checkpoints that no run has put there; nil for none.
  func foreignInCheckpoints() throws -> String? {
    guard try folder.kind(of: Self.checkpointsFolder) == .folder,
      let checkpoints = try folder.folder(Self.checkpointsFolder)
    else {
      return folder.has(Self.checkpointsFolder) ? folder.path(of: Self.checkpointsFolder) : nil
    }
    for name in try checkpoints.list() where !Self.isTemporary(name) {
      guard Self.step(of: name) != nil, try checkpoints.kind(of: name) == .folder,
        let inner = try checkpoints.folder(name)
      else { return checkpoints.path(of: name) }
      let foreign = try inner.list().first {
        try !Self.checkpointFiles.contains($0) || inner.kind(of: $0) != .file
      }
      if let foreign { return inner.path(of: foreign) }
    }
    return nil
  }
}

// MARK: - Reading checkpoints

extension RunFolder {
  /// The files of a checkpoint by name.
  ///
  /// - Throws: `FileError` of kind `missing` where it is gone, which a process that trains may cause
  ///   at any moment; of kind `malformed` where something of it is a link.
  public func readCheckpoint(_ step: Int) throws -> [String: [UInt8]] {
    let checkpoints = try checkpoints()
    guard let checkpoints,
      let name = try Self.checkpointFolders(in: checkpoints)[step],
      let stored = try checkpoints.folder(name)
    else {
      throw FileError(
        .missing, "read", try checkpointPath(step), "there is no checkpoint of this step")
    }
    // All are read in the one folder that was opened, so that those of two checkpoints of the same
    // step cannot mix.
    var files: [String: [UInt8]] = [:]
    for file in Self.checkpointFiles { files[file] = try stored.read(file) }
    return files
  }

  /// The newest checkpoint with its files by name, nil where there is none yet; of a run that
  /// another process trains, the newest at some moment of the call.
  ///
  /// - Throws: as `latestCheckpoint()`.
  public func readLatestCheckpoint() throws -> (
    step: Int, folder: String, files: [String: [UInt8]]
  )? {
    var attempts = 0
    while let (step, folder) = try latestCheckpoint() {
      do {
        return (step, folder, try readCheckpoint(step))
      } catch let error as FileError where error.kind == .missing && attempts < 100 {
        attempts += 1
      }
    }
    return nil
  }
}

// MARK: - Writing checkpoints

extension RunFolder {
  private static let keptCheckpoints = 2

  /// Writes and publishes a checkpoint, then removes all but the newest two and the best one.
  ///
  /// It is written under a temporary name, every file and the folder synchronized, and published by
  /// one rename; then `latest` is replaced by another, and `best` by a third. Of old checkpoints only
  /// the files that a run writes are removed.
  ///
  /// - Parameters:
  ///   - step: the updates made.
  ///   - files: one for each name in `CheckpointFile`.
  ///   - isBest: whether it takes the place of the best one.
  /// - Returns: the paths of removed checkpoints whose folders stay, because they hold files that do
  ///   not belong to the run.
  /// - Throws: `FileError`; the checkpoints that were there are still there then.
  @discardableResult
  public func writeCheckpoint(
    step: Int, files: [(name: String, bytes: [UInt8])], isBest: Bool = false
  ) throws -> [String] {
    ensure(
      step >= 0 && files.map(\.name).sorted() == Self.checkpointFiles.sorted(),
      "a checkpoint of step \(step) with the files \(files.map(\.name))")
    try checkMayBeWritten()
    let checkpoints = try madeCheckpoints()
    let temporary = "\(Folder.temporaryPrefix)\(step)"
    try checkpoints.removeTree(temporary)
    do {
      try Self.write(files, to: temporary, in: checkpoints)
      try Self.publish(temporary, step: step, in: checkpoints)
    } catch {
      try? checkpoints.removeTree(temporary)
      throw error
    }
    try point(to: step)
    if isBest { try keepAsBest(step) }
    return try Self.removeOldCheckpoints(in: checkpoints, keeping: bestStep)
  }

  private static let noneKept: Message = "\(.setting("training.keep_best", "false"))"

  /// Makes `best` lead to a checkpoint that is there, which then is kept; nil for none.
  ///
  /// - Throws: `FileError` where the run was opened for reading, or something else has the name.
  public func keepAsBest(_ step: Int?) throws {
    try checkMayBeWritten()
    switch try folder.kind(of: Self.bestLink) {
    case nil, .link, .folder: break
    default:
      // Earlier versions made no such link, so that a file of the user's may have the name.
      throw FileError(
        .unwritable, "replace", folder.path(of: Self.bestLink),
        "it is none of the run's, which keeps a link of this name; move it away, or train with \(Self.noneKept)"
      )
    }
    if let step {
      try point(Self.bestLink, to: "\(checkpointsPrefix)\(step)")
    } else {
      try Self.removeOwn(Self.bestLink, in: folder)
    }
  }

  private static func write(
    _ files: [(name: String, bytes: [UInt8])], to name: String, in checkpoints: Folder
  ) throws {
    try checkpoints.makeFolder(name)
    guard let folder = try checkpoints.folder(name) else {
      throw FileError(
        .unwritable, "write", checkpoints.path(of: name), "something removes it again")
    }
    for (name, bytes) in files { try folder.create(name, bytes) }
    try folder.synchronize()
  }

  /// Gives a complete folder its final name. One of the same step steps aside first, where it is
  /// found until the new one is there.
  private static func publish(_ temporary: String, step: Int, in checkpoints: Folder) throws {
    let (final, aside) = ("\(step)", "\(asidePrefix)\(step)")
    let replaces = checkpoints.has(final)
    do {
      if replaces { try checkpoints.publish(final, as: aside) }
      try checkpoints.publish(temporary, as: final)
    } catch {
      if replaces && !checkpoints.has(final) { try? checkpoints.publish(aside, as: final) }
      throw error
    }
    if replaces {
      do { try removeAside(aside, in: checkpoints, replacedBy: final) } catch is FileError {}
    }
  }

  /// Removes a checkpoint that another of the same step has replaced. Files in its folder that do
  /// not belong to the run move to the new one's.
  private static func removeAside(
    _ aside: String, in checkpoints: Folder, replacedBy final: String
  ) throws {
    if try !removeOwn(aside, in: checkpoints), let old = try checkpoints.folder(aside),
      let new = try checkpoints.folder(final)
    {
      for name in try old.list() where !new.has(name) { try old.rename(name, to: name, in: new) }
      _ = try checkpoints.removeFolder(aside)
    }
  }

  /// Makes `latest` and the links through it lead to a checkpoint.
  private func point(to step: Int) throws {
    try point(Self.latestLink, to: "\(checkpointsPrefix)\(step)")
    for name in Self.checkpointFiles { try point(name, to: "\(Self.latestLink)/\(name)") }
  }

  private func point(_ name: String, to target: String) throws {
    guard folder.linkTarget(name) != target else { return }
    // A copy of a run that was made without regard to links has a folder here.
    if try folder.kind(of: name) == .folder, try !Self.removeOwn(name, in: folder) {
      throw FileError(
        .unwritable, "replace", folder.path(of: name),
        "it is a folder with files that do not belong to the run; move it away")
    }
    try folder.link(name, to: target)
  }

  /// Removes what is older than the newest checkpoints that are kept. Damaged ones do not count.
  ///
  /// A checkpoint that is half removed lacks a file, so it is never taken for a whole one.
  ///
  /// - Parameter best: the step of one that stays however old it is.
  /// - Returns: the paths of folders that hold something else, and stay.
  private static func removeOldCheckpoints(
    in checkpoints: Folder, keeping best: Int?
  ) throws -> [String] {
    let folders = try checkpointFolders(in: checkpoints)
    let complete = folders.keys.filter { missingFile(in: folders[$0], of: checkpoints) == nil }
    guard let oldest = complete.sorted().suffix(keptCheckpoints).first else { return [] }
    var left: [String] = []
    for (step, name) in folders.sorted(by: { $0.key < $1.key })
    where step < oldest && step != best {
      // What is no folder, such as a link, is none of the run's.
      guard try checkpoints.kind(of: name) == .folder, let folder = try checkpoints.folder(name)
      else { continue }
      let inside = try folder.list()
      do {
        if try !removeOwn(name, in: checkpoints), inside.contains(where: checkpointFiles.contains),
          inside.contains(where: isForeign)
        {
          left.append(checkpoints.path(of: name))
        }
      } catch is FileError {
        // A file system may refuse while a reader has it open; it is removed with the next
        // checkpoint, so this is no reason to stop training.
      }
    }
    return left
  }

  /// Whether a name in a checkpoint's folder is none that a run writes there. What NFS keeps for a
  /// reader of a removed file goes by itself.
  private static func isForeign(_ name: String) -> Bool {
    !checkpointFiles.contains(name) && !name.hasPrefix(".nfs")
  }

  /// Removes what interrupted writes have left of checkpoints, and finishes what they had begun.
  ///
  /// - Returns: as `writeCheckpoint`.
  func recoverCheckpoints() throws -> [String] {
    guard let checkpoints = try checkpoints() else { return [] }
    try Self.removeLeftovers(in: checkpoints)
    for name in try checkpoints.list() where name.hasPrefix(Self.asidePrefix) {
      guard let step = Self.step(of: name) else { continue }
      if checkpoints.has("\(step)") {
        try Self.removeAside(name, in: checkpoints, replacedBy: "\(step)")
      } else {
        try checkpoints.publish(name, as: "\(step)")
      }
    }
    guard let newest = try latestCheckpoint() else { return [] }
    try point(to: newest.step)
    return try Self.removeOldCheckpoints(in: checkpoints, keeping: bestStep)
  }
}
