import VAECore
import VAERecipes

/// The ladder variational autoencoder of Sønderby et al. (2016): a deterministic path up, a
/// generative path down, and at each level a posterior that merges both by precision.
public struct LadderVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "ladder-vae" }
  /// What it is.
  public var summary: String { "a hierarchy of Gaussian latents, inferred from both directions" }
  /// The paper.
  public var reference: String {
    "C. K. Sønderby et al.: Ladder Variational Autoencoders. NeurIPS 2016, arXiv:1602.02282"
  }

  /// Five levels of 64, 32, 16, 8 and 4 units, perceptrons of two layers with batch normalisation,
  /// as in the paper's experiments.
  public var composition: Composition {
    Composition(
      encoder: "ladder", prior: "ladder", decoder: "ladder",
      training: ["batch_size": .integer(256)])
  }

  /// `hidden` is the width of each level, up and down; the decoder's is its own.
  public var shorthands: [String: [String]] {
    [
      "hidden": ["encoder.hidden", "prior.hidden"],
      "channels": ["encoder.channels", "prior.channels"],
    ]
  }

  /// Perceptrons or convolutions throughout.
  public var architectures: [String: [Role: String]] {
    [
      "mlp": [.encoder: "ladder", .prior: "ladder", .decoder: "ladder"],
      "conv": [.encoder: "ladder-conv", .prior: "ladder-conv", .decoder: "ladder-conv"],
    ]
  }

  /// The paths up and down and the decoder under them.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Encoder>.ladder)
    registry.register(Component<any Encoder>.ladderConvolutional)
    registry.register(Component<any Prior>.ladder)
    registry.register(Component<any Prior>.ladderConvolutional)
    registry.register(Component<any Decoder>.ladder)
    registry.register(Component<any Decoder>.ladderConvolutional)
  }
}
