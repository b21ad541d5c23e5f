import Tensors

/// The places of a map of real latents: units that lie over an image, and keep their place in it.
public struct LatentMap: Hashable, Sendable {
  /// Places from top to bottom, for an image of the recipe's size.
  public let height: Int
  /// Places from left to right.
  public let width: Int
  /// Units at a place.
  public let channels: Int
  /// How a model that is trained on the latents takes them.
  public let scaling: LatentScaling

  /// A map.
  public init(height: Int, width: Int, channels: Int, scaling: LatentScaling = LatentScaling()) {
    self.height = height
    self.width = width
    self.channels = channels
    self.scaling = scaling
  }

  /// Units an example.
  public var count: Int { height * width * channels }
  /// The shape of an example's latents where they keep their places.
  public var shape: Shape { [height, width, channels] }
}

/// How a model that is trained on latents takes them: (z − shift) · factor, which brings them to about
/// unit variance. The autoencoder itself never applies it.
public struct LatentScaling: Hashable, Sendable {
  /// What the shifted latents are multiplied by.
  public let factor: Float
  /// What is taken off first.
  public let shift: Float

  /// A scaling; none unless it is told.
  public init(factor: Float = 1, shift: Float = 0) {
    self.factor = factor
    self.shift = shift
  }

  /// (z − shift) · factor
  public func scaled(_ latents: Tensor) -> Tensor {
    latents.scaled(by: factor, shift: -shift * factor)
  }

  /// z / factor + shift
  public func unscaled(_ latents: Tensor) -> Tensor {
    latents.scaled(by: 1 / factor, shift: shift)
  }
}
