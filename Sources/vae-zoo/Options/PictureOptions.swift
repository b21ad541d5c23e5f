import ArgumentParser
import Messages
import Tensors
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
      "Pictures of any size: a PNG or JPEG file, or all in a folder; may be given more than once. For models whose "
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

  /// Refuses ways to prepare images of a source, since pictures are taken as they are.
  func check(_ images: ImageOptions) throws {
    guard !paths.isEmpty, !images.isEmpty else { return }
    throw ValidationError(
      "--size, --crop, --grey, --cache and --column belong to --data; pictures of --images are taken as they are"
    )
  }

  /// The files.
  func files() throws -> PictureFiles {
    let files = try PictureFiles(paths, decoder: PictureDecoder())
    for notice in files.notices { Console.error(text: notice) }
    return files
  }
}

extension PictureFiles {
  /// Takes the pictures one after the other, so that memory is that of the largest. One of several that cannot
  /// be taken is named at once and left out.
  ///
  /// - Parameter body: given a picture's number, what the model takes, and what to tell how far it is.
  /// - Returns: those that were left out.
  /// - Throws: what is wrong with the only picture, and what ends all work.
  func forEach(
    _ coder: PictureCoder,
    _ body: (_ index: Int, _ picture: Tensor, _ progress: PictureProgress) throws -> Void
  ) throws -> LeftOut {
    var leftOut = LeftOut(count: paths.count)
    let progress = PictureProgress(count: paths.count)
    for index in paths.indices {
      progress.begin(names[index])
      defer { progress.clear() }
      do {
        try body(index, coder.tensor(picture(index), name: paths[index]), progress)
      } catch  where paths.count > 1 && LeftOut.isOfOnePicture(error) {
        progress.clear()
        leftOut.add(error)
      }
    }
    return leftOut
  }

  /// Pictures that could not be taken.
  struct LeftOut {
    /// All pictures.
    let count: Int
    private(set) var number = 0
    /// Those that were taken.
    var takenCount: Int { count - number }

    init(count: Int) { self.count = count }

    /// Whether the next picture may fare better.
    static func isOfOnePicture(_ error: any Error) -> Bool {
      if let error = error as? FileError {
        return [.missing, .unreadable, .malformed].contains(error.kind)
      }
      return error is DataError
        || (error as? RecipeError)?.kind == .unsuitableData
    }

    mutating func add(_ error: any Error) {
      number += 1
      Console.error("left out: \(error)")
    }

    /// Ends a command that has left out pictures with an error, once the others are written.
    func check() throws {
      guard number > 0 else { return }
      throw RecipeError(
        .unsuitableData,
        "\(number) of \(count) pictures could not be taken, for the reasons above; mend them, or name the others alone"
      )
    }
  }
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

/// How pictures are computed.
struct PictureComputationOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Take pictures in tiles of this side where memory is short, as diffusers does: 512, say. What comes out is not "
        + "quite that of the whole picture. For models whose latents are a map.",
      valueName: "pixels"))
  var tile: Int?
  @Option(
    help: ArgumentHelp(
      "What products and convolutions multiply for pictures: float32 or bfloat16, which is quicker where the processor "
        + "has instructions for it, and rounds.", valueName: "type"))
  var precision = Precision.float32

  func validate() throws {
    if let tile, tile <= 0 { throw ValidationError("--tile must be above 0, not \(tile)") }
    guard precision.isSupported else { throw ValidationError("--precision: \(precision.refusal)") }
  }

  /// As the library takes it.
  var computation: PictureComputation { PictureComputation(tile: tile, precision: precision) }

  /// Whether nothing was asked for.
  var isUsual: Bool { computation == PictureComputation() }
}

/// Where pictures are written: one into a file, several into a folder, each into a file of its own.
struct PictureOutput {
  private let path: String
  private let isFile: Bool

  /// Checks the path for pictures of some names, which may come from a file that somebody sent.
  ///
  /// - Throws: `RecipeError` where there are several for one file, where a name is that of another
  ///   picture or of a file elsewhere, or where a picture would be written over one of the sources. Nothing is written
  ///   then.
  init(_ path: String, names: [String], sources: [String]) throws {
    self.path = path
    isFile = path.hasSuffix(".png")
    guard names.count == 1 || !isFile else {
      throw RecipeError(
        .invalid, "--out \(path) is one picture, but there are \(names.count); name a folder")
    }
    if let ending = Self.otherEndings.first(where: path.lowercased().hasSuffix) {
      throw RecipeError(
        .invalid,
        "--out \(path): pictures are not written as \(ending); end it in .png, or name a folder")
    }
    if !isFile { try Self.check(names) }
    for name in names {
      try OutputPath.check(isFile ? path : "\(path)/\(name).png", isNoneOf: sources)
    }
    if !isFile, try DurableFiles.kind(of: path) == nil { try DurableFiles.makeFolder(path) }
  }

  /// Endings of files that a folder would be mistaken for.
  private static let otherEndings = [
    ".jpg", ".jpeg", ".gif", ".apng", ".npy", ".npz", ".webp", ".bmp", ".tif", ".tiff",
    ".safetensors", ".csv", ".tsv",
  ]

  private static func check(_ names: [String]) throws(RecipeError) {
    var seen: Set<String> = []
    for name in names {
      // What the system takes for a name, with the ending.
      guard name.utf8.count + 4 <= 255 else {
        throw RecipeError(
          .unsuitableData,
          "\(PlainText.quoted(name)) is too long for the name of a file; give the picture or the tensor a shorter one, "
            + "or take it alone into a .png file")
      }
      guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0), !name.contains("/")
      else {
        throw RecipeError(
          .unsuitableData,
          "\(PlainText.quoted(name)) cannot be the name of a picture in a folder; decode it alone into a .png file, or "
            + "give the tensor a name without slashes")
      }
      guard seen.insert(name).inserted else {
        throw RecipeError(
          .unsuitableData,
          "two pictures would be written to \(PlainText.quoted(name)).png; give their files or tensors different names, or "
            + "take them one by one")
      }
    }
  }

  /// Writes a picture `[1, height, width, channels]` of values between 0 and 1.
  func write(_ picture: Tensor, name: String) throws {
    let shape = picture.shape
    let image = PixelImage(
      width: shape[2], height: shape[1], channels: shape[3], values: picture.floats)
    try image.writePNG(to: isFile ? path : "\(path)/\(name).png")
  }
}
