import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// A mixture of diagonal Gaussians whose weights, means and variances are learnt: p(z) = Σ_c π_c
/// N(z; μ_c, σ_c²) (Tomczak & Welling 2018, section 2).
///
/// There is no closed form of KL(q ‖ p); the rate is log q − log p at the draw.
public final class MixturePrior: DensityPrior {
  /// Log-weights up to a constant, `[C]`; first zero.
  public let logits: Parameter
  /// The means, `[C, units]`; first standard normal numbers, for equal ones would have equal gradients
  /// and never part.
  public let means: Parameter
  /// The natural logarithms of the variances, `[C, units]`; first zero.
  public let logVariances: Parameter

  /// A mixture over a number of units.
  public init(units: Int, components: Int, random: RandomSource) {
    ensure(
      units > 0 && components > 0, "\(components) components of \(units) units are no mixture")
    logits = Parameter([components], isDecayed: false) { .zeros([components]) }
    means = Parameter([components, units], isDecayed: false) {
      random.stream("means").normal([components, units])
    }
    logVariances = Parameter([components, units], isDecayed: false) {
      .zeros([components, units])
    }
  }

  /// Weights, means and variances.
  public var members: Members {
    [
      "logits": .parameter(logits), "means": .parameter(means),
      "log_variances": .parameter(logVariances),
    ]
  }

  /// One layer.
  public var latents: LatentSpace { .units(means.shape[1]) }

  /// The mixture, for each of the context's examples. Log-variances are limited to ±20, as those of
  /// posteriors are.
  public func distribution(_ context: Context) -> any Distribution {
    GaussianMixture(
      exampleCount: context.examples.count, logits: logits.tensor,
      components: DiagonalGaussian(
        mean: means.tensor, logVariance: logVariances.tensor.clamped(to: -20...20)))
  }
}

extension MixturePrior {
  /// The hyper-parameters of `gaussian-mixture`.
  struct Options: HyperparameterSet {
    var units = LatentUnits()
    @Setting(1...65536, help: "Gaussians that are mixed") var components = 100
  }
}

extension Component where Part == any Prior {
  /// The recipe component `gaussian-mixture`.
  static var mixture: Component {
    Component(
      role: .prior, name: "gaussian-mixture",
      summary: "a mixture of Gaussians over one layer of latent units, learnt",
      options: MixturePrior.Options()
    ) { options, build in
      MixturePrior(
        units: options.units.latent, components: options.components, random: build.random)
    }
  }
}
