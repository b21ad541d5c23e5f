import NeuralNetworks
import Tensors

/// A prior whose draws are independent standard normal numbers, transformed: z = f(ε).
///
/// These numbers are coordinates in which the prior is the same everywhere. A unit is swept over
/// quantiles of its prior by sweeping its number, whatever the layers above make of its mean and
/// variance, and a way between two points that keeps to what the prior expects is one between their
/// numbers.
public protocol ReparameterizedPrior: Prior {
  /// Latents at given numbers, as a draw without a price.
  ///
  /// - Parameters:
  ///   - noise: `[N, …]` for each stochastic layer, the one nearest to the data first.
  ///   - context: why the call is made, and where random numbers come from.
  func draw(noise: [Tensor], _ context: Context) -> LatentDraw

  /// The numbers that `draw(noise:_:)` turns into given latents, `[N, …]` for each stochastic
  /// layer.
  func noise(of latents: [Tensor], _ context: Context) -> [Tensor]
}
