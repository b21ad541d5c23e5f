import Messages

/// The size of an image, channels last.
public struct ImageShape: Hashable, Sendable, CustomStringConvertible {
  /// Pixels from top to bottom.
  public let height: Int
  /// Pixels from left to right.
  public let width: Int
  /// Numbers a pixel.
  public let channels: Int

  /// A size.
  public init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// Numbers an image.
  public var count: Int { height * width * channels }

  /// Such as `28x28x1`.
  public var description: String { "\(height)x\(width)x\(channels)" }

  /// Refuses what is most likely an image whose channels come first, as PyTorch has them: read as
  /// `[height, width, channels]` it would train, and mean nothing.
  ///
  /// - Parameter name: what the images are, for the error.
  package func checkChannelsComeLast(of name: String) throws(DataError) {
    let isLikely = channels > 4 && (height == 3 && width > 4 || height == 1 && width == channels)
    guard isLikely else { return }
    throw DataError(
      .unusable,
      "\(name) has images of [\(height), \(width), \(channels)], which look as if channels came first; images "
        + "are [height, width, channels]: transpose with numpy.transpose(images, (0, 2, 3, 1))")
  }
}
