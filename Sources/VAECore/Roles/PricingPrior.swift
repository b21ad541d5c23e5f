import NeuralNetworks
import Tensors

/// A prior over one stochastic layer that prices any point: by its density log p(z), or by the logarithm of
/// an unbiased estimate of p(z), whose mean lies below it. Then −ELBO is larger and a bound still, and
/// importance weights keep their mean.
///
/// Whoever prices by an estimate draws what it needs from the context.
public protocol PricingPrior: Prior {
  /// log p(z) in nats, or an estimate from below, `[K · N]`, of latents `[K · N, units]`: K draws for each of
  /// the context's examples.
  ///
  /// - Parameter request: an estimate is the logarithm of an unbiased one of p(z) where it asks for a
  ///   sampled rate; else it may be a bound in closed form.
  func logDensity(of z: Tensor, _ request: DrawRequest, _ context: Context) -> Tensor

  /// KL(q ‖ p) in nats, where there is a closed form; nil where there is none.
  func divergence(of posterior: any Distribution, _ context: Context) -> Divergence?
}

extension PricingPrior {
  /// There is none.
  public func divergence(of posterior: any Distribution, _ context: Context) -> Divergence? { nil }

  /// A draw from the posterior; its rate is the closed-form divergence where there is one and it
  /// may be used, else log q − log p at the draw.
  public func draw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    guard let posterior = posterior as? any Distribution else {
      fatalError("a prior with a density takes a posterior that is a distribution")
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
      let logPrior = logDensity(of: z, request, context)
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
      fatalError(
        "a posterior without an inverse has no density at a point whose parameters are constant")
    }
    return density
  }
}
