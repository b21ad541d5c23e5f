import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// p(z|y): a Gaussian with independent units whose means and log-variances are an affine function of
/// the condition; of a label, a Gaussian of its own for each class.
///
/// It begins as N(0, I) whatever the condition is. Where the label says much about x, classes may lie
/// apart in latent space and the rate is only what is left to say.
public final class ConditionalNormalPrior: DensityPrior, ReparameterizedPrior {
  /// The number of latent units.
  public let units: Int
  private let head: Dense

  /// A prior over a number of units, told a condition of `width` numbers.
  public init(units: Int, conditionWidth width: Int, random: RandomSource) {
    self.units = units
    head = Dense(inputs: width, outputs: 2 * units, initializer: .zeros, random: random)
  }

  /// The map from the condition to means and log-variances.
  public var members: Members { ["head": .module(head)] }
  /// One layer.
  public var latents: LatentStructure { .vector(units: units) }

  /// p(z|y) of a number of rows.
  private func gaussian(rows: Int, _ context: Context) -> DiagonalGaussian {
    DiagonalGaussian(head: head(context.condition(rows: rows), context))
  }

  /// log N(z; mean(y), variance(y)) in nats, `[K · N]`.
  public func logDensity(_ z: Tensor, samples: Int, _ context: Context) -> Tensor {
    gaussian(rows: z.shape[0] / samples, context).logDensity(z)
  }

  /// KL(N(m, s²) ‖ N(μ, σ²)) = KL(N((m − μ)/σ, s²/σ²) ‖ N(0, 1)), since a divergence stays the same
  /// when both are shifted and scaled alike.
  public func divergence(of posterior: any Posterior, _ context: Context) -> Tensor? {
    standardized(posterior, context).map {
      .gaussianDivergence(mean: $0.means, logVariance: $0.logVariance)
    }
  }

  /// The same for each unit.
  public func unitDivergence(of posterior: any Posterior, _ context: Context) -> Tensor? {
    standardized(posterior, context).map {
      ($0.means.squared() + $0.logVariance.exp() - $0.logVariance - 1) * 0.5
    }
  }

  /// A Gaussian posterior in coordinates in which the prior is N(0, I).
  private func standardized(_ posterior: any Posterior, _ context: Context) -> DiagonalGaussian? {
    guard let posterior = posterior as? DiagonalGaussian else { return nil }
    let own = gaussian(rows: posterior.exampleCount, context)
    return DiagonalGaussian(
      mean: (posterior.means - own.means) * (own.logVariance * -0.5).exp(),
      logVariance: posterior.logVariance - own.logVariance)
  }

  /// mean(y) + temperature · σ(y) · noise, `[N, units]`.
  public func sample(temperature: Float, _ context: Context) -> Tensor {
    located(context.normalNoise("prior", samples: 1, shape: [units]) * temperature, context)
  }

  /// mean(y) + σ(y) · noise.
  public func draw(noise: [Tensor], _ context: Context) -> LatentDraw {
    draw(of: noise.map { located($0, context) }, context)
  }

  /// (z − mean(y)) / σ(y)
  public func noise(of latents: [Tensor], _ context: Context) -> [Tensor] {
    latents.map { z in
      let own = gaussian(rows: z.shape[0], context)
      return (z - own.means) * (own.logVariance * -0.5).exp()
    }
  }

  private func located(_ noise: Tensor, _ context: Context) -> Tensor {
    let own = gaussian(rows: noise.shape[0], context)
    return own.means + (own.logVariance * 0.5).exp() * noise
  }
}

extension Component where Part == any Prior {
  /// The recipe component `conditional-normal`.
  static var conditionalNormal: Component {
    Component(
      role: .prior, name: "conditional-normal",
      summary: "a Gaussian over one layer of latent units for each condition, learnt",
      hyperparameters: [
        Hyperparameter("latent", .integer(1...65536), default: .integer(20), help: "latent units")
      ], usesCondition: true
    ) { values, build in
      let (units, width) = (values.integer("latent"), build.condition?.width ?? 0)
      try build.checkSize([[width, 2 * units]], of: "a prior", remedy: "latent")
      return ConditionalNormalPrior(units: units, conditionWidth: width, random: build.random)
    }
  }
}
