import Tensors
import VAECore
import VAEData
import VAEImages
import VAETraining

/// Where a command writes images: a grid as PNG, or the numbers as NPY.
struct ImageOutput {
  private enum Format {
    case png, npy
  }

  private let path: String
  private let format: Format

  /// Checks the ending of the path.
  init(_ path: String, allowsArrays: Bool) throws {
    self.path = path
    if path.hasSuffix(".png") {
      format = .png
    } else if path.hasSuffix(".npy") && allowsArrays {
      format = .npy
    } else {
      throw RecipeError(
        .invalid, "--out \(path) must end in .png\(allowsArrays ? " or .npy" : "")")
    }
  }

  /// Writes images `[count, height, width, channels]`.
  func write(_ images: Tensor, range: DataDescription.Range) throws {
    switch format {
    case .npy: try DurableFiles.replace(path, with: NPYWriter.bytes(images))
    case .png:
      let pictures = try Self.pictures(images, range: range)
      let columns = (1...max(1, pictures.count)).first { $0 * $0 >= pictures.count } ?? 1
      try ImageGrid.grid(
        of: pictures, columns: columns, background: 128, scale: Self.scale(images)
      ).writePNG(to: path)
    }
  }

  /// Writes originals above what became of them.
  func write(originals: Tensor, reconstructions: Tensor, range: DataDescription.Range) throws {
    let top = try Self.pictures(originals, range: range)
    let bottom = try Self.pictures(reconstructions, range: range)
    try ImageGrid.pairedGrid(
      originals: top, reconstructions: bottom, columns: min(10, max(1, top.count)), background: 128,
      scale: Self.scale(originals)
    ).writePNG(to: path)
  }

  /// Small images are enlarged by a whole factor to about 64 pixels.
  private static func scale(_ images: Tensor) -> Int {
    max(1, 64 / max(1, images.shape[1], images.shape[2]))
  }

  private static func pictures(_ images: Tensor, range: DataDescription.Range) throws
    -> [PixelImage]
  {
    let (height, width, channels) = (images.shape[1], images.shape[2], images.shape[3])
    guard channels == 1 || channels == 3 else {
      throw RecipeError(
        .unsuitableData,
        "images of \(channels) channels cannot be shown as PNG; write an .npy file instead")
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
