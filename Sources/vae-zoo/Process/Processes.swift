import ArgumentParser
import Communication
import VAEZoo

/// A command whose work the processes of a launcher divide among each other.
protocol DividedCommand: ParsableCommand {
  /// What keeps the work that was asked for from being divided, in the middle of a sentence; nil for nothing.
  var undivided: String? { get }
}

extension DividedCommand {
  var undivided: String? { nil }
}

/// The processes that a launcher has started with this one.
enum Processes {
  /// What processes other than the first print.
  enum Others {
    /// The first process speaks for all.
    case silent
    /// Each speaks of what it does by itself.
    case speak
  }

  /// Runs a command in this process, with the others where a launcher has started several, and with the threads that it
  /// may have.
  ///
  /// - Parameters:
  ///   - threads: what the user says of these.
  ///   - others: whether processes other than the first print what they do.
  ///   - body: throws on all processes where it throws on one, or has ended them.
  static func run(
    _ threads: ThreadOptions, others: Others = .silent,
    _ body: (any Communicator) throws -> Void
  ) throws {
    guard let mpi = try MPICommunicator.started() else {
      try threads.apply()
      Interrupt.install()
      do { return try body(SoloCommunicator()) } catch is StoppedWork {
        throw ExitCode(ExitStatus.interrupted)
      }
    }
    // Whatever fails on one process alone is agreed on by all, or has ended them already: all come here.
    defer { mpi.finish() }
    let communicator = WatchedCommunicator.watching(mpi)
    Console.isSilent = communicator.rank > 0 && others == .silent
    defer { Console.isSilent = false }
    do {
      // Not before: while the library comes up, where a process that has gone may be waited for, a signal ends this one.
      Interrupt.install()
      try communicator.allSucceeding { try threads.apply(mpi.launcher) }
      try body(communicator)
    } catch {
      throw try saidByFirst(error, communicator)
    }
  }

  /// Makes the first process say in one line, in the words of the command, why all of them end, where others would
  /// say the same or could only repeat it.
  ///
  /// - Returns: what ends this process.
  private static func saidByFirst(
    _ error: any Error, _ communicator: any Communicator
  ) throws -> any Error {
    if error is StoppedWork {
      // All end with this: whichever of them was interrupted.
      let flags = try communicator.tellingOthers {
        try communicator.gathered([Interrupt.token.isCancelled ? UInt8(1) : 0], filling: 0)
      }
      if communicator.rank == 0, let rank = flags.firstIndex(of: 1) {
        Console.error("rank \(rank) was interrupted: all processes end, and nothing was written")
      }
      return ExitCode(ExitStatus.interrupted)
    }
    let kind = (error as? CommunicationError)?.kind
    // Where the exchange itself has failed nobody can be asked.
    guard kind != .failed else {
      communicator.abort("\(error)")
      return error
    }
    // A bare status, as that of an interruption, has no words.
    let status = ExitStatus(of: error)
    let own = kind == .failedElsewhere ? nil : status?.message
    guard let first = try communicator.tellingOthers({ try communicator.firstText(own) }) else {
      return kind == .failedElsewhere ? ExitCode(ExitStatus.interrupted) : error
    }
    if communicator.rank == 0 {
      Console.error(text: "vae-zoo: " + (own ?? "rank \(first.rank): \(first.text)"))
    }
    // Of whatever the first of them fails with, as an interruption.
    let codes = try communicator.tellingOthers {
      try communicator.gathered([status?.code ?? ExitStatus.interrupted], filling: 0)
    }
    return ExitCode(codes[first.rank])
  }
}
