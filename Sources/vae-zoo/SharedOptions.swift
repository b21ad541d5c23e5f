import ArgumentParser
import Glibc
import Messages
import Tensors
import VAECore
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

  /// Puts the number, and the way threads wait, in force. To be called before anything else is done.
  func apply() {
    WaitingPolicy.apply()
    if let threads { Engine.threads = threads }
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

  /// The built-in variants and components with those of plug-ins. Why one of the search path was left
  /// out goes to standard error.
  ///
  /// - Parameter run: a run whose plug-ins are loaded where no others are named.
  func registry(of run: BegunRun? = nil) throws -> Registry {
    let searchPath = getenv(Plugin.pathVariable).map { String(systemPath: $0) }
    var (registry, skipped) = try Registry.withPlugins(files, searchPath: searchPath)
    let loaded = registry.plugInOrigins
    let missing = run?.plugIns.filter { !loaded.contains($0) } ?? []
    if files.isEmpty && !missing.isEmpty {
      (registry, skipped) = try Registry.withPlugins(missing, searchPath: searchPath)
    }
    for error in skipped { Console.error("plug-in left out: \(error.message)" as Message) }
    return registry
  }
}
