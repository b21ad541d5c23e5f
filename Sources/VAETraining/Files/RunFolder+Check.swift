import VAEFiles

extension RunFolder {
  /// Reads every file of the run, and looks whether it is as it was written: its form and its
  /// checksums. Of a run that another process trains, a checkpoint that is removed meanwhile is left
  /// out.
  ///
  /// - Throws: `FileError` where the folder cannot be listed.
  public func check() throws -> [CheckedFile] {
    let checkpoints = try checkpointFolders().sorted(by: { $0.key < $1.key })
    // A run that was killed as it began may not have come to its recipe.
    var files =
      try DurableFiles.kind(of: recipePath) == nil && checkpoints.isEmpty ? [] : [checkedRecipe()]
    for (_, folder) in checkpoints {
      let found = check(checkpoint: folder)
      // A process that trains may have removed it meanwhile.
      if DurableFiles.exists(folder) { files += found }
    }
    let export = "\(path)/\(Self.exportFile)"
    if DurableFiles.exists(export) {
      files.append(
        CheckedFile(name(of: export)) {
          try Safetensors(parsing: DurableFiles.read(export), path: export).isSealed
        })
    }
    for lines in [readMetrics, readSessions, readEvaluations] { files += check(lines) }
    for step in try recordedSteps() {
      let path = recordPath(step)
      files.append(CheckedFile(name(of: path)) { try readRecord(step).isSealed })
    }
    if DurableFiles.exists(examplesPath) {
      files.append(
        CheckedFile(name(of: examplesPath)) { try readRecordedExamples()?.isSealed ?? true })
    }
    return files
  }

  /// The path of a file from the run folder.
  private func name(of file: String) -> String { String(file.dropFirst(path.count + 1)) }

  private func checkedRecipe() -> CheckedFile {
    CheckedFile(Self.recipeFile) {
      guard let bytes = try recipeBytes() else {
        throw FileError(.malformed, "read", recipePath, "the run has lost this file")
      }
      return try SealedObject(parsing: bytes, source: recipePath).isSealed
    }
  }

  private func check(checkpoint folder: String) -> [CheckedFile] {
    var contents: [String: [UInt8]] = [:]
    var files = Self.checkpointFiles.map { file in
      let path = "\(folder)/\(file)"
      return CheckedFile(name(of: path)) {
        let bytes = try DurableFiles.read(path)
        contents[file] = bytes
        return file == CheckpointFile.state
          ? try SealedObject(parsing: bytes, source: path).isSealed
          : try Safetensors(parsing: bytes, path: path).isSealed
      }
    }
    // Each is sound by itself; are they of one checkpoint?
    if files.allSatisfy({ $0.state != .damaged }),
      let step = Self.step(of: DurableFiles.name(of: folder)), let state = files.popLast()
    {
      files.append(
        CheckedFile(state.path) {
          try StoredCheckpoint(files: contents, step: step, source: folder).isSealed
        })
    }
    return files
  }

  /// What a file of lines holds; nothing where there is no such file.
  private func check(_ read: () throws -> JSONLines) -> [CheckedFile] {
    do {
      let found = try read()
      guard DurableFiles.exists(found.source) else { return [] }
      let path = name(of: found.source)
      guard !found.faults.isEmpty else {
        return [CheckedFile(path, hasChecksums: found.isSealed)]
      }
      return [CheckedFile(path, fault: found.faults.joined(separator: "; "))]
    } catch {
      return [
        CheckedFile((error as? FileError).map { name(of: $0.path) } ?? path, fault: "\(error)")
      ]
    }
  }
}
