import Communication
import Messages
import NeuralNetworks
import Tensors

/// Computes the parts of an update: one, or the local shards of a batch at the same time, and brings
/// together what came of those of all processes.
final class ShardWork {
  /// The shards; nil where a batch is computed as a whole.
  let group: ShardGroup?
  /// Whether the last error was raised by every process alike.
  var failedTogether = false

  private let lanes: ShardLanes

  init(_ group: ShardGroup?) {
    self.group = group
    lanes = ShardLanes(group?.local.count ?? 1)
  }

  /// Says where this process is, for whoever watches over its exchanges.
  func enter(_ place: @autoclosure () -> String) {
    group?.communicator.enterIfShared(place())
  }

  /// Results of threads, each of which writes its own place.
  private final class Places<Result>: @unchecked Sendable {
    var results: UnsafeMutableBufferPointer<Swift.Result<Result, any Error>?>

    init(_ count: Int) {
      results = .allocate(capacity: count)
      results.initialize(repeating: nil)
    }

    deinit {
      results.deinitialize()
      results.deallocate()
    }
  }

  /// What a closure makes of each part, in order. All processes call it at the same time.
  ///
  /// - Throws: what it throws for the first part that cannot be computed; on all processes where one of them
  ///   has such a part.
  func run<Part, Result>(_ parts: [Part], _ body: (Part) throws -> Result) throws -> [Result] {
    guard let group else { return try parts.map(body) }
    let (results, fault) = compute(parts, group, body)
    try agree(on: fault)
    return results
  }

  /// The same in this process alone, with what keeps a part from being computed.
  private func compute<Part, Result>(
    _ parts: [Part], _ group: ShardGroup, _ body: (Part) throws -> Result
  ) -> (results: [Result], fault: (any Error)?) {
    let places = Places<Result>(parts.count)
    group.begin()
    let hasRun = lanes.run { lane in
      var hasBegun = false
      do {
        let result = try withMemoryErrors {
          hasBegun = true
          return try body(parts[lane])
        }
        places.results[lane] = .success(result)
      } catch {
        places.results[lane] = .failure(error)
        group.interrupt("\(error)")
        // A body throws when it has made all its exchanges; before it has begun others wait in theirs.
        if !hasBegun { group.communicator.abort("\(error)") }
      }
    }
    if !hasRun { group.communicator.abort("the system has no more threads") }
    var results: [Result] = []
    var fault: (any Error)? =
      hasRun
      ? nil
      : TrainingError(
        .unsuitable, "the system has no more threads, of which each shard of a batch needs one")
    for case let result? in places.results {
      switch result {
      case .success(let value): results.append(value)
      // That another part had stopped is no news.
      case .failure(let error): fault = fault ?? error
      }
    }
    return (results, fault ?? errorThrown { try group.check() })
  }

  /// Throws where any process has an error: its own, or what the first such process says.
  func agree(on fault: (any Error)?) throws {
    guard let group, group.communicator.size > 1 else {
      if let fault { throw fault }
      return
    }
    // Where the exchange itself has failed nobody can be asked.
    if let fault = fault as? CommunicationError { throw fault }
    guard let first = try group.communicator.firstText(fault.map { "\($0)" }) else { return }
    failedTogether = true
    throw fault
      ?? CommunicationError(.failedElsewhere, "rank \(first.rank) failed: \(first.text)")
  }

  /// The gradients of the whole batch.
  ///
  /// - Parameters:
  ///   - losses: of the local parts.
  ///   - parameters: all that may have a gradient, in a fixed order.
  ///   - parts: whose losses they are.
  ///   - body: the gradients of a part's own loss.
  /// - Throws: as `run`.
  func total<Loss>(
    of losses: [Loss], _ parameters: [(path: String, parameter: Parameter)],
    _ parts: [UpdatePart], _ body: (Loss) throws -> Gradients
  ) throws -> Gradients {
    guard let group else { return try body(losses[0]) }
    let (gradients, fault) = compute(losses, group, body)
    if let fault, group.communicator.size == 1 || fault is CommunicationError { throw fault }
    // Whether each part could be computed, and which parameters it reaches: a shard of which nothing is known reaches
    // fewer than others do.
    let width = parameters.count + 1
    var own = [[UInt8]](
      repeating: [UInt8](repeating: 0, count: width), count: group.local.count)
    if fault == nil {
      for (lane, found) in gradients.enumerated() {
        own[lane][0] = 1
        for (place, entry) in parameters.enumerated() where found[entry.parameter] != nil {
          own[lane][place + 1] = 1
        }
      }
    }
    let flags = try group.gathered(own, filling: 0)
    if let shard = (0..<group.count).first(where: { flags[$0 * width] == 0 }) {
      try agree(on: fault)
      throw CommunicationError(
        .failed,
        "shard \(shard) has no gradients, and no rank says why; end all ranks, and go on from the last checkpoint"
      )
    }
    let present = parameters.indices.filter { place in
      (0..<group.count).contains { flags[$0 * width + 1 + place] == 1 }
    }.map { parameters[$0].parameter }
    guard !present.isEmpty else { return gradients[0] }
    try requireMemory(for: present)
    let sums = try group.sum(
      gradients.map { found in present.map { found[$0] } },
      weights: parts.map { $0.context.shard?.weight ?? 1 }, shapes: present.map(\.shape))
    var total = Gradients()
    for (parameter, sum) in zip(present, sums) { total[parameter] = sum }
    return total
  }

  /// Asks for the arrays through which a sum goes: what each local shard sends, what arrives, and their sum.
  ///
  /// - Throws: `MemoryError`.
  private func requireMemory(for present: [Parameter]) throws(MemoryError) {
    let numbers = present.reduce(0) { $0 + $1.shape.count }
    let copies = 3 * (group?.local.count ?? 1) + 1
    try Memory.require(
      bytes: numbers * MemoryLayout<Float>.stride * copies, for: "the gradients of all shards")
  }
}
