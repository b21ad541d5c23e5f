import Glibc
import NeuralNetworks
import Tensors

/// A Gaussian with independent elements, N(mean, e^logVariance) (Kingma & Welling 2014, section 3).
///
/// ```swift
/// let posterior = DiagonalGaussian(mean: mean, logVariance: logVariance)  // [N, units] each
/// let draw = posterior.draw(5, from: "posterior", context)  // draw.value is [5 · N, units]
/// let price = draw.logDensity  // log q(z|x) in nats, [5 · N]
/// ```
///
/// Parameters are `[N, units]`, or maps `[N, height, width, channels]`. In the lower layers of a
/// hierarchy they have a row for each draw above, `[K · N, …]`.
public struct DiagonalGaussian: Distribution {
  /// The means, `[N, …]`.
  public let means: Tensor
  /// The natural logarithms of the variances, `[N, …]`.
  public let logVariance: Tensor

  /// A Gaussian from its parameters, of one shape.
  public init(mean: Tensor, logVariance: Tensor) {
    ensure(
      mean.shape == logVariance.shape && mean.rank >= 2,
      "a diagonal Gaussian takes [N, …] twice, not \(mean.shape) and \(logVariance.shape)")
    means = mean
    self.logVariance = logVariance
  }

  /// A Gaussian from a head's output: along the last axis means, then log-variances.
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

  /// mean + e^(logVariance / 2) · noise, `[samples · N, …]`, where the parameters have N rows or,
  /// below other draws, samples · N.
  public func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    var noise = context.normalNoise(stream, samples: samples, shape: means.shape.removingFirst)
    if temperature != 1 { noise = noise * temperature }
    let value = Tensor.reparameterized(mean: means, logVariance: logVariance, noise: noise)
    return DistributionDraw(value) {
      .gaussianLogDensity(value, mean: means, logVariance: logVariance)
    }
  }

  /// log N(z; mean, e^logVariance) in nats, `[K · N]`.
  public func logDensity(of z: Tensor) -> Tensor? {
    .gaussianLogDensity(z, mean: means, logVariance: logVariance)
  }

  /// The means.
  public var mean: Tensor? { means }
  /// e^logVariance
  public var variance: Tensor? { logVariance.exp() }
  /// The means.
  public var mode: Tensor? { means }

  /// ½ Σ (logVariance + log 2πe), `[N]`.
  public var entropy: Tensor? {
    let flat = logVariance.flattened()
    return (flat.sum(axis: 1) + Float(flat.shape[1]) * (1 + log(2 * Float.pi))) * 0.5
  }

  /// The same Gaussian with constant parameters.
  public func stoppingGradient() -> any Distribution {
    DiagonalGaussian(mean: means.detached(), logVariance: logVariance.detached())
  }
}

extension DiagonalGaussian {
  /// N(0, I) of the shape of another Gaussian.
  public static func standard(like other: DiagonalGaussian) -> DiagonalGaussian {
    let zeros = Tensor.zeros(other.means.shape)
    return DiagonalGaussian(mean: zeros, logVariance: zeros)
  }

  /// mean + e^(logVariance / 2) · noise, of one shape: what a standard normal number becomes.
  public func value(at noise: Tensor) -> Tensor { means + (logVariance * 0.5).exp() * noise }

  /// (value − mean) · e^(−logVariance / 2), the number that becomes a value.
  public func noise(of value: Tensor) -> Tensor { (value - means) * (logVariance * -0.5).exp() }

  /// The product of two Gaussians, normalised: precisions add, and means are weighted by them
  /// (Sønderby et al. 2016, equations 17 and 18).
  ///
  /// With l = log σ̂² − log σₚ² the weight of this Gaussian is w = σ̂⁻² / (σ̂⁻² + σₚ⁻²) =
  /// sigmoid(−l); the mean is μₚ + w (μ̂ − μₚ) and the log-variance log σ̂² − softplus(l), which
  /// stays finite however far the precisions lie apart.
  public func merged(with other: DiagonalGaussian) -> DiagonalGaussian {
    let excess = logVariance - other.logVariance
    return DiagonalGaussian(
      mean: other.means + (-excess).sigmoid() * (means - other.means),
      logVariance: logVariance - excess.softplus())
  }

  /// The same Gaussian once more for each of K draws: `[N, …]` becomes `[K · N, …]`.
  public func tiled(_ samples: Int) -> DiagonalGaussian {
    DiagonalGaussian(mean: means.tiled(samples), logVariance: logVariance.tiled(samples))
  }
}
