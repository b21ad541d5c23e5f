import NeuralNetworks
import Tensors

/// Proposes a distribution over latents for each example: q(z|x).
public protocol Encoder: Module {
  /// The posterior for a batch.
  ///
  /// - Parameter x: `[N, height, width, channels]`, in the range that the data source states.
  func encode(_ x: Tensor, _ context: Context) -> any Posterior
}

/// The encoder of a model without latents.
public final class EmptyEncoder: Encoder {
  /// An encoder that looks at nothing.
  public init() {}

  /// No members.
  public var members: Members { [:] }

  /// The empty posterior.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    EmptyPosterior(exampleCount: x.shape[0])
  }
}
