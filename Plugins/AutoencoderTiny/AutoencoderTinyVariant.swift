import VAECore
import VAERecipes

/// TAESD, the tiny autoencoder of Boer Bohan (2023): a small stand-in for the autoencoders of latent
/// diffusion, whose latents it makes and reads.
public struct AutoencoderTinyVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "autoencoder-tiny" }
  /// What it is.
  public var summary: String { "TAESD: a small convolutional autoencoder for images of any size" }
  /// The source.
  public var reference: String {
    "O. Boer Bohan: TAESD, Tiny AutoEncoder for Stable Diffusion. 2023, github.com/madebyollin/taesd"
  }

  /// The published network, with the squared error as a density of learnt variance.
  public var composition: Composition {
    Composition(
      encoder: "tiny", prior: "standard-normal-map", decoder: "tiny",
      likelihood: Composition.Choice("gaussian", ["link": .text("identity")]),
      training: ["batch_size": .integer(16), "learning_rate": .number(3e-4)])
  }

  /// The published network, or others around the same map.
  public var architectures: [String: [Role: String]] {
    [
      "tiny": [.encoder: "tiny", .decoder: "tiny"], "conv": [.encoder: "conv", .decoder: "conv"],
      "mlp": [.encoder: "mlp", .decoder: "mlp"],
    ]
  }

  /// The latent units at a place.
  public var shorthands: [String: [String]] { ["latent_channels": ["prior.latent_channels"]] }

  /// TAESD's own files and diffusers' folders.
  public var weightFormats: [any WeightFormat] { [TinyWeights()] }

  /// Both halves.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Encoder>.tiny)
    registry.register(Component<any Decoder>.tiny)
  }
}
