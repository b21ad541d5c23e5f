import Tensors

extension LatentLayer {
  /// A layer of a hierarchy whose posterior and prior are Gaussians that both follow from what was drawn
  /// above, priced as a request asks: by the closed form of their divergence, or as log q − log p at the
  /// draw.
  ///
  /// - Parameters:
  ///   - drawn: what was drawn from the posterior, `[K · N, …]`.
  ///   - posterior: q(zᵢ | x, z above), with N or K · N rows.
  ///   - prior: p(zᵢ | z above), of the same shape.
  ///   - request: which prices are wanted. The rates of units are averaged over the draws, since below the
  ///     top a divergence depends on what was drawn above.
  public init(
    _ drawn: DistributionDraw, from posterior: DiagonalGaussian, under prior: DiagonalGaussian,
    _ request: DrawRequest
  ) {
    let z = drawn.value
    let divergence = DivergenceTable.standard.divergence(from: posterior, to: prior)
    if !request.usesSampledRate, let rate = divergence?.perExample {
      self.init(sample: z, rate: rate.tiled(z.shape[0] / rate.shape[0]))
    } else {
      let logPosterior = drawn.logDensity
      let logPrior = Tensor.gaussianLogDensity(
        z, mean: prior.means, logVariance: prior.logVariance)
      self.init(
        sample: z, rate: logPosterior - logPrior, logPosterior: logPosterior, logPrior: logPrior)
    }
    guard request.wantsUnitRates, let units = divergence?.perUnit else { return }
    let draws = units.shape[0] * request.samples / z.shape[0]
    unitRates = units.reshaped(to: [draws, units.shape[0] / draws, units.shape[1]]).mean(axis: 0)
  }
}
