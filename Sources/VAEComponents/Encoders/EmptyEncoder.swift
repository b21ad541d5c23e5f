import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The encoder of a model without latents.
public final class EmptyEncoder: Encoder {
  /// An encoder that looks at nothing.
  public init() {}

  /// No members.
  public var members: Members { [:] }

  /// No numbers.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? { [0] }

  /// The empty posterior.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    EmptyPosterior(exampleCount: x.shape[0])
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `none`.
  public static var none: Component {
    Component(
      role: .encoder, name: "none", summary: "no encoder, for a model without latents"
    ) { build in
      guard build.latents.isEmpty else {
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
