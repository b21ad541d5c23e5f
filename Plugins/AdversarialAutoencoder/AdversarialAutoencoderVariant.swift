import VAECore
import VAERecipes

/// The adversarial autoencoder of Makhzani et al. (2015): reconstruction and regularisation by turns.
public struct AdversarialAutoencoderVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "adversarial-autoencoder" }
  /// What it is.
  public var summary: String {
    "reconstructions, and by turns a game that makes latents look like the prior"
  }
  /// The paper.
  public var reference: String {
    "A. Makhzani, J. Shlens, N. Jaitly, I. Goodfellow, B. Frey: Adversarial Autoencoders. "
      + "ICLR 2016 workshop, arXiv:1511.05644"
  }

  /// Eight units and two layers of 1000, as in the paper for MNIST.
  public var composition: Composition {
    Composition(
      encoder: Composition.Choice("mlp", ["hidden": .integers([1000, 1000])]),
      prior: Composition.Choice("standard-normal", ["latent": .integer(8)]),
      decoder: Composition.Choice("mlp", ["hidden": .integers([1000, 1000])]),
      likelihood: Composition.Choice("gaussian", ["sigma": .text("data")]),
      objective: Composition.Choice(
        "latent-adversarial",
        [
          "alternates": .flag(true), "adversarial_weight": .number(1),
          "discriminator_hidden": .integers([1000, 1000]),
        ]),
      training: ["batch_size": .integer(100), "learning_rate": .number(3e-4)])
  }

  /// λ, the weight of the game.
  public var shorthands: [String: [String]] {
    ["adversarial_weight": ["objective.adversarial_weight"]]
  }
}
