import CVAE
import NeuralNetworks
import Tensors
import VAECore

/// A prior of a plug-in over one layer of units.
final class PluginPrior: DensityPrior, PluginPart {
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

  func sample(temperature: Float, _ context: Context) -> Tensor {
    let rows = context.examples.count
    let shape: Shape = [rows, units]
    return instance.value(Pass.Setting("sample", context, rows: rows), shape: shape) {
      methods.sample?(instance.object, $1, temperature)
    } ?? .missing(shape)
  }

  func logDensity(_ z: Tensor, samples: Int, _ context: Context) -> Tensor {
    let rows = z.shape[0]
    return instance.value(
      Pass.Setting("log_density", context, rows: rows, draws: samples), shape: [rows]
    ) {
      methods.log_density?(instance.object, $1, $0.give(z))
    } ?? .missing([rows])
  }

  /// The plug-in's closed form, which only a Gaussian posterior has.
  func divergence(of posterior: any Posterior, _ context: Context) -> Tensor? {
    guard let divergence = methods.divergence, let gaussian = posterior as? DiagonalGaussian else {
      return nil
    }
    let rows = gaussian.exampleCount
    return instance.value(Pass.Setting("divergence", context, rows: rows), shape: [rows]) {
      divergence(instance.object, $1, $0.give(gaussian.means), $0.give(gaussian.logVariance))
    } ?? .missing([rows])
  }
}
