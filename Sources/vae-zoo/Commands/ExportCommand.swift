import ArgumentParser
import Messages
import VAEFiles
import VAEZoo

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a model's weights as another program reads them.",
    discussion: """
      The inverse of `vae-zoo import`, by the same names: diffusers, a folder with config.json and \
      diffusion_pytorch_model.safetensors, of autoencoder-kl, autoencoder-tiny and vq-model; ldm, one .safetensors file with \
      latent diffusion's names, of autoencoder-kl and vq-model; taesd, a folder with a file for each half, of \
      autoencoder-tiny. Numbers are those of the model, 32-bit floats. What these programs do not have, such as the likelihood's variance, is left out.

        vae-zoo export tuned --format diffusers --out vae
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("diffusers, ldm or taesd.", valueName: "form")) var format: String
  @Option(
    help: ArgumentHelp(
      "The folder to write, which may be there; for ldm the file: .safetensors.", valueName: "path")
  )
  var out: String
  @OptionGroup var output: OutputOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func run() throws {
    try threads.apply()
    let model = try plugins.model(path, checkpoint)
    let files = try WeightExport(model, form: format, registry: plugins.registry())
    try files.write(to: out)
    for notice in files.notices { Console.error("\(notice)") }
    if output.json {
      Console.print(
        .object([
          "title": .text(files.title), "format": .text(format),
          "tensors": .integer(files.tensorCount), "left_out": .array(files.left.map(JSON.text)),
          "out": .text(out),
        ]))
    }
    Console.error(
      "wrote \(files.title) (\(Count.of(files.tensorCount, "tensor"))) to \(out), without \(Count.of(files.left.count, "tensor")) of \(path) that \(format) does not have"
    )
  }
}
