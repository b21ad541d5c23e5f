import VAECore
import VAERecipes

/// The VAE-GAN of Larsen et al. (2016): a Gaussian VAE that compares images by the features of a discriminator, which
/// is trained beside it.
public struct VAEGANVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "vae-gan" }
  /// What it is.
  public var summary: String {
    "images are compared by the features of a discriminator, which also judges samples"
  }
  /// The paper.
  public var reference: String {
    "A. B. L. Larsen, S. K. Sønderby, H. Larochelle, O. Winther: Autoencoding beyond pixels using "
      + "a learned similarity metric. ICML 2016, arXiv:1512.09300"
  }

  /// Convolutions, 128 units and batch normalisation in the discriminator as in the paper: it gives its features the size
  /// in which their distance is weighed against the rate. σ of the likelihood, which trains nothing here, is the one that
  /// fits the training images best.
  public var composition: Composition {
    Composition(
      encoder: "conv",
      prior: Composition.Choice("standard-normal", ["latent": .integer(128)]),
      decoder: "conv",
      likelihood: Composition.Choice("gaussian", ["sigma": .text("optimal")]),
      objective: Composition.Choice(
        "vae-gan", ["discriminator_normalization": .text("batch")]),
      training: [
        "batch_size": .integer(64), "learning_rate": .number(3e-4), "beta1": .number(0.5),
      ])
  }

  /// The weight of the similarity at the decoder.
  public var shorthands: [String: [String]] { ["gamma": ["objective.gamma"]] }

  /// The objective.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Objective>.vaeGAN)
  }
}
