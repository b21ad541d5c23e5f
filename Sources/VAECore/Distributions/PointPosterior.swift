import NeuralNetworks
import Tensors

/// A posterior that is a single point for each example: what an encoder gives to a prior over
/// codes, which replaces each vector by the nearest one of its codebook.
///
/// The code that follows is certain, so that its logarithm of probability, log q(z|x), is zero.
public struct PointPosterior: Posterior {
  /// The encoder's output, `[N, height, width, numbers]`.
  public let points: Tensor

  /// A posterior at the given points.
  public init(_ points: Tensor) {
    self.points = points
  }

  /// The number of examples.
  public var exampleCount: Int { points.shape[0] }

  /// The points, once for each draw.
  public func sample(_ samples: Int, _ context: Context) -> Tensor { points.tiled(samples) }

  /// Zero, `[K · N]`.
  public func logDensity(_ z: Tensor) -> Tensor { .zeros([z.shape[0]]) }

  /// The same points as a constant.
  public func stoppingGradient() -> any Posterior { PointPosterior(points.detached()) }
}
