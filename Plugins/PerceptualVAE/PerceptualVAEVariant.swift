import VAECore
import VAERecipes

/// A Gaussian VAE whose reconstructions are also compared by what a frozen network sees in them (Hou et al. 2017).
public struct PerceptualVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "perceptual-vae" }
  /// What it is.
  public var summary: String {
    "reconstructions compared by the features of a frozen network; sharper, and no bound"
  }
  /// The papers.
  public var reference: String {
    "X. Hou, L. Shen, K. Sun, G. Qiu: Deep Feature Consistent Variational Autoencoder. WACV 2017, "
      + "arXiv:1610.00291; R. Zhang et al.: The Unreasonable Effectiveness of Deep Features as a "
      + "Perceptual Metric. CVPR 2018, arXiv:1801.03924"
  }

  /// Convolutions, and the objective over a network that has to be named.
  public var composition: Composition {
    Composition(
      encoder: "conv", prior: Composition.Choice("standard-normal", ["latent": .integer(64)]),
      decoder: "conv", objective: "perceptual")
  }

  /// The network and the weights.
  public var shorthands: [String: [String]] {
    [
      "network": ["objective.network"], "feature_weight": ["objective.feature_weight"],
      "pixel_weight": ["objective.pixel_weight"],
      "rate_weight": ["objective.rate_weight"],
    ]
  }

  /// The objective.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Objective>.perceptual)
  }
}
