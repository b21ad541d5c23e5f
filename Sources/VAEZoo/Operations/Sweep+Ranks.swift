import Communication
import Messages
import VAEFiles
import VAERecipes
import VAETraining

/// Sweeps whose runs several processes divide among each other.
///
/// Each run is trained whole by one of them, with the threads that all have. A process that is free takes the next one (`SweepTurns`),
/// and processes meet only where all must be done: at the end, and between the rounds of successive halving.
extension Sweep {
  /// Prepares a sweep in each of several processes, which go on together or not at all.
  ///
  /// - Parameters:
  ///   - communicator: what connects them, which the closure gives to its request.
  ///   - question: what else must be the same in all, by the names of settings.
  ///   - make: prepares the sweep.
  /// - Throws: what the closure throws; where it throws in another process, or where that has been started otherwise,
  ///   `CommunicationError`.
  public static func together(
    _ communicator: any Communicator, asking question: JSON.Object = [:],
    _ make: () throws -> Sweep
  ) throws -> Sweep {
    guard communicator.size > 1 else { return try make() }
    let sweep = try communicator.allSucceeding(make)
    communicator.enter("the comparison of what the ranks train")
    try communicator.compare(try communicator.allSucceeding { try sweep.facts(question) })
    return sweep
  }

  /// Makes the folder of the runs where there is none: last of all, once nothing is refused any more.
  ///
  /// - Throws: `FileError` where it cannot be made, or a process does not see it; in the others `CommunicationError`.
  public func makeFolder() throws {
    let communicator = request.communicator
    try communicator.allSucceeding {
      guard communicator.rank == 0, try DurableFiles.kind(of: folder) == nil else { return }
      try DurableFiles.makeFolder(folder)
    }
    try communicator.allSucceeding {
      guard try DurableFiles.kind(of: folder) == .folder else {
        throw FileError(
          .missing, "sweep in", folder,
          "rank 0 has made this folder, and this process does not see it; name one that all processes see"
        )
      }
    }
  }

  /// Who trains which run of a round, begun by all processes at the same time.
  ///
  /// - Parameter count: of the runs of the round.
  /// - Throws: what keeps the first process from writing to the folder; `CommunicationError` in the others.
  public func turns(of count: Int) throws -> SweepTurns {
    try SweepTurns(in: folder, count: count, request.communicator)
  }

  /// The runs of which some process says something, in the order in which they are trained.
  ///
  /// - Parameter own: those of which this process says it.
  /// - Throws: `CommunicationError`.
  public func ofAllProcesses(_ own: [Run]) throws -> [Run] {
    let communicator = request.communicator
    guard communicator.size > 1 else { return own }
    let all = inTurn
    let flags = try communicator.gathered(
      all.map { own.contains($0) ? UInt8(1) : 0 }, filling: 0)
    return all.indices.filter { place in
      (0..<communicator.size).contains { flags[$0 * all.count + place] == 1 }
    }.map { all[$0] }
  }

  /// The better of some runs, as the first process finds them.
  ///
  /// - Parameters:
  ///   - runs: that a round has trained.
  ///   - round: the next one.
  ///   - epoch: after which they are compared.
  public func betterForAll(of runs: [Run], for round: Round, atEpoch epoch: Int) throws -> [Run] {
    let communicator = request.communicator
    guard communicator.size > 1 else { return try better(of: runs, for: round, atEpoch: epoch) }
    let own = try communicator.allSucceeding {
      try communicator.rank == 0 ? better(of: runs, for: round, atEpoch: epoch) : []
    }
    let flags = try communicator.gathered(
      runs.map { own.contains($0) ? UInt8(1) : 0 }, filling: 0)
    return zip(runs, flags).filter { $0.1 == 1 }.map(\.0)
  }
}
