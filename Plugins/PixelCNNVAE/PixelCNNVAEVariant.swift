import VAECore
import VAERecipes

/// The PixelVAE of Gulrajani et al. (2017) with one layer of latents: a Gaussian VAE whose decoder is
/// a gated PixelCNN with a small field, conditioned on the latents at every gate.
public struct PixelCNNVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "pixelcnn-vae" }
  /// What it is.
  public var summary: String { "latents for the whole, a PixelCNN decoder for the detail" }
  /// The papers.
  public var reference: String {
    "I. Gulrajani et al.: PixelVAE: A Latent Variable Model for Natural Images. ICLR 2017, "
      + "arXiv:1611.05013; X. Chen et al.: Variational Lossy Autoencoder. ICLR 2017"
  }

  /// 16 latent units, and few decoder layers: what the decoder cannot see, the latents must say. β
  /// rises over five epochs, so that the latents are in use before they cost anything.
  public var composition: Composition {
    Composition(
      encoder: Composition.Choice("conv", ["channels": .integers([32, 64])]),
      prior: Composition.Choice("standard-normal", ["latent": .integer(16)]),
      decoder: Composition.Choice("pixelcnn", ["layers": .integer(2)]),
      objective: Composition.Choice("elbo", ["warmup_epochs": .number(5)]),
      training: ["batch_size": .integer(64)])
  }

  /// The decoder's; the encoder's channels are `encoder.channels`.
  public var shorthands: [String: [String]] {
    ["channels": ["decoder.channels"], "layers": ["decoder.layers"]]
  }

  /// Kinds of encoder.
  public var architectures: [String: [Role: String]] {
    Dictionary(
      uniqueKeysWithValues: ["mlp", "conv", "resnet"].map {
        ($0, [.encoder: $0, .decoder: "pixelcnn"])
      })
  }
}
