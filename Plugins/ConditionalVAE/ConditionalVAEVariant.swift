import VAEComponents
import VAECore
import VAERecipes

/// A variational autoencoder of x given a condition y (Sohn, Lee & Yan 2015): encoder and decoder are
/// told y, and the bound is one on log p(x|y).
public struct ConditionalVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "conditional-vae" }
  /// What it is.
  public var summary: String {
    "Gaussian latents, told a label, attributes or numbers y; bound on log p(x|y)"
  }
  /// The paper.
  public var reference: String {
    "K. Sohn, H. Lee, X. Yan: Learning Structured Output Representation using Deep Conditional Generative "
      + "Models. NIPS 2015"
  }
  /// As `gaussian-vae`, with the condition joined to the input of both networks.
  public var composition: Composition {
    Composition(
      encoder: "conditional-mlp", prior: "standard-normal", decoder: "conditional-mlp")
  }
  /// The networks that are told the condition, by the names of those without one.
  public var architectures: [String: [Role: String]] {
    Dictionary(
      uniqueKeysWithValues: ["mlp", "conv", "resnet"].map {
        ($0, [.encoder: "conditional-\($0)", .decoder: "conditional-\($0)"])
      })
  }

  /// Encoders and decoders that are told the condition, and the prior that follows it.
  public func registerComponents(in registry: inout Registry) {
    for encoder in [.mlp, .convolutional, .residual] as [Component<any Encoder>] {
      registry.register(.conditional(encoder, flattens: encoder.name == "mlp"))
    }
    for decoder in [.mlp, .convolutional, .residual] as [Component<any Decoder>] {
      registry.register(.conditional(decoder, flattens: decoder.name == "mlp"))
    }
    registry.register(.conditionalNormal)
  }
}
