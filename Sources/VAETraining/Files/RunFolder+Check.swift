import Messages
import VAECore
import VAEFiles
import VAERecipes

extension RunFolder {
  /// Reads every file of the run, and looks whether it is as it was written, its form and its
  /// checksums, and whether it can be used: whether a model can be made of the recipe, and weights
  /// are those of that model, all of them numbers. Of a run that another process trains, a checkpoint
  /// that is removed meanwhile is left out.
  ///
  /// - Parameter registry: the variants and components that the recipe may name.
  /// - Throws: `FileError` where the folder cannot be listed, its checkpoints are not its own, or the
  ///   process has no open files left; `MemoryError`.
  public func check(_ registry: Registry) throws -> [CheckedFile] {
    let place = try checkpoints()
    let steps = try place.map(Self.checkpointFolders) ?? [:]
    // A run that was killed as it began may not have come to its recipe.
    var contents: StoredContents?
    var files: [CheckedFile] = []
    if folder.has(Self.recipeFile) || !steps.isEmpty {
      files.append(try checkedRecipe(registry, &contents))
    }
    if let place {
      for (_, name) in steps.sorted(by: { $0.key < $1.key }) {
        // A process that trains may have removed it meanwhile.
        guard let inner = try place.folder(name) else { continue }
        // What is left of one that was being removed, or holds but other files, is none.
        if !inner.has(CheckpointFile.state), !isNeeded(Self.step(of: name)) { continue }
        let found = try check(checkpoint: inner, named: name, contents)
        // The state goes first, and another checkpoint is the newest by then.
        if !inner.has(CheckpointFile.state), !isNeeded(Self.step(of: name)) { continue }
        if place.has(name) { files += found }
      }
    }
    if folder.has(Self.modelFile) {
      files.append(
        try CheckedFile(Self.modelFile) {
          let path = folder.path(of: Self.modelFile)
          let file = try Safetensors(parsing: folder.read(Self.modelFile), path: path)
          return try StoredContents.isSealed(model: file, registry: registry)
        })
    }
    files += try checkedMetrics()
    let records = try records()
    for (name, read) in [
      (Self.sessionsFile, readSessions), (Self.evaluationsFile, readEvaluations),
    ] where records?.has(name) == true {
      files += try check("\(Self.recordsFolder)/\(name)", read)
    }
    for step in try recordedSteps() {
      files.append(
        try CheckedFile("\(Self.recordsFolder)/\(Self.recordFile(step))") {
          try readRecord(step).isSealed
        })
    }
    if records?.has(Self.examplesFile) == true {
      files.append(
        try CheckedFile("\(Self.recordsFolder)/\(Self.examplesFile)") {
          try readRecordedExamples()?.isSealed ?? true
        })
    }
    return files
  }

  private func checkedRecipe(
    _ registry: Registry, _ contents: inout StoredContents?
  ) throws -> CheckedFile {
    try CheckedFile(Self.recipeFile) {
      let path = folder.path(of: Self.recipeFile)
      guard let bytes = try recipeBytes() else {
        throw FileError(.malformed, "read", path, "the run has lost this file")
      }
      let isSealed = try SealedObject(parsing: bytes, source: path).isSealed
      contents = try StoredContents(recipe: bytes, source: path, registry: registry)
      return isSealed
    }
  }

  /// What the files of a checkpoint are.
  ///
  /// - Parameters:
  ///   - checkpoint: its folder.
  ///   - name: that of the folder, which tells the step.
  ///   - wanted: what the recipe says of the weights, nil where it says nothing.
  private func check(
    checkpoint: Folder, named name: String, _ wanted: StoredContents?
  ) throws -> [CheckedFile] {
    var contents: [String: [UInt8]] = [:]
    var files = try Self.checkpointFiles.map { file in
      try CheckedFile("\(Self.checkpointsFolder)/\(name)/\(file)") {
        let path = checkpoint.path(of: file)
        let bytes = try checkpoint.read(file)
        contents[file] = bytes
        guard file != CheckpointFile.state else {
          return try SealedObject(parsing: bytes, source: path).isSealed
        }
        let arrays = try Safetensors(parsing: bytes, path: path)
        if file == CheckpointFile.weights { try wanted?.check(arrays) }
        try StoredContents.checkNumbers(of: arrays)
        return arrays.isSealed
      }
    }
    // Each is sound by itself; are they of one checkpoint?
    if files.allSatisfy({ $0.state != .damaged }), let step = Self.step(of: name),
      let state = files.popLast()
    {
      files.append(
        try CheckedFile(state.path) {
          try StoredCheckpoint(files: contents, step: step, source: checkpoint.path).isSealed
        })
    }
    return files
  }

  /// The metrics: a line of each epoch in its order, those of all that the newest checkpoint has behind it.
  private func checkedMetrics() throws -> [CheckedFile] {
    let name = Self.metricsFile
    let behind = (try? newestState()?["epoch"]?.integer) ?? 0
    guard folder.has(name) else {
      guard behind > 0 else { return [] }
      return [CheckedFile(name, .damaged, fault: "the run has lost this file")]
    }
    var epochs: [Int] = []
    let files = try check(name) {
      let lines = try readMetrics()
      epochs = lines.objects.compactMap { $0["epoch"]?.integer }
      return lines
    }
    guard files.allSatisfy({ $0.state != .damaged }) else { return files }
    // They are written before the checkpoint of their epoch.
    let moved = epochs.indices.first { epochs[$0] != $0 + 1 }
    guard let missing = moved ?? (epochs.count < behind ? epochs.count : nil) else { return files }
    let place = missing < epochs.count ? "stands that of epoch \(epochs[missing])" : "the file ends"
    return [
      CheckedFile(
        name, .damaged,
        fault:
          "where the line of epoch \(missing + 1) should be, \(place): lines are missing, or in another order"
      )
    ]
  }

  /// What a file of lines holds.
  private func check(_ name: String, _ read: () throws -> JSONLines) throws -> [CheckedFile] {
    var faults: [String] = []
    let file = try CheckedFile(name) {
      let found = try read()
      faults = found.faults
      return found.isSealed
    }
    guard !faults.isEmpty else { return [file] }
    return [CheckedFile(name, .damaged, fault: Message(faults.joined(separator: "; ")))]
  }
}
