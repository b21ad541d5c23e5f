import VAECore
import VAERecipes

/// A Gaussian VAE that is trained on the structural similarity of its reconstructions, which is no density.
public struct MSSSIMVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "ms-ssim-vae" }
  /// What it is.
  public var summary: String {
    "trained on structural similarity and absolute errors, losses that are no densities"
  }
  /// The papers.
  public var reference: String {
    "J. Snell et al.: Learning to Generate Images with Perceptual Similarity Metrics. ICIP 2017, arXiv:1511.06409; H. "
      + "Zhao et al.: Loss Functions for Image Restoration with Neural Networks. IEEE TCI 2017, arXiv:1511.08861"
  }

  /// That of `gaussian-vae` with another objective; the Gaussian that the bound is reported of has the deviation that
  /// fits the errors.
  public var composition: Composition {
    Composition(
      encoder: "mlp", prior: "standard-normal", decoder: "mlp",
      likelihood: Composition.Choice("gaussian", ["sigma": .text("optimal")]),
      objective: "picture-loss")
  }

  /// The objective.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Objective>.pictureLoss)
  }
}
