import VAEComponents
import VAECore
import VAERecipes

/// The vector-quantised autoencoder of van den Oord et al. (2017): a grid of discrete codes, each
/// standing for a learnt vector.
public struct VQVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "vq-vae" }
  /// What it is.
  public var summary: String { "a grid of discrete codes from a learnt codebook" }
  /// The paper.
  public var reference: String {
    "A. van den Oord, O. Vinyals, K. Kavukcuoglu: Neural Discrete Representation Learning. "
      + "NeurIPS 2017, arXiv:1711.00937"
  }

  /// The authors' network and codebook, with the variance of the training data as that of the
  /// density, so that distortion is half their reconstruction error for each element.
  public var composition: Composition {
    Composition(
      encoder: "vq-resnet", prior: "uniform-codes", decoder: "vq-resnet",
      likelihood: Composition.Choice(
        "gaussian", ["sigma": .text("data"), "link": .text("identity")]),
      training: ["batch_size": .integer(32), "learning_rate": .number(3e-4)])
  }

  /// Hyper-parameters that only codes have.
  public var shorthands: [String: [String]] {
    [
      "levels": ["prior.levels"], "update": ["prior.update"],
      "restart_threshold": ["prior.restart_threshold"],
    ]
  }

  /// The authors' residual network, plain convolutions, or perceptrons.
  public var architectures: [String: [Role: String]] {
    [
      "resnet": [.encoder: "vq-resnet", .decoder: "vq-resnet"],
      "conv": [.encoder: "conv", .decoder: "conv"],
      "mlp": [.encoder: "mlp", .decoder: "mlp"],
    ]
  }

  /// A network that learns which codes follow which: it lowers the rate and draws new grids.
  public var furtherStages: [FurtherStage] { [.codePrior] }

  /// The prior over codes and the authors' networks.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Prior>.uniformCodes)
    registry.register(Component<any Prior>.pixelCNNCodes)
    registry.register(Component<any Encoder>.quantizedResidual)
    registry.register(Component<any Decoder>.quantizedResidual)
  }
}
