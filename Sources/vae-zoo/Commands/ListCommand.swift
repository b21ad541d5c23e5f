import ArgumentParser
import VAECore
import VAEZoo

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the variants with what they are and where they come from.")

  @OptionGroup var plugins: PluginOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let registry = try plugins.registry()
    if output.json {
      Console.print(registry.variantsJSON)
    } else {
      Console.print(
        Console.table(registry.entries.map { [$0.variant.name, $0.origin, $0.variant.summary] }))
    }
  }
}
