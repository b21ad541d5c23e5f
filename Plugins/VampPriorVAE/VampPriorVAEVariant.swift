import VAECore
import VAERecipes

/// The variational autoencoder of Tomczak & Welling (2018): the prior is a mixture of posteriors at
/// pseudo-inputs that are learnt.
public struct VampPriorVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "vampprior-vae" }
  /// What it is.
  public var summary: String { "the prior is a mixture of posteriors at learnt pseudo-inputs" }
  /// The paper.
  public var reference: String {
    "J. M. Tomczak, M. Welling: VAE with a VampPrior. AISTATS 2018, arXiv:1705.07120"
  }

  /// The paper's sizes: two layers of 300 on each side, 40 latent units, 500 pseudo-inputs.
  public var composition: Composition {
    let network: [String: HyperparameterValue] = ["hidden": .integers([300, 300])]
    return Composition(
      encoder: Composition.Choice("mlp", network),
      prior: "vampprior",
      decoder: Composition.Choice("mlp", network))
  }

  /// How many pseudo-inputs there are.
  public var shorthands: [String: [String]] { ["pseudo_inputs": ["prior.pseudo_inputs"]] }

  /// The prior.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Prior>.vampPrior)
  }
}
