import NeuralNetworks
import Tensors

/// Everything that a model says about a batch: the posterior, the draws, what each part costs.
/// Objectives weigh its terms.
///
/// The terms of an example carry a leading axis of samples: `[K, N]`.
///
/// ```swift
/// // The bound of K weighted draws of each example, `[N]` (Burda et al. 2016, equation 8).
/// let bound = evaluation.logWeights.transposed().logSumExp() - log(Float(evaluation.samples))
/// ```
public struct Evaluation {
  /// The data, `[N, height, width, channels]`.
  public let batch: Tensor
  /// q(z|x).
  public let posterior: any Posterior
  /// The latents, drawn K times an example.
  public let draw: LatentDraw
  /// The likelihood's parameters, `[K · N, …]`.
  public let parameters: Tensor
  /// −log p(x|z) in nats, `[K, N]`.
  public let distortion: Tensor
  /// The price of all latents in nats, `[K, N]`.
  public let rate: Tensor
  /// Terms that belong to the loss but not to the bound, scalars in nats per example, by name in
  /// alphabetical order.
  public let auxiliary: [(name: String, value: Tensor)]
  /// K, the draws per example.
  public let samples: Int
  /// An evaluation from its parts; `logDensity` is log p(x|z), `[K · N]`.
  public init(
    batch: Tensor, posterior: any Posterior, draw: LatentDraw, parameters: Tensor,
    logDensity: Tensor, samples: Int
  ) {
    self.batch = batch
    self.posterior = posterior
    self.draw = draw
    self.parameters = parameters
    self.samples = samples
    let shape: Shape = [samples, batch.shape[0]]
    distortion = (-logDensity).reshaped(to: shape)
    rate = draw.rate.reshaped(to: shape)
    auxiliary = draw.auxiliary.sorted { $0.key < $1.key }.map {
      (name: $0.key, value: $0.value.mean())
    }
  }

  /// log p(x|z) − rate, `[K, N]`: with a sampled rate, the logarithms of the importance weights
  /// p(x, z) / q(z|x).
  public var logWeights: Tensor { -(distortion + rate) }
}
