import VAERecipes

/// The first stage of the two-stage VAE of Dai & Wipf (2019): a Gaussian VAE with a learnt σ, for which
/// the stage `two-stage` is a second one, of its latents.
public struct TwoStageVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "two-stage-vae" }
  /// What it is.
  public var summary: String {
    "the first stage of two: a Gaussian VAE with learnt sigma; the stage two-stage adds a VAE of its latents"
  }
  /// The paper.
  public var reference: String {
    "B. Dai, D. Wipf: Diagnosing and Enhancing VAE Models. ICLR 2019, arXiv:1903.05789"
  }

  /// That of `gaussian-vae` with the paper's 64 units and its likelihood, whatever the data.
  public var composition: Composition {
    Composition(
      encoder: "mlp",
      prior: Composition.Choice("standard-normal", ["latent": .integer(64)]),
      decoder: "mlp", likelihood: "gaussian")
  }
}
