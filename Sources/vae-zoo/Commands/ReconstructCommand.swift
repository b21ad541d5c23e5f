import ArgumentParser
import Messages
import VAECore
import VAEZoo

struct ReconstructCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconstruct",
    abstract: "Show images of a split above what the model makes of them.",
    discussion: "The seed chooses the images and draws their latents.")

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String
  @Option(help: ArgumentHelp("The file to write: .png.", valueName: "file")) var out: String
  @Option(help: "The split: train, valid or test.") var split = "test"
  @Option(parsing: .unconditional, help: "The number of images.") var count = 20
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var images: ImageOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    try SplitName.check(split)
    if !(1...10_000).contains(count) {
      throw ValidationError("--count must be between 1 and 10000, not \(count)")
    }
  }

  func run() throws {
    try threads.apply()
    let output = try ImageOutput(out, allowing: [.png])
    let model = try plugins.model(path)
    let split = try images.open(data, for: model).split(named: split)
    let (originals, reconstructions) = model.reconstruct(split, count: count, seed: seed)
    try model.model.checkParts()
    try split.checkExamples()
    try output.write(
      originals: originals, reconstructions: reconstructions,
      range: model.recipe.data?.range ?? .unit)
    let count = Count.of(originals.shape[0], "image")
    Console.error("wrote \(count) and what the model makes of them to \(out)")
  }
}
