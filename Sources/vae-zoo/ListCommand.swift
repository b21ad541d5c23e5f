import ArgumentParser
import VAECore
import VAEZoo

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the variants with what they are and where they come from.")

  @OptionGroup var output: OutputOptions

  func run() throws {
    let entries = Registry.builtIn.entries
    if output.json {
      let items = entries.map { entry in
        JSON.object([
          "name": .text(entry.variant.name), "summary": .text(entry.variant.summary),
          "origin": .text(entry.origin),
        ])
      }
      Console.print(JSON.array(items).line)
    } else {
      Console.print(
        Console.table(entries.map { [$0.variant.name, $0.origin, $0.variant.summary] }))
    }
  }
}
