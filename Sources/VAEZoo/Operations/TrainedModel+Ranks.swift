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
  ///   - question: what is asked, by the names of settings.
  ///   - others: further models that are asked.
  ///   - body: throws on all ranks where it throws on one.
  /// - Throws: `CommunicationError` of kind `mismatch` where a rank has been started otherwise; what the closure throws; what
  ///   keeps examples from being read, on whichever rank.
  func together<Result>(
    _ communicator: any Communicator, _ splits: [DataSplit], _ question: JSON.Object,
    _ others: [TrainedModel] = [], _ body: () throws -> Result
  ) throws -> Result {
    if communicator.size > 1 { try compare(communicator, splits, question, others) }
    let result = try body()
    try communicator.allSucceeding {
      for asked in [self] + others { try asked.model.checkParts() }
      for split in splits { try split.checkExamples() }
    }
    return result
  }

  private func compare(
    _ communicator: any Communicator, _ splits: [DataSplit], _ question: JSON.Object,
    _ others: [TrainedModel]
  ) throws {
    communicator.enter("the comparison of what the ranks ask")
    let facts = try communicator.allSucceeding { () throws -> [TrainingFact] in
      let checksums = try splits.flatMap { split in
        let found = try split.checksums(condition: model.condition, takesMasks: model.takesMasks)
        try split.checkExamples()
        return found
      }
      return TrainingFact.ofEngine + [
        TrainingFact("version of the zoo", VAEZooVersion.text),
        TrainingFact("number of threads", "\(Engine.threads)"),
        TrainingFact("recipe", settings: recipe.json),
        TrainingFact("model", ([self] + others).map(\.weightsHash).joined(separator: " ")),
        TrainingFact("setting of the call", settings: .object(question)),
        TrainingFact(
          "number of examples", splits.map { "\($0.count)" }.joined(separator: " and ")),
        TrainingFact("checksum of the data", checksums.map(\.text).joined(separator: " ")),
      ]
    }
    try communicator.compare(facts)
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
