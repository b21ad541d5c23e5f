import ArgumentParser
import Glibc
import Messages
import VAEFiles
import VAEPluginCheck
import VAEPluginHost
import VAEZoo

struct PluginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin", abstract: "Work with plug-ins.",
    subcommands: [CheckCommand.self, OpenCommand.self])

  /// What `PluginExamination` runs in a process of its own.
  struct OpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "open", abstract: "Load a plug-in and end.", shouldDisplay: false)

    @Argument var path: String

    func run() {
      // A plug-in that is refused is refused again, with its reason, by the process that asked.
      _ = try? Plugin.load(path)
      _ = write(ChildProcess.reportDescriptor, PluginExamination.ended, 2)
    }
  }

  struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check",
      abstract: "Check that a plug-in keeps the rules.",
      discussion: """
        The trial runs in a process of its own, so that a crash or an endless loop of the plug-in is reported and ends \
        nothing else. It looks at the entry and its descriptions; creation with the defaults and at both ends of every hyper-parameter; a few steps of training, \
        twice, with the same result; gradients of custom operations against finite differences; evaluation, \
        reconstructions and samples that are finite; memory that is given back.
        """)

    @Argument(help: ArgumentHelp("A plug-in.", valueName: "file")) var path: String
    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Seconds after which a step counts as hanging.", valueName: "s"))
    var timeLimit = 60
    @Option(help: .hidden) var reportTo: Int32?
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
      if !(1...86_400).contains(timeLimit) {
        throw ValidationError("--time-limit must be between 1 and 86400, not \(timeLimit)")
      }
    }

    func run() throws {
      try threads.apply()
      if let reportTo {
        try runHere(reportingTo: reportTo)
      } else {
        try runApart()
      }
    }

    /// The check itself, in the process that a plug-in may take with it.
    private func runHere(reportingTo descriptor: Int32) throws {
      let isFine = PluginCheck(path) { event in
        let line =
          switch event {
          case .began(let step): "b\(step)"
          case .passed: "p"
          case .noted(let note): "p\(note.onCommandLine)"
          case .failed(let reason): "f\(reason.onCommandLine)"
          }
        let bytes = Array((line.split(separator: "\n").joined(separator: " ") + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      }.run()
      // A plug-in that ends the process in the middle must not look like one that has passed.
      _ = write(descriptor, "e\n", 2)
      if !isFine { throw ExitCode(ExitStatus.data) }
    }

    private func runApart() throws {
      guard access(path.systemPath, R_OK) == 0 else {
        throw PluginError(
          .missing, "there is no plug-in \(path): \(String(cString: strerror(errno)))")
      }
      var arguments = [
        "vae-zoo", "plugin", "check", path, "--report-to", "\(ChildProcess.reportDescriptor)",
      ]
      if let threads = threads.threads { arguments += ["--threads", "\(threads)"] }
      let child = try ChildProcess(arguments)
      var step = "it started"
      var failures = 0
      var isComplete = false
      let ending = child.wait(secondsALine: timeLimit) { line in
        let text = String(line.dropFirst())
        switch line.first {
        case "b": step = text
        case "e": isComplete = true
        case "p": Console.print("ok      \(step)\(text.isEmpty ? "" : " (\(text))")")
        default:
          failures += 1
          Console.print("FAILED  \(step): \(text)")
        }
      }
      switch ending {
      case .exited(let status) where status == 0 && failures == 0 && isComplete:
        Console.print("\(path) keeps the rules")
        return
      case .exited(let status) where status == ExitStatus.data && failures > 0: break
      case .exited(let status):
        failures += 1
        Console.print("FAILED  \(step): the process ended with status \(status)")
      case .signalled(let signal):
        failures += 1
        Console.print("FAILED  \(step): it crashed with \(ChildProcess.name(of: signal))")
      case .overTime:
        failures += 1
        Console.print("FAILED  \(step): it did not end within \(timeLimit) seconds")
      }
      Console.error("vae-zoo: \(path) breaks \(Count.of(failures, "rule"))")
      throw ExitCode(ExitStatus.data)
    }
  }
}
