import VAERecipes

/// The importance-weighted autoencoder of Burda et al. (2016): a Gaussian VAE trained on a tighter
/// bound of K draws.
public struct IWAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "iwae" }
  /// What it is.
  public var summary: String { "a tighter bound from K weighted draws, with or without DReG" }
  /// The papers.
  public var reference: String {
    "Y. Burda, R. Grosse, R. Salakhutdinov: Importance Weighted Autoencoders. ICLR 2016, "
      + "arXiv:1509.00519; G. Tucker et al.: Doubly Reparameterized Gradient Estimators. ICLR 2019"
  }

  /// The paper's one-layer model: two layers of 200 tanh units each way, 50 latent units.
  public var composition: Composition {
    let network: [String: HyperparameterValue] = [
      "hidden": .integers([200, 200]), "activation": .text("tanh"),
    ]
    return Composition(
      encoder: Composition.Choice("mlp", network),
      prior: Composition.Choice("standard-normal", ["latent": .integer(50)]),
      decoder: Composition.Choice("mlp", network),
      objective: "importance-weighted")
  }
}
