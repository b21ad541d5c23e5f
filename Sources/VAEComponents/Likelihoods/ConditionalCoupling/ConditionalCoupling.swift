import Glibc
import NeuralNetworks
import Tensors
import VAECore

/// A flow of images under the decoder's output (conditional RealNVP; Dinh et al. 2017, with what the decoder says given to
/// every coupling): pixels that depend on each other given z, with an exact density.
///
/// The decoder gives each pixel a location m and a number r for each channel, and some features h. With σ learnt and b a
/// learnt bound for each channel,
///
///     ε₀ = (x − m) / (σ e^{b tanh r})      εᵢ = couplingᵢ(εᵢ₋₁; m, r, h)      ε = the last one, standard normal
///     log p(x|z) = Σ log N(ε; 0, 1) + Σ log|det| − Σ (log σ + b tanh r)
///
/// Couplings begin as the identity, so that a fresh likelihood is a Gaussian with a deviation for each element.
///
/// Bytes are priced by their bound over points between two levels, `Dequantizer`: then this is a probability of bytes, and
/// bits per dimension follow from it.
///
/// The mean of such a distribution has no closed form. What stands for it is its centre, the image of ε = 0. It depends on the
/// couplings too, so that a loss on images, such as a distance of features, trains them beside the density.
public final class ConditionalCoupling: Likelihood {
  /// What a decoder gives each pixel beside location and deviation.
  public let features: Int
  private let couplings: [ImageCoupling]
  private let bound: Parameter
  private let deviation: NoiseDeviationState
  private let dequantizer: Dequantizer?

  /// A likelihood.
  ///
  /// - Parameters:
  ///   - channels: of an image.
  ///   - steps: couplings.
  ///   - hidden: channels of their networks.
  ///   - blocks: residual blocks of each network.
  ///   - features: what the decoder gives each pixel beside location and deviation.
  ///   - dequantizer: for bytes, multiples of 1/255; nil for real numbers.
  ///   - random: where first weights come from.
  package init(
    channels: Int, steps: Int, hidden: Int, blocks: Int, features: Int,
    dequantizer: Dequantizer?, random: RandomSource
  ) {
    self.features = features
    self.dequantizer = dequantizer
    couplings = (0..<steps).map { step in
      ImageCoupling(
        channels: channels, step: step, conditions: 2 * channels + features,
        ScaleAndShift.Sizes(hidden: hidden, blocks: blocks), random: random.child("\(step)"))
    }
    bound = Parameter([channels], isDecayed: false) { .ones([channels]) }
    deviation = NoiseDeviationState(.learnt)
  }

  /// log σ, the bound of the deviations, the couplings, and the noise of bytes where it is learnt.
  public var members: Members {
    var members = deviation.members
    members.entries.append((name: "scale", member: .parameter(bound)))
    members.entries += Members(numbered: couplings).entries.map {
      (name: "coupling\($0.name)", member: $0.member)
    }
    if let dequantizer {
      members.entries.append((name: "dequantization", member: .module(dequantizer)))
    }
    return members
  }

  /// Location and deviation of each channel, and the features.
  public func parametersPerPixel(channels: Int) -> Int { 2 * channels + features }
  /// Every channel of a pixel is seen by the others.
  public var couplesChannels: Bool { true }
  /// Couplings see the neighbours of a pixel.
  public var couplesPixels: Bool { true }
  /// That of bytes is, by the places of their points.
  public var isDensityDrawn: Bool { dequantizer != nil }
  /// Only without couplings.
  public var hasPointwiseMean: Bool { couplings.isEmpty }
  /// Where bytes are priced.
  public var isDiscrete: Bool { dequantizer != nil }

  /// log p in nats: of bytes the bound over one point of each row.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    let draws = x.shape[0] == 0 ? 1 : parameters.shape[0] / x.shape[0]
    guard let dequantizer else {
      return logDensity(ofPoints: x.tiled(draws), parameters, context)
    }
    return dequantizer.logProbability(x, draws: draws, context) {
      logDensity(ofPoints: $0, parameters, context)
    }
  }

  /// log p of points, a row of parameters for each, in nats, `[rows]`.
  package func logDensity(ofPoints points: Tensor, _ parameters: Tensor, _ context: Context)
    -> Tensor
  {
    let (location, logDeviation) = start(parameters, context)
    var noise = (points - location) * (-logDeviation).exp()
    var logDeterminant = -logDeviation.flattened().sum(axis: 1)
    for coupling in couplings {
      let (value, change) = coupling.forward(noise, parameters, context)
      noise = value
      logDeterminant = logDeterminant + change
    }
    let elements = Float(points.shape.removingFirst.count)
    let squares = noise.squared().flattened().sum(axis: 1) + elements * log(2 * Float.pi)
    return logDeterminant - squares * 0.5
  }

  /// The points that standard normal numbers stand for.
  package func points(of noise: Tensor, _ parameters: Tensor) -> Tensor {
    let (location, logDeviation) = start(parameters, Self.plain)
    let value = couplings.reversed().reduce(noise) { $1.inverse($0, parameters, Self.plain) }
    return value * logDeviation.exp() + location
  }

  /// Location and log-deviation of the elements before any coupling.
  private func start(_ parameters: Tensor, _ context: Context)
    -> (location: Tensor, logDeviation: Tensor)
  {
    let channels = bound.shape[0]
    let parts = parameters.split(sizes: [channels, channels, features].filter { $0 > 0 })
    let common =
      deviation.logVariance(error: .zeros([1]), elements: 1, of: self, context) * 0.5
    return (parts[0], parts[1].tanh() * bound.tensor + common)
  }

  /// Networks ask their context for nothing that a draw would depend on.
  private static var plain: Context {
    Context(mode: .evaluation, random: RandomSource(seed: 0), examples: [])
  }

  /// A learnt σ begins at the deviation of the data.
  public func prepare(firstBatches: [Tensor], context: Context) {
    deviation.prepare(firstBatches: firstBatches, context: context)
  }

  /// The mean as location, with a deviation of σ and no features.
  public func parameters(withMean mean: Tensor) -> Tensor? {
    let location = isDiscrete ? Dequantizer.middle(of: mean) : mean
    let channels = bound.shape[0]
    return location.padded(axis: mean.rank - 1, before: 0, after: channels + features)
  }

  /// The centre, `[rows, height, width, channels]`: the image of ε = 0.
  public func mean(_ parameters: Tensor) -> Tensor {
    let shape = parameters.shape.dimensions.dropLast() + [bound.shape[0]]
    let centre = points(of: .zeros(Shape(Array(shape))), parameters)
    return isDiscrete ? Dequantizer.value(ofMiddle: centre) : centre
  }

  /// The image of standard normal numbers; of bytes the levels in whose bins it lies.
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    withoutTape {
      let points = points(of: noise, parameters)
      return isDiscrete ? Dequantizer.level(of: points) : points
    }
  }

  /// A standard normal number for each element.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    context.normalNoise("likelihood", samples: 1, shape: imageShape)
  }
}
