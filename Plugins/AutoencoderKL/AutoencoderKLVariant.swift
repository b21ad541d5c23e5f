import VAECore
import VAERecipes

/// The autoencoder of latent diffusion (Rombach et al. 2022): Stable Diffusion's VAE.
public struct AutoencoderKLVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "autoencoder-kl" }
  /// What it is.
  public var summary: String {
    "Stable Diffusion's VAE: residual blocks with attention for images of any size"
  }
  /// The paper.
  public var reference: String {
    "R. Rombach, A. Blattmann, D. Lorenz, P. Esser, B. Ommer: High-Resolution Image Synthesis with "
      + "Latent Diffusion Models. CVPR 2022, arXiv:2112.10752"
  }

  /// The published network with its weight of the rate.
  public var composition: Composition {
    Composition(
      encoder: "kl",
      prior: Composition.Choice(
        "standard-normal-map", ["scaling_factor": .number(0.18215)]),
      decoder: "kl",
      likelihood: Composition.Choice("gaussian", ["link": .text("identity")]),
      objective: Composition.Choice("elbo", ["beta": .number(1e-6)]),
      training: ["batch_size": .integer(8), "learning_rate": .number(1e-4)])
  }

  /// The published network, or others around the same map.
  public var architectures: [String: [Role: String]] {
    [
      "kl": [.encoder: "kl", .decoder: "kl"], "conv": [.encoder: "conv", .decoder: "conv"],
      "mlp": [.encoder: "mlp", .decoder: "mlp"],
    ]
  }

  /// What both halves share, and the latent units at a place.
  public var shorthands: [String: [String]] {
    [
      "latent_channels": ["prior.latent_channels"],
      "norm_groups": ["encoder.norm_groups", "decoder.norm_groups"],
    ]
  }

  /// Diffusers' folders and the files of latent diffusion.
  public var weightFormats: [any WeightFormat] { [KLWeights()] }

  /// Both halves.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Encoder>.kl)
    registry.register(Component<any Decoder>.kl)
  }
}
