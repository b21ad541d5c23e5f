import NeuralNetworks
import Tensors

/// How convolutional parts normalise before their activations.
public enum ConvolutionalNormalization: String, Sendable, CaseIterable {
  /// Not at all.
  case none
  /// Over the batch; see `BatchNorm`.
  case batch
  /// Over each example, in groups of eight channels (or as many as divide them); see `GroupNorm`.
  case group

  /// The layer for a number of channels, with the activation after it; nil for none.
  func layer(channels: Int, activation: Activation) -> (any Layer)? {
    switch self {
    case .none: return nil
    case .batch: return BatchNorm(channels: channels, activation: activation)
    case .group:
      let size = (1...min(8, channels)).last { channels.isMultiple(of: $0) } ?? 1
      return GroupNorm(channels: channels, groups: channels / size, activation: activation)
    }
  }
}

/// The sizes of an image through a chain of stride-2 convolutions: each halves, rounding up.
struct Pyramid {
  /// Height and width before the first and after each convolution.
  let sizes: [(height: Int, width: Int)]

  init(height: Int, width: Int, levels: Int) {
    var sizes = [(height: height, width: width)]
    for _ in 0..<levels {
      let last = sizes[sizes.count - 1]
      sizes.append((height: (last.height + 1) / 2, width: (last.width + 1) / 2))
    }
    self.sizes = sizes
  }

  /// The smallest size.
  var top: (height: Int, width: Int) { sizes[sizes.count - 1] }
}

/// Stride-2 3×3 convolutions, each halving the image and followed by a normalisation, an activation
/// and, where asked for, residual blocks; then a dense head with mean and log-variance. Any image
/// size and channel count will do.
public final class ConvolutionalEncoder: Encoder {
  private let layers: Sequential
  private let head: Dense

  /// An encoder with one stride-2 convolution for each entry of `channels`, from the data on.
  public init(
    height: Int, width: Int, inputChannels: Int, channels: [Int], latent: Int,
    activation: Activation = .relu, normalization: ConvolutionalNormalization = .batch,
    residualBlocks: Int = 0, random: RandomSource
  ) {
    var layers: [any Layer] = []
    var inputs = inputChannels
    for (level, outputs) in channels.enumerated() {
      let random = random.child("\(level)")
      let norm = normalization.layer(channels: outputs, activation: activation)
      layers.append(
        Conv2D(
          inputs: inputs, outputs: outputs, kernel: 3, stride: 2, padding: Padding(1),
          hasBias: norm == nil, activation: norm == nil ? activation : .identity, random: random))
      if let norm { layers.append(norm) }
      layers += ResidualBlock.chain(
        residualBlocks, channels: outputs, activation: activation, normalization, random: random)
      inputs = outputs
    }
    self.layers = Sequential(layers)
    let top = Pyramid(height: height, width: width, levels: channels.count).top
    head = Dense(
      inputs: top.height * top.width * inputs, outputs: 2 * latent, random: random.child("head"))
  }

  /// The convolutions with what follows them, and the head that gives mean and log-variance.
  public var members: Members {
    ["layers": .module(layers), "head": .module(head)]
  }

  /// A diagonal Gaussian for each example.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    DiagonalGaussian(head: head(layers(x, context).flattened(), context))
  }
}

extension ResidualBlock {
  /// Residual blocks one after another at one resolution.
  static func chain(
    _ count: Int, channels: Int, activation: Activation,
    _ normalization: ConvolutionalNormalization,
    random: RandomSource
  ) -> [any Layer] {
    let size = (1...min(8, channels)).last { channels.isMultiple(of: $0) } ?? 1
    return (0..<count).map { index in
      ResidualBlock(
        channels: channels, hidden: channels, activation: activation,
        normalization: normalization == .none ? .none : .groups(channels / size),
        random: random.child("block\(index)"))
    }
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `conv`.
  public static var convolutional: Component {
    Component(
      role: .encoder, name: "conv", summary: "stride-2 convolutions, for images of any size",
      hyperparameters: Hyperparameter.convolutional(channels: [32, 64, 128], blocks: 0)
    ) { values, build in try .convolutional(values, build) }
  }

  /// The recipe component `resnet`.
  public static var residual: Component {
    Component(
      role: .encoder, name: "resnet",
      summary: "stride-2 convolutions with residual blocks between them",
      hyperparameters: Hyperparameter.convolutional(channels: [32, 64, 128], blocks: 1)
    ) { values, build in try .convolutional(values, build) }
  }
}

extension Encoder where Self == ConvolutionalEncoder {
  fileprivate static func convolutional(
    _ values: Hyperparameters, _ build: BuildContext
  ) throws -> ConvolutionalEncoder {
    let (channels, latent) = (values.integers("channels"), try build.singleLatentSize())
    let top = Pyramid(
      height: build.data.height, width: build.data.width, levels: channels.count
    ).top
    try build.checkSize(
      zip([build.data.channels] + channels, channels).map { [$0, $1, 9] }
        + channels.map { [2 * values.integer("blocks"), $0, $0, 9] }
        + [[top.height, top.width, channels.last ?? 1, 2 * latent]])
    return ConvolutionalEncoder(
      height: build.data.height, width: build.data.width, inputChannels: build.data.channels,
      channels: channels, latent: latent, activation: try values.activation(),
      normalization: ConvolutionalNormalization(rawValue: values.text("normalization")) ?? .batch,
      residualBlocks: values.integer("blocks"), random: build.random)
  }
}

extension Hyperparameter {
  /// The hyper-parameters that convolutional encoders and decoders share.
  static func convolutional(channels: [Int], blocks: Int) -> [Hyperparameter] {
    [
      Hyperparameter(
        "channels", .integers(count: 1...12, each: 1...4096), default: .integers(channels),
        help:
          "channels of each convolution, in the order of computation; each changes the size by 2"),
      .activation(default: "leaky_relu"),
      Hyperparameter(
        "normalization", .choice(ConvolutionalNormalization.allCases.map(\.rawValue)),
        default: .text("batch"), help: "what comes between a convolution and its activation"),
      Hyperparameter(
        "blocks", .integer(0...16), default: .integer(blocks),
        help: "residual blocks at each size"),
    ]
  }
}
