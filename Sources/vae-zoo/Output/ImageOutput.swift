import Tensors
import VAECore
import VAEData
import VAEFiles
import VAEImages
import VAETraining
import VAEZoo

/// Where a command writes what a model makes: a picture, an animation, the numbers as an array, or the rows
/// of a table.
struct ImageOutput {
  enum Format: String {
    case png, npy, gif, apng, csv, tsv

    var isTable: Bool { self == .csv || self == .tsv }
  }

  let format: Format
  private let path: String
  /// What the command writes.
  private let allowed: [Format]

  /// Checks the ending of the path.
  init(_ path: String, allowing formats: [Format]) throws {
    guard let format = formats.first(where: { path.hasSuffix(".\($0.rawValue)") }) else {
      let endings = formats.map { ".\($0.rawValue)" }
      let list = endings.dropLast().joined(separator: ", ")
      throw RecipeError(
        .invalid,
        "--out \(path) must end in \(list.isEmpty ? "" : list + " or ")\(endings.last ?? "")")
    }
    self.path = path
    self.format = format
    allowed = formats
  }

  /// Refuses pictures of a table, and rows of what is none.
  func check(_ model: TrainedModel) throws(RecipeError) {
    if model.columns == nil, format.isTable {
      throw RecipeError(
        .unsuitableData,
        "--out \(path) is for models of tables, and this is one of images; write \(list { !$0.isTable })"
      )
    }
    guard model.columns == nil || format.isTable || format == .npy else {
      throw RecipeError(
        .unsuitableData,
        "--out \(path): a table has no picture; write \(list { $0.isTable || $0 == .npy }) instead")
    }
  }

  /// Such as ".csv, .tsv or .npy".
  private func list(_ isMeant: (Format) -> Bool) -> String {
    let endings = allowed.filter(isMeant).map { ".\($0.rawValue)" }
    guard let last = endings.last, endings.count > 1 else { return endings.joined() }
    return endings.dropLast().joined(separator: ", ") + " or " + last
  }

  /// Whether images are shown one after the other.
  var isAnimation: Bool { format == .gif || format == .apng }

  /// Writes the bytes of a file.
  func write(_ bytes: [UInt8]) throws { try DurableFiles.replace(path, with: bytes) }

  /// Writes an array.
  func write(array: Tensor) throws {
    try DurableFiles.replace(path, with: NPYWriter.bytes(array))
  }

  /// Writes rows of a table as text, or as an array of 64-bit floats.
  ///
  /// - Parameter made: ones for what a model has made, zeros for what the data have; nil where a model made all.
  func write(_ rows: [Double], of columns: TableColumns, made: Tensor? = nil) throws {
    guard !format.isTable else { return try write(rows: rows, of: columns, made: made) }
    let shape = [rows.count / max(1, columns.count), columns.count]
    try write(NPYWriter.bytes(rows, shape: shape))
  }

  /// Writes what a model makes, `[count, height, width, channels]`: rows of a table, or images as a grid or one
  /// after the other.
  func write(_ made: MadeExamples, of model: TrainedModel) throws {
    if let columns = model.columns, let rows = made.rows {
      guard format.isTable else {
        guard let rows = made.namedRows else {
          let shape: Shape = [made.shape[0], columns.count]
          return try write(array: made.tensor.reshaped(to: shape))
        }
        return try write(rows, of: columns)
      }
      return try write(rows: rows, of: columns, label: made.labels)
    }
    let images = made.tensor
    let range = model.recipe.data?.range ?? .unit
    if format == .npy { return try write(array: images) }
    let pictures = try Self.pictures(images, range: range)
    let scale = Self.scale(images)
    if isAnimation {
      return try write(
        Animation(
          frames: pictures.map { ImageGrid.grid(of: [$0], columns: 1, padding: 0, scale: scale) },
          milliseconds: pictures.map { _ in 120 }))
    }
    let columns = ImageGrid.columns(for: pictures.count)
    try ImageGrid.grid(of: pictures, columns: columns, scale: scale).writePNG(to: path)
  }

