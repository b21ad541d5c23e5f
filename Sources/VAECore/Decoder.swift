import NeuralNetworks
import Tensors

/// Explains data from latents: the parameters of p(x|z).
public protocol Decoder: Module {
  /// The likelihood's parameters `[K · N, height, width, channels · parameters]` for a draw.
  ///
  /// - Parameters:
  ///   - draw: the latents.
  ///   - target: the data themselves, `[N, height, width, channels]`, which an autoregressive
  ///     decoder conditions on; others
  ///     ignore them. Nil when sampling.
  func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor
}
