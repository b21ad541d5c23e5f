import NeuralNetworks
import Tensors

/// N(0, I), the prior of the first variational autoencoder (Kingma & Welling 2014). The rate of a Gaussian
/// posterior has a closed form under it, which ``DivergenceTable/standard`` holds.
public final class StandardNormalPrior: DensityPrior, ReparameterizedPrior {
  /// One layer.
  public let latents: LatentSpace
  /// The number of latent units.
  public let units: Int

  /// A standard normal prior over a number of units.
  public init(units: Int) {
    self.units = units
    latents = .units(units)
  }

  /// A standard normal prior over units that have places.
  public init(map: LatentMap) {
    units = map.count
    latents = .map(map)
  }

  /// Nothing is trained.
  public var members: Members { [:] }

  /// N(0, I) for each of the context's examples.
  public func distribution(_ context: Context) -> any Distribution {
    StandardNormal(exampleCount: context.examples.count, units: units)
  }

  /// The numbers themselves.
  public func draw(noise: [Tensor], _ context: Context) -> LatentDraw { draw(of: noise, context) }

  /// The latents themselves.
  public func noise(of latents: [Tensor], _ context: Context) -> [Tensor] { latents }
}
