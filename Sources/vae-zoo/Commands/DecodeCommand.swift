import ArgumentParser
import Messages
import Tensors
import VAECore
import VAEData
import VAEFiles
import VAEZoo

struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode",
    abstract: "Make images of given latents.",
    discussion: """
      The latents are an array of the form that `vae-zoo encode` writes. Writes the mean of p(x|z) for each row, or a \
      draw where the decoder is autoregressive: as a grid (.png), as an array (.npy), or one after the other (.gif, \
      .apng). A conditional model is told a condition for all rows by --condition.

      Models whose latents are a map decode maps of any size, [N, height, width, channels], to pictures as they are \
      (.png), several into a folder: floats, bytes, or a .safetensors file with a tensor for each picture.

        vae-zoo decode taef2.safetensors --latents latents.npy --out photo.png
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(
    help: ArgumentHelp("The latents: .npy, or of pictures also .safetensors.", valueName: "file"))
  var latents: String
  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .npy, .gif or .apng; of a table .csv, .tsv or .npy; for several pictures a folder.",
      valueName: "file"))
  var out: String
  @OptionGroup var storage: LatentStorageOptions
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var told: ConditionOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func run() throws {
    try threads.apply()
    let model = try plugins.model(path)
    if model.model.prior.latents.map != nil, try areMaps() { return try decodePictures(model) }
    guard storage.storage == MapLatents.Storage() else {
      throw RecipeError(.invalid, "--scaled and --channels-first belong to latents that are maps")
    }
    let output = try ImageOutput(out, allowing: [.png, .npy, .gif, .apng, .csv, .tsv])
    try output.check(model)
    let layers = try model.latents(from: NPYReader.tensor(latents), name: latents)
    let images = try model.decode(
      layers, seed: seed, condition: told.condition(for: model))
    try model.model.checkParts()
    guard images.isFinite else {
      throw RecipeError(
        .unsuitableData,
        "\(latents): the images of these latents have numbers beyond those that 32-bit floats have")
    }
    try output.write(images, of: model)
    Console.error("wrote \(Count.of(images.shape[0], "image")) to \(out)")
  }

  /// Whether the latents keep their places: a file of named tensors, or an array of four axes.
  private func areMaps() throws -> Bool {
    try latents.hasSuffix(".safetensors") || NPYReader.tensor(latents).rank == 4
  }

  private func picture(
    of entry: MapLatents.Entry, _ coder: PictureCoder, _ model: TrainedModel
  ) throws -> Tensor {
    try coder.checkMemory(of: entry.latents)
    let picture = coder.decode(entry.latents, size: entry.size)
    try model.model.checkParts()
    try coder.checkFinite(picture, name: entry.name)
    return picture
  }

  private func decodePictures(_ model: TrainedModel) throws {
    let coder = try PictureCoder(model)
    let found = try MapLatents.read(latents, storage.storage, coder)
    if out.hasSuffix(".npy") {
      let images = try found.entries.map { entry in
        try Interrupt.proceed()
        return try picture(of: entry, coder, model)
      }
      guard let first = images.first, images.allSatisfy({ $0.shape == first.shape }) else {
        throw RecipeError(
          .unsuitableData,
          "pictures of different sizes are not one array; name a folder for them with --out")
      }
      try model.model.checkParts()
      try DurableFiles.replace(
        out, with: NPYWriter.bytes(withoutTape { Tensor.concatenated(images, axis: 0) }))
    } else {
      let output = try PictureOutput(out, names: found.entries.map(\.name))
      for entry in found.entries {
        try Interrupt.proceed()
        try output.write(picture(of: entry, coder, model), name: entry.name)
      }
    }
    Console.error("wrote \(Count.of(found.entries.count, "picture")) to \(out)")
  }
}
