import VAERecipes

/// A Gaussian VAE whose likelihood prices errors on several scales, each with a deviation that is learnt.
public struct MultiscaleVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "multiscale-vae" }
  /// What it is.
  public var summary: String {
    "a Gaussian likelihood that prices coarse errors higher than fine ones"
  }
  /// The idea is that of coloured noise; this form of it is the zoo's own.
  public var reference: String {
    "The likelihood of the Gaussian VAE (Kingma & Welling, ICLR 2014) with noise of one deviation for each level of a "
      + "Haar pyramid"
  }
  /// That of `gaussian-vae` with another likelihood.
  public var composition: Composition {
    Composition(
      encoder: "mlp", prior: "standard-normal", decoder: "mlp", likelihood: "multiscale-gaussian")
  }
}
