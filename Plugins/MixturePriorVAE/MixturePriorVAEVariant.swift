import VAECore
import VAERecipes

/// A Gaussian VAE whose prior is a learnt mixture of Gaussians.
public struct MixturePriorVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "mixture-prior-vae" }
  /// What it is.
  public var summary: String { "the prior is a mixture of Gaussians that is learnt with the rest" }
  /// The paper, which has this mixture as equation 8 and compares it.
  public var reference: String {
    "J. M. Tomczak, M. Welling: VAE with a VampPrior. AISTATS 2018, arXiv:1705.07120, where a mixture "
      + "of Gaussians is the prior to compare with"
  }

  /// That of `gaussian-vae`, with a hundred Gaussians in place of one.
  public var composition: Composition {
    Composition(
      encoder: "mlp", prior: "gaussian-mixture", decoder: "mlp")
  }

  /// How many Gaussians there are.
  public var shorthands: [String: [String]] { ["components": ["prior.components"]] }

  /// The mixture.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Prior>.mixture)
  }
}
