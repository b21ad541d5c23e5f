import Tensors
import VAECore

/// What the bottom-up path says about each level: a Gaussian message N(μ̂, σ̂²), which the prior
/// merges with its own belief on the way down (Sønderby et al. 2016).
///
/// Below the top, q(zᵢ | x, zᵢ₊₁) depends on what was drawn above it, so that this is no distribution by
/// itself; `LadderPrior` draws the levels.
public struct LadderPosterior: Posterior {
  /// The message of each level, the one nearest to the data first, `[N, …]`.
  public let messages: [DiagonalGaussian]

  /// Messages of all levels; at least one.
  public init(messages: [DiagonalGaussian]) {
    ensure(!messages.isEmpty, "a ladder has at least one level")
    self.messages = messages
  }

  /// The number of examples.
  public var exampleCount: Int { messages[0].exampleCount }
}
