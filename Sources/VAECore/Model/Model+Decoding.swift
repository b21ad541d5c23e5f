import NeuralNetworks
import Tensors

extension Model {
  /// Images of given latents, `[N, height, width, channels]`: the mean of p(x|z), or a draw where
  /// the decoder is autoregressive.
  ///
  /// - Parameters:
  ///   - latents: a tensor for each stochastic layer, the one nearest to the data first; for codes
  ///     their numbers, an index tensor `[N, height, width]`, or their vectors.
  ///   - context: why the call is made, and where random numbers come from.
  public func decode(_ latents: [Tensor], _ context: Context) -> Tensor {
    withoutTape { output(prior.draw(of: latents, context), drawing: false, context) }
  }
}
