/// The sizes of an image through a chain of stride-2 convolutions: each halves, rounding up.
public struct Pyramid: Sendable {
  /// Height and width before the first and after each convolution.
  public let sizes: [(height: Int, width: Int)]

  /// The sizes of an image that is halved a number of times.
  public init(height: Int, width: Int, levels: Int) {
    var sizes = [(height: height, width: width)]
    for _ in 0..<levels {
      let last = sizes[sizes.count - 1]
      sizes.append((height: (last.height + 1) / 2, width: (last.width + 1) / 2))
    }
    self.sizes = sizes
  }

  /// The smallest size.
  public var top: (height: Int, width: Int) { sizes[sizes.count - 1] }

  /// What a 3×3 transposed convolution of stride 2 and padding 1 must add to reach the size at a
  /// level from the one above it.
  public func outputPadding(to level: Int) -> (y: Int, x: Int) {
    let (large, small) = (sizes[level], sizes[level + 1])
    return (large.height - 2 * small.height + 1, large.width - 2 * small.width + 1)
  }
}
