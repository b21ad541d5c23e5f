import Glibc
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Independent Gaussian elements around the decoder's output:
/// log p = −½ (D log 2πσ² + Σ (x − mean)² / σ²) in nats, with D elements an example. The columns of a table
/// have one σ each, log p = −½ Σ (log 2πσ² + (x − mean)² / σ²).
public final class GaussianLikelihood: Likelihood {
  /// Where σ comes from.
  public typealias Deviation = NoiseDeviation
  /// How the decoder's output becomes the mean.
  public typealias Link = MeanLink

  /// Where σ comes from.
  public var deviation: Deviation { noise.source }
  /// How the decoder's output becomes the mean.
  public let link: Link
  /// The number of elements, where each has a σ of its own; nil for one σ.
  public var columns: Int? { noise.columns }
  private let noise: NoiseDeviationState

  /// A Gaussian likelihood.
  ///
  /// - Parameters:
  ///   - deviation: where σ comes from.
  ///   - link: how the decoder's output becomes the mean.
  ///   - columns: the number of elements of an example, for a σ of each; nil for one of all.
  public init(_ deviation: Deviation, link: Link = .identity, columns: Int? = nil) {
    noise = NoiseDeviationState(deviation, columns: columns)
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
    if columns != nil { return logDensityOfColumns(x, parameters: parameters, known: nil, context) }
    let error = Tensor.squaredError(x, mean: mean(parameters))
    let elements = Float(x.shape.removingFirst.count)
    let logVariance = noise.logVariance(
      error: error, elements: elements, of: self, context)
    // (error / σ² + D log 2πσ²) · −½
    let scaled = error * (-logVariance).exp() + logVariance * elements
    return (scaled + elements * log(2 * Float.pi)) * -0.5
  }

  /// The same of some elements, whose σ is their column's where each has its own.
  public func logDensity(
    _ x: Tensor, parameters: Tensor, ofElements chosen: Tensor, _ context: Context
  ) -> Tensor {
    guard columns != nil else {
      return pricedOneByOne(x, parameters: parameters, ofElements: chosen, context)
    }
    return logDensityOfColumns(x, parameters: parameters, known: chosen, context)
  }

  /// −½ Σ (log 2πσ² + (x − mean)² / σ²) over the known columns, each with its own σ.
  private func logDensityOfColumns(
    _ x: Tensor, parameters: Tensor, known: Tensor?, _ context: Context
  ) -> Tensor {
    let draws = parameters.shape[0] / x.shape[0]
    let weights = known?.flattened().tiled(draws)
    var errors = (x.tiled(draws) - mean(parameters)).flattened().squared()
    if let weights { errors = errors * weights }
    let logVariance = noise.logVariances(errors, weights, of: self, context)
    let terms = errors * (-logVariance).exp() + logVariance + log(2 * Float.pi)
    return (weights.map { terms * $0 } ?? terms).sum(axis: 1) * -0.5
  }

  /// σ as evaluation uses it; of several columns the root of their mean σ².
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
    // The σ of a column is in the noise of the column, whose elements may be drawn one by one.
    mean(parameters) + (columns == nil ? noise * currentDeviation : noise)
  }

  /// A standard normal number for each element; where each has its own σ, multiplied by it.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    let normal = context.normalNoise("likelihood", samples: 1, shape: imageShape)
    guard columns != nil else { return normal }
    let deviations = self.noise.deviations
    return normal * (deviations.rank == 0 ? deviations : deviations.reshaped(to: imageShape))
  }
}

extension GaussianLikelihood {
  /// The hyper-parameters of `gaussian`.
  package typealias Options = GaussianNoiseOptions

  /// The likelihood that options describe, for data of a range.
  convenience init(_ options: Options, range: ValueRange, columns: Int? = nil) {
    self.init(
      NoiseDeviation(options.sigma), link: MeanLink(options.link, range: range), columns: columns)
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `gaussian`.
  public static var gaussian: Component {
    Component(
      role: .likelihood, name: "gaussian", summary: "real elements around the decoder's output",
      options: GaussianLikelihood.Options()
    ) { options, build in
      GaussianLikelihood(
        options, range: build.data.range, columns: build.data.columns?.elementCount)
    }
  }
}
