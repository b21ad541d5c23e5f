import NeuralNetworks
import Tensors

/// Explains data from latents: the parameters of p(x|z).
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
}
