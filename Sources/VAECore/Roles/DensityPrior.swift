import NeuralNetworks
import Tensors

/// A prior over one stochastic layer with a density, p(z), to which the reparameterised draw and
/// its price follow.
public protocol DensityPrior: Prior {
  /// p(z) for each of the context's examples.
  func distribution(_ context: Context) -> any Distribution

  /// The closed forms of divergences that this prior knows.
  var divergences: DivergenceTable { get }

  /// KL(q ‖ p) in nats, where there is a closed form; nil where there is none.
  func divergence(of posterior: any Distribution, _ context: Context) -> Divergence?
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
      preconditionFailure("a prior prices any point")
    }
    return density
  }

  /// A draw from the posterior; its rate is the closed-form divergence where there is one and it
  /// may be used, else log q − log p at the draw.
  public func draw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    guard let posterior = posterior as? any Distribution else {
      preconditionFailure("a prior with a density takes a posterior that is a distribution")
    }
    let gate = request.stopsPosterior ? GradientGate() : nil
    let drawn = posterior.draw(request.samples, from: "posterior", context)
    let z = gate?.applied(to: drawn.value) ?? drawn.value
    let closedForm =
      !request.usesSampledRate || request.wantsUnitRates
      ? divergence(of: posterior, context) : nil
    var layer: LatentLayer
    if !request.usesSampledRate, let closedForm {
      layer = LatentLayer(sample: z, rate: closedForm.perExample.tiled(request.samples))
    } else {
      let logPosterior = logPosterior(of: z, drawn, posterior, request)
      let logPrior = logDensity(of: z, context)
      layer = LatentLayer(
        sample: z, rate: logPosterior - logPrior, logPosterior: logPosterior, logPrior: logPrior)
    }
    layer.gate = gate
    if request.wantsUnitRates { layer.unitRates = closedForm?.perUnit }
    return LatentDraw(layers: [layer], rowCount: z.shape[0])
  }

  /// log q of the draw: as it was drawn, or with constant parameters at a point that its gradient
  /// flows through.
  private func logPosterior(
    of z: Tensor, _ drawn: DistributionDraw, _ posterior: any Distribution, _ request: DrawRequest
  ) -> Tensor {
    guard request.stopsPosterior else { return drawn.logDensity }
    guard let density = posterior.stoppingGradient().logDensity(of: z) else {
      preconditionFailure(
        "a posterior without an inverse has no density at a point whose parameters are constant")
    }
    return density
  }

  /// A draw from the prior.
  public func draw(temperature: Float, _ context: Context) -> LatentDraw {
    let drawn = distribution(context).draw(1, from: "prior", temperature: temperature, context)
    return draw(of: [drawn.value], context)
  }
}
