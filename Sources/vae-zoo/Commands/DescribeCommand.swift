import ArgumentParser
import Tensors
import VAECore
import VAEFiles
import VAEZoo

struct DescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Show a variant's hyper-parameters: type, default, range, help.",
    discussion: """
      The names are what train --set takes; with --set they are those of the parts that it chooses. What the data would \
      choose, as the likelihood, has to be named:

        vae-zoo describe gaussian-vae --set prior.name=vampprior
        vae-zoo describe gaussian-vae --set likelihood=gaussian --set sigma=0.5

      --recipe prints the full recipe as JSON, to be edited and given to train --recipe. --shapes shows the layers of the model, what each gives for one example and how many \
      numbers it trains, without making any of its weights:

        vae-zoo describe gaussian-vae --shapes --data mnist --set architecture=conv

      --memory shows what a picture of a size will take on its way through a model that takes pictures of any size:

        vae-zoo describe taef2.safetensors --memory 1024x768
        vae-zoo describe taef2.safetensors --memory 8192x8192 --tile 512
      """)

  @Argument(
    help:
      "A variant that `vae-zoo list` shows, the file of a recipe, a run folder or the file of a model."
  )
  var variant: String
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var output: OutputOptions
  @Flag(help: "Print the full recipe as JSON.") var recipe = false
  @Flag(
    help: "Show the layers of the model with the shapes of what they give and of their weights.")
  var shapes = false
  @Option(
    help: ArgumentHelp(
      "Show what memory a picture of this height and width takes, in models whose latents are a map.",
      valueName: "HxW"))
  var memory: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --memory: for tiles of this side, as encode, decode and reconstruct take pictures by --tile.",
      valueName: "pixels"))
  var tile: Int?
  @Option(
    help: ArgumentHelp(
      "With --shapes: the data that the model is for (default: those of the recipe, or binary images of 32×32 pixels).",
      valueName: "source"))
  var data: String?
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "A hyper-parameter, or a part by its name; may be given more than once.",
      valueName: "key=value"))
  var settings: [String] = []
  @OptionGroup var images: ImageOptions
  @OptionGroup var limits: LimitOptions

  func validate() throws {
    if recipe && output.json { throw ValidationError("choose one of --json and --recipe") }
    if recipe && shapes { throw ValidationError("choose one of --shapes and --recipe") }
    if memory != nil, recipe || shapes {
      throw ValidationError("choose one of --memory, --shapes and --recipe")
    }
    if tile != nil, memory == nil { throw ValidationError("--tile belongs to --memory") }
    if let memory, pictureSize == nil {
      throw ValidationError(
        "--memory must be a height and a width from 1 to 1048576, such as 512x768, not \(memory)")
    }
    if !shapes && data != nil { throw ValidationError("--data goes with --shapes") }
    if data == nil && !images.isEmpty {
      throw ValidationError("--size, --crop, --grey, --cache and --column go with --data")
    }
    try settings.checkSettings()
  }

  func run() throws {
    let registry = try plugins.registry()
    var recipe = try given(registry)
    // Shapes settle the settings together with the data.
    if !shapes { try registry.apply(settings.asSettings, to: &recipe) }
    let variant = try registry.variant(recipe.variant)
    if let (height, width) = pictureSize {
      let memory = try PictureMemory(
        of: recipe, height: height, width: width, tile: tile, registry: registry)
      if output.json { Console.print(memory.json) } else { Console.print(text(memory)) }
      return
    }
    if shapes {
      let shapes = try shapes(of: recipe, registry)
      if output.json { Console.print(shapes.json) } else { Console.print(table(of: shapes)) }
      return
    }
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

  /// The sides that `--memory` names; nil where they are none.
  private var pictureSize: (height: Int, width: Int)? {
    let sides = (memory ?? "").split(separator: "x", omittingEmptySubsequences: false).map {
      Int($0) ?? 0
    }
    guard sides.count == 2, sides.allSatisfy({ (1...1 << 20).contains($0) }) else { return nil }
    return (sides[0], sides[1])
  }

  private func text(_ memory: PictureMemory) -> String {
    func amount(_ bytes: Int) -> String { MemoryError.amount(Double(bytes)) }
    return
      "A picture of \(memory.height)×\(memory.width)\(memory.tile.map { " in tiles of \($0)×\($0)" } ?? "") takes about \(amount(memory.total)): \(amount(memory.weights)) for the weights, and "
      + "\(amount(memory.encoding)) while it is encoded or \(amount(memory.decoding)) while it is decoded; opening the model takes "
      + "\(amount(memory.opening)) for a moment. "
      + "\(amount(Memory.available)) are there."
  }

  /// The recipe of the variant, the one in the file, or that of the run or model.
  private func given(_ registry: Registry) throws -> Recipe {
    let isVariant = registry.entries.contains { $0.variant.name == variant }
    guard !isVariant, DurableFiles.exists(variant) else { return try registry.recipe(for: variant) }
    let isModel = variant.hasSuffix(".safetensors")
    if try isModel || DurableFiles.kind(of: variant) == .folder {
      return try TrainedModel.recipe(of: variant, registry: registry)
    }
    return try registry.recipe(
      parsing: DurableFiles.read(variant, limit: .text, proceed: Interrupt.proceed), source: variant
    )
  }

  private func shapes(of recipe: Recipe, _ registry: Registry) throws -> ModelShapes {
    guard let data else {
      let settled = try registry.settled(recipe, settings.asSettings) { StandInData($0) }.recipe
      return try registry.shapes(of: settled)
    }
    Interrupt.install()
    let columns = try images.columnTypes
    return try images.withOptions { images in
      let settled = try registry.settled(recipe, settings.asSettings) { known in
        try DataSource.open(
          data, rule: known?.rule, preparation: known?.preparation, images: images,
          table: TableOptions(types: columns, for: known),
          isCancelled: Interrupt.isAskedFor)
      }.recipe
      return try registry.shapes(of: settled)
    }
  }

  private func table(of shapes: ModelShapes) -> String {
    let rows = shapes.layers.map { layer in
      [
        "  " + layer.path, layer.output.map { "\($0)" } ?? "not known",
        layer.weights.map { "\($0.name) \($0.shape)" }.joined(separator: ", "),
        "\(layer.parameterCount)",
      ]
    }
    let header = ["  layer", "output", "weights", "parameters"]
    return
      "An example is \(shapes.input), a decoder starts from \(shapes.latents), the likelihood takes "
      + "\(shapes.output).\n" + Console.table([header] + rows)
      + "\nParameters: \(shapes.parameterCount)"
  }

  private func text(_ description: VariantDescription) -> String {
    func paragraph(_ text: String) -> String { Console.wrapped(text, indent: 2) + "\n" }
    var text =
      paragraph("\(description.variant.name): \(description.variant.summary)")
      + paragraph(description.variant.reference)
    for section in description.sections {
      text += "\n" + paragraph(section.title)
      text +=
        section.hyperparameters.isEmpty
        ? "  no hyper-parameters\n"
        : items(
          of: section, areDefaults: settings.isEmpty && description.variant.name == variant)
      if !section.alternatives.isEmpty {
        let others = section.alternatives.joined(separator: ", ")
        text +=
          Console.wrapped(
            "--set \(section.switchName)= chooses another: \(others)", indent: 6, first: 2)
          + "\n"
      }
    }
    for stage in description.furtherStages {
      text +=
        "\n" + paragraph("Further stage: train --stage \(stage.name) --from RUN, \(stage.summary)")
    }
    let metrics = "Metrics: \(description.metrics.joined(separator: ", "))"
    text += "\n" + paragraph(description.obstacle.map { "Note: \($0.onCommandLine)" } ?? metrics)
    return text + "\n"
      + Console.wrapped(
        "Short names: \(shortNames(description).joined(separator: ", "))", indent: 2)
  }

  /// The hyper-parameters of a part: name, type and default, or the value where settings choose some, below each what it does and the values that it takes.
  private func items(of section: VariantDescription.Section, areDefaults: Bool) -> String {
    let rows = section.hyperparameters.map { item in
      ["  " + item.name, item.declaration.typeName, item.value.description]
    }
    let lines = Console.table([["  name", "type", areDefaults ? "default" : "value"]] + rows)
      .split(separator: "\n")
    var text = "\(lines[0])\n"
    for (line, item) in zip(lines.dropFirst(), section.hyperparameters) {
      let help = "\(item.declaration.help); \(item.declaration.rangeText)"
      // A long default goes on below.
      text += line.count > 80 ? Console.wrapped(String(line), indent: 6, first: 2) : String(line)
      text += "\n" + Console.wrapped(help, indent: 6, first: 6) + "\n"
    }
    return text
  }

  /// What each short name stands for, such as "hidden = encoder.hidden + decoder.hidden".
  private func shortNames(_ description: VariantDescription) -> [String] {
    [
      "architecture (\(description.architectures.joined(separator: ", ")))",
      "likelihood = likelihood.name",
    ]
      + zip(description.shorthands, description.shorthandPaths).filter { !$1.isEmpty }.map {
        "\($0) = \($1.joined(separator: " + "))"
      }
  }
}
