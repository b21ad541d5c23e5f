import NeuralNetworks
import Tensors

/// A mixture of diagonal Gaussians, p(z) = Σ_c π_c N(z; μ_c, σ_c²), the same for each of N examples
/// (Bishop 2006, equation 2.188).
///
/// ```swift
/// // Two equally likely clouds at −2 and 2, of deviation one.
/// let mixture = GaussianMixture(
///   exampleCount: 3, logits: .zeros([2]),
///   components: DiagonalGaussian(
///     mean: Tensor([-2, 2], shape: [2, 1]), logVariance: .zeros([2, 1])))
/// let density = mixture.logDensity(of: Tensor([0, 1, 2], shape: [3, 1]))  // in nats, [3]
/// ```
public struct GaussianMixture: Distribution {
  /// The number of examples.
  public let exampleCount: Int
  /// log π, `[C]`.
  public let logWeights: Tensor
  /// The Gaussians that are mixed, one a row, `[C, units]`.
  public let components: DiagonalGaussian

  /// A mixture of C Gaussians.
  ///
  /// - Parameters:
  ///   - exampleCount: N.
  ///   - logits: `[C]`; the weights are their softmax.
  ///   - components: a Gaussian a row, `[C, units]`.
  public init(exampleCount: Int, logits: Tensor, components: DiagonalGaussian) {
    ensure(
      components.means.rank == 2 && logits.shape == [components.exampleCount] && logits.count > 0,
      "logits of shape \(logits.shape) weigh no components of shape \(components.means.shape)")
    self.init(
      exampleCount: exampleCount, logWeights: logits.logSoftmax(), components: components)
  }

  private init(exampleCount: Int, logWeights: Tensor, components: DiagonalGaussian) {
    self.exampleCount = exampleCount
    self.logWeights = logWeights
    self.components = components
  }

  /// A component for each draw, by its weight, then a draw from that Gaussian; the temperature
  /// multiplies its standard deviation.
  ///
  /// Gradients flow through the Gaussian, and not through the choice of it.
  public func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    let choices = Tensor(
      indices: logWeights.weightedChoices(samples, from: stream, context))
    var noise = context.normalNoise(
      stream, samples: samples, shape: components.means.shape.removingFirst)
    if temperature != 1 { noise = noise * temperature }
    let value = Tensor.reparameterized(
      mean: components.means.gathering(choices),
      logVariance: components.logVariance.gathering(choices), noise: noise)
    return DistributionDraw(value) { density(of: value) }
  }

  /// log Σ_c π_c N(z; μ_c, σ_c²) in nats, `[K · N]`, by logsumexp.
  public func logDensity(of z: Tensor) -> Tensor? { density(of: z) }

  private func density(of z: Tensor) -> Tensor {
    let densities = Tensor.gaussianLogDensities(
      z, means: components.means, logVariances: components.logVariance)
    return (densities + logWeights).logSumExp()
  }

  /// Σ_c π_c μ_c for each example.
  public var mean: Tensor? { broadcast(weighted(components.means)) }

  /// Σ_c π_c (σ_c² + (μ_c − mean)²) for each example.
  public var variance: Tensor? {
    let distances = components.means - weighted(components.means)
    return broadcast(weighted(components.logVariance.exp() + distances.squared()))
  }

  /// Σ_c π_c x_c of `[C, units]`.
  private func weighted(_ values: Tensor) -> Tensor {
    (values * logWeights.exp().reshaped(to: [logWeights.count, 1])).sum(axis: 0)
  }

  private func broadcast(_ row: Tensor) -> Tensor {
    row.broadcast(to: [exampleCount, row.count])
  }

  /// The same mixture with constant parameters.
  public func stoppingGradient() -> any Distribution {
    GaussianMixture(
      exampleCount: exampleCount, logWeights: logWeights.detached(),
      components: DiagonalGaussian(
        mean: components.means.detached(), logVariance: components.logVariance.detached()))
  }
}
