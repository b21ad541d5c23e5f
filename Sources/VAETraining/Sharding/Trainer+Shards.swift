import Communication
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEFiles
import VAERecipes

/// Shards of batches, and several processes that train one model.
extension Trainer {
  /// What batches are divided into; nil where they are computed as a whole.
  ///
  /// - Throws: `RecipeError` where they cannot be divided among the processes.
  static func shards(
    _ options: TrainingOptions, _ model: Model, _ batches: TrainingBatches,
    _ communicator: any Communicator
  ) throws -> ShardGroup? {
    let count = options.shards == 0 ? communicator.size : options.shards
    guard count.isMultiple(of: communicator.size) else {
      throw RecipeError(
        .invalid,
        "\(.setting("training.shards", "\(count)")) cannot be divided among \(Count.of(communicator.size, "process", plural: "processes")); "
          + "choose a multiple of \(communicator.size)")
    }
    // A fit of an algorithm's own is made as a whole, the same on every process.
    guard count > 1, batches.fittedPrior == nil else { return nil }
    return ShardGroup(communicator, count: count)
  }

  /// Refuses what parts of a batch would compute otherwise than the whole.
  func checkShards() throws {
    guard let shards else { return }
    let divided: Message =
      options.shards == 0
      ? "training by \(Count.of(shards.count, "process", plural: "processes")) divides each batch"
      : "\(.setting("training.shards", "\(shards.count)")) divides each batch"
    guard !model.hasFallibleParts else {
      throw RecipeError(
        .invalid,
        "\(divided), but the model has a part of a plug-in, which is called by one thread at a time and may look at "
          + "a batch as a whole; train it in one process with \(.setting("training.shards", "1"))")
    }
    if let phase = updater.phases.first(where: { $0.phase.skips != nil })?.phase {
      throw RecipeError(
        .invalid,
        "\(divided), but whether the phase \(phase.name) of this objective takes part is decided by the batch as a whole; "
          + "train it in one process with \(.setting("training.shards", "1"))")
    }
    guard batches.fewestExamples >= shards.count else {
      throw TrainingError(
        .unsuitable,
        "\(divided) into \(shards.count), but \(data.name) makes a batch of \(Count.of(batches.fewestExamples, "example")); choose a larger "
          + "\(.setting("training.batch_size")), or \(.setting("training.drop_last", "true"))")
    }
  }

  /// Refuses a batch of the caller's that cannot be divided.
  func checkShards(of given: GivenBatch?) throws(TrainingError) {
    guard let given, let shards else { return }
    guard communicator.size == 1 else {
      throw TrainingError(
        .unsuitable,
        "a batch of the caller's is no part of what \(communicator.size) processes train on together"
      )
    }
    let count = given.values.shape[0]
    guard count >= shards.count else {
      throw TrainingError(
        .unsuitable,
        "the batch has \(Count.of(count, "example")), fewer than \(.setting("training.shards", "\(shards.count)"))"
      )
    }
  }

  // MARK: - Together

  /// Runs a closure that all processes run, with the threads that each shard may have.
  ///
  /// Where it fails on this process alone, the others are told, which else would wait for ever.
  func together<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try DividedThreads.run(among: shards?.local.count ?? 1) {
        try join()
        return try body()
      }
    } catch {
      // All find a mismatch.
      let isCommon =
        updater.work.failedTogether || (error as? CommunicationError)?.kind == .mismatch
      if communicator.size > 1, !isCommon { communicator.abort("\(error)") }
      throw error
    }
  }

  /// Makes sure that the trainers of all processes are the same, and gives them the state of the first one.
  package func meet() throws { try together {} }

  /// The threads that compute one shard: those of the process, divided among its shards.
  package var threadsOfShard: Int { max(1, DividedThreads.whole / (shards?.local.count ?? 1)) }

  /// Whether it is so on any of the processes.
  func anyProcess(_ flag: Bool) throws -> Bool {
    try communicator.gathered([flag ? UInt8(1) : 0], filling: 0).contains(1)
  }

  /// Makes sure before the first update that all processes do the same, and gives them the state of the first one.
  private func join() throws {
    guard communicator.size > 1, !hasJoined else { return }
    try compareFacts()
    try shareState()
    hasJoined = true
  }

  /// What must be the same on all processes, at most 16 things.
  private var facts: [(name: String, value: String)] {
    let parameters = model.storedTensors.map { "\($0.path) \($0.tensor.value.shape)" }
    return [
      ("format of what is compared", "1"), ("instruction set", Engine.instructionSet),
      ("version of oneDNN", Engine.oneDNNVersion), ("threads for a shard", "\(threadsOfShard)"),
      ("number of shards", "\(shards?.count ?? 1)"),
      ("setting of training", "\(options)"),
      ("stage", stage.name), ("model", parameters.joined(separator: "\n")),
      ("shape of the data", "\(data.shape)"),
      ("number of training examples", "\(data.train.count)"),
    ] + identity
  }

  /// - Throws: `CommunicationError` of kind `mismatch` that names the rank and what is different there.
  private func compareFacts() throws {
    let facts = facts
    let places = 16
    var hashes = facts.flatMap { SHA256.hash(of: Array($0.value.utf8)) }
    let length = 32
    hashes += [UInt8](repeating: 0, count: max(0, places * length - hashes.count))
    let all = try communicator.gathered(Array(hashes.prefix(places * length)), filling: 0)
    for rank in 1..<communicator.size {
      for place in 0..<min(places, facts.count) {
        let first = all[place * length..<(place + 1) * length]
        let start = (rank * places + place) * length
        guard !first.elementsEqual(all[start..<start + length]) else { continue }
        throw CommunicationError(
          .mismatch,
          "rank \(rank) has another \(facts[place].name) than rank 0; all processes must be started alike"
        )
      }
    }
  }

  /// Gives all processes the weights, moments and step of the first one, which alone reads a run folder.
  private func shareState() throws {
    let files = try checkpointFiles()
    var shared: [String: [UInt8]] = [:]
    for (name, bytes) in files { shared[name] = try communicator.sharedByFirst(bytes) }
    let own = try communicator.sharedByFirst(withUnsafeBytes(of: Int64(step)) { Array($0) })
    guard communicator.rank > 0 else { return }
    let first = own.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
    try restore(StoredCheckpoint(files: shared, step: Int(first), source: "rank 0"))
  }

  /// Makes sure that all processes have come to the same weights: where one has another kind of processor or a fault
  /// in its memory, they would drift apart unnoticed.
  func checkSameWeights() throws {
    guard communicator.size > 1 else { return }
    var hash = SHA256()
    for (_, parameter) in model.parameters {
      parameter.value.withFloats { hash.update(UnsafeRawBufferPointer($0)) }
    }
    let own = hash.finished()
    let all = try communicator.gathered(own, filling: 0)
    let other = (0..<communicator.size).first {
      !all[$0 * own.count..<($0 + 1) * own.count].elementsEqual(all[..<own.count])
    }
    guard let rank = other else { return }
    throw CommunicationError(
      .mismatch,
      "rank \(rank) has come to other weights than rank 0 by step \(step); resume from the last checkpoint, on "
        + "processors of one kind")
  }
}
