import ArgumentParser
import VAECore
import VAEFiles
import VAEZoo

struct DescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Show a variant's hyper-parameters: type, default, range, help.",
    discussion: """
      The names are what train --set takes. --recipe prints the full recipe as JSON, to be edited and given to \
      train --recipe.
      """)

  @Argument(help: "A variant that `vae-zoo list` shows.") var variant: String
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var output: OutputOptions
  @Flag(help: "Print the full recipe as JSON.") var recipe = false

  func validate() throws {
    if recipe && output.json { throw ValidationError("choose one of --json and --recipe") }
  }

  func run() throws {
    let registry = try plugins.registry()
    let recipe = try registry.recipe(for: variant)
    let variant = try registry.variant(variant)
    if self.recipe {
      Console.print(document: recipe.json)
      return
    }
    let description = try VariantDescription(variant, recipe: recipe, registry: registry)
    if output.json {
      Console.print(description.json)
    } else {
      Console.print(text(description))
    }
  }

  private func text(_ description: VariantDescription) -> String {
    var text =
      "\(description.variant.name): \(description.variant.summary)\n\(description.variant.reference)\n"
    for section in description.sections {
      text += "\n\(section.title)\n"
      let rows = section.hyperparameters.map { item in
        [
          "  " + item.name, item.declaration.typeName, item.value.description,
          item.declaration.rangeText, item.declaration.help,
        ]
      }
      let header = ["  name", "type", "default", "range", "help"]
      text += rows.isEmpty ? "  no hyper-parameters\n" : Console.table([header] + rows) + "\n"
      if !section.alternatives.isEmpty {
        text +=
          "  --set \(section.switchName)=\(section.alternatives.joined(separator: "|")) chooses another\n"
      }
    }
    for stage in description.furtherStages {
      text += "\nFurther stage: train --stage \(stage.name) --from RUN, \(stage.summary)\n"
    }
    text += "\nMetrics: \(description.metrics.joined(separator: ", "))\n"
    return text + "\nShort names: " + shortNames(description).joined(separator: ", ")
  }

  /// What each short name stands for, such as "hidden = encoder.hidden + decoder.hidden".
  private func shortNames(_ description: VariantDescription) -> [String] {
    [
      "architecture (\(description.architectures.joined(separator: ", ")))",
      "likelihood = likelihood.name",
    ]
      + description.shortNames.filter { !$0.paths.isEmpty }.map {
        "\($0.name) = \($0.paths.joined(separator: " + "))"
      }
  }
}
