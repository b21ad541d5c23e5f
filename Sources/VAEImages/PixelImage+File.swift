import VAEFiles

extension PixelImage {
  /// Writes the picture as a PNG: whole, or not at all; of links and modes see `DurableFiles`.
  ///
  /// - Throws: `PixelImageError` for a picture that PNG cannot hold, `FileError` where the file
  ///   cannot be written.
  public func writePNG(to path: String) throws {
    try DurableFiles.replace(path, with: pngData())
  }
}
