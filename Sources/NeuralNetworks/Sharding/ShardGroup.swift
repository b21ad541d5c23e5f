import Communication
import Tensors

/// The shards that a batch is divided into, those of this process and those of others.
///
/// A shard is a fixed part of every batch, computed by itself: losses and gradients of the shards are added up
/// in the order of the shards, so that the result is the same however many processes they are divided
/// among. What a computation needs of the batch as a whole, such as the moments of a batch normalisation,
/// shards exchange while they are computed, each on a thread of its own (``Shard``).
public final class ShardGroup: @unchecked Sendable {
  /// What connects the processes.
  public let communicator: any Communicator
  /// The number of shards in all processes.
  public let count: Int
  /// Those of this process.
  public let local: Range<Int>

  /// What the threads of the local shards hand to each other. Each writes its own place before they meet; the
  /// first one reads all, and writes what came of it before they meet again.
  private let sent: UnsafeMutableBufferPointer<[UInt8]>
  private var received: [UInt8] = []
  private var rendezvous: Rendezvous
  private let fault = Lock<(any Error)?>(nil)

  /// The shards of a group of processes.
  ///
  /// - Parameters:
  ///   - communicator: what connects them.
  ///   - count: of all shards, a multiple of the number of processes.
  public init(_ communicator: any Communicator, count: Int) {
    ensure(
      count >= communicator.size && count.isMultiple(of: communicator.size),
      "\(count) shards cannot be divided among \(communicator.size) processes")
    self.communicator = communicator
    self.count = count
    let each = count / communicator.size
    local = communicator.rank * each..<(communicator.rank + 1) * each
    sent = .allocate(capacity: each)
    sent.initialize(repeating: [])
    rendezvous = Rendezvous(each)
  }

  deinit {
    sent.deinitialize()
    sent.deallocate()
  }

  /// The examples of each shard of a batch: as equal as they can be, the larger ones first.
  public func exampleCounts(of examples: Int) -> [Int] {
    (0..<count).map { examples / count + ($0 < examples % count ? 1 : 0) }
  }

  /// The local shards of a batch of a number of examples.
  public func shards(ofBatch examples: Int) -> [Shard] {
    let counts = exampleCounts(of: examples)
    return local.map { Shard(group: self, index: $0, exampleCounts: counts) }
  }

  // MARK: Between the threads of shards

  /// What must be called before the local shards are computed again.
  package func begin() {
    if fault.withLock({ $0 != nil }) { return }
    rendezvous = Rendezvous(local.count)
  }

  /// Ends the computation of all local shards, one of which cannot go on.
  package func interrupt(_ reason: String) { rendezvous.close(reason) }

  /// Throws what kept an exchange from being made: what was computed with it means nothing then.
  package func check() throws {
    if let error = fault.withLock({ error -> (any Error)? in error }) { throw error }
  }

  /// The numbers of all shards, shard after shard; zeros where the exchange failed, which `check` throws.
  ///
  /// - Parameters:
  ///   - values: those of one shard, as many as those of each other.
  ///   - lane: the place of the shard among the local ones.
  func gathered<Number: BitwiseCopyable>(_ values: [Number], filling zero: Number, lane: Int)
    -> [Number]
  {
    sent[lane] = values.withUnsafeBytes { Array($0) }
    if rendezvous.meet() == nil {
      if lane == 0 { exchange() }
      if rendezvous.meet() == nil {
        let bytes = received
        var all = [Number](repeating: zero, count: values.count * count)
        all.withUnsafeMutableBytes { target in
          if bytes.count == target.count { target.copyBytes(from: bytes) }
        }
        return all
      }
    }
    // Another thread has stopped in the middle; other processes would wait for this one.
    if lane == 0, communicator.size > 1 {
      communicator.abort("a part of a batch could not be computed")
    }
    return [Number](repeating: zero, count: values.count * count)
  }

  private func exchange() {
    received = []
    let joined = sent.reduce(into: [UInt8]()) { $0 += $1 }
    do {
      try check()
      received = try communicator.gathered(joined, filling: 0)
    } catch {
      note(error)
    }
  }

  private func note(_ error: any Error) {
    fault.withLock { $0 = $0 ?? error }
  }

  // MARK: Sums outside of computations

  /// The numbers of all shards, shard after shard.
  ///
  /// - Parameter values: those of the local shards, as many of each.
  /// - Throws: `CommunicationError`.
  package func gathered<Number: BitwiseCopyable>(_ values: [[Number]], filling zero: Number) throws
    -> [Number]
  {
    try check()
    return try noting { try communicator.gathered(Array(values.joined()), filling: zero) }
  }

  /// The sum over all shards of tensors of one shape, the same on every process and for every number of them.
  ///
  /// - Parameter terms: those of the local shards, in order.
  /// - Throws: `CommunicationError`.
  public func sum(_ terms: [Tensor]) throws -> Tensor {
    guard let shape = terms.first?.shape else { return Tensor(0) }
    return try sum(
      terms.map { [$0] }, weights: terms.map { _ in 1 }, shapes: [shape])[0]
  }

  /// Σ_s w_s t_s over all shards s of several tensors t, the same on every process and for every number of them.
  ///
  /// - Parameters:
  ///   - terms: the tensors of each local shard, in order; nil for one that is zero there.
  ///   - weights: w of the local shards.
  ///   - shapes: of the tensors.
  /// - Throws: `CommunicationError`.
  package func sum(_ terms: [[Tensor?]], weights: [Float], shapes: [Shape]) throws -> [Tensor] {
    try check()
    return try noting {
      try withoutTape {
        try ShardSum(communicator).sum(terms, weights: weights, shapes: shapes)
      }
    }
  }

  /// The same for calls that do not throw: zeros where it failed, which `check` throws.
  public func sumNoting(_ terms: [Tensor]) -> Tensor {
    (try? sum(terms)) ?? .zeros(terms.first?.shape ?? [])
  }

  private func noting<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch {
      note(error)
      throw error
    }
  }
}
