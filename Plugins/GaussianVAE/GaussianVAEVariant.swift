import VAERecipes

/// The variational autoencoder of Kingma & Welling (2014): a diagonal Gaussian posterior, a
/// standard normal prior, and the evidence lower bound with weight one.
public struct GaussianVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "gaussian-vae" }
  /// What it is.
  public var summary: String { "Gaussian latents, standard normal prior, evidence lower bound" }
  /// The paper.
  public var reference: String {
    "D. P. Kingma, M. Welling: Auto-Encoding Variational Bayes. ICLR 2014, arXiv:1312.6114"
  }
  /// One hidden layer of 400 on each side and 20 latent units; `architecture=conv` for images with
  /// structure.
  public var composition: Composition {
    Composition(encoder: "mlp", prior: "standard-normal", decoder: "mlp")
  }
}
