import ArgumentParser
import Messages
import VAECore
import VAEFiles
import VAEZoo

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Make a model of weights that another program has stored.",
    discussion: """
      Reads a .safetensors file, or a folder of them with config.json where there is one: TAESD with its raw names \
      (encoder and decoder in one folder) or as diffusers' AutoencoderTiny, and the autoencoder of Stable Diffusion or \
      FLUX.1 (AutoencoderKL) or of VQGAN (VQModel), in diffusers' folder or under latent diffusion's own names. The recipe follows from the tensors and from \
      config.json. Tensors that are missing, left over or misshapen are named, and nothing is written then. Files of 16 \
      bits become 32. Pickles (.pth, .ckpt, .bin) are never read, for they can run any code.

      Writes an exported model, which every command takes as RUN, and from whose weights `vae-zoo train` can begin \
      (--from-weights).

        vae-zoo import taef2 --list
        vae-zoo import taef2 --out taef2.safetensors
        vae-zoo encode taef2.safetensors --images photo.png --out latents.npy
      """)

  @Argument(help: ArgumentHelp("A .safetensors file, or a folder of them.", valueName: "path"))
  var path: String
  @Option(help: ArgumentHelp("The model to write: .safetensors.", valueName: "file"))
  var out: String?
  @Flag(help: "Show what is in the files, and write nothing.") var list = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The side of the images of the recipe, in pixels (default: what the files say, or 256). Pictures given by --images may "
        + "have any size.", valueName: "n"))
  var size: Int?
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "A setting of the recipe; may be given more than once.", valueName: "key=value"))
  var settings: [String] = []
  @OptionGroup var output: OutputOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard list != (out != nil) else {
      throw ValidationError(
        list ? "--list writes nothing; leave out --out" : "give --out FILE, or --list to look only")
    }
    if list, size != nil || !settings.isEmpty {
      throw ValidationError("--size and --set belong to --out; --list shows what is in the files")
    }
    if let out, !out.hasSuffix(".safetensors") {
      throw ValidationError("--out \(out) must end in .safetensors")
    }
    try settings.checkSettings()
    if let size, !(1...32768).contains(size) {
      throw ValidationError("--size must be between 1 and 32768, not \(size)")
    }
  }

  func run() throws {
    try threads.apply()
    let weights = try ForeignWeights.open(path, proceed: Interrupt.proceed)
    guard let out else { return show(weights) }
    if let source = weights.files.map(\.path).first(where: { DurableFiles.isSame($0, out) }) {
      throw RecipeError(
        .invalid, "--out \(out) would replace \(source), which is imported; name another file")
    }
    let found = try WeightImport(
      weights, size: size, settings: settings.asSettings, registry: plugins.registry())
    for notice in found.notices { Console.error(notice) }
    try found.model.save(to: out)
    if output.json {
      Console.print(
        .object([
          "title": .text(found.title), "variant": .text(found.model.recipe.variant),
          "tensors": .integer(found.tensorCount),
          "parameters": .integer(found.model.model.parameterCount), "out": .text(out),
        ]))
    }
    Console.error(
      "wrote \(found.title) (\(found.model.recipe.variant), "
        + "\(Count.of(found.model.model.parameterCount, "parameter")), "
        + "\(Count.of(found.tensorCount, "tensor")) of \(path)) to \(out)")
  }

  private func show(_ weights: ForeignWeights) {
    for file in weights.files {
      if output.json {
        for entry in file.entries {
          Console.print(
            .object([
              "file": .text(file.path), "name": .text(entry.name),
              "type": .text(entry.type.rawValue),
              "shape": .array(entry.shape.map(JSON.integer)),
            ]))
        }
      } else {
        Console.print(
          Console.table(
            file.entries.map { entry in
              [
                PlainText.line(entry.name), entry.type.rawValue,
                entry.shape.map(String.init).joined(separator: "×"),
              ]
            }))
        Console.error("\(Count.of(file.entries.count, "tensor")) in \(file.path)")
      }
    }
  }
}
