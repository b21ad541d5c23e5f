import NeuralNetworks
import Tensors

/// Prices the explanation: p(x | parameters), a normalised density with all of its constants.
public protocol Likelihood: Module {
  /// How many numbers a decoder must give for each channel of each pixel.
  var parametersPerElement: Int { get }

  /// Whether p(x|z) is a probability of discrete values, so that bits per dimension follow from it.
  var isDiscrete: Bool { get }

  /// log p(x | parameters) in nats, `[K · N]`.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]`.
  ///   - parameters: `[K · N, height, width, channels · parametersPerElement]`.
  func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor

  /// The parameters whose distribution has the given mean, for a start from the data; nil where there is
  /// no such thing.
  ///
  /// - Parameter mean: `[height, width, channels]`.
  /// - Returns: `[height, width, channels · parametersPerElement]`.
  func parameters(withMean mean: Tensor) -> Tensor?

  /// The mean of the distribution, in the data's range, `[K · N, height, width, channels]`.
  func mean(_ parameters: Tensor) -> Tensor

  /// A draw from the distribution, `[N, height, width, channels]`.
  func sample(_ parameters: Tensor, _ context: Context) -> Tensor
}

extension Likelihood {
  /// No such thing.
  public func parameters(withMean mean: Tensor) -> Tensor? { nil }
}

extension Tensor {
  /// log(p / (1 − p)) of probabilities, which are first kept between 0.001 and 0.999.
  func logit() -> Tensor {
    let kept = clamped(to: 0.001...0.999)
    return kept.log() - (1 - kept).log()
  }
}
