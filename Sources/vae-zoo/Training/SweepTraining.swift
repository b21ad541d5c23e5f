import ArgumentParser
import Messages
import Tensors
import VAEData
import VAETraining
import VAEZoo

/// The trainings of a sweep, one after the other or several at once.
final class SweepTraining: @unchecked Sendable {
  private let sweep: Sweep
  private let jobs: Int
  private let watching: WatchingOptions
  private let writesJSON: Bool
  /// What the trainings have come to; all else stays as it is made.
  private let state = Lock(State())
  /// Cancelled by a fault, and by an interruption.
  private let cancel = CancelToken(partOf: Interrupt.token)

  private struct State {
    /// The names of the runs that diverged.
    var diverged: [String] = []
    /// The place of the next run of the round.
    var next = 0
    /// What ended the sweep, the first of several.
    var fault: (any Error)?
  }

  init(_ sweep: Sweep, jobs: Int, watching: WatchingOptions, writesJSON: Bool) {
    (self.sweep, self.jobs, self.watching) = (sweep, jobs, watching)
    self.writesJSON = writesJSON
  }

  /// Trains what is not finished.
  ///
  /// - Parameter rounds: of successive halving; nil to train all runs to their end.
  /// - Returns: the names of the runs that diverged.
  func train(rounds: [Sweep.Round]?) throws -> [String] {
    var runs = sweep.inTurn
    guard let rounds else {
      try train(runs, toEpoch: nil, replacing: sweep.replacesRuns)
      return state.withLock { $0.diverged }
    }
    for (number, round) in rounds.enumerated() {
      if number > 0 {
        let count = runs.count
        runs = try sweep.better(of: runs, for: round, atEpoch: rounds[number - 1].epochs)
        Console.error(
          "\(runs.count) of \(Count.of(count, "run")) go on to \(Count.of(round.epochs, "epoch"))")
      }
      // What a round has begun again the next one continues.
      try train(
        runs, toEpoch: number == rounds.count - 1 ? nil : round.epochs,
        replacing: sweep.replacesRuns && number == 0)
    }
    return state.withLock { $0.diverged }
  }

  private func train(_ runs: [Sweep.Run], toEpoch epoch: Int?, replacing: Bool) throws {
    state.withLock { $0.next = 0 }
    Workers.run(min(jobs, runs.count)) { [self] _ in
      while let number = take(of: runs.count) {
        do {
          let place = "run \(number + 1) of \(runs.count), \(runs[number].name)"
          try withMemoryErrors { try train(runs[number], place, epoch, replacing) }
        } catch {
          let fault = error
          state.withLock { if $0.fault == nil { $0.fault = fault } }
          // The others end after their next update.
          cancel.cancel()
        }
      }
    }
    if let fault = state.withLock({ state -> (any Error)? in state.fault }) { throw fault }
  }

  /// The place of a run that nobody trains yet; nil where there is none, or the sweep has ended.
  private func take(of count: Int) -> Int? {
    state.withLock { state in
      guard state.fault == nil, state.next < count else { return nil }
      defer { state.next += 1 }
      return state.next
    }
  }

  private func train(
    _ run: Sweep.Run, _ place: String, _ epoch: Int?, _ replacing: Bool
  ) throws {
    do {
      if let epoch, !replacing, try sweep.hasCome(run, toEpoch: epoch) {
        return Console.error(text: "\(place): has come to epoch \(epoch) already")
      }
      let session = try sweep.session(
        run, epochs: epoch, existing: replacing ? .replace : .resume)
      if session.trainer.isFinished && session.isExported {
        return Console.error(text: "\(place): finished already")
      }
      Console.error(text: place)
      let eventFolder = watching.tensorboard.map { "\($0)/\(run.name)" }
      let training = try WatchedTraining(
        session, run: run.path, watching: watching, eventFolder: eventFolder,
        writesJSON: writesJSON, name: run.name, isAlone: jobs == 1)
      if try training.train(cancel: cancel) == .cancelled {
        let what = Interrupt.token.isCancelled ? "interrupted in" : "stopped"
        Console.error(
          "\(what) \(run.name) at step \(session.trainer.step); the same command goes on")
        throw ExitCode(ExitStatus.interrupted)
      }
    } catch let error as TrainingError where error.kind == .diverged {
      Console.error("\(run.name): \(error.message)")
      state.withLock { $0.diverged.append(run.name) }
    }
  }
}
