import NeuralNetworks
import Tensors

/// What the network of an encoder ends in: the numbers that it gives for an example, and the
/// posterior that they are the parameters of.
public protocol PosteriorHead: Module {
  /// The shape of the numbers for one example: `[numbers]`, or `[height, width, numbers]` where
  /// they keep places.
  var shape: Shape { get }

  /// What the posterior can say about itself.
  var traits: PosteriorTraits { get }

  /// The posterior of a network's output, `[N, …]`.
  func posterior(_ output: Tensor, _ context: Context) -> any Posterior
}

/// A diagonal Gaussian for one layer of units: of 2 · units numbers the first half are the means, the
/// second the log-variances.
public final class GaussianHead: PosteriorHead {
  private let units: Int

  /// A mean and a log-variance for each of some units.
  public init(units: Int) {
    self.units = units
  }

  /// Nothing is trained.
  public var members: Members { [:] }
  /// Means, then log-variances.
  public var shape: Shape { [2 * units] }
  /// Everything.
  public var traits: PosteriorTraits { PosteriorTraits() }

  /// N(mean, e^logVariance).
  public func posterior(_ output: Tensor, _ context: Context) -> any Posterior {
    DiagonalGaussian(head: output)
  }
}

/// A vector for each place of a grid of codes, which the codebook of a prior replaces by its nearest one.
public final class PointHead: PosteriorHead {
  private let grid: CodeGrid

  /// Points that a prior over codes replaces by its vectors.
  public init(_ grid: CodeGrid) {
    self.grid = grid
  }

  /// Nothing is trained.
  public var members: Members { [:] }
  /// A vector for each place.
  public var shape: Shape { [grid.height, grid.width, grid.vectorSize] }
  /// Points have no moments but themselves.
  public var traits: PosteriorTraits { PosteriorTraits(hasMoments: false) }

  /// The points.
  public func posterior(_ output: Tensor, _ context: Context) -> any Posterior {
    PointPosterior(output.reshaped(to: Shape([output.shape[0]] + shape.dimensions)))
  }
}
