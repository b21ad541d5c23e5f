import NeuralNetworks
import Tensors

/// Says of every patch of an image whether it is one of the data: a logit for each place of a map, `[N, height, width, 1]`
/// (PatchGAN; Isola et al. 2017, section 3.2 and appendix 6.1.2, with the sizes of their code).
///
/// 4×4 convolutions of stride 2, one for each number of `channels`; another one of stride 1 with twice the channels
/// of the last; and one of stride 1 to the logits. All but the first and the last are normalised, and leaky
/// rectifiers of slope 0.2 follow all but the last. A convolution of stride 2 that would leave less than the last two
/// need, 3×3 pixels, is left out, so that images of 3×3 pixels and more will do: a 32×32 image passes through sizes
/// 16, 8, 4 and 3 to 2×2 logits, each of which sees all of it, one of 64×64 to 6×6.
public final class PatchDiscriminator: ImageDiscriminator {
  /// What stands between a convolution and its rectifier.
  public enum Normalization: String, Sendable, CaseIterable {
    /// Nothing.
    case none
    /// Batch normalisation. Data and what was made are in separate batches, each with statistics of its own.
    case batch
    /// Group normalisation, each image by itself.
    case group
    /// Nothing: the weights of all convolutions are divided by their largest singular values instead.
    case spectral
  }

  private let stages: Sequential
  private let head: Conv2D
  private let isCentred: Bool

  /// A discriminator with fresh weights, normal with a deviation of 0.02.
  ///
  /// - Parameters:
  ///   - image: `[height, width, channels]`.
  ///   - channels: of the convolutions of stride 2.
  ///   - normalization: what stands between a convolution and its rectifier.
  ///   - isCentred: whether images have values in 0…1 and are taken as 2x − 1.
  ///   - random: where the weights come from.
  public init(
    image: Shape, channels: [Int], normalization: Normalization, isCentred: Bool,
    random: RandomSource
  ) {
    let isSpectral = normalization == .spectral
    var stages: [Sequential] = []
    var inputs = image[2]
    func add(_ outputs: Int, stride: Int) {
      let random = random.child("\(stages.count)")
      let norm = stages.isEmpty ? nil : normalization.layer(channels: outputs)
      let convolution = Conv2D(
        inputs: inputs, outputs: outputs, kernel: 4, stride: stride, padding: Padding(1),
        hasBias: norm == nil, activation: norm == nil ? Self.rectifier : .identity,
        initializer: Self.law, isSpectral: isSpectral, random: random)
      stages.append(Sequential([convolution] + (norm.map { [$0] } ?? [])))
      inputs = outputs
    }
    var side = min(image[0], image[1])
    for outputs in channels where side / 2 >= Self.leastSide {
      add(outputs, stride: 2)
      side /= 2
    }
    add(2 * (stages.isEmpty ? channels.first ?? 1 : inputs), stride: 1)
    self.stages = Sequential(stages)
    head = Conv2D(
      inputs: inputs, outputs: 1, kernel: 4, padding: Padding(1), initializer: Self.law,
      isSpectral: isSpectral, random: random.child("head"))
    self.isCentred = isCentred
  }

  /// The side of what two convolutions of stride 1 make one logit of: no image may be smaller.
  static let leastSide = 3
  private static let law = Initializer.normal(deviation: 0.02)
  fileprivate static let rectifier = Activation.leakyReLU(slope: 0.2)

  /// The convolutions that give features, with what follows each, and the one that gives logits.
  public var members: Members { ["stages": .module(stages), "head": .module(head)] }

  /// How many features there are.
  public var featureCount: Int { stages.layers.count }

  /// The logits of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(trace.pass(input, through: stages, "stages"), through: head, "head")
  }

  /// What one convolution but the last gives behind its rectifier for images, `[N, height, width, channels]`; no more
  /// than that is computed.
  public func features(of images: Tensor, at layer: Int, _ context: Context) -> Tensor {
    stages.layers[...layer].reduce(centred(images)) { $1($0, context) }
  }

  private func centred(_ images: Tensor) -> Tensor {
    isCentred ? images.scaled(by: 2, shift: -1) : images
  }

  /// Features behind every rectifier, and logits `[N, height, width, 1]`, of images `[N, height, width, channels]`.
  public func judge(_ images: Tensor, _ context: Context) -> DiscriminatorJudgement {
    var last = centred(images)
    let features = stages.layers.map { stage in
      last = stage(last, context)
      return last
    }
    return DiscriminatorJudgement(features: features, logits: head(last, context))
  }
}

extension PatchDiscriminator.Normalization {
  /// The layer with the rectifier behind it, nil where the convolution has that itself.
  fileprivate func layer(channels: Int) -> (any Layer)? {
    let law: ConvolutionalNormalization =
      switch self {
      case .none, .spectral: .none
      case .batch: .batch
      case .group: .group
      }
    return law.layer(channels: channels, activation: PatchDiscriminator.rectifier)
  }
}
