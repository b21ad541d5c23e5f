import ArgumentParser
import Messages
import VAETraining
import VAEZoo

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check that a run or a file is as it was written, and can be used.",
    discussion: """
      Every file of a run folder is read: recipe, checkpoints, metrics, records and the exported model. A file may be a \
      model or other safetensors file, .npz or .npy arrays, or a recipe. Each is sound, unchecked (the form is right; its \
      kind, or the version that wrote it, has no checksums, or its recipe needs a plug-in that is not loaded), damaged, \
      or unusable: as it was written, but with weights that are NaN or infinite, with a recipe of which no model can be \
      made, or with other weights than that model has. The model is made for this check, and not trained. Checksums find \
      damage by disks and copies; they are no protection from people, who can compute them again.

      Exit status: 65 where something is damaged or unusable.
      """)

  @Argument(help: ArgumentHelp("A run folder or a file.", valueName: "run|file")) var path: String
  @OptionGroup var output: OutputOptions
  @OptionGroup var plugins: PluginOptions

  private func isBad(_ file: CheckedFile) -> Bool {
    switch file.state {
    case .sound, .unchecked: false
    case .damaged, .unusable: true
    }
  }

  func run() throws {
    let report = try StoredFiles.check(path, registry: plugins.registry())
    if output.json {
      Console.print(report.json)
    } else {
      let rows = report.files.map { file in
        [isBad(file) ? file.state.rawValue.uppercased() : file.state.rawValue, file.path]
          + (file.fault.map { [$0.onCommandLine] } ?? [])
      }
      Console.print(Console.table(rows))
    }
    let unchecked = report.files.count { $0.state == .unchecked && $0.fault == nil }
    if unchecked > 0 {
      Console.error(
        "\(Count.of(unchecked, "file")) without checksums, of which only the form was checked")
    }
    let (damaged, unusable) = (report.count(.damaged), report.count(.unusable))
    if damaged > 0 {
      Console.error(
        "vae-zoo: \(Count.of(damaged, "file")) of \(path) damaged; restore what is damaged from a copy"
      )
    }
    if unusable > 0 {
      Console.error(
        "vae-zoo: \(Count.of(unusable, "file")) of \(path) unusable, though as it was written; see above"
      )
    }
    guard report.isSound else { throw ExitCode(ExitStatus.data) }
  }
}
