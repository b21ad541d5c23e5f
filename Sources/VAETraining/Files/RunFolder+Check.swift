import VAEFiles

extension RunFolder {
  /// Reads every file of the run, and looks whether it is as it was written: its form and its
  /// checksums. Of a run that another process trains, a checkpoint that is removed meanwhile is left
  /// out.
  ///
  /// - Throws: `FileError` where the folder cannot be listed, or its checkpoints are not its own.
  public func check() throws -> [CheckedFile] {
    let place = try checkpoints()
    let steps = try place.map(Self.checkpointFolders) ?? [:]
    // A run that was killed as it began may not have come to its recipe.
    var files = !folder.has(Self.recipeFile) && steps.isEmpty ? [] : [checkedRecipe()]
    if let place {
      for (_, name) in steps.sorted(by: { $0.key < $1.key }) {
        // A process that trains may have removed it meanwhile.
        guard let inner = try place.folder(name) else { continue }
        let found = check(checkpoint: inner, named: name)
        if place.has(name) { files += found }
      }
    }
    if folder.has(Self.modelFile) {
      files.append(CheckedFile(Self.modelFile) { try isSealed(Self.modelFile, in: folder) })
    }
    files += check(Self.metricsFile, readMetrics)
    let records = try records()
    for (name, read) in [
      (Self.sessionsFile, readSessions), (Self.evaluationsFile, readEvaluations),
    ] where records?.has(name) == true {
      files += check("\(Self.recordsFolder)/\(name)", read)
    }
    for step in try recordedSteps() {
      files.append(
        CheckedFile("\(Self.recordsFolder)/\(Self.recordFile(step))") {
          try readRecord(step).isSealed
        })
    }
    if records?.has(Self.examplesFile) == true {
      files.append(
        CheckedFile("\(Self.recordsFolder)/\(Self.examplesFile)") {
          try readRecordedExamples()?.isSealed ?? true
        })
    }
    return files
  }

  private func isSealed(_ name: String, in folder: Folder) throws -> Bool {
    try Safetensors(parsing: folder.read(name), path: folder.path(of: name)).isSealed
  }

  private func checkedRecipe() -> CheckedFile {
    CheckedFile(Self.recipeFile) {
      let path = folder.path(of: Self.recipeFile)
      guard let bytes = try recipeBytes() else {
        throw FileError(.malformed, "read", path, "the run has lost this file")
      }
      return try SealedObject(parsing: bytes, source: path).isSealed
    }
  }

  /// What the files of a checkpoint are.
  ///
  /// - Parameters:
  ///   - checkpoint: its folder.
  ///   - name: that of the folder, which tells the step.
  private func check(checkpoint: Folder, named name: String) -> [CheckedFile] {
    var contents: [String: [UInt8]] = [:]
    var files = Self.checkpointFiles.map { file in
      CheckedFile("\(Self.checkpointsFolder)/\(name)/\(file)") {
        let path = checkpoint.path(of: file)
        let bytes = try checkpoint.read(file)
        contents[file] = bytes
        return file == CheckpointFile.state
          ? try SealedObject(parsing: bytes, source: path).isSealed
          : try Safetensors(parsing: bytes, path: path).isSealed
      }
    }
    // Each is sound by itself; are they of one checkpoint?
    if files.allSatisfy({ $0.state != .damaged }), let step = Self.step(of: name),
      let state = files.popLast()
    {
      files.append(
        CheckedFile(state.path) {
          try StoredCheckpoint(files: contents, step: step, source: checkpoint.path).isSealed
        })
    }
    return files
  }

  /// What a file of lines holds; nothing where there is no such file.
  private func check(_ name: String, _ read: () throws -> JSONLines) -> [CheckedFile] {
    do {
      let found = try read()
      if name == Self.metricsFile && !folder.has(name) { return [] }
      guard !found.faults.isEmpty else {
        return [CheckedFile(name, hasChecksums: found.isSealed)]
      }
      return [CheckedFile(name, fault: found.faults.joined(separator: "; "))]
    } catch {
      return [CheckedFile(name, fault: "\(error)")]
    }
  }
}
