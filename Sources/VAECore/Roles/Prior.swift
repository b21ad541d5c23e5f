import NeuralNetworks
import Tensors

/// Draws latents and prices them: p(z).
///
/// A prior over one layer of units with a density conforms to ``DensityPrior``, from which drawing and
/// pricing follow:
///
/// ```swift
/// /// N(0, s² I) with one learnt s.
/// final class ScaledNormalPrior: DensityPrior {
///   let logVariance = Parameter(.zeros([1]))
///   let units: Int
///   init(units: Int) { self.units = units }
///
///   var members: Members { ["log_variance": .parameter(logVariance)] }
///   var latents: LatentSpace { .units(units) }
///
///   func distribution(_ context: Context) -> any Distribution {
///     let zeros = Tensor.zeros([context.examples.count, units])
///     return DiagonalGaussian(mean: zeros, logVariance: zeros + logVariance.tensor)
///   }
/// }
/// ```
public protocol Prior: Module {
  /// What the latents look like.
  var latents: LatentSpace { get }

  /// Whether the temperature of a draw changes anything.
  var usesTemperature: Bool { get }

  /// Called once before the first update, after every part has seen the first training batches, for
  /// a start from what the encoder says about them.
  func prepare(firstBatches: [Tensor], encodedBy encoder: any Encoder, context: Context) throws

  /// Latents drawn from a posterior, with what they cost under this prior.
  func draw(from posterior: any Posterior, _ request: DrawRequest, _ context: Context) -> LatentDraw

  /// Latents drawn from the prior itself, one for each of the context's examples; the rates are
  /// zero. The temperature multiplies standard deviations.
  func draw(temperature: Float, _ context: Context) -> LatentDraw

  /// Given latents as a draw without a price, one tensor a stochastic layer.
  func draw(of latents: [Tensor], _ context: Context) -> LatentDraw
}

extension Prior {
  /// It does.
  public var usesTemperature: Bool { true }

  /// Starts from what it is.
  public func prepare(
    firstBatches: [Tensor], encodedBy encoder: any Encoder, context: Context
  ) throws {}

  /// Given latents, at no rate.
  public func draw(of latents: [Tensor], _ context: Context) -> LatentDraw {
    let count = latents.first?.shape[0] ?? context.examples.count
    return LatentDraw(
      layers: latents.map { LatentLayer(sample: $0, rate: .zeros([count])) }, rowCount: count)
  }
}

/// A prior over discrete codes with a network that a later stage trains on the codes alone (van den Oord et
/// al. 2017, section 3.3).
public protocol CodePrior: Prior {
  /// −log p(codes) in nats, `[N]`, of an index tensor of code numbers `[N, height, width]`.
  func rate(of codes: Tensor, _ context: Context) -> Tensor

  /// The numbers of the codes nearest to some points `[N, height, width, D]`, whatever their height and
  /// width: an index tensor `[N, height, width]`.
  func nearestCodes(to points: Tensor) -> Tensor

  /// The vectors of codes of any height and width, constants `[N, height, width, D]`.
  func vectors(of codes: Tensor) -> Tensor
}
