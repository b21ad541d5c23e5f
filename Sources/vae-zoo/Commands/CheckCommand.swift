import ArgumentParser
import Messages
import VAETraining
import VAEZoo

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Look whether a run or a file is as it was written.",
    discussion: """
      Of a run folder every file is read: recipe, checkpoints, metrics, records and the exported model. A file may be a \
      model or other safetensors file, .npz or .npy arrays, or a recipe. Each is sound (form and checksums fit), \
      unchecked (the form fits; its kind, or the version that wrote it, has no checksums) or damaged. Checksums find \
      damage by disks and copies; they are no protection from people, who can compute them anew.

      Exit status: 65 where something is damaged.
      """)

  @Argument(help: ArgumentHelp("A run folder or a file.", valueName: "run|file")) var path: String
  @OptionGroup var output: OutputOptions

  func run() throws {
    let report = try StoredFiles.check(path)
    if output.json {
      Console.print(report.json.line)
    } else {
      let rows = report.files.map { file in
        [file.state == .damaged ? "DAMAGED" : file.state.rawValue, file.path]
          + (file.fault.map { [$0] } ?? [])
      }
      Console.print(Console.table(rows))
    }
    let unchecked = report.count(.unchecked)
    if unchecked > 0 {
      Console.error(
        "\(Count.of(unchecked, "file")) without checksums, of which only the form was checked")
    }
    guard report.isSound else {
      Console.error(
        "vae-zoo: \(Count.of(report.count(.damaged), "file")) of \(path) damaged; restore what is damaged from a copy"
      )
      throw ExitCode(ExitStatus.data)
    }
  }
}
