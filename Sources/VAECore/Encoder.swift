import Messages
import NeuralNetworks
import Tensors

/// Proposes a distribution over latents for each example: q(z|x).
public protocol Encoder: Module {
  /// The posterior for a batch.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]`, in the range that the data source states.
  ///   - context: why the call is made, and where random numbers come from.
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

extension Component where Part == any Encoder {
  /// The recipe component `none`.
  public static var none: Component {
    Component(
      role: .encoder, name: "none", summary: "no encoder, for a model without latents",
      hyperparameters: []
    ) { _, build in
      guard build.latents == .none else {
        throw RecipeError(
          .invalid,
          "encoder none proposes no latents, but the prior has \(build.latents.phrase); choose another "
            + "encoder, such as \(.setting("encoder.name", "mlp")), or \(.setting("prior.name", "none"))"
        )
      }
      return EmptyEncoder()
    }
  }
}
