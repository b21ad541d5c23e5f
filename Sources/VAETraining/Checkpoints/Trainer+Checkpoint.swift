import Messages
import NeuralNetworks
import Tensors
import VAECore

/// What a checkpoint holds, and how a trainer takes it up.
extension Trainer {
  /// Writes the state after the present step, durably and at once.
  ///
  /// - Throws: `TrainingError` of kind `diverged` when a weight is no longer finite, so that the
  ///   last good checkpoint stays.
  public func writeCheckpoint(to run: RunFolder) throws {
    let parameters = model.parameters
    if let bad = parameters.first(where: { !$0.parameter.value.isFinite }) {
      throw TrainingError(
        .diverged,
        "training diverged by step \(step): \(bad.path) holds values that are not finite; the last checkpoint "
          + "is kept; resume with a smaller \(.setting("training.learning_rate")) or "
          + "\(.setting("training.clip_norm", "100"))")
    }
    var weights: [(name: String, values: Tensor)] = []
    withAveragedWeights {
      weights = model.weights.map { (name: $0.name, values: $0.values.copied()) }
    }
    var optimizer: [(name: String, values: Tensor)] = []
    for (phase, state) in phases {
      optimizer += state.state.map { (name: "\(phase.name).\($0.name)", values: $0.values) }
    }
    if average != nil {
      // `weights.safetensors` holds the averages, which are the model to use; training goes on from
      // the plain ones.
      optimizer += parameters.map { (name: "plain.\($0.path)", values: $0.parameter.value) }
    }
    let files: [(name: String, bytes: [UInt8])] = [
      (name: CheckpointFile.weights, bytes: Safetensors(tensors: weights).encoded()),
      (name: CheckpointFile.optimizer, bytes: Safetensors(tensors: optimizer).encoded()),
      (name: CheckpointFile.state, bytes: Array(stateJSON.document.utf8)),
    ]
    try storeRecords(in: run)
    try run.writeCheckpoint(step: step, files: files)
  }

  private var stateJSON: JSON {
    var updates: JSON.Object = [:]
    for (phase, optimizer) in phases { updates[phase.name] = .integer(optimizer.updates) }
    var terms: JSON.Object = [:]
    for name in progress.termOrder { terms[name] = .finite(progress.terms[name] ?? 0) }
    return .object([
      "format": .integer(1), "step": .integer(step), "epoch": .integer(step / updatesPerEpoch),
      "updates_per_epoch": .integer(updatesPerEpoch), "finished": .bool(isFinished),
      "generator": .object([
        "kind": .text("philox4x32-10"), "seed": .integer(options.seed), "step": .integer(step),
      ]),
      "threads": .integer(Engine.threads), "instruction_set": .text(Engine.instructionSet),
      "onednn": .text(Engine.oneDNNVersion), "updates": .object(updates),
      "epoch_so_far": .object([
        "updates": .integer(progress.updates), "distortion": .finite(progress.distortion),
        "rate": .finite(progress.rate), "seconds": .finite(progress.seconds),
        "terms": .object(terms),
      ]),
    ])
  }

  /// Takes up a checkpoint of the same recipe.
  ///
  /// - Throws: `SafetensorsError` or `TrainingError` naming the file and what does not fit; the
  ///   trainer must not be used then.
  public func restore(_ checkpoint: StoredCheckpoint) throws {
    let state = checkpoint.state
    guard state.updatesPerEpoch == updatesPerEpoch else {
      throw TrainingError(
        .unsuitable,
        "\(checkpoint.source) has \(state.updatesPerEpoch) updates an epoch, but this data and batch size give "
          + "\(updatesPerEpoch); resume with the data that the run began with")
    }
    try model.load(checkpoint.weights)
    for (phase, optimizer) in phases {
      try optimizer.restore(updates: state.updates[phase.name] ?? 0) { name, shape in
        try checkpoint.optimizer.tensor(ifPresent: "\(phase.name).\(name)", shape: shape)
      }
    }
    if let average {
      try average.restore { name, shape in
        try checkpoint.weights.tensor(
          ifPresent: String(name.dropFirst("average.".count)), shape: shape)
      }
      for (path, parameter) in model.parameters {
        if let plain = try checkpoint.optimizer.tensor(
          ifPresent: "plain.\(path)", shape: parameter.shape)
        {
          parameter.value = plain
        }
      }
    }
    step = state.step
    progress = state.progress
  }
}

/// The names of a checkpoint's files.
public enum CheckpointFile {
  /// Parameters and buffers by path.
  public static let weights = "weights.safetensors"
  /// Optimizer moments by phase and path.
  public static let optimizer = "optimizer.safetensors"
  /// Step, generator, sums.
  public static let state = "state.json"
}

/// A checkpoint as read from a run folder.
public struct StoredCheckpoint {
  /// What was read, for errors.
  public let source: String
  /// Parameters and buffers by path.
  public let weights: Safetensors
  /// Optimizer moments by phase and path.
  public let optimizer: Safetensors
  let state: State

  struct State {
    let step: Int
    let updatesPerEpoch: Int
    let isFinished: Bool
    let threads: Int
    let updates: [String: Int]
    let progress: EpochProgress
  }

  /// A checkpoint from its files' contents.
  ///
  /// - Throws: `SafetensorsError` or `TrainingError` of kind `unsuitable`.
  public init(files: [String: [UInt8]], source: String) throws {
    self.source = source
    func bytes(_ name: String) throws -> [UInt8] {
      guard let bytes = files[name] else {
        throw TrainingError(.unsuitable, "\(source) has lost its file \(name)")
      }
      return bytes
    }
    weights = try Safetensors(
      parsing: bytes(CheckpointFile.weights), path: "\(source)/\(CheckpointFile.weights)")
    optimizer = try Safetensors(
      parsing: bytes(CheckpointFile.optimizer), path: "\(source)/\(CheckpointFile.optimizer)")
    state = try Self.state(bytes(CheckpointFile.state), "\(source)/\(CheckpointFile.state)")
  }

  /// The number of updates behind it.
  public var step: Int { state.step }
  /// The threads that computed it.
  public var threads: Int { state.threads }

  private static func state(_ bytes: [UInt8], _ path: String) throws -> State {
    let object = try? JSON(parsing: bytes, source: path).object
    guard let object, let step = object["step"]?.integer, step >= 0,
      let updatesPerEpoch = object["updates_per_epoch"]?.integer, updatesPerEpoch > 0,
      let isFinished = object["finished"]?.bool, let threads = object["threads"]?.integer,
      let updates = object["updates"]?.object, let sums = object["epoch_so_far"]?.object,
      let terms = sums["terms"]?.object
    else {
      throw TrainingError(
        .unsuitable, "\(path) is damaged: a member is missing or of the wrong type")
    }
    var progress = EpochProgress()
    progress.updates = sums["updates"]?.integer ?? 0
    progress.distortion = sums["distortion"]?.double ?? 0
    progress.rate = sums["rate"]?.double ?? 0
    progress.seconds = sums["seconds"]?.double ?? 0
    for member in terms.members {
      progress.addTerms([(name: member.name, value: member.value.double ?? 0)])
    }
    return State(
      step: step, updatesPerEpoch: updatesPerEpoch, isFinished: isFinished, threads: threads,
      updates: Dictionary(
        updates.members.map { ($0.name, $0.value.integer ?? 0) },
        uniquingKeysWith: { first, _ in first }),
      progress: progress)
  }
}
