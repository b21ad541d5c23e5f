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
}
