import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEFiles

/// What a checkpoint holds, and how a trainer takes it up.
extension Trainer {
  /// Writes the state after the present step, durably and at once.
  ///
  /// - Returns: what the user should know of the removal of older ones.
  /// - Throws: `TrainingError` of kind `diverged` when a weight is no longer finite, so that the
  ///   last good checkpoint stays.
  @discardableResult
  public func writeCheckpoint(to run: RunFolder) throws -> [Message] {
    if let bad = model.parameters.first(where: { !$0.parameter.value.isFinite }) {
      throw TrainingError(
        .diverged,
        "training diverged by step \(step): \(bad.path) holds values that are not finite")
    }
    let files = try checkpointFiles()
    try storeRecords(in: run)
    return try run.writeCheckpoint(step: step, files: files, isBest: isAtBest)
      .map(RunFolder.leftNotice)
  }

  /// The files of a checkpoint of the present step.
  func checkpointFiles() throws -> [(name: String, bytes: [UInt8])] {
    let weights = withAveragedWeights { Safetensors(tensors: model.weights).sealed() }
    var optimizer: [(name: String, values: Tensor)] = []
    for (phase, state) in updater.phases {
      optimizer += state.state.map { (name: "\(phase.name).\($0.name)", values: $0.values) }
    }
    if average != nil || endWeights != nil {
      // `weights.safetensors` holds the averages, or those of the best epoch, which are the model to use;
      // training goes on from the plain ones.
      optimizer += stageParameters.map { (name: "plain.\($0.path)", values: $0.parameter.value) }
    }
    return [
      (name: CheckpointFile.weights, bytes: weights),
      (name: CheckpointFile.optimizer, bytes: Safetensors(tensors: optimizer).sealed()),
      (name: CheckpointFile.state, bytes: Array(state.sealedDocument.utf8)),
    ]
  }

  /// Writes a checkpoint and tells of it.
  func store(in run: RunFolder, _ observe: (TrainingEvent) -> Void) throws {
    let notices = try writeCheckpoint(to: run)
    observe(.stored(step: step))
    for notice in notices { observe(.notice(notice)) }
  }

  /// Writes a checkpoint within an epoch, with statistics of normalisations that suit its weights, since commands
  /// that use an unfinished run measure these. The trainer's own stay those of the last epoch's end.
  func storeWithinEpoch(in run: RunFolder, _ observe: (TrainingEvent) -> Void) throws {
    let buffers = model.buffers.map { (buffer: $0.buffer, value: $0.buffer.value) }
    defer { restore(buffers) }
    withAveragedWeights { calibrate(examples: Recorder.calibrationExamples) }
    try model.checkParts()
    do {
      try data.checkExamples()
    } catch {
      // What cannot be read stops the next update; what is done is stored all the same.
      restore(buffers)
    }
    try store(in: run, observe)
  }

  private var state: JSON.Object {
    var updates: JSON.Object = [:]
    for (phase, optimizer) in updater.phases { updates[phase.name] = .integer(optimizer.updates) }
    var terms: JSON.Object = [:]
    var termUpdates: JSON.Object = [:]
    for name in progress.termOrder {
      terms[name] = .finite(progress.terms[name] ?? 0)
      let count = progress.termUpdates[name] ?? 0
      if count != progress.updates { termUpdates[name] = .integer(count) }
    }
    var sums: JSON.Object = [
      "updates": .integer(progress.updates), "distortion": .finite(progress.distortion),
      "rate": .finite(progress.rate), "seconds": .finite(progress.seconds),
      "terms": .object(terms),
    ]
    if progress.leftOut > 0 { sums["updates_left_out"] = .integer(progress.leftOut) }
    if !termUpdates.members.isEmpty { sums["term_updates"] = .object(termUpdates) }
    var object: JSON.Object = [
      "format": .integer(StoredCheckpoint.State.format), "step": .integer(step),
      "epoch": .integer(step / updatesPerEpoch),
      "updates_per_epoch": .integer(updatesPerEpoch), "finished": .bool(isFinished),
      "generator": .object([
        "kind": .text(StoredCheckpoint.State.generator), "seed": .integer(options.seed),
        "step": .integer(step),
      ]),
      "threads": .integer(Engine.threads), "instruction_set": .text(Engine.instructionSet),
      "onednn": .text(Engine.oneDNNVersion), "updates": .object(updates),
      "epoch_so_far": .object(sums),
    ]
    if let best { object["best"] = best.json }
    if let beginning {
      object["beginning"] = .object([
        "distortion": .finite(beginning.distortion), "rate": .finite(beginning.rate),
      ])
    }
    return object
  }

  /// Takes up a checkpoint of the same recipe.
  ///
  /// - Throws: `SafetensorsError` or `TrainingError` naming the file and what does not fit; the model
  ///   is as it was then, but the trainer must not be used.
  public func restore(_ checkpoint: StoredCheckpoint) throws {
    try restoration(of: checkpoint)()
  }

  /// Checks all that can be wrong with a checkpoint of the same recipe.
  ///
  /// - Returns: what takes it up; the model is as it was until that is called.
  /// - Throws: as `restore`.
  package func restoration(of checkpoint: StoredCheckpoint) throws -> () -> Void {
    let state = checkpoint.state
    guard state.updatesPerEpoch == updatesPerEpoch else {
      throw TrainingError(
        .unsuitable,
        "\(checkpoint.source) has \(Count.of(state.updatesPerEpoch, "update")) an epoch, but this data and batch size give "
          + "\(updatesPerEpoch); resume with the data that the run began with")
    }
    let weights = try model.values(in: checkpoint.weights)
    for (phase, optimizer) in updater.phases {
      guard let updates = state.updates[phase.name] else {
        throw TrainingError(
          .unsuitable,
          "\(checkpoint.source)/\(CheckpointFile.state) is damaged: \"updates\" lacks the phase \(phase.name)"
        )
      }
      try optimizer.restore(updates: updates) { name, shape in
        try checkpoint.optimizer.finiteTensor(ifPresent: "\(phase.name).\(name)", shape: shape)
      }
    }
    var plain: [(parameter: Parameter, value: Tensor)] = []
    if let average {
      try average.restore { name, shape in
        try checkpoint.weights.tensor(
          ifPresent: String(name.dropFirst("average.".count)), shape: shape)
      }
    }
    for (path, parameter) in stageParameters {
      if let value = try checkpoint.optimizer.finiteTensor(
        ifPresent: "plain.\(path)", shape: parameter.shape)
      {
        plain.append((parameter, value))
      }
    }
    return { [self] in
      weights.take()
      // Of a training that has ended, the weights to use are those of the best epoch.
      if endsWithBest, state.isFinished && !plain.isEmpty || state.best?.step == state.step {
        bestWeights = stageParameters.map { $0.parameter.value.copied() }
      }
      for (parameter, value) in plain { parameter.value = value }
      step = state.step
      progress = state.progress
      beginning = state.beginning
      best = state.best
    }
  }
}
