import CVAE
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// An encoder of a plug-in.
final class PluginEncoder: Encoder, PluginPart {
  let instance: PluginInstance
  private let methods: vae_encoder
  private let latents: LatentSpace

  /// - Throws: `RecipeError` where the latents are such that no plug-in can propose them.
  init(_ instance: PluginInstance, _ methods: vae_encoder, for build: BuildContext) throws {
    guard build.latents.units != nil || (build.latents.codes != nil && methods.sample == nil) else {
      throw RecipeError(
        .invalid,
        "\(build.part) proposes one layer of latents, but the prior has \(build.latents.phrase)")
    }
    self.instance = instance
    self.methods = methods
    latents = build.latents
  }

  /// A posterior of the plug-in's own has the moments that it gives, and draws without a temperature.
  var posteriorTraits: PosteriorTraits {
    let isOwn = methods.sample != nil
    return PosteriorTraits(hasMoments: !isOwn || methods.mean != nil, hasTemperature: !isOwn)
  }

  func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    let rows = x.shape[0]
    let setting = Pass.Setting("encode", context, rows: rows)
    func encoded(_ shape: Shape?) -> Tensor? {
      instance.value(setting, shape: shape, isLoose: shape?.rank == 4) {
        methods.encode?(instance.object, $1, $0.give(x))
      }
    }
    if latents.codes != nil {
      let shape = Shape([rows] + latents.rowShape.dimensions)
      return PointPosterior(encoded(shape) ?? .zeros(shape))
    }
    let units = latents.unitCount
    guard methods.sample != nil else {
      let shape: Shape = [rows, 2 * units]
      return DiagonalGaussian(head: encoded(shape) ?? .missing(shape))
    }
    var parameters = encoded(nil)
    if let found = parameters, found.shape.dimensions.first != rows {
      instance.note("encode gave a value of shape \(found.shape), not one with \(rows) rows")
      parameters = nil
    }
    return PluginPosterior(
      instance: instance, methods: methods, parameters: parameters ?? .missing([rows, units]),
      units: units, context: context, isBroken: parameters == nil)
  }
}

/// A posterior whose draws and density a plug-in gives.
struct PluginPosterior: Distribution {
  let instance: PluginInstance
  let methods: vae_encoder
  /// What `encode` gave, `[N, …]`.
  let parameters: Tensor
  let units: Int
  let context: Context
  /// Whether there are no parameters to be used.
  let isBroken: Bool

  var exampleCount: Int { parameters.shape[0] }

  func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    let value = sample(samples, context)
    return DistributionDraw(value) { density(of: value) }
  }

  private func sample(_ samples: Int, _ context: Context) -> Tensor {
    let rows = samples * exampleCount
    let setting = Pass.Setting("sample", context, rows: rows, draws: samples)
    return value(setting, [rows, units]) {
      methods.sample?(instance.object, $1, $0.give(parameters.tiled(samples)))
    } ?? .missing([rows, units])
  }

  func logDensity(of z: Tensor) -> Tensor? { density(of: z) }

  private func density(of z: Tensor) -> Tensor {
    let rows = z.shape[0]
    let draws = exampleCount == 0 ? 1 : rows / exampleCount
    let setting = Pass.Setting("log_density", context, rows: rows, draws: draws)
    return value(setting, [rows]) {
      methods.log_density?(instance.object, $1, $0.give(parameters.tiled(draws)), $0.give(z))
    } ?? .missing([rows])
  }

  func stoppingGradient() -> any Distribution {
    PluginPosterior(
      instance: instance, methods: methods, parameters: parameters.detached(), units: units,
      context: context, isBroken: isBroken)
  }

  var mean: Tensor? { moment("mean", methods.mean) }
  var variance: Tensor? { moment("variance", methods.variance) }

  private func moment(
    _ name: String,
    _ method: (
      @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, OpaquePointer?) -> OpaquePointer?
    )?
  ) -> Tensor? {
    guard let method else { return nil }
    let setting = Pass.Setting(name, context, rows: exampleCount)
    return value(setting, [exampleCount, units]) {
      method(instance.object, $1, $0.give(parameters))
    } ?? .missing([exampleCount, units])
  }

  private func value(
    _ setting: Pass.Setting, _ shape: Shape,
    _ body: (_ pass: Pass, _ handle: OpaquePointer?) -> OpaquePointer?
  ) -> Tensor? {
    isBroken ? nil : instance.value(setting, shape: shape, body)
  }
}
