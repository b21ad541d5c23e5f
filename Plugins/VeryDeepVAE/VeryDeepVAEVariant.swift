import VAECore
import VAERecipes

/// The very deep variational autoencoder of Child (2021): a residual path down with a stochastic layer in every block,
/// and posteriors that see both what was drawn above and the image.
public struct VeryDeepVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "very-deep-vae" }
  /// What it is.
  public var summary: String {
    "many stochastic layers in one residual path, from a pixel up to the size of the image"
  }
  /// The paper.
  public var reference: String {
    "R. Child: Very Deep VAEs Generalize Autoregressive Models and Can Outperform Them on Images. ICLR 2021, "
      + "arXiv:2011.10650"
  }

  /// A network that two cores can train, with the paper's likelihood where values are bytes, its batches, its decay of
  /// Adam's second moment and its guard against the rare update that destroys everything: its limits of the gradient's
  /// norm are 200 and 400 nats for each number of an image, such as CIFAR-10's 3,072.
  public var composition: Composition {
    Composition(
      encoder: "very-deep", prior: "very-deep", decoder: "very-deep",
      likelihoodOfBytes: "logistic-mixture",
      training: [
        "batch_size": .integer(16), "beta2": .number(0.9),
        "warmup_updates": .integer(100), "clip_norm": .number(200 * 3072),
        "skip_norm": .number(400 * 3072),
      ], trainingPerElement: ["clip_norm": 200, "skip_norm": 400])
  }

  /// What one part alone has, under a short name.
  public var shorthands: [String: [String]] {
    ["channels": ["prior.channels"]]
  }

  /// The parts throughout.
  public var architectures: [String: [Role: String]] {
    ["very-deep": [.encoder: "very-deep", .prior: "very-deep", .decoder: "very-deep"]]
  }

  /// The paths up and down and the decoder at the end.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Encoder>.veryDeep)
    registry.register(Component<any Prior>.veryDeep)
    registry.register(Component<any Decoder>.veryDeep)
  }
}
