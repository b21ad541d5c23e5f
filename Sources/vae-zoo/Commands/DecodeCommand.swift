import ArgumentParser
import Messages
import VAECore
import VAEData
import VAEZoo

struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode",
    abstract: "Make images of given latents.",
    discussion: """
      The latents are an array of the form that `vae-zoo encode` writes. Writes the mean of p(x|z) for each row, or a \
      draw where the decoder is autoregressive: as a grid (.png), as an array (.npy), or one after the other (.gif, \
      .apng). A conditional model is told a condition for all rows by --condition.
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The latents: .npy.", valueName: "file")) var latents: String
  @Option(help: ArgumentHelp("The file to write: .png, .npy, .gif or .apng.", valueName: "file"))
  var out: String
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var told: ConditionOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func run() throws {
    try threads.apply()
    let output = try ImageOutput(out, allowing: [.png, .npy, .gif, .apng])
    let model = try plugins.model(path)
    let layers = try model.latents(from: NPYReader.tensor(latents), name: latents)
    let images = try model.decode(
      layers, seed: seed, condition: told.condition(for: model))
    try model.model.checkParts()
    try output.write(images, range: model.recipe.data?.range ?? .unit)
    Console.error("wrote \(Count.of(images.shape[0], "image")) to \(out)")
  }
}
