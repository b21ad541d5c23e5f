import Tensors

/// An 8-bit picture: grey or red, green, blue.
public struct PixelImage: Sendable, Equatable {
  /// Pixels along a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Bytes of a pixel: 1 (grey) or 3 (red, green, blue).
  public let channels: Int
  /// The bytes, `[height, width, channels]`, rows from the top; 0 is black, 255 white.
  public internal(set) var pixels: [UInt8]

  /// A picture of bytes, `[height, width, channels]`.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    ensure(
      width > 0 && height > 0 && (channels == 1 || channels == 3),
      "a picture of \(width)x\(height) pixels with \(channels) channels: sizes must be positive, "
        + "and channels 1 or 3")
    ensure(
      pixels.count == width * height * channels,
      "a picture of \(width)x\(height)x\(channels) from \(pixels.count) values")
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// A picture of intensities, `[height, width, channels]`, from 0 (black) to 1 (white).
  ///
  /// Values outside are clamped, the rest rounded to the nearest of 256 levels; NaN becomes black.
  public init(width: Int, height: Int, channels: Int, values: [Float]) {
    self.init(
      width: width, height: height, channels: channels, pixels: values.map(Self.byte(ofIntensity:)))
  }

  /// A picture of one byte everywhere.
  init(width: Int, height: Int, channels: Int, filledWith byte: UInt8) {
    self.init(
      width: width, height: height, channels: channels,
      pixels: [UInt8](repeating: byte, count: width * height * channels))
  }

  private static func byte(ofIntensity intensity: Float) -> UInt8 {
    // The comparison is false for NaN too.
    guard intensity > 0 else { return 0 }
    return UInt8((min(intensity, 1) * 255).rounded())
  }
}
