import VAECore
import VAERecipes

/// A Gaussian VAE whose encoder and decoder grow from small images to large ones while they are trained.
public struct ProgressiveVAEVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "progressive-vae" }
  /// What it is.
  public var summary: String {
    "encoder and decoder grow from 4×4 pixels to the image, and each new size fades in"
  }
  /// The papers.
  public var reference: String {
    "T. Karras et al.: Progressive Growing of GANs for Improved Quality, Stability, and Variation. ICLR 2018, "
      + "arXiv:1710.10196; A. Heljakka et al.: Pioneer Networks. ACCV 2018, arXiv:1807.03026"
  }

  /// That of `gaussian-vae` with networks that grow.
  public var composition: Composition {
    // Long enough for images of 64×64 pixels to be whole.
    Composition(
      encoder: "progressive", prior: "standard-normal", decoder: "progressive",
      training: ["epochs": .integer(20)])
  }

  /// Both networks grow at the same time.
  public var shorthands: [String: [String]] {
    Dictionary(
      uniqueKeysWithValues: ["first_size", "stage_epochs", "fade_epochs", "channels"].map {
        ($0, ["encoder.\($0)", "decoder.\($0)"])
      })
  }

  /// Networks that grow, or others.
  public var architectures: [String: [Role: String]] {
    [
      "progressive": [.encoder: "progressive", .decoder: "progressive"],
      "conv": [.encoder: "conv", .decoder: "conv"], "mlp": [.encoder: "mlp", .decoder: "mlp"],
    ]
  }

  /// The networks.
  public func registerComponents(in registry: inout Registry) {
    registry.register(Component<any Encoder>.progressive)
    registry.register(Component<any Decoder>.progressive)
  }
}
