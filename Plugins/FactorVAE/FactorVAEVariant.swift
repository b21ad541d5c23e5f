import VAECore
import VAERecipes

/// The FactorVAE of Kim & Mnih (2018): a Gaussian VAE that pays for what its latent units know of
/// each other, as a discriminator estimates it.
public struct FactorVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "factor-vae" }
  /// What it is.
  public var summary: String {
    "a penalty on what latent units share, by a discriminator; disentangles factors"
  }
  /// The paper.
  public var reference: String {
    "H. Kim, A. Mnih: Disentangling by Factorising. ICML 2018, arXiv:1802.05983"
  }

  /// Ten latent units, the discriminator of the paper, and its rate and batch size.
  public var composition: Composition {
    Composition(
      encoder: "mlp",
      prior: Composition.Choice("standard-normal", ["latent": .integer(10)]),
      decoder: "mlp",
      objective: "factor",
      training: ["batch_size": .integer(64), "learning_rate": .number(1e-4)])
  }

  /// The weight of the penalty.
  public var shorthands: [String: [String]] { ["gamma": ["objective.gamma"]] }

  /// The objective.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Objective>.factor)
  }
}
