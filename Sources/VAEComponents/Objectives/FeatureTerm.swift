import Tensors
import VAECore

/// A term of a loss: the distance of images and their reconstructions, the means of p(x|z), by the features of a frozen
/// network,
///
///     weight · D · d(Φ(x), Φ(x̂)),
///
/// D the numbers of an image. It is no density, and no part of a bound.
public struct FeatureTerm {
  /// The network; no parameter of it is trained.
  public let network: FrozenNetworkFile
  /// How its features are compared.
  public let comparison: FeatureComparison
  /// What the distance counts for each number of an image.
  public let weight: Float

  /// A term with a network that is opened before the first update.
  public init(_ network: FrozenNetworkFile, _ comparison: FeatureComparison, weight: Float) {
    (self.network, self.comparison, self.weight) = (network, comparison, weight)
  }

  /// The distance and the term, means over a batch, scalars.
  public func callAsFunction(_ pass: ForwardPass) -> (distance: Tensor, value: Tensor) {
    let distance = comparison(
      pass.features(of: .data, in: network), pass.features(of: .decodedMean, in: network),
      heads: network.headWeights
    ).mean()
    return (distance, distance * (weight * Float(pass.batch.shape.removingFirst.count)))
  }
}
