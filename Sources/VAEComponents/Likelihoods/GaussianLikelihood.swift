import Glibc
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Independent Gaussian elements around the decoder's output:
/// log p = −½ (D log 2πσ² + Σ (x − mean)² / σ²) in nats, with D elements an example.
public final class GaussianLikelihood: Likelihood {
  /// Where σ comes from.
  public typealias Deviation = NoiseDeviation
  /// How the decoder's output becomes the mean.
  public typealias Link = MeanLink

  /// Where σ comes from.
  public var deviation: Deviation { noise.source }
  /// How the decoder's output becomes the mean.
  public let link: Link
  private let noise: NoiseDeviationState

  /// A Gaussian likelihood.
  public init(_ deviation: Deviation, link: Link = .identity) {
    noise = NoiseDeviationState(deviation)
    self.link = link
  }

  /// log σ where it is trained, σ² where it is calibrated or that of the data.
  public var members: Members { noise.members }

  /// A mean for each channel.
  public func parametersPerPixel(channels: Int) -> Int { channels }
  /// It is.
  public var factorizes: Bool { true }
  /// A density over real numbers.
  public var isDiscrete: Bool { false }

  /// −½ (D log 2πσ² + Σ (x − mean)² / σ²) in nats.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    let error = Tensor.squaredError(x, mean: mean(parameters))
    let elements = Float(x.shape.removingFirst.count)
    let logVariance = noise.logVariance(
      error: error, elements: elements, of: self, context)
    // (error / σ² + D log 2πσ²) · −½
    let scaled = error * (-logVariance).exp() + logVariance * elements
    return (scaled + elements * log(2 * Float.pi)) * -0.5
  }

  /// σ as evaluation uses it.
  public var currentDeviation: Float { noise.current }

  /// Takes the variance of the data where it is that of the likelihood, or where a learnt one begins.
  public func prepare(firstBatches: [Tensor], context: Context) {
    noise.prepare(firstBatches: firstBatches, context: context)
  }

  /// The optimal σ for evaluation comes from calibration.
  public var usesCalibration: Bool { noise.usesCalibration }

  /// Takes σ² of a calibration pass.
  public func recalibrate(_ calibration: Calibration) {
    noise.recalibrate(calibration, of: self)
  }

  /// The mean through the inverse of the link.
  public func parameters(withMean mean: Tensor) -> Tensor? { link.parameters(withMean: mean) }

  /// The decoder's output through the link.
  public func mean(_ parameters: Tensor) -> Tensor { link.mean(parameters) }

  /// mean + σ · noise
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    mean(parameters) + noise * currentDeviation
  }

  /// A standard normal number for each element.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    context.normalNoise("likelihood", samples: 1, shape: imageShape)
  }
}

extension GaussianLikelihood {
  /// The hyper-parameters of `gaussian`.
  package typealias Options = GaussianNoiseOptions
}

extension Component where Part == any Likelihood {
  /// The recipe component `gaussian`.
  public static var gaussian: Component {
    Component(
      role: .likelihood, name: "gaussian", summary: "real elements around the decoder's output",
      options: GaussianLikelihood.Options()
    ) { options, build in
      GaussianLikelihood(
        NoiseDeviation(options.sigma), link: MeanLink(options.link, range: build.data.range))
    }
  }
}
