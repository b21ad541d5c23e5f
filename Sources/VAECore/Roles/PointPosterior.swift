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
}
