import NeuralNetworks
import Tensors

/// A prior over one stochastic layer with a density, p(z), to which the reparameterised draw and
/// its price follow.
public protocol DensityPrior: PricingPrior {
  /// p(z) for each of the context's examples.
  func distribution(_ context: Context) -> any Distribution

  /// The closed forms of divergences that this prior knows.
  var divergences: DivergenceTable { get }
}

extension DensityPrior {
  /// Those of Gaussians.
  public var divergences: DivergenceTable { .standard }

  /// The closed form of the pair of families.
  public func divergence(of posterior: any Distribution, _ context: Context) -> Divergence? {
    divergences.divergence(from: posterior, to: distribution(context))
  }

  /// log p(z) in nats, `[K · N]`, of latents `[K · N, units]`: K draws for each of the context's
  /// examples.
  public func logDensity(of z: Tensor, _ context: Context) -> Tensor {
    guard let density = distribution(context).logDensity(of: z) else {
      fatalError("a prior prices any point")
    }
    return density
  }

  /// The density, which is the same whatever is asked.
  public func logDensity(of z: Tensor, _ request: DrawRequest, _ context: Context) -> Tensor {
    logDensity(of: z, context)
  }

  /// A draw from the prior.
  public func draw(temperature: Float, _ context: Context) -> LatentDraw {
    let drawn = distribution(context).draw(1, from: "prior", temperature: temperature, context)
    return draw(of: [drawn.value], context)
  }
}
