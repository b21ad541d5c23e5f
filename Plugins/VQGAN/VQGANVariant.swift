import VAEComponents
import VAECore
import VAERecipes

/// The VQGAN of Esser et al. (2021): codes as in `vq-vae`, trained by absolute differences and a discriminator of
/// patches in place of a likelihood.
public struct VQGANVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "vqgan" }
  /// What it is.
  public var summary: String {
    "discrete codes, and a discriminator that makes reconstructions sharp"
  }
  /// The paper.
  public var reference: String {
    "P. Esser, R. Rombach, B. Ommer: Taming Transformers for High-Resolution Image Synthesis. "
      + "CVPR 2021, arXiv:2012.09841"
  }

  /// The parts of `vq-vae`, so that the two compare, with the objective of the paper's code.
  public var composition: Composition {
    Composition(
      encoder: "vq-resnet", prior: "uniform-codes", decoder: "vq-resnet",
      likelihood: Composition.Choice(
        "gaussian", ["sigma": .text("data"), "link": .text("identity")]),
      objective: Composition.Choice("adversarial", ["reconstruction": .text("l1")]),
      training: ["batch_size": .integer(32), "learning_rate": .number(3e-4)])
  }

  /// Hyper-parameters that only codes have, and the frozen network.
  public var shorthands: [String: [String]] {
    [
      "network": ["objective.network"], "feature_weight": ["objective.feature_weight"],
      "levels": ["prior.levels"], "update": ["prior.update"],
      "restart_threshold": ["prior.restart_threshold"],
    ]
  }

  /// The residual network of `vq-vae`, plain convolutions, or perceptrons.
  public var architectures: [String: [Role: String]] {
    [
      "resnet": [.encoder: "vq-resnet", .decoder: "vq-resnet"],
      "conv": [.encoder: "conv", .decoder: "conv"],
      "mlp": [.encoder: "mlp", .decoder: "mlp"],
    ]
  }

  /// A network that learns which codes follow which, from which new images are drawn.
  public var furtherStages: [FurtherStage] { [.codePrior] }
}
