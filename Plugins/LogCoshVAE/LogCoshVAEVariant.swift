import VAERecipes

/// A Gaussian VAE whose likelihood prices errors by the log-cosh loss of Chen et al. (2019), with the constant that makes it
/// a density.
public struct LogCoshVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "log-cosh-vae" }
  /// What it is.
  public var summary: String {
    "errors by the log-cosh loss, squares near zero and lines far from it, as a density"
  }
  /// The paper.
  public var reference: String {
    "P. Chen, G. Chen, S. Zhang: Log Hyperbolic Cosine Loss Improves Variational Auto-Encoder. 2018"
  }
  /// That of `gaussian-vae` with another likelihood.
  public var composition: Composition {
    Composition(
      encoder: "mlp", prior: "standard-normal", decoder: "mlp", likelihood: "log-cosh")
  }
}
