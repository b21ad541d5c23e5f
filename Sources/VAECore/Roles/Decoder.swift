import NeuralNetworks
import Tensors

/// Explains data from latents: the parameters of p(x|z).
///
/// ```swift
/// /// A dense layer from one layer of units to the logits of images.
/// final class LinearDecoder: Decoder {
///   let layer: Dense
///   let image: [Int]
///
///   init(units: Int, image: [Int], random: RandomSource) {
///     self.image = image
///     layer = Dense(inputs: units, outputs: image.reduce(1, *), random: random)
///   }
///
///   var members: Members { ["layer": .module(layer)] }
///
///   func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
///     layer(draw.decoderInput, context).reshaped(to: Shape([draw.rowCount] + image))
///   }
///
///   func begin(at parameters: Tensor) { layer.bias.value = parameters.reshaped(to: layer.bias.shape) }
/// }
/// ```
public protocol Decoder: Module {
  /// The likelihood's parameters `[K · N, height, width, channels · parameters]` for a draw.
  ///
  /// - Parameters:
  ///   - draw: the latents.
  ///   - target: the data themselves, `[N, height, width, channels]`, which an autoregressive
  ///     decoder conditions on; others ignore them. Nil when sampling.
  ///   - context: why the call is made, and where random numbers come from.
  func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor

  /// Called once before training with parameters that suit the data as a whole,
  /// `[height, width, channels · parameters]`, so that a decoder can begin near them.
  func begin(at parameters: Tensor)

  /// The weights of the last layer, where the pulls of several losses of its output are compared
  /// (`AdaptiveWeight`); nil where there is no such layer.
  var lastWeights: Parameter? { get }
}

/// A decoder whose parameters for one pixel depend on the pixels before it:
/// p(x|z) = Π p(xᵢ | x₁ … xᵢ₋₁, z).
public protocol AutoregressiveDecoder: Decoder {
  /// Data drawn from p(x|z) pixel by pixel, `[N, height, width, channels]`, one for each row of the
  /// draw.
  func sample(_ draw: LatentDraw, from likelihood: any Likelihood, _ context: Context) -> Tensor
}

extension Decoder {
  /// Begins wherever its weights begin.
  public func begin(at parameters: Tensor) {}

  /// None is known.
  public var lastWeights: Parameter? { nil }
}
