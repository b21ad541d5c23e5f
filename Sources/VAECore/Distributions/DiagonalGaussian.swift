import NeuralNetworks
import Tensors

/// A Gaussian posterior with independent units, N(mean, e^logVariance) (Kingma & Welling 2014,
/// section 3).
public struct DiagonalGaussian: Posterior {
  /// The means, `[N, units]`.
  public let means: Tensor
  /// The natural logarithms of the variances, `[N, units]`.
  public let logVariance: Tensor

  /// A Gaussian from its parameters, `[N, units]` each.
  public init(mean: Tensor, logVariance: Tensor) {
    precondition(
      mean.shape == logVariance.shape && mean.rank == 2,
      "a Gaussian posterior takes [N, units] twice, not \(mean.shape) and \(logVariance.shape)")
    means = mean
    self.logVariance = logVariance
  }

  /// A Gaussian from a head's output `[N, 2 · units]`: means, then log-variances.
  ///
  /// Log-variances are limited to ±20, e⁻²⁰ being below what single precision resolves beside a
  /// mean of one: a wild first step then gives a large loss rather than an infinite one.
  public init(head: Tensor) {
    let units = head.shape[-1] / 2
    let halves = head.split(sizes: [units, units])
    self.init(mean: halves[0], logVariance: halves[1].clamped(to: -20...20))
  }

  /// The number of examples.
  public var exampleCount: Int { means.shape[0] }

  /// mean + e^(logVariance / 2) · noise, `[samples · N, units]`.
  public func sample(_ samples: Int, _ context: Context) -> Tensor {
    let noise = context.normalNoise("posterior", samples: samples, shape: [means.shape[1]])
    return .reparameterized(mean: means, logVariance: logVariance, noise: noise)
  }

  /// log N(z; mean, e^logVariance) in nats, `[K · N]`.
  public func logDensity(_ z: Tensor) -> Tensor {
    .gaussianLogDensity(z, mean: means, logVariance: logVariance)
  }

  /// The closed form, where the prior is Gaussian too.
  public func divergence(to prior: any Prior) -> Tensor? {
    guard prior is StandardNormalPrior else { return nil }
    return .gaussianDivergence(mean: means, logVariance: logVariance)
  }

  /// ½ (mean² + e^logVariance − 1 − logVariance) for each unit, where the prior is standard normal.
  public func unitDivergence(to prior: any Prior) -> Tensor? {
    guard prior is StandardNormalPrior else { return nil }
    return (means.squared() + logVariance.exp() - logVariance - 1) * 0.5
  }

  /// The same Gaussian with constant parameters.
  public func stoppingGradient() -> any Posterior {
    DiagonalGaussian(mean: means.detached(), logVariance: logVariance.detached())
  }

  /// The means.
  public var mean: Tensor? { means }
  /// e^logVariance
  public var variance: Tensor? { logVariance.exp() }
}
