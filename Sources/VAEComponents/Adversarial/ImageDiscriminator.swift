import NeuralNetworks
import Tensors

/// Tells images of the data from what a decoder makes.
///
/// ```swift
/// let said = critic.judge(images, context)
/// print(said.logits.mean(), said.features.map(\.shape))
/// ```
public protocol ImageDiscriminator: Layer {
  /// How many layers have features.
  var featureCount: Int { get }
  /// What it says of images `[N, height, width, channels]`.
  func judge(_ images: Tensor, _ context: Context) -> DiscriminatorJudgement
  /// The features of one layer alone, counted from 0 at the image.
  func features(of images: Tensor, at layer: Int, _ context: Context) -> Tensor
}

/// What a discriminator says of some images.
public struct DiscriminatorJudgement {
  /// What each of its layers but the last gives, `[N, …]`, the one nearest to the image first.
  public let features: [Tensor]
  /// Large for what it takes for data: `[N, …]`, one or more for each image.
  public let logits: Tensor

  /// Features and logits of the same images.
  public init(features: [Tensor], logits: Tensor) {
    (self.features, self.logits) = (features, logits)
  }
}

extension ImageDiscriminator {
  /// The logits of images.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    judge(input, context).logits
  }

  /// Those of all that it says.
  public func features(of images: Tensor, at layer: Int, _ context: Context) -> Tensor {
    judge(images, context).features[layer]
  }
}
