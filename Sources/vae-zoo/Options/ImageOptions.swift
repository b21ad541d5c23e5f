import ArgumentParser
import Tensors
import VAEData
import VAEImages
import VAEZoo

/// How data are prepared, images and tables, which every command with `--data` takes.
struct ImageOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Bring images of a folder, or CIFAR's, to NxN pixels (default: as they are, or as the run was made).",
      valueName: "n"))
  var size: Int?
  @Flag(help: "Crop each image to its central square before resizing.") var crop = false
  @Flag(help: "Convert the images to grey.") var grey = false
  @Option(
    help: ArgumentHelp(
      "Keep the decoded images of a folder here (default: beside it).", valueName: "folder"))
  var cache: String?
  @Option(
    name: .customLong("column"), parsing: .singleValue,
    help: ArgumentHelp(
      "What a column of a table is, or what several are, as in a,b=count or '*=real': real, positive, count, yes-no, category, "
        + "ignore, or label, which a conditional variant is told (default: found out, or as the run has it); may be given more "
        + "than once. The columns of an .npy array [N, columns] are called 0, 1, ….",
      valueName: "name=type"))
  var columns: [String] = []

  /// What is said of columns, by their names.
  var columnTypes: [String: TableColumnType] {
    get throws { try TableOptions(parsing: columns).types }
  }

  func validate() throws {
    if let size, !ImagePreparation.sizes.contains(size) {
      throw ValidationError(
        "--size must be between \(ImagePreparation.sizes.lowerBound) and "
          + "\(ImagePreparation.sizes.upperBound), not \(size)")
    }
  }

  /// Whether none of them was given.
  var isEmpty: Bool { preparation == nil && cache == nil && columns.isEmpty }

  private var preparation: ImagePreparation? {
    size == nil && !crop && !grey
      ? nil : ImagePreparation(size: size, crops: crop, isGrey: grey)
  }

  /// Calls a closure that opens data, with a bar while images are decoded.
  func withOptions<Result>(_ body: (ImageFolderOptions) throws -> Result) rethrows -> Result {
    let bar = Lock(ProgressBar())
    defer { bar.withLock { $0.clear() } }
    let options = ImageFolderOptions(
      decoder: PictureDecoder(), preparation: preparation, cache: cache
    ) { done, total in
      bar.withLock {
        $0.show(
          Double(done) / Double(total), since: 0, work: done, unit: "image", text: "decoding")
      }
      return !Interrupt.token.isCancelled
    }
    return try body(options)
  }

  /// Opens data as a model takes them, and says what the user should know of them.
  ///
  /// - Parameter isWhole: see `TrainedModel.data`.
  func open(
    _ data: String, for model: TrainedModel, isWhole: Bool = false
  ) throws -> DataSource {
    let columns = try columnTypes
    let source = try withOptions {
      try model.data(
        data, images: $0, columns: columns, isWhole: isWhole, isCancelled: Interrupt.isAskedFor)
    }
    for notice in source.notices { Console.error(notice) }
    return source
  }
}
