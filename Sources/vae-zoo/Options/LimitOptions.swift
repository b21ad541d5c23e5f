import ArgumentParser
import VAEFiles

/// `--limit`, which every command takes that reads what somebody else may have made.
struct LimitOptions: ParsableArguments {
  @Option(
    name: .customLong("limit"), parsing: .singleValue,
    help: ArgumentHelp(
      "Raise or lower what reading may cost: inflated_bytes (half of the memory), inflation_ratio (250), "
        + "picture_bytes (256MiB), archive_members (10000) or text_bytes (16MiB); may be given more than once.",
      valueName: "name=value"))
  var limits: [String] = []

  /// Checks the limits and puts them in force, before anything is read.
  func validate() throws {
    for limit in limits {
      let pieces = limit.split(separator: "=", maxSplits: 1).map(String.init)
      guard pieces.count == 2, let value = InputLimits.value(parsing: pieces[1]) else {
        throw ValidationError(
          "--limit \(limit) is not of the form name=value, such as picture_bytes=1GB")
      }
      do throws(LimitError) {
        try InputLimits.set(pieces[0], to: value)
      } catch {
        throw ValidationError("--limit \(limit): \(error.message.onCommandLine)")
      }
    }
  }
}
