import Messages
import VAEFiles

extension RunFolder {
  /// The newest checkpoint as a trainer takes it up, nil where there is none yet.
  ///
  /// - Throws: `FileError` of kind `malformed` where it has lost a file, `TrainingError` or
  ///   `SafetensorsError` where one of its files is damaged.
  public func storedCheckpoint() throws -> StoredCheckpoint? {
    guard let newest = try readLatestCheckpoint() else { return nil }
    return try StoredCheckpoint(files: newest.files, step: newest.step, source: newest.folder)
  }

  /// A checkpoint by choice, nil where there is none at all yet.
  ///
  /// - Parameter choice: which one.
  /// - Throws: what `storedCheckpoint()` throws, and `FileError` of kind `missing` that names those
  ///   there are where the chosen one is none of them.
  public func storedCheckpoint(_ choice: CheckpointChoice) throws -> StoredCheckpoint? {
    guard let newest = try latestCheckpoint()?.step else { return nil }
    let step: Int
    switch choice {
    case .last: return try storedCheckpoint()
    case .step(let wanted): step = wanted
    case .best:
      guard let best = bestStep else {
        throw missing(
          "it keeps no best checkpoint, as runs do that hold examples out unless training.keep_best is false",
          newest)
      }
      step = best
    }
    do {
      return try StoredCheckpoint(
        files: readCheckpoint(step), step: step, source: checkpointPath(step))
    } catch let error as FileError where error.kind == .missing {
      // A process that trains has replaced it meanwhile.
      if choice == .best, let best = bestStep, best != step { return try storedCheckpoint(.best) }
      throw missing("it has no checkpoint of step \(step) any more, or had none", newest)
    }
  }

  /// What the user should know of the weights of a run that has not come to its end; nil for one that has.
  ///
  /// - Parameters:
  ///   - epochs: of the whole run.
  ///   - checkpoint: the one that is used.
  public func unfinishedNotice(epochs: Int, of checkpoint: StoredCheckpoint) throws -> Message? {
    // The exported model comes after the last checkpoint, and may be of a version that said no more.
    guard !hasModel, !checkpoint.isFinished, try !newestIsFinished() else { return nil }
    return
      "\(path) is not finished: these are the weights of step \(checkpoint.step), after "
      + "\(checkpoint.epoch) of \(Count.of(epochs, "epoch"))"
  }

  private func missing(_ reason: Message, _ newest: Int) -> FileError {
    let steps = (try? checkpointSteps()) ?? [newest]
    let list = steps.map { $0 == bestStep ? "\($0) (best)" : "\($0)" }.joined(separator: ", ")
    return FileError(
      .missing, "read", path,
      reason + "; there are checkpoints of the steps \(list), and \(.checkpoint("last"))")
  }
}
