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

  /// The mean of the distribution, in the data's range, `[K · N, height, width, channels]`.
  func mean(_ parameters: Tensor) -> Tensor

  /// A draw from the distribution, `[N, height, width, channels]`.
  func sample(_ parameters: Tensor, _ context: Context) -> Tensor
}
