import NeuralNetworks
import Tensors

/// What an encoder proposes for a batch: a distribution over latents, q(z|x).
///
/// Draws come sample by sample: K draws for N examples are `K · N` rows, of which row `k · N + n`
/// is example `n`'s.
public protocol Posterior {
  /// The number of examples.
  var exampleCount: Int { get }

  /// `samples` draws an example, `[samples · N, …]`, differentiable where the distribution can be
  /// reparameterised.
  func sample(_ samples: Int, _ context: Context) -> Tensor

  /// log q(z|x) in nats, `[K · N]`, of draws `[K · N, …]`.
  func logDensity(_ z: Tensor) -> Tensor

  /// KL(q ‖ p) in nats for each example, `[N]`, where there is a closed form for this prior; else
  /// nil.
  func divergence(to prior: any Prior) -> Tensor?

  /// KL(q ‖ p) in nats for each example and latent unit, `[N, units]`, where it is a sum over
  /// units; else nil.
  func unitDivergence(to prior: any Prior) -> Tensor?

  /// The same distribution as a constant: no gradient flows through its parameters.
  func stoppingGradient() -> any Posterior

  /// The mean, `[N, …]`, nil where there is none.
  var mean: Tensor? { get }
  /// The variance, `[N, …]`, nil where there is none.
  var variance: Tensor? { get }
}

extension Posterior {
  /// No closed form.
  public func divergence(to prior: any Prior) -> Tensor? { nil }
  /// No closed form.
  public func unitDivergence(to prior: any Prior) -> Tensor? { nil }
  /// No mean.
  public var mean: Tensor? { nil }
  /// No variance.
  public var variance: Tensor? { nil }
}

/// The posterior of a model without latents.
public struct EmptyPosterior: Posterior {
  /// The number of examples.
  public let exampleCount: Int

  /// An empty posterior for a batch.
  public init(exampleCount: Int) {
    self.exampleCount = exampleCount
  }

  /// Rows without elements.
  public func sample(_ samples: Int, _ context: Context) -> Tensor {
    .zeros([samples * exampleCount, 0])
  }

  /// Zero.
  public func logDensity(_ z: Tensor) -> Tensor { .zeros([z.shape[0]]) }

  /// Zero.
  public func divergence(to prior: any Prior) -> Tensor? { .zeros([exampleCount]) }

  /// Itself.
  public func stoppingGradient() -> any Posterior { self }
}
