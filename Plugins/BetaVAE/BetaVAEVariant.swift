import VAECore
import VAERecipes

/// The β-VAE of Higgins et al. (2017): the rate weighs more than the distortion, which presses the
/// units towards independent factors of the data.
public struct BetaVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "beta-vae" }
  /// What it is.
  public var summary: String { "a weight on the rate, or a capacity for it; disentangles factors" }
  /// The papers.
  public var reference: String {
    "I. Higgins et al.: beta-VAE. ICLR 2017; C. P. Burgess et al.: Understanding disentangling in "
      + "beta-VAE. 2018, arXiv:1804.03599"
  }

  /// β = 4 over ten latent units; `objective.name=capacity` chooses Burgess' schedule.
  public var composition: Composition {
    Composition(
      encoder: "mlp",
      prior: Composition.Choice("standard-normal", ["latent": .integer(10)]),
      decoder: "mlp",
      objective: Composition.Choice("elbo", ["beta": .number(4)]))
  }

  /// The capacity objective.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Objective>.capacity)
  }
}
