import CVAE
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A likelihood of a plug-in.
final class PluginLikelihood: Likelihood, PluginPart {
  let instance: PluginInstance
  private let methods: vae_likelihood
  private let channels: Int
  private let parameters: Int
  private let noiseNumbers: Int

  /// Numbers that a pixel may need.
  private static let limit: Int64 = 4096

  /// - Throws: `PluginError` where the numbers for a pixel cannot be.
  init(_ instance: PluginInstance, _ methods: vae_likelihood, for build: BuildContext) throws {
    self.instance = instance
    self.methods = methods
    let channels = build.data.channels
    self.channels = channels
    func numbers(_ name: String, _ found: Int64?) throws -> Int {
      guard let found, (1...Self.limit).contains(found) else {
        throw PluginError(
          .failed,
          "\(instance.component.origin): \(instance.component.title): \(name) gave \(found ?? 0) for "
            + "\(channels) channels, but must be in 1...\(Self.limit)")
      }
      return Int(found)
    }
    parameters = try numbers(
      "parameters_per_pixel", methods.parameters_per_pixel?(instance.object, Int64(channels)))
    noiseNumbers =
      methods.noise_per_pixel == nil
      ? channels
      : try numbers("noise_per_pixel", methods.noise_per_pixel?(instance.object, Int64(channels)))
  }

  /// The number for the data that it was made for.
  func parametersPerPixel(channels: Int) -> Int { parameters }
  var couplesChannels: Bool { methods.couples_channels != 0 }
  var isDiscrete: Bool { methods.is_discrete != 0 }

  func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    let (rows, count) = (parameters.shape[0], x.shape[0])
    let draws = count == 0 ? 1 : rows / count
    return instance.value(
      Pass.Setting("log_density", context, rows: rows, draws: draws), shape: [rows]
    ) {
      methods.log_density?(
        instance.object, $1, $0.give(x.tiled(draws)), $0.give(parameters))
    } ?? .missing([rows])
  }

  func parameters(withMean mean: Tensor) -> Tensor? {
    guard let method = methods.parameters_with_mean else { return nil }
    let shape: Shape = [mean.shape[0], mean.shape[1], parameters]
    return instance.value(Pass.Setting("parameters_with_mean", nil, rows: 1), shape: shape) {
      method(instance.object, $1, $0.give(mean))
    }
  }

  func mean(_ parameters: Tensor) -> Tensor {
    let shape = imageShape(of: parameters)
    return instance.value(Pass.Setting("mean", nil, rows: shape[0]), shape: shape) {
      methods.mean?(instance.object, $1, $0.give(parameters))
    } ?? .missing(shape)
  }

  func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    let shape: Shape = [imageShape[0], imageShape[1], noiseNumbers]
    let stream = context.stream("likelihood")
    return methods.noise == VAE_NOISE_NORMAL
      ? stream.normal(context.examples, shape: shape)
      : stream.uniform(context.examples, shape: shape)
  }

  func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    let shape = imageShape(of: parameters)
    return instance.value(Pass.Setting("sample", nil, rows: shape[0]), shape: shape) {
      methods.sample?(instance.object, $1, $0.give(parameters), $0.give(noise))
    } ?? .missing(shape)
  }

  private func imageShape(of parameters: Tensor) -> Shape {
    [parameters.shape[0], parameters.shape[1], parameters.shape[2], channels]
  }
}
