import NeuralNetworks
import Tensors
import VAECore

/// What the bottom-up path says about each level: a Gaussian message N(μ̂, σ̂²), which the prior
/// merges with its own belief on the way down (Sønderby et al. 2016).
///
/// Below the top, q(zᵢ | x, zᵢ₊₁) depends on what was drawn above it, so the posterior as a
/// distribution of its own is that of the top level; `LadderPrior` draws the rest.
public struct LadderPosterior: Posterior {
  /// The message of each level, the one nearest to the data first, `[N, …]`.
  public let messages: [GaussianMessage]

  /// Messages of all levels; at least one.
  public init(messages: [GaussianMessage]) {
    precondition(!messages.isEmpty, "a ladder has at least one level")
    self.messages = messages
  }

  private var top: GaussianMessage { messages[messages.count - 1] }

  /// The number of examples.
  public var exampleCount: Int { top.mean.shape[0] }

  /// Draws of the top level.
  public func sample(_ samples: Int, _ context: Context) -> Tensor {
    top.sample(samples, level: messages.count, context)
  }

  /// log q of the top level, in nats.
  public func logDensity(_ z: Tensor) -> Tensor { top.logDensity(z) }

  /// The same messages as constants.
  public func stoppingGradient() -> any Posterior {
    LadderPosterior(
      messages: messages.map {
        GaussianMessage(mean: $0.mean.detached(), logVariance: $0.logVariance.detached())
      })
  }
}

/// A Gaussian with independent elements, of any shape `[N, …]`.
public struct GaussianMessage {
  /// The means.
  public let mean: Tensor
  /// The natural logarithms of the variances.
  public let logVariance: Tensor

  /// A message from its parameters.
  public init(mean: Tensor, logVariance: Tensor) {
    self.mean = mean
    self.logVariance = logVariance
  }

  /// A message from a head's output: along the last axis means, then log-variances, which are kept
  /// within ±20 as `DiagonalGaussian` keeps them.
  public init(head: Tensor) {
    let units = head.shape[-1] / 2
    let halves = head.split(sizes: [units, units])
    self.init(mean: halves[0], logVariance: halves[1].clamped(to: -20...20))
  }

  /// The product of two Gaussians, normalised: precisions add, and means are weighted by them
  /// (Sønderby et al. 2016).
  ///
  /// With l = log σ̂² − log σₚ² the weight of this message is w = σ̂⁻² / (σ̂⁻² + σₚ⁻²) =
  /// sigmoid(−l); the mean is μₚ + w (μ̂ − μₚ) and the log-variance log σ̂² − softplus(l), which
  /// stays finite however far the precisions lie apart.
  public func merged(with other: GaussianMessage) -> GaussianMessage {
    let excess = logVariance - other.logVariance
    return GaussianMessage(
      mean: other.mean + (-excess).sigmoid() * (mean - other.mean),
      logVariance: logVariance - excess.softplus())
  }

  /// mean + σ · noise from the stream of a level, `[samples · N, …]`, where the parameters have
  /// N rows or, below other draws, samples · N.
  public func sample(_ samples: Int, level: Int, _ context: Context) -> Tensor {
    let noise = context.normalNoise(
      Self.stream(level), samples: samples, shape: mean.shape.removingFirst)
    return .reparameterized(mean: mean, logVariance: logVariance, noise: noise)
  }

  private static func stream(_ level: Int) -> String { "posterior\(level)" }

  /// log N(z; mean, σ²) in nats, a row each.
  public func logDensity(_ z: Tensor) -> Tensor {
    .gaussianLogDensity(z, mean: mean, logVariance: logVariance)
  }

  /// The message once more for each of K draws: `[N, …]` becomes `[K · N, …]`.
  func tiled(_ samples: Int) -> GaussianMessage {
    GaussianMessage(mean: mean.tiled(samples), logVariance: logVariance.tiled(samples))
  }
}
