import CVAE
import NeuralNetworks
import Tensors
import VAECore

/// A prior of a plug-in over one layer of units.
final class PluginPrior: Prior, PluginPart {
  let instance: PluginInstance
  private let methods: vae_prior
  private let units: Int

  /// Units that a prior may have.
  private static let unitLimit: Int64 = 65536

  /// - Throws: `PluginError` where the number of units cannot be.
  init(_ instance: PluginInstance, _ methods: vae_prior) throws {
    self.instance = instance
    self.methods = methods
    let units = methods.units?(instance.object) ?? 0
    guard (1...Self.unitLimit).contains(units) else {
      throw PluginError(
        .failed,
        "\(instance.component.origin): \(instance.component.title): units gave \(units), but must be "
          + "in 1...\(Self.unitLimit)")
    }
    self.units = Int(units)
  }

  var latents: LatentStructure { .vector(units: units) }

  func draw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    let gate = request.stopsPosterior ? GradientGate() : nil
    let drawn = posterior.sample(request.samples, context)
    let z = gate?.applied(to: drawn) ?? drawn
    var layer: LatentLayer
    if !request.usesSampledRate, let divergence = divergence(of: posterior, context) {
      layer = LatentLayer(sample: z, rate: divergence.tiled(request.samples))
    } else {
      let proposal = request.stopsPosterior ? posterior.stoppingGradient() : posterior
      let logPosterior = proposal.logDensity(z)
      let logPrior = logDensity(z, draws: request.samples, context)
      layer = LatentLayer(
        sample: z, rate: logPosterior - logPrior, logPosterior: logPosterior, logPrior: logPrior)
    }
    layer.gate = gate
    return LatentDraw(layers: [layer], rowCount: z.shape[0])
  }

  func draw(temperature: Float, _ context: Context) -> LatentDraw {
    let rows = context.examples.count
    let shape: Shape = [rows, units]
    let sample = instance.value(Pass.Setting("sample", context, rows: rows), shape: shape) {
      methods.sample?(instance.object, $1, temperature)
    }
    return draw(of: [sample ?? .missing(shape)], context)
  }

  private func logDensity(_ z: Tensor, draws: Int, _ context: Context) -> Tensor {
    let rows = z.shape[0]
    return instance.value(
      Pass.Setting("log_density", context, rows: rows, draws: draws), shape: [rows]
    ) {
      methods.log_density?(instance.object, $1, $0.give(z))
    } ?? .missing([rows])
  }

  private func divergence(of posterior: any Posterior, _ context: Context) -> Tensor? {
    guard let divergence = methods.divergence, let gaussian = posterior as? DiagonalGaussian else {
      return nil
    }
    let rows = gaussian.exampleCount
    return instance.value(Pass.Setting("divergence", context, rows: rows), shape: [rows]) {
      divergence(instance.object, $1, $0.give(gaussian.means), $0.give(gaussian.logVariance))
    } ?? .missing([rows])
  }
}
