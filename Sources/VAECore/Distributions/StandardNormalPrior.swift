import NeuralNetworks
import Tensors

/// N(0, I), the prior of the first variational autoencoder.
public final class StandardNormalPrior: DensityPrior, ReparameterizedPrior {
  /// The number of latent units.
  public let units: Int

  /// A standard normal prior over a number of units.
  public init(units: Int) {
    self.units = units
  }

  /// Nothing is trained.
  public var members: Members { [:] }
  /// One layer.
  public var latents: LatentStructure { .vector(units: units) }

  /// log N(z; 0, I) in nats, `[K · N]`.
  public func logDensity(_ z: Tensor, samples: Int, _ context: Context) -> Tensor {
    let zeros = Tensor.zeros(z.shape)
    return .gaussianLogDensity(z, mean: zeros, logVariance: zeros)
  }

  /// temperature · noise, `[N, units]`.
  public func sample(temperature: Float, _ context: Context) -> Tensor {
    context.normalNoise("prior", samples: 1, shape: [units]) * temperature
  }

  /// The numbers themselves.
  public func draw(noise: [Tensor], _ context: Context) -> LatentDraw { draw(of: noise, context) }

  /// The latents themselves.
  public func noise(of latents: [Tensor], _ context: Context) -> [Tensor] { latents }
}