  private func write(
    rows: [Double], of columns: TableColumns, marks: [(name: String, cells: [String])] = [],
    label: (column: String, words: [String])? = nil, made: Tensor? = nil
  ) throws {
    let writer = TableWriter(columns, separator: format == .tsv ? "\t" : ",")
    try write(writer.bytes(rows, marks: marks, label: label, made: made))
  }

  /// Writes originals above what became of them.
  func write(originals: Tensor, reconstructions: Tensor, range: ValueRange) throws {
    let top = try Self.pictures(originals, range: range)
    let bottom = try Self.pictures(reconstructions, range: range)
    let columns =
      top.count <= 10 ? max(1, top.count) : (6...10).last { top.count % $0 == 0 } ?? 10
    try ImageGrid.pairedGrid(
      originals: top, reconstructions: bottom, columns: columns,
      scale: Self.scale(originals)
    ).writePNG(to: path)
  }

  /// Writes walks of one length: a labelled row each; as an animation all of them at once, there
  /// and back; as an array `[walks, steps, height, width, channels]`; as rows of a table behind the columns `walk`
  /// and `step`.
  func write(_ walks: [LatentWalk], of model: TrainedModel) throws {
    if format.isTable, let columns = model.columns {
      let steps = walks.map { 0..<$0.made.shape[0] }
      return try write(
        rows: walks.flatMap { $0.made.rows ?? [] }, of: columns,
        marks: [
          (
            "walk",
            zip(walks, steps).flatMap { walk, steps in
              steps.map { _ in walk.label.joined(separator: " ") }
            }
          ),
          ("step", steps.flatMap { $0.map { "\($0)" } }),
        ])
    }
    let images = withoutTape { Tensor.concatenated(walks.map(\.images), axis: 0) }
    let range = model.recipe.data?.range ?? .unit
    if format == .npy {
      let steps = walks[0].images.shape
      return try write(
        array: images.reshaped(to: Shape([walks.count] + steps.dimensions)))
    }
    // All at once, so that values of no fixed range are stretched alike.
    var pictures = try Self.pictures(images, range: range)[...]
    let rows = walks.map { walk in
      let row = Array(pictures.prefix(walk.images.shape[0]))
      pictures = pictures.dropFirst(row.count)
      return (label: walk.label, images: row)
    }
    let scale = Self.scale(images)
    guard isAnimation else {
      return try ImageGrid.labelledRows(rows, scale: scale).writePNG(to: path)
    }
    let frames = rows[0].images.indices.map { step in
      ImageGrid.labelledRows(
        rows.map { (label: $0.label, images: [$0.images[step]]) }, scale: scale)
    }
    try write(Animation(backAndForth: frames))
  }

  private func write(_ animation: Animation) throws {
    if format == .gif {
      try animation.writeGIF(to: path)
    } else {
      try animation.writeAPNG(to: path)
    }
  }

  /// Small images are enlarged by a whole factor to about 64 pixels.
  private static func scale(_ images: Tensor) -> Int {
    max(1, 64 / max(1, images.shape[1], images.shape[2]))
  }

  private static func pictures(_ images: Tensor, range: ValueRange) throws
    -> [PixelImage]
  {
    let (height, width, channels) = (images.shape[1], images.shape[2], images.shape[3])
    guard channels == 1 || channels == 3 else {
      throw RecipeError(
        .unsuitableData,
        "images of \(channels) channels cannot be shown as a picture; write an .npy file instead")
    }
    var values = images.floats
    if range == .real {
      // Values of no fixed range are stretched to black and white.
      let (low, high) = (values.min() ?? 0, values.max() ?? 1)
      values = values.map { ($0 - low) / Swift.max(high - low, 1e-12) }
    }
    let size = height * width * channels
    return (0..<images.shape[0]).map { number in
      PixelImage(
        width: width, height: height, channels: channels,
        values: Array(values[number * size..<(number + 1) * size]))
    }
  }
}
