import Communication
import Messages
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles
import VAERecipes
import VAETraining

/// What is asked of a model by several ranks, which divide the examples among each other.
extension TrainedModel {
  /// Runs a closure that ranks run together, once they are known to ask the same of the same model and the same examples.
  ///
  /// - Parameters:
  ///   - communicator: what connects them.
  ///   - splits: the examples, those that are divided first.
  ///   - question: what is asked, by the names of settings; not made for one rank alone.
  ///   - others: further models that are asked.
  ///   - body: given what connects them, watched over; comes to its end, or throws, at the same exchange on all ranks.
  /// - Throws: `CommunicationError` of kind `mismatch` where a rank has been started otherwise; what the closure throws, and
  ///   what keeps examples from being read or memory from being taken, on all ranks where one of them throws it.
  func together<Result>(
    _ communicator: any Communicator, _ splits: [DataSplit],
    _ question: @autoclosure () -> JSON.Object, _ others: [TrainedModel] = [],
    _ body: (any Communicator) throws -> Result
  ) throws -> Result {
    guard communicator.size > 1 else {
      let result = try body(communicator)
      try checkAsked(splits, others)
      return result
    }
    let communicator = WatchedCommunicator.watching(communicator)
    communicator.enter("the comparison of what the ranks ask")
    let facts = try communicator.allSucceeding {
      try withMemoryErrors { try self.facts(of: splits, question(), others) }
    }
    try communicator.compare(facts)
    let result = Swift.Result { try withMemoryErrors { try body(communicator) } }
    // Where the exchange itself has failed nobody can be asked.
    if case .failure(let error as CommunicationError) = result, error.kind == .failed {
      throw error
    }
    return try communicator.allSucceeding {
      let found = try result.get()
      try checkAsked(splits, others)
      return found
    }
  }

  /// Whether parts of plug-ins, or what examples are read from, have failed on the way.
  private func checkAsked(_ splits: [DataSplit], _ others: [TrainedModel]) throws {
    for asked in [self] + others { try asked.model.checkParts() }
    for split in splits { try split.checkExamples() }
  }

  /// What must be the same on all ranks.
  private func facts(
    of splits: [DataSplit], _ question: JSON.Object, _ others: [TrainedModel]
  ) throws -> [TrainingFact] {
    let checksums = try splits.map {
      try $0.comparedChecksum(condition: model.condition, takesMasks: model.takesMasks)
    }
    return TrainingFact.ofEngine + [
      TrainingFact("version of the zoo", VAEZooVersion.text),
      TrainingFact("number of threads", "\(Engine.threads)"),
      TrainingFact("recipe", settings: recipe.json),
      TrainingFact("model", ([self] + others).map(\.weightsHash).joined(separator: " ")),
      TrainingFact("setting of the call", settings: .object(question)),
      TrainingFact(
        "number of examples", splits.map { "\($0.count)" }.joined(separator: " and ")),
      TrainingFact("checksum of the data", checksums.joined(separator: " ")),
    ]
  }

  private var weightsHash: String {
    var hash = SHA256()
    for (name, values) in model.weights {
      Array(name.utf8).withUnsafeBytes { hash.update($0) }
      values.withFloats { hash.update(UnsafeRawBufferPointer($0)) }
    }
    return hash.finished().map { String($0, radix: 16) }.joined(separator: ".")
  }
}
