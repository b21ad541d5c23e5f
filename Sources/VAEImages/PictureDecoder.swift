import VAEData

/// Decodes the pictures of image folders: PNG by libpng, JPEG by libjpeg-turbo, told apart by how
/// they begin. Pictures are turned upright where the file says how the camera was held.
public struct PictureDecoder: ImageDecoder {
  /// A decoder.
  public init() {}

  /// The endings of file names that are taken for pictures.
  public var endings: [String] { ["png", "jpg", "jpeg", "jpe", "jfif"] }

  /// A picture.
  ///
  /// - Throws: `PixelImageError.malformed`.
  public func decode(_ file: [UInt8], atLeast side: Int?) throws -> DecodedImage {
    let image: PixelImage
    if file.starts(with: [0x89, 0x50, 0x4e, 0x47]) {
      image = try PixelImage(png: file).upright(ImageOrientation(ofPNG: file))
    } else if file.starts(with: [0xff, 0xd8]) {
      image = try PixelImage(jpeg: file, atLeast: side).upright(ImageOrientation(ofJPEG: file))
    } else {
      throw PixelImageError.malformed(reason: "it is neither a PNG nor a JPEG")
    }
    return DecodedImage(
      shape: ImageShape(height: image.height, width: image.width, channels: image.channels),
      bytes: image.pixels)
  }
}
