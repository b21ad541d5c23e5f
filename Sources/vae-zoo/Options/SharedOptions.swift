import ArgumentParser
import Communication
import Glibc
import Messages
import Tensors
import VAEFiles
import VAEPluginHost
import VAEZoo

/// The number of threads, which every computing command takes.
struct ThreadOptions: ParsableArguments {
  @Option(
    parsing: .unconditional, help: "Threads to compute with (default: all processors).")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...256).contains(threads) {
      throw ValidationError("--threads must be between 1 and 256, not \(threads)")
    }
  }

  /// Puts the number in force. To be called before anything else is done.
  ///
  /// - Throws: `MemoryError` where the system does not give as many.
  func apply() throws {
    try Engine.setThreads(threads ?? Engine.threads)
  }

  /// The same in a process that a launcher has started beside others on this machine: unless it has given each of them
  /// processors of its own, they divide all of them.
  ///
  /// - Parameter launcher: what has started this process; nil where it was started by itself.
  func apply(_ launcher: MPILauncher?) throws {
    guard let launcher, threads == nil else { return try apply() }
    let allowed = Engine.threads
    let all = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let quota = Engine.processorQuota
    func count(_ allowed: Int) -> Int {
      launcher.threads(allowed: allowed, processors: all, quota: quota)
    }
    try Engine.setThreads(count(allowed))
    // What it would have if the launcher had left it all processors.
    let share = count(all)
    if allowed == 1 && share > 1 && launcher.isFirst {
      Console.error(
        "the launcher has bound this process to one processor of \(all); with --bind-to none it computes with "
          + "\(share) threads")
    }
  }
}

/// `--json`, which every command with numbers takes.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print machine-readable lines on standard output, and nothing else there.")
  var json = false
}

/// `--plugin`, which every command takes that knows variants.
struct PluginOptions: ParsableArguments {
  @Option(
    name: .customLong("plugin"), parsing: .singleValue,
    help: ArgumentHelp(
      "A plug-in to load, beside those that VAE_ZOO_PLUGIN_PATH names; may be given more than once.",
      valueName: "file"))
  var files: [String] = []

  /// The built-in variants and components with those of plug-ins that the user has named, here or on the
  /// search path: no others are ever loaded, whatever a run or a recipe says. Why one of the search path
  /// was left out goes to standard error.
  func registry() throws -> Registry {
    let searchPath = getenv(Plugin.pathVariable).map { String(systemPath: $0) }
    let (registry, skipped) = try Registry.withPlugins(
      files, searchPath: searchPath, examine: PluginExamination.examine)
    for error in skipped { Console.error("plug-in left out: \(error.message)") }
    return registry
  }

  /// A run, or a model's file, with what the user should know of it on standard error.
  func model(_ path: String, _ checkpoint: CheckpointOptions) throws -> TrainedModel {
    try model(path, checkpoint.checkpoint, registry())
  }

  /// The same, with the checkpoint itself, or by a registry that was made.
  func model(
    _ path: String, _ checkpoint: CheckpointChoice, _ registry: Registry? = nil
  ) throws -> TrainedModel {
    let model = try TrainedModel.open(
      path, checkpoint: checkpoint, registry: registry ?? self.registry(),
      proceed: Interrupt.proceed)
    for notice in model.notices { Console.error(notice) }
    return model
  }
}

/// `--checkpoint`, which every command takes that uses a trained model.
struct CheckpointOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which checkpoint of a run folder: last, best (by the held-out bound), or a number of updates.",
      valueName: "which"))
  var checkpoint: CheckpointChoice = .last
}

extension CheckpointChoice: ExpressibleByArgument {
  /// Nil for what is none; the parser says so with the words of the option's help.
  public init?(argument: String) {
    guard let choice = try? CheckpointChoice(parsing: argument) else { return nil }
    self = choice
  }

  /// As it is written.
  public var defaultValueDescription: String { text }
}
