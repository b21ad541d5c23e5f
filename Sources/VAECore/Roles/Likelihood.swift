import NeuralNetworks
import Tensors

/// Prices the explanation: p(x | parameters), a normalised density with all of its constants.
///
/// ```swift
/// /// A Laplace distribution of scale one for each number: log p = Σ (−|x − mean| − log 2).
/// final class LaplaceLikelihood: Likelihood {
///   var members: Members { [:] }
///   func parametersPerPixel(channels: Int) -> Int { channels }
///   var isDiscrete: Bool { false }
///
///   func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
///     let draws = parameters.shape[0] / x.shape[0]
///     let errors = (x.tiled(draws) - parameters).magnitude().flattened()
///     return -(errors.sum(axis: 1) + Float(errors.shape[1]) * log(2))
///   }
///
///   func mean(_ parameters: Tensor) -> Tensor { parameters }
///
///   func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
///     context.stream("likelihood").uniform(context.examples, shape: imageShape)
///   }
///
///   func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
///     let centred = noise - 0.5  // −sgn(u) log(1 − 2|u|) is a draw
///     let sign = centred.isAbove(0) * 2 - 1
///     return parameters - sign * (1 - centred.magnitude() * 2).log()
///   }
/// }
/// ```
public protocol Likelihood: Module {
  /// How many numbers a decoder must give for a pixel with this many channels. They lie channel by
  /// channel unless the likelihood couples channels.
  func parametersPerPixel(channels: Int) -> Int

  /// Whether a pixel's channels are conditioned on each other here. Where they are not, an
  /// autoregressive decoder conditions them.
  var couplesChannels: Bool { get }

  /// Whether pixels depend on each other here, given the parameters, so that none can be drawn before the others.
  /// An autoregressive decoder, which draws pixel by pixel, needs a likelihood that does not.
  var couplesPixels: Bool { get }

  /// Whether p(x|z) is a product over elements, each of which has parameters of its own, one element
  /// after the other, so that some of them can be priced without the rest. A model that takes masks
  /// needs such a likelihood.
  var factorizes: Bool { get }

  /// Whether p(x|z) is a probability of discrete values, so that bits per dimension follow from it.
  var isDiscrete: Bool { get }

  /// Whether `logDensity` depends on random numbers, as a bound over noise does, so that it differs from draw to draw where the
  /// parameters do not.
  var isDensityDrawn: Bool { get }

  /// Whether the mean of a pixel follows from the pixel's own parameters, so that pictures of every size have one, and tiles
  /// of them theirs.
  var hasPointwiseMean: Bool { get }

  /// log p(x | parameters) in nats, `[K · N]`.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]`.
  ///   - parameters: `[K · N, height, width, parametersPerPixel]`.
  ///   - context: why the call is made, and where random numbers come from.
  func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor

  /// log p of some elements in nats, `[K · N]`, of a likelihood that factorises.
  ///
  /// - Parameter chosen: ones for the elements that are priced, else zeros, of the shape of `x`.
  func logDensity(
    _ x: Tensor, parameters: Tensor, ofElements chosen: Tensor, _ context: Context
  ) -> Tensor

  /// Whether it prices the columns of a table by their kinds, in the table's own units. Others price the
  /// standardized numbers of real columns.
  var pricesColumns: Bool { get }

  /// The parameters whose distribution has the given mean, for a start from the data; nil where
  /// there is no such thing.
  ///
  /// - Parameter mean: `[height, width, channels]`.
  /// - Returns: `[height, width, parametersPerPixel]`.
  func parameters(withMean mean: Tensor) -> Tensor?

  /// The mean of the distribution, in the data's range, `[K · N, height, width, channels]`; of one whose mean has no closed form
  /// its centre, which is then shown in the place of the mean.
  func mean(_ parameters: Tensor) -> Tensor

  /// The random numbers that a draw needs, one row for each of the context's examples:
  /// `[N, height, width, numbers]`.
  ///
  /// - Parameters:
  ///   - imageShape: `[height, width, channels]`.
  ///   - context: why the call is made, and where random numbers come from.
  func noise(_ imageShape: Shape, _ context: Context) -> Tensor

  /// A draw from the distribution, `[N, height, width, channels]`, as a function of random numbers;
  /// each pixel depends on its own parameters and numbers alone, so that pixels can be drawn one by
  /// one, unless ``couplesPixels`` says that they cannot.
  func sample(_ parameters: Tensor, noise: Tensor) -> Tensor
}

extension Likelihood {
  /// Channels are independent given the parameters.
  public var couplesChannels: Bool { false }

  /// Pixels are independent given the parameters.
  public var couplesPixels: Bool { false }

  /// It follows from the parameters.
  public var isDensityDrawn: Bool { false }

  /// It does.
  public var hasPointwiseMean: Bool { true }

  /// Not known.
  public var factorizes: Bool { false }

  /// It knows nothing of columns.
  public var pricesColumns: Bool { false }

  /// A draw from the distribution, `[N, height, width, channels]`, one for each of the context's
  /// examples.
  ///
  /// - Parameters:
  ///   - parameters: `[N, height, width, parametersPerPixel]`.
  ///   - imageShape: `[height, width, channels]`.
  ///   - context: why the call is made, and where random numbers come from.
  public func sample(_ parameters: Tensor, _ imageShape: Shape, _ context: Context) -> Tensor {
    sample(parameters, noise: noise(imageShape, context))
  }

  /// No such thing.
  public func parameters(withMean mean: Tensor) -> Tensor? { nil }
}
