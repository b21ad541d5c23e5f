import VAEComponents
import VAECore
import VAERecipes

/// The autoencoder with codes of VQGAN and latent diffusion: the network of `autoencoder-kl` around a
/// codebook.
public struct VQModelVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "vq-model" }
  /// What it is.
  public var summary: String {
    "VQGAN's autoencoder: residual blocks with attention around a codebook, for images of any size"
  }
  /// The papers.
  public var reference: String {
    "P. Esser, R. Rombach, B. Ommer: Taming Transformers for High-Resolution Image Synthesis. CVPR 2021, "
      + "arXiv:2012.09841"
  }

  /// Latent diffusion's network for codes of 4×4 pixels (`vq-f4`), with the variance of the training data as
  /// that of the density, as in `vq-vae`. Its authors' perceptual and adversarial losses are no densities
  /// and no part of it.
  public var composition: Composition {
    func half(_ channels: [Int]) -> Composition.Choice {
      Composition.Choice(
        "kl", ["level_channels": .integers(channels), "attention": .integers([0, 0, 0])])
    }
    return Composition(
      encoder: half([128, 256, 512]),
      prior: Composition.Choice(
        "uniform-codes", ["codes": .integer(8192), "code_size": .integer(3)]),
      decoder: half([512, 256, 128]),
      likelihood: Composition.Choice(
        "gaussian", ["sigma": .text("data"), "link": .text("identity")]),
      training: ["batch_size": .integer(8), "learning_rate": .number(1e-4)])
  }

  /// The published network, or others around the same grid of codes.
  public var architectures: [String: [Role: String]] {
    [
      "kl": [.encoder: "kl", .decoder: "kl"], "conv": [.encoder: "conv", .decoder: "conv"],
      "mlp": [.encoder: "mlp", .decoder: "mlp"],
    ]
  }

  /// What both halves share, and hyper-parameters that only codes have.
  public var shorthands: [String: [String]] {
    [
      "norm_groups": ["encoder.norm_groups", "decoder.norm_groups"],
      "update": ["prior.update"], "restart_threshold": ["prior.restart_threshold"],
    ]
  }

  /// A network that learns which codes follow which, as for `vq-vae`.
  public var furtherStages: [FurtherStage] { [.codePrior] }

  /// Diffusers' folders and the files of taming and latent diffusion.
  public var weightFormats: [any WeightFormat] { [VQWeights()] }
}
