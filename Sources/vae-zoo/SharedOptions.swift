import ArgumentParser
import Tensors
import VAEZoo

/// The number of threads, which every computing command takes.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads to compute with (default: all processors).")
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
