import Glibc
import VAEFiles

// MARK: - Finding checkpoints

extension RunFolder {
  /// The newest checkpoint, nil where there is none yet.
  ///
  /// That is the newest one that has all its files, but none older than `latest`: a process that is
  /// killed between the two renames of a publication leaves a newer one, and where `latest` or the
  /// folder it leads to is gone, an older one stands in.
  ///
  /// - Throws: `FileError` of kind `malformed` where the newest checkpoint has lost a file.
  public func latestCheckpoint() throws -> (step: Int, folder: String)? {
    while true {
      let folders = try checkpointFolders()
      let steps = folders.keys.sorted(by: >)
      let linked = linkedStep.flatMap { folders[$0] == nil ? nil : $0 }
      let complete = steps.first { missingFile(in: folders[$0]) == nil }
      if let complete, complete >= linked ?? complete, let folder = folders[complete] {
        return (complete, folder)
      }
      guard let damaged = linked ?? steps.first, let folder = folders[damaged] else { return nil }
      // A process that trains may have replaced all of them since they were listed.
      guard let file = missingFile(in: folder), try checkpointFolders() == folders,
        missingFile(in: folder) == file
      else { continue }
      throw FileError(
        .malformed, "read", "\(folder)/\(file)",
        "the checkpoint has lost this file; remove its folder to go back to the one before")
    }
  }

  /// The folders that hold checkpoints, by step.
  private func checkpointFolders() throws -> [Int: String] {
    switch try DurableFiles.kind(of: checkpointsPath) {
    case nil: return [:]
    case .folder: break
    default: throw FileError(.malformed, "read", checkpointsPath, "it is not a folder")
    }
    var names: [Int: String] = [:]
    for name in try DurableFiles.list(checkpointsPath) {
      // The one that was set aside counts only until its successor is there.
      if let step = Self.step(of: name), names[step] == nil || !name.hasPrefix(Self.asidePrefix) {
        names[step] = name
      }
    }
    return names.mapValues { "\(checkpointsPath)/\($0)" }
  }

  /// The step of a checkpoint's folder, nil for another name.
  static func step(of name: String) -> Int? {
    let digits = name.hasPrefix(asidePrefix) ? String(name.dropFirst(asidePrefix.count)) : name
    guard let step = Int(digits), step >= 0, String(step) == digits else { return nil }
    return step
  }

  private static let asidePrefix = ".aside-"

  /// The step that `latest` names.
  private var linkedStep: Int? {
    let prefix = "\(Self.checkpointsFolder)/"
    guard let target = DurableFiles.linkTarget("\(path)/\(Self.latestLink)"),
      target.hasPrefix(prefix)
    else { return nil }
    return Self.step(of: String(target.dropFirst(prefix.count)))
  }

  /// The first file that a checkpoint's folder lacks.
  private func missingFile(in folder: String?) -> String? {
    guard let folder else { return Self.checkpointFiles.first }
    return Self.checkpointFiles.first {
      (try? DurableFiles.kind(of: "\(folder)/\($0)")) != .file
    }
  }
}

// MARK: - Reading checkpoints

extension RunFolder {
  /// The files of a checkpoint by name.
  ///
  /// - Throws: `FileError` of kind `missing` where it is gone, which a process that trains may cause
  ///   at any moment.
  public func readCheckpoint(_ step: Int) throws -> [String: [UInt8]] {
    guard let folder = try checkpointFolders()[step] else {
      throw FileError(
        .missing, "read", "\(checkpointsPath)/\(step)", "there is no checkpoint of this step")
    }
    let before = Identity(folder)
    var files: [String: [UInt8]] = [:]
    for name in Self.checkpointFiles { files[name] = try DurableFiles.read("\(folder)/\(name)") }
    // Files of two checkpoints of the same step must not mix.
    guard let before, before == Identity(folder) else {
      throw FileError(.missing, "read", folder, "it was replaced while it was read")
    }
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

  /// What tells a folder from another of the same name.
  private struct Identity: Equatable {
    let device: dev_t
    let number: ino_t

    init?(_ path: String) {
      var status = stat()
      guard stat(path.systemPath, &status) == 0 else { return nil }
      (device, number) = (status.st_dev, status.st_ino)
    }
  }
}

// MARK: - Writing checkpoints

extension RunFolder {
  private static let keptCheckpoints = 2

