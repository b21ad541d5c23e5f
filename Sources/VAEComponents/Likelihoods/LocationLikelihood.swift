import Glibc
import NeuralNetworks
import Tensors
import VAECore

/// Independent elements around the decoder's output, with noise of a given shape and one deviation σ:
/// log p = Σ log f(|x − mean| / σ) − D log σ in nats, with D elements an example and f the density of the shape.
///
/// ```swift
/// let likelihood = LocationLikelihood(LaplaceNoise(), .learnt, link: .sigmoid)
/// ```
public final class LocationLikelihood: Likelihood {
  /// The shape of the noise.
  public let shape: any NoiseShape
  /// Where σ comes from.
  public var deviation: NoiseDeviation { state.source }
  /// How the decoder's output becomes the mean.
  public let link: MeanLink
  private let state: NoiseDeviationState

  /// A likelihood with noise of a shape. Its deviation cannot be the optimal one, which has a formula of its own for
  /// each shape.
  public init(_ shape: any NoiseShape, _ deviation: NoiseDeviation, link: MeanLink = .identity) {
    ensure(
      deviation != .optimal, "the optimal deviation is known for Gaussian noise alone")
    self.shape = shape
    self.link = link
    state = NoiseDeviationState(deviation)
  }

  /// log σ where it is trained, σ² where it is that of the data.
  public var members: Members { state.members }
  /// A mean for each channel.
  public func parametersPerPixel(channels: Int) -> Int { channels }
  /// It is.
  public var factorizes: Bool { true }
  /// A density over real numbers.
  public var isDiscrete: Bool { false }

  /// Σ log f(|x − mean| / σ) − D log σ in nats.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    let mean = mean(parameters)
    let draws = x.shape[0] == 0 ? 1 : mean.shape[0] / x.shape[0]
    let elements = Float(x.shape.removingFirst.count)
    let logDeviation =
      state.logVariance(error: .zeros([1]), elements: elements, of: self, context) * 0.5
    let distances = (x.tiled(draws) - mean).magnitude() * (-logDeviation).exp()
    return shape.logDensity(distances).flattened().sum(axis: 1) - logDeviation * elements
  }

  /// σ as evaluation uses it.
  public var currentDeviation: Float { state.current }

  /// Takes the deviation of the data where it is that of the likelihood, or where a learnt one begins.
  public func prepare(firstBatches: [Tensor], context: Context) {
    state.prepare(firstBatches: firstBatches, context: context)
  }

  /// The mean through the inverse of the link.
  public func parameters(withMean mean: Tensor) -> Tensor? { link.parameters(withMean: mean) }

  /// The decoder's output through the link.
  public func mean(_ parameters: Tensor) -> Tensor { link.mean(parameters) }

  /// mean + σ · F⁻¹(noise), F the distribution function of the shape.
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    let standard = Tensor(noise.shape) { buffer in
      noise.withFloats { numbers in
        for (place, number) in numbers.enumerated() {
          buffer[place] = Float(shape.quantile(Double(number)))
        }
      }
    }
    return mean(parameters) + standard * currentDeviation
  }

  /// A uniform number for each element.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    context.stream("likelihood").uniform(context.examples, shape: imageShape)
  }
}
