import VAERecipes

/// The gated PixelCNN of van den Oord et al. (2016b): no latents at all; each pixel is predicted from
/// those before it. The yardstick for what latents add.
public struct PixelCNNVariant: Variant {
  /// The variant.
  public init() {}

  /// The name in recipes.
  public var name: String { "pixelcnn" }
  /// What it is.
  public var summary: String { "no latents: every pixel predicted from those before it" }
  /// The papers.
  public var reference: String {
    "A. van den Oord et al.: Conditional Image Generation with PixelCNN Decoders. NeurIPS 2016, "
      + "arXiv:1606.05328; A. van den Oord et al.: Pixel Recurrent Neural Networks. ICML 2016"
  }

  /// A 7×7 layer and seven gated 3×3 layers of 32 features.
  public var composition: Composition {
    Composition(
      encoder: "none", prior: "none",
      decoder: Composition.Choice("pixelcnn", ["layers": .integer(7)]),
      training: ["batch_size": .integer(64)])
  }

  /// There is one.
  public var architectures: [String: [Role: String]] {
    ["pixelcnn": [.encoder: "none", .prior: "none", .decoder: "pixelcnn"]]
  }
}
