import ArgumentParser
import Communication
import Glibc
import VAEZoo

/// The command `vae-zoo`.
@main
struct VAEZooCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vae-zoo",
    abstract: "Train, measure and sample variational autoencoders.",
    discussion: """
      Every number is in nats per example with all constants: −ELBO = distortion + rate.

        vae-zoo train gaussian-vae --data shapes --out run     train on built-in images
        vae-zoo evaluate run --data shapes                     measure on held-out images
        vae-zoo sample run --count 64 --out samples.png        look at what it makes
        vae-zoo report run                                     look at what happened

      DATA is a built-in set (shapes, shapes:32, shapes-color), a folder of IDX files such as MNIST's (compressed \
      or not) or of CIFAR's binary files, a folder of PNG and JPEG images, an .npy file, an .npz file with arrays \
      train, test and optionally valid, or a table: a .csv or .tsv file.

      Folders of images may have folders train, test and valid; without train, a tenth of the images is set apart as \
      test. Folders below are classes. Images are turned upright by what the camera recorded, alpha is dropped, and all \
      are grey if all files are. --size N makes them NxN, of the middle square with --crop, otherwise squeezed. \
      Decoded images are kept in FOLDER.cache.npz beside the folder, or in --cache DIR, and made again when files, \
      sizes, times or options change. Damaged files are named and left out, as long as they are no more than 1 % or ten, whichever is \
      more, and never more than half.

      Exit status: 64 an unknown name or a value out of range, on the command line or in a recipe; 65 a malformed file, a \
      damaged run, or data that do not suit; 66 a path that does not exist; 70 a fault of this program; 71 too little memory, \
      too few threads or open files; 73 output that exists or cannot be written; 130 interrupted.
      """,
    version: VAEZooVersion.text,
    subcommands: [
      ListCommand.self, DescribeCommand.self, TrainCommand.self, SweepCommand.self,
      ClassifierCommand.self, EvaluateCommand.self, MetricsCommand.self, ScoreCommand.self,
      SampleCommand.self, ReconstructCommand.self, ImputeCommand.self,
      EncodeCommand.self,
      DecodeCommand.self, ImportCommand.self, ExportCommand.self,
      InterpolateCommand.self, TraverseCommand.self, ReportCommand.self, CompareCommand.self,
      CheckCommand.self,
      BenchCommand.self, PluginCommand.self,
    ])

  static func main() {
    StandardStreams.occupy()
    // A limit of file sizes is then an error of writing, as a full disk is.
    signal(SIGXFSZ, SIG_IGN)
    var code = status {
      // Of an empty vector Linux makes one of an empty name, which nothing tells from a caller's own.
      guard !["", nil].contains(Invocation.arguments.first) || Invocation.arguments.count > 1 else {
        throw ValidationError(
          "the program was begun with an empty name and nothing after it, as Linux begins one that is given no arguments "
            + "at all; give it its name, and what it is to do")
      }
      try checkName()
      var command = try parseAsRoot(Array(Invocation.arguments.dropFirst()))
      try checkProcesses(of: command)
      try withMemoryErrors { try command.run() }
    }
    let outputCode = status { try Console.finishOutput() }
    if code == EXIT_SUCCESS { code = outputCode }
    Glibc.exit(code)
  }

  /// Refuses a command that there is not, whatever follows it, which the parser would take for options of this one.
  private static func checkName() throws {
    let words = Array(Invocation.arguments.dropFirst().prefix(2))
    guard let name = words.first == "help" ? words.dropFirst().first : words.first,
      !name.hasPrefix("-"), !name.isEmpty
    else { return }
    let known = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard !known.contains(name) else { return }
    let near = Suggestion.nearest(to: name, in: known).map { "; did you mean \($0)?" } ?? ""
    throw ValidationError("there is no command \(PlainText.quoted(name))\(near)")
  }

  /// Refuses what several processes would each do by themselves, over each other's files.
  private static func checkProcesses(of command: any ParsableCommand) throws {
    // A training opens plug-ins in processes of their own, which have its environment.
    let isEach = command is PluginCommand.OpenCommand || command is VAEZooCommand
    let divided = command as? any DividedCommand
    guard let launcher = MPILauncher(), !isEach, divided == nil || divided?.undivided != nil,
      let name = type(of: command).configuration.commandName, name != "help"
    else { return }
    // The first process speaks for all.
    guard launcher.isFirst else { throw ExitCode(ExitStatus.usage) }
    let started = "a launcher has started \(launcher.size) processes (\(launcher.variable))"
    guard let reason = divided?.undivided else {
      throw ValidationError(
        "\(started), and \(name) is done by one; only \(dividedNames) divide their work among several: leave the launcher "
          + "out"
      )
    }
    throw ValidationError("\(started), and \(reason)")
  }

  /// The commands that several processes divide, in words.
  private static var dividedNames: String {
    let names = configuration.subcommands.filter { $0 is any DividedCommand.Type }
      .compactMap { $0.configuration.commandName }
    return names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
  }

  /// Does something, and says what is thrown.
  ///
  /// - Returns: the exit status.
  private static func status(of body: () throws -> Void) -> Int32 {
    do {
      try body()
      return EXIT_SUCCESS
    } catch {
      if let status = ExitStatus(of: error) {
        Console.error("vae-zoo: \(status.message)")
        return status.code
      }
      // Help, a version or a completion script.
      let text = fullMessage(for: error)
      if !text.isEmpty { Console.print(text) }
      return exitCode(for: error).rawValue
    }
  }
}
