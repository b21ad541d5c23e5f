import ArgumentParser
import Messages
import VAEZoo

struct SampleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Draw images, or rows of a table, from a trained model's prior.",
    discussion: """
      Writes the mean of p(x|z) for each draw z, as a grid of images or as an array; with --draw a draw of p(x|z), which \
      has the likelihood's noise in it. A model of a table writes draws of p(x|z), rows like those that it was trained \
      on, as .csv, .tsv or .npy. A conditional model is told a \
      condition for all images by --condition; without it, one that is told a label takes the classes in turn: 0, 1, 2, ….

        vae-zoo sample run --condition label=3 --out threes.png
        vae-zoo sample run --count 4000 --out synthetic.csv
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(parsing: .unconditional, help: "The number of images or rows.") var count = 64
  @Option(
    help: ArgumentHelp(
      "The file to write: .png or .npy; of a table .csv, .tsv or .npy.", valueName: "file"))
  var out: String
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A factor for the prior's standard deviations.", valueName: "t"))
  var temperature: Float = 1
  @Flag(help: "Draw images from p(x|z), with its noise, in place of its means.") var draw = false
  @OptionGroup var told: ConditionOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if !(1...1_000_000).contains(count) {
      throw ValidationError("--count must be between 1 and 1000000, not \(count)")
    }
    if !(0...100).contains(temperature) {
      throw ValidationError("--temperature must be between 0 and 100, not \(temperature)")
    }
  }

  func run() throws {
    try threads.apply()
    let output = try ImageOutput(out, allowing: [.png, .npy, .csv, .tsv])
    try OutputPath.check(out, isNoneOf: [path])
    let model = try plugins.model(path, checkpoint)
    try output.check(model)
    guard temperature == 1 || model.model.prior.usesTemperature else {
      throw RecipeError(
        .invalid,
        "--temperature changes nothing in \(path), whose prior \(model.recipe.part(.prior).name) has no "
          + "deviations; leave it out")
    }
    let condition = try told.condition(for: model)
    let images = try model.madeSamples(
      count: count, seed: seed, temperature: temperature, drawing: draw, condition: condition)
    try model.model.checkParts()
    try output.write(images, of: model)
    if condition == nil, let space = model.model.condition {
      Console.error(
        "the model is told \(space.phrase): the samples take the classes in turn, \(space.name(0)), "
          + "\(space.name(1 % space.width)), …; choose one by --condition label=\(space.name(0))")
    }
    if output.format.isTable, images.labels == nil, let label = model.recipe.data?.labelColumn {
      Console.error(
        "\(out) has no column \(PlainText.quoted(label)), which had the labels of the data: the model is not told them; a "
          + "conditional variant, such as conditional-vae, is")
    }
    Console.error("wrote \(Count.of(count, "sample")) to \(out)")
  }
}
