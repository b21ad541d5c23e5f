import ArgumentParser
import Communication
import Glibc
import Messages
import Tensors
import VAEData
import VAETraining
import VAEZoo

/// The trainings of a sweep, one after the other or several at once, and those of this process where several divide them.
final class SweepTraining: @unchecked Sendable {
  private let sweep: Sweep
  private let jobs: Int
  private let watching: WatchingOptions
  private let writesJSON: Bool
  /// What a command for another training repeats.
  private let options: [String]
  private let communicator: any Communicator
  /// What the trainings have come to; all else stays as it is made.
  private let state = Lock(State())
  /// Cancelled by a fault, and by an interruption.
  private let cancel = CancelToken(partOf: Interrupt.token)

  private struct State {
    /// The runs of this process that diverged.
    var diverged: [Sweep.Run] = []
    /// The place of the next run of the round.
    var next = 0
    /// What ended the sweep, the first of several.
    var fault: (any Error)?
  }

  init(
    _ sweep: Sweep, jobs: Int, watching: WatchingOptions, writesJSON: Bool, options: [String],
    _ communicator: any Communicator
  ) {
    (self.sweep, self.jobs, self.watching) = (sweep, jobs, watching)
    (self.writesJSON, self.options, self.communicator) = (writesJSON, options, communicator)
  }

  /// Trains what is not finished.
  ///
  /// - Parameter rounds: of successive halving; nil to train all runs to their end.
  /// - Returns: the names of the runs that diverged, whichever process trained them.
  func train(rounds: [Sweep.Round]?) throws -> [String] {
    var runs = sweep.inTurn
    guard let rounds else {
      try train(runs, toEpoch: nil, replacing: sweep.replacesRuns)
      return try diverged()
    }
    for (number, round) in rounds.enumerated() {
      if number > 0 {
        let count = runs.count
        runs = try sweep.betterForAll(of: runs, for: round, atEpoch: rounds[number - 1].epochs)
        if communicator.rank == 0 {
          Console.error(
            "\(runs.count) of \(Count.of(count, "run")) go on to \(Count.of(round.epochs, "epoch"))"
          )
        }
      }
      // What a round has begun again the next one continues.
      try train(
        runs, toEpoch: number == rounds.count - 1 ? nil : round.epochs,
        replacing: sweep.replacesRuns && number == 0)
    }
    return try diverged()
  }

  private func diverged() throws -> [String] {
    try sweep.ofAllProcesses(state.withLock { $0.diverged }).map(\.name)
  }

  private func train(_ runs: [Sweep.Run], toEpoch epoch: Int?, replacing: Bool) throws {
    state.withLock { $0.next = 0 }
    let turns = try sweep.turns(of: runs.count)
    // Whatever is left of the round is no harm to the next one.
    defer { try? turns.end() }
    Workers.run(min(jobs, runs.count)) { [self] _ in
      do {
        while let number = try take(of: runs.count, turns) {
          let run = runs[number]
          try withMemoryErrors {
            try train(
              run, "run \(number + 1) of \(runs.count), \(run.name)", epoch, replacing)
          }
        }
      } catch {
        let fault = error
        state.withLock { if $0.fault == nil { $0.fault = fault } }
        // The others end after their next update.
        cancel.cancel()
      }
    }
    let fault = state.withLock { state -> (any Error)? in state.fault }
    if communicator.size > 1 { try meetOthers(turns, fault) }
    if let fault { throw fault }
  }

  /// Waits where other processes still train, or ends them all.
  private func meetOthers(_ turns: SweepTurns, _ fault: (any Error)?) throws {
    // However long the others train, it is no wonder.
    communicator.enter(nil)
    var (fault, isInterrupted) = (fault, false)
    let own = errorThrown {
      // One without a run of its own hears an interruption as long as others begin further ones.
      var pause = Self.firstPause
      while fault == nil, try !Interrupt.token.isCancelled && !turns.areAllTaken() {
        usleep(pause)
        pause = min(2 * pause, Self.longestPause)
      }
      isInterrupted = Interrupt.token.isCancelled
      // Other processes come to the end of their runs, and begin no more.
      if isInterrupted { try turns.stop() }
    }
    if let own { (fault, isInterrupted) = (own, false) }
    try endTogether(isInterrupted ? nil : fault, isInterrupted: isInterrupted)
  }

  /// The time between the first two looks at the runs that others take, and between later ones, in microseconds: many
  /// processes may look at one file system.
  private static let (firstPause, longestPause): (UInt32, UInt32) = (200_000, 3_200_000)

  /// Waits until all processes have come to the end of a round, or ends them all.
  ///
  /// - Throws: the status of an interrupted command where any of them was interrupted, on all.
  private func endTogether(_ fault: (any Error)?, isInterrupted: Bool) throws {
    if let fault {
      // Others hear of it in the middle of their runs, which go on from their checkpoints.
      let reason = ExitStatus(of: fault)?.message ?? "\(fault)"
      communicator.abort("\(reason); the same command goes on with the sweep")
      throw fault
    }
    let flags = try communicator.tellingOthers {
      try communicator.gathered([isInterrupted ? UInt8(1) : 0], filling: 0)
    }
    if let rank = flags.firstIndex(of: 1) {
      if communicator.rank == 0 {
        Console.error(
          "the sweep ends, since rank \(rank) was interrupted; the same command goes on with it")
      }
      throw ExitCode(ExitStatus.interrupted)
    }
    communicator.enter("the end of a round of the sweep")
  }

  /// The place of a run that nobody trains yet; nil where there is none, or the sweep has ended.
  private func take(of count: Int, _ turns: SweepTurns) throws -> Int? {
    while true {
      let next = state.withLock { state -> Int? in
        guard state.fault == nil, state.next < count else { return nil }
        defer { state.next += 1 }
        return state.next
      }
      guard let next else { return nil }
      if try turns.take(next) { return next }
    }
  }

  private func train(
    _ run: Sweep.Run, _ place: String, _ epoch: Int?, _ replacing: Bool
  ) throws {
    // What the run is trained on, as soon as that is known.
    var data: String?
    do {
      if let epoch, !replacing, try sweep.hasCome(run, toEpoch: epoch) {
        return Console.error(text: "\(place): has come to epoch \(epoch) already")
      }
      let session = try sweep.session(
        run, epochs: epoch, existing: replacing ? .replace : .resume)
      data = session.data.name
      if session.trainer.isFinished && session.isExported {
        return Console.error(text: "\(place): finished already")
      }
      Console.error(text: place)
      let eventFolder = watching.tensorboard.map { "\($0)/\(run.name)" }
      let training = try WatchedTraining(
        session, run: run.path, watching: watching, eventFolder: eventFolder,
        writesJSON: writesJSON, name: run.name,
        isAlone: jobs == 1 && communicator.size == 1)
      if try training.train(cancel: cancel) == .cancelled {
        let what = Interrupt.token.isCancelled ? "interrupted in" : "stopped"
        Console.error(
          "\(what) \(run.name) at step \(session.trainer.step); the same command goes on")
        throw ExitCode(ExitStatus.interrupted)
      }
    } catch let error as TrainingError where error.kind == .diverged {
      let other = data.map {
        AnotherTraining(of: run.path, data: $0, options: options, keepsRun: true)
      }
      Console.error(
        text: "\(run.name): \(error.message.text { other?.remedy($0) ?? $0.onCommandLine })")
      state.withLock { $0.diverged.append(run) }
    }
  }
}