  /// Writes and publishes a checkpoint, then removes all but the newest two.
  ///
  /// It is written under a temporary name, every file and the folder synchronized, and published by
  /// one rename; then `latest` is replaced by another.
  ///
  /// - Parameters:
  ///   - step: the updates made.
  ///   - files: one for each name in `CheckpointFile`.
  /// - Throws: `FileError`; the checkpoints that were there are still there then.
  public func writeCheckpoint(step: Int, files: [(name: String, bytes: [UInt8])]) throws {
    precondition(
      step >= 0 && files.map(\.name).sorted() == Self.checkpointFiles.sorted(),
      "a checkpoint of step \(step) with the files \(files.map(\.name))")
    try checkMayBeWritten()
    if try DurableFiles.kind(of: checkpointsPath) == nil {
      try DurableFiles.makeFolder(checkpointsPath)
    }
    let temporary = "\(DurableFiles.temporaryPrefix)\(step)"
    try DurableFiles.removeTree(temporary, in: checkpointsPath)
    do {
      try write(files, to: "\(checkpointsPath)/\(temporary)")
      try publish(temporary, step: step)
    } catch {
      try? DurableFiles.removeTree(temporary, in: checkpointsPath)
      throw error
    }
    try point(to: step)
    try removeOldCheckpoints()
  }

  private func write(_ files: [(name: String, bytes: [UInt8])], to folder: String) throws {
    try DurableFiles.makeFolder(folder)
    for (name, bytes) in files { try DurableFiles.create("\(folder)/\(name)", bytes) }
    try DurableFiles.synchronize(folder: folder)
  }

  /// Gives a complete folder its final name. One of the same step steps aside first, where it is
  /// found until the new one is there.
  private func publish(_ temporary: String, step: Int) throws {
    let (final, aside) = ("\(checkpointsPath)/\(step)", "\(Self.asidePrefix)\(step)")
    let replaces = DurableFiles.exists(final)
    do {
      if replaces { try DurableFiles.publish(final, as: "\(checkpointsPath)/\(aside)") }
      try DurableFiles.publish("\(checkpointsPath)/\(temporary)", as: final)
    } catch {
      if replaces && !DurableFiles.exists(final) {
        try? DurableFiles.publish("\(checkpointsPath)/\(aside)", as: final)
      }
      throw error
    }
    if replaces { try removeOrLeave(aside) }
  }

  /// Makes `latest` and the links through it lead to a checkpoint.
  private func point(to step: Int) throws {
    try point(Self.latestLink, to: "\(Self.checkpointsFolder)/\(step)")
    for name in Self.checkpointFiles { try point(name, to: "\(Self.latestLink)/\(name)") }
  }

  private func point(_ name: String, to target: String) throws {
    let link = "\(path)/\(name)"
    guard DurableFiles.linkTarget(link) != target else { return }
    // A copy of a run that was made without regard to links has a folder here.
    if try DurableFiles.kind(of: link, followingLinks: false) == .folder {
      let leaving = "\(DurableFiles.temporaryPrefix)\(name)"
      try DurableFiles.rename(link, to: "\(path)/\(leaving)")
      try DurableFiles.removeTree(leaving, in: path)
    }
    try DurableFiles.link(link, to: target)
  }

  /// Removes what is older than the newest checkpoints that are kept. Damaged ones do not count.
  private func removeOldCheckpoints() throws {
    let folders = try checkpointFolders()
    let complete = folders.keys.filter { missingFile(in: folders[$0]) == nil }.sorted()
    guard let oldest = complete.suffix(Self.keptCheckpoints).first else { return }
    for (step, folder) in folders.sorted(by: { $0.key < $1.key }) where step < oldest {
      // Under a temporary name first, so that a half-removed checkpoint is never taken for a whole.
      let leaving = "\(DurableFiles.temporaryPrefix)old-\(step)"
      try DurableFiles.rename(folder, to: "\(checkpointsPath)/\(leaving)")
      try removeOrLeave(leaving)
    }
  }

  /// Removes what no longer counts. A file system may refuse while a reader has it open; it is
  /// removed when the run is opened for writing again, so this is no reason to stop training.
  private func removeOrLeave(_ name: String) throws {
    do {
      try DurableFiles.removeTree(name, in: checkpointsPath)
    } catch is FileError {}
  }

  /// Removes what interrupted writes have left of checkpoints, and finishes what they had begun.
  func recoverCheckpoints() throws {
    guard let kind = try DurableFiles.kind(of: checkpointsPath) else { return }
    guard kind == .folder else {
      throw FileError(.unwritable, "write", checkpointsPath, "it is not a folder")
    }
    for name in try DurableFiles.list(checkpointsPath) {
      if Self.isTemporary(name) {
        try DurableFiles.removeTree(name, in: checkpointsPath)
      } else if name.hasPrefix(Self.asidePrefix), let step = Self.step(of: name) {
        let final = "\(checkpointsPath)/\(step)"
        if DurableFiles.exists(final) {
          try DurableFiles.removeTree(name, in: checkpointsPath)
        } else {
          try DurableFiles.publish("\(checkpointsPath)/\(name)", as: final)
        }
      }
    }
    guard let newest = try latestCheckpoint() else { return }
    try point(to: newest.step)
    try removeOldCheckpoints()
  }
}
