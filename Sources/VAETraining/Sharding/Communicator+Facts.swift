import Communication
import Messages
import Tensors

extension Communicator {
  /// Makes sure that something is the same on all ranks, which all compare at the same time.
  ///
  /// - Parameter facts: what it is on this rank; at most 16, the first of which are those of `TrainingFact.ofEngine`.
  /// - Throws: `CommunicationError` of kind `mismatch`, the same on all ranks, that names the first rank that has something
  ///   else than the first one, and what is different there.
  package func compare(_ facts: [TrainingFact]) throws {
    guard size > 1 else { return }
    let places = 16
    ensure(facts.count <= places, "there are more facts than places")
    var hashes = facts.flatMap(\.hash)
    let length = 32
    hashes += [UInt8](repeating: 0, count: max(0, places * length - hashes.count))
    let all = try tellingOthers {
      try gathered(Array(hashes.prefix(places * length)), filling: 0)
    }
    func isOther(_ rank: Int, _ place: Int) -> Bool {
      let start = (rank * places + place) * length
      return !all[place * length..<(place + 1) * length].elementsEqual(all[start..<start + length])
    }
    // All find the same.
    for rank in 1..<size {
      guard let place = facts.indices.first(where: { isOther(rank, $0) }) else { continue }
      let difference = try place == 0 ? "" : difference(in: facts[place], of: rank)
      throw CommunicationError(
        .mismatch,
        "rank \(rank) has another \(facts[place].name) than rank 0\(difference); all processes must be started alike"
      )
    }
  }

  /// What is different where a fact is: all tell all what they have.
  private func difference(in fact: TrainingFact, of rank: Int) throws -> Message {
    let all = try tellingOthers { try gathered(fact.told, filling: 0) }
    let length = TrainingFact.length
    return fact.difference(all[rank * length..<(rank + 1) * length], all[..<length])
  }
}

extension TrainingFact {
  /// What decides about the last digits, with the form in which facts are compared.
  package static var ofEngine: [TrainingFact] {
    [
      TrainingFact("format of what is compared", "2"),
      TrainingFact("instruction set", Engine.instructionSet),
      TrainingFact("version of oneDNN", Engine.oneDNNVersion),
    ]
  }
}
