import Tensors
import VAECore

/// What the path up says about each size: a map of features, of which the blocks of the path down make their posteriors
/// together with what has been drawn above. It is no distribution by itself.
public struct BottomUpMaps: Posterior {
  /// The map of each size, the image's own first, `[N, height, width, channels]`.
  public let maps: [Tensor]

  /// Maps of all sizes; at least one.
  public init(_ maps: [Tensor]) {
    ensure(!maps.isEmpty, "a path up has at least one size")
    self.maps = maps
  }

  /// The number of examples.
  public var exampleCount: Int { maps[0].shape[0] }
}
