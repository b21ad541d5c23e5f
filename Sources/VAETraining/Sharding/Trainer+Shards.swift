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
          + "start a number of them that divides \(count)\(divisors(of: count)), or begin a run with a multiple of "
          + "\(communicator.size), such as \(.setting("training.shards", "\(communicator.size)"))")
    }
    // A fit of an algorithm's own is made as a whole, the same on every process.
    guard count > 1, batches.fittedPrior == nil else { return nil }
    return ShardGroup(communicator, count: count)
  }

  /// The numbers of processes that some shards can be divided among, in parentheses; nothing where they are many.
  private static func divisors(of count: Int) -> String {
    guard count <= 64 else { return "" }
    let all = (1...count).filter(count.isMultiple(of:)).map(String.init)
    guard let last = all.last, all.count > 1 else { return "" }
    return " (\(all.dropLast().joined(separator: ", ")) or \(last))"
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
        "\(divided), and each part would decide by itself whether the phase \(phase.name) of this objective takes part; "
          + "train it in one process with \(.setting("training.shards", "1"))")
    }
    guard batches.fewestExamples >= shards.count else {
      throw TrainingError(
        .unsuitable,
        "\(divided) into \(shards.count), but \(data.name) makes a batch of \(Count.of(batches.fewestExamples, "example")); "
          + "choose \(largerBatches(for: shards))")
    }
  }

  /// What gives each shard an example of every batch.
  private func largerBatches(for shards: ShardGroup) -> Message {
    let (examples, processes) = (batches.examples.count, communicator.size)
    if examples < shards.count {
      let fewer = examples / processes * processes
      return options.shards == 0 || fewer == 0
        ? "at most \(Count.of(examples, "process", plural: "processes")), one for each training example"
        : "\(.setting("training.shards", "\(fewer)"))"
    }
    if options.batchSize < shards.count {
      return "\(.setting("training.batch_size", "\(shards.count)")) or more"
    }
    return
      "another \(.setting("training.batch_size")), or \(.setting("training.drop_last", "true"))"
  }

  /// Refuses a batch of the caller's that cannot be divided.
  func checkShards(of given: GivenBatch?) throws(TrainingError) {
    guard let given, let shards else { return }
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
    try tellingOthers {
      try join()
      return try body()
    }
  }

  private func tellingOthers<Result>(_ body: () throws -> Result) throws -> Result {
    updater.work.failedTogether = false
    do {
      return try DividedThreads.run(among: shards?.local.count ?? 1, body)
    } catch {
      // All find a mismatch.
      let isCommon =
        updater.work.failedTogether || (error as? CommunicationError)?.kind == .mismatch
      if communicator.size > 1, !isCommon { communicator.abort("\(error)") }
      throw error
    }
  }

  /// Makes sure that the trainers of all processes are the same, before any of them reads or writes a run folder.
  package func compare() throws { try tellingOthers(compareFacts) }

  /// Gives the trainers of all processes, which are the same, the state of the first one.
  ///
  /// - Parameter isResumed: whether this process has taken it up from a run folder.
  /// - Returns: whether one of them has.
  package func meet(isResumed: Bool) throws -> Bool { try together { try anyProcess(isResumed) } }

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
    try shareBestWeights()
    hasJoined = true
  }

  /// What must be the same on all processes.
  private var facts: [TrainingFact] {
    let parameters = model.storedTensors.map { "\($0.path) \($0.tensor.value.shape)" }
    return TrainingFact.ofEngine + [
      TrainingFact("number of threads for a shard", "\(threadsOfShard)"),
      TrainingFact("number of shards", "\(shards?.count ?? 1)"),
      TrainingFact("setting of training", settings: options.json, path: "training"),
      TrainingFact("stage", stage.name),
      TrainingFact("start of the weights", start == .fresh ? "drawn" : "given"),
      TrainingFact("shape of the data", "\(data.shape)"),
      TrainingFact("number of training examples", "\(data.train.count)"),
    ] + identity + [TrainingFact("model", parameters.joined(separator: "\n"))]
  }

  /// - Throws: `CommunicationError` of kind `mismatch` that names the rank and what is different there.
  private func compareFacts() throws {
    guard communicator.size > 1, !isCompared else { return }
    communicator.enter("the comparison of what the ranks train")
    try communicator.compare(facts)
    isCompared = true
  }

  private func sharedByFirst(_ bytes: [UInt8]) throws -> [UInt8] {
    try communicator.sharedByFirst(bytes) {
      try Memory.require(bytes: $0, for: "the state of the training of rank 0")
    }
  }

  /// Gives all processes the weights, moments and step of the first one, which alone reads a run folder.
  private func shareState() throws {
    communicator.enter("the exchange of the first weights")
    let files = try checkpointFiles()
    var shared: [String: [UInt8]] = [:]
    for (name, bytes) in files { shared[name] = try sharedByFirst(bytes) }
    let own = try sharedByFirst(withUnsafeBytes(of: Int64(step)) { Array($0) })
    guard communicator.rank > 0 else { return }
    guard own.count == MemoryLayout<Int64>.size,
      case let first = own.withUnsafeBytes({ $0.loadUnaligned(as: Int64.self) }),
      (0...1 << 53).contains(first)
    else {
      throw CommunicationError(
        .failed,
        "rank \(communicator.rank) is told no number of updates by rank 0 in the exchange of the first weights; start all "
          + "processes alike")
    }
    try restore(StoredCheckpoint(files: shared, step: Int(first), source: "rank 0"))
  }

  /// Gives all processes the weights of the best epoch, where training ends with these: a checkpoint of a later
  /// step does not hold them.
  private func shareBestWeights() throws {
    guard endsWithBest else { return }
    let own = bestWeights?.flatMap(\.floats) ?? []
    let bytes = try sharedByFirst(own.withUnsafeBytes { Array($0) })
    guard communicator.rank > 0 else { return }
    guard !bytes.isEmpty else { return bestWeights = nil }
    let count = stageParameters.reduce(0) { $0 + $1.parameter.shape.count }
    guard bytes.count == count * MemoryLayout<Float>.stride else {
      throw CommunicationError(
        .failed,
        "rank \(communicator.rank) is given the weights of another model as those of the best epoch by rank 0; start all "
          + "processes alike")
    }
    let all = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    var place = 0
    bestWeights = stageParameters.map { _, parameter in
      defer { place += parameter.shape.count }
      return Tensor(Array(all[place..<place + parameter.shape.count]), shape: parameter.shape)
    }
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
