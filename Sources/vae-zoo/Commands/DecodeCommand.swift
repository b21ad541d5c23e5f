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
  @Option(parsing: .unconditional, help: "The seed of all draws (default: 0).") var seed: Int?
  @OptionGroup var told: ConditionOptions
  @OptionGroup var computation: PictureComputationOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func run() throws {
    try threads.apply()
    try OutputPath.check(out, isNoneOf: [path, latents])
    let model = try plugins.model(path, checkpoint)
    if latents.hasSuffix(".safetensors") {
      let coder = try PictureCoder(model, computation.computation)
      return try decodePictures(MapLatents.read(latents, storage.storage, coder), coder)
    }
    let stored = try NPYReader.stored(latents)
    let array = stored.tensor
    if PictureCoder.takes(array, of: model.model) {
      let coder = try PictureCoder(model, computation.computation)
      return try decodePictures(
        MapLatents(stored, of: latents, storage.storage, coder), coder)
    }
    guard storage.storage == MapLatents.Storage() else {
      throw RecipeError(.invalid, "--scaled and --channels-first belong to latents that are maps")
    }
    guard computation.isUsual else {
      throw RecipeError(.invalid, "--tile and --precision belong to latents that are maps")
    }
    let output = try ImageOutput(out, allowing: [.png, .npy, .gif, .apng, .csv, .tsv])
    try output.check(model)
    let layers = try model.latents(from: array, name: latents)
    let images = try model.madeOfLatents(
      layers, seed: seed ?? 0, condition: told.condition(for: model), name: latents)
    try model.model.checkParts()
    try output.write(images, of: model)
    let kind = model.columns == nil ? "image" : "row"
    Console.error("wrote \(Count.of(images.shape[0], kind)) to \(out)")
  }

  private func decodePictures(_ found: MapLatents, _ coder: PictureCoder) throws {
    guard told.text == nil else {
      throw RecipeError(
        .invalid,
        "--condition is for models that are told one; latents of pictures say all of themselves")
    }
    guard seed == nil else {
      throw RecipeError(
        .invalid, "--seed is of draws, and pictures are made of latents without any; leave it out")
    }
    let progress = PictureProgress(count: found.entries.count)
    func picture(of entry: MapLatents.Entry) throws -> Tensor {
      progress.begin(entry.name)
      defer { progress.clear() }
      return try coder.decode(entry.latents, size: entry.size, name: entry.name) {
        try progress.proceed($0)
      }
    }
    if out.hasSuffix(".npy") {
      let images = try found.entries.map(picture)
      guard let first = images.first, images.allSatisfy({ $0.shape == first.shape }) else {
        throw RecipeError(
          .unsuitableData,
          "pictures of different sizes are not one array; name a folder for them with --out")
      }
      try DurableFiles.replace(
        out, with: NPYWriter.bytes(withoutTape { Tensor.concatenated(images, axis: 0) }))
    } else {
      let output = try PictureOutput(
        out, names: found.entries.map(\.name), sources: [path, latents])
      for entry in found.entries {
        try output.write(picture(of: entry), name: entry.name)
      }
    }
    Console.error("wrote \(Count.of(found.entries.count, "picture")) to \(out)")
  }
}
