import VAECore
import VAERecipes

/// The WAE-GAN of Tolstikhin et al. (2018): reconstructions, and a discriminator that makes the latents of all data
/// together look like the prior.
public struct WAEGANVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "wae-gan" }
  /// What it is.
  public var summary: String {
    "a Wasserstein autoencoder: a discriminator of latents in place of the rate"
  }
  /// The paper.
  public var reference: String {
    "I. Tolstikhin, O. Bousquet, S. Gelly, B. Schölkopf: Wasserstein Auto-Encoders. ICLR 2018, "
      + "arXiv:1711.01558"
  }

  /// Eight units and λ = 10, as in the paper for MNIST, and the batch size and momentum of its code.
  public var composition: Composition {
    Composition(
      encoder: "conv",
      prior: Composition.Choice("standard-normal", ["latent": .integer(8)]),
      decoder: "conv",
      likelihood: Composition.Choice("gaussian", ["sigma": .text("data")]),
      objective: "latent-adversarial",
      training: ["batch_size": .integer(100), "beta1": .number(0.5)])
  }

  /// λ, the weight of the game.
  public var shorthands: [String: [String]] {
    ["adversarial_weight": ["objective.adversarial_weight"]]
  }
}
