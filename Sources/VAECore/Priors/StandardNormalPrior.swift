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

extension Component where Part == any Prior {
  /// The recipe component `standard-normal`.
  public static var standardNormal: Component {
    Component(
      role: .prior, name: "standard-normal", summary: "N(0, I) over one layer of latent units",
      hyperparameters: [
        Hyperparameter(
          "latent", .integer(1...65536), default: .integer(20), help: "latent units")
      ]
    ) { values, _ in
      StandardNormalPrior(units: values.integer("latent"))
    }
  }
}

/// The prior of a model without latents: nothing is drawn and nothing is paid.
public final class EmptyPrior: Prior {
  /// A prior over nothing.
  public init() {}

  /// Nothing is trained.
  public var members: Members { [:] }
  /// None.
  public var latents: LatentStructure { .none }
  /// Nothing is drawn.
  public var usesTemperature: Bool { false }

  /// No layers, for K · N rows.
  public func draw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    LatentDraw(layers: [], rowCount: request.samples * posterior.exampleCount)
  }

  /// No layers.
  public func draw(temperature: Float, _ context: Context) -> LatentDraw {
    LatentDraw(layers: [], rowCount: context.examples.count)
  }
}

extension Component where Part == any Prior {
  /// The recipe component `none`.
  public static var none: Component {
    Component(
      role: .prior, name: "none", summary: "no latents at all", hyperparameters: []
    ) { _, _ in EmptyPrior() }
  }
}
