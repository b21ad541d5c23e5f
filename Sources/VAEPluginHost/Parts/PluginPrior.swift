import CVAE
import Messages
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

  var latents: LatentSpace { .units(units) }

  func distribution(_ context: Context) -> any Distribution {
    PluginDistribution(instance: instance, methods: methods, units: units, context: context)
  }

  /// The plug-in's closed form, which only a Gaussian posterior has.
  func divergence(of posterior: any Distribution, _ context: Context) -> Divergence? {
    guard let divergence = methods.divergence, let gaussian = posterior as? DiagonalGaussian else {
      return nil
    }
    return Divergence(perExample: { [instance] in
      let rows = gaussian.exampleCount
      return instance.value(Pass.Setting("divergence", context, rows: rows), shape: [rows]) {
        divergence(instance.object, $1, $0.give(gaussian.means), $0.give(gaussian.logVariance))
      } ?? .missing([rows])
    })
  }
}

/// p(z) of a plug-in's prior.
struct PluginDistribution: Distribution {
  let instance: PluginInstance
  let methods: vae_prior
  let units: Int
  let context: Context

  var exampleCount: Int { context.examples.count }

  func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    let rows = samples * exampleCount
    let shape: Shape = [rows, units]
    let value =
      instance.value(
        Pass.Setting("sample", context, rows: rows, draws: samples), shape: shape
      ) {
        methods.sample?(instance.object, $1, temperature)
      } ?? .missing(shape)
    return DistributionDraw(value) { density(of: value) }
  }

  func logDensity(of z: Tensor) -> Tensor? { density(of: z) }

  private func density(of z: Tensor) -> Tensor {
    let rows = z.shape[0]
    let draws = exampleCount == 0 ? 1 : rows / exampleCount
    return instance.value(
      Pass.Setting("log_density", context, rows: rows, draws: draws), shape: [rows]
    ) {
      methods.log_density?(instance.object, $1, $0.give(z))
    } ?? .missing([rows])
  }

  /// The plug-in's parameters are its own to stop.
  func stoppingGradient() -> any Distribution { self }
}
