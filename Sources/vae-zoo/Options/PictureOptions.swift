import ArgumentParser
import VAECore
import VAEData
import VAEFiles
import VAEImages
import VAEZoo

/// Pictures of any size in place of a data source.
struct PictureOptions: ParsableArguments {
  @Option(
    name: .customLong("images"), parsing: .singleValue,
    help: ArgumentHelp(
      "Pictures of any size: a PNG or JPEG file, or a folder of them; may be given more than once. For models whose "
        + "latents are a map.", valueName: "path"))
  var paths: [String] = []

  /// Refuses what is named twice or not at all.
  func check(data: String?) throws {
    guard (data == nil) != paths.isEmpty else {
      throw ValidationError(
        data == nil
          ? "give --data SOURCE, or --images PATH for pictures of any size"
          : "--data and --images are two ways to say what is taken; give one of them")
    }
  }

  /// The files.
  func files() throws -> PictureFiles { try PictureFiles(paths, decoder: PictureDecoder()) }
}

/// How latents of pictures are stored.
struct LatentStorageOptions: ParsableArguments {
  @Flag(
    help:
      "Latents as a diffusion model takes them, (z - shift_factor) * scaling_factor of the recipe's prior."
  )
  var scaled = false
  @Flag(help: "Latents with channels before rows and columns, as PyTorch has them.")
  var channelsFirst = false

  var storage: MapLatents.Storage {
    var storage = MapLatents.Storage()
    storage.isScaled = scaled
    storage.isChannelsFirst = channelsFirst
    return storage
  }
}

/// Where pictures are written: one into a file, several into a folder.
struct PictureOutput {
  private let path: String
  private let isFile: Bool

  /// Checks the path for a number of pictures.
  init(_ path: String, count: Int) throws {
    self.path = path
    isFile = path.hasSuffix(".png")
    guard count == 1 || !isFile else {
      throw RecipeError(
        .invalid, "--out \(path) is one picture, but there are \(count); name a folder")
    }
    if !isFile, try DurableFiles.kind(of: path) == nil { try DurableFiles.makeFolder(path) }
  }

  /// Writes a picture `[1, height, width, channels]` of values between 0 and 1.
  func write(_ picture: Tensor, name: String) throws {
    let shape = picture.shape
    let image = PixelImage(
      width: shape[2], height: shape[1], channels: shape[3], values: picture.floats)
    try image.writePNG(to: isFile ? path : "\(path)/\(name).png")
  }
}
