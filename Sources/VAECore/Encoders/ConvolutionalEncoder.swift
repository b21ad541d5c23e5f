import Messages
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
  public func layer(channels: Int, activation: Activation) -> (any Layer)? {
    switch self {
    case .none: return nil
    case .batch: return BatchNorm(channels: channels, activation: activation)
    case .group:
      let size = (1...min(8, channels)).last { channels.isMultiple(of: $0) } ?? 1
      return GroupNorm(channels: channels, groups: channels / size, activation: activation)
    }
  }
}

/// Stride-2 3×3 convolutions, each halving the image and followed by a normalisation, an activation
/// and, where asked for, residual blocks; then a dense head with mean and log-variance, or, for a
/// grid of codes, a 1×1 head with its points. Any image size and channel count will do.
public final class ConvolutionalEncoder: Encoder {
  private let layers: Sequential
  private let head: any Layer
  private let latents: SingleLatents

  /// An encoder for a layer of latent units, with one stride-2 convolution for each entry of
  /// `channels`, from the data on.
  public convenience init(
    height: Int, width: Int, inputChannels: Int, channels: [Int], latent: Int,
    activation: Activation = .relu, normalization: ConvolutionalNormalization = .batch,
    residualBlocks: Int = 0, random: RandomSource
  ) {
    let top = Pyramid(height: height, width: width, levels: channels.count).top
    let outputs = channels.last ?? inputChannels
    self.init(
      inputChannels: inputChannels, channels: channels, halvings: channels.count,
      head: Dense(
        inputs: top.height * top.width * outputs, outputs: 2 * latent,
        random: random.child("head")),
      latents: .units(latent), activation: activation, normalization: normalization,
      residualBlocks: residualBlocks, random: random)
  }

  /// An encoder for a grid of codes, which is reached after a number of halvings; convolutions
  /// after these keep the size.
  convenience init(
    inputChannels: Int, channels: [Int], halvings: Int, grid: CodeGrid,
    activation: Activation, normalization: ConvolutionalNormalization, residualBlocks: Int,
    random: RandomSource
  ) {
    self.init(
      inputChannels: inputChannels, channels: channels, halvings: halvings,
      head: Conv2D(
        inputs: channels.last ?? inputChannels, outputs: grid.vectorSize, kernel: 1,
        padding: .none, random: random.child("head")),
      latents: .codes(grid), activation: activation, normalization: normalization,
      residualBlocks: residualBlocks, random: random)
  }

  private init(
    inputChannels: Int, channels: [Int], halvings: Int, head: any Layer, latents: SingleLatents,
    activation: Activation, normalization: ConvolutionalNormalization, residualBlocks: Int,
    random: RandomSource
  ) {
    var layers: [any Layer] = []
    var inputs = inputChannels
    for (level, outputs) in channels.enumerated() {
      let random = random.child("\(level)")
      let norm = normalization.layer(channels: outputs, activation: activation)
      layers.append(
        Conv2D(
          inputs: inputs, outputs: outputs, kernel: 3, stride: level < halvings ? 2 : 1,
          padding: Padding(1), hasBias: norm == nil,
          activation: norm == nil ? activation : .identity, random: random))
      if let norm { layers.append(norm) }
      layers += ResidualBlock.chain(
        residualBlocks, channels: outputs, activation: activation, normalization, random: random)
      inputs = outputs
    }
    self.layers = Sequential(layers)
    self.head = head
    self.latents = latents
  }

  /// The convolutions with what follows them, and the head that gives mean and log-variance, or
  /// points.
  public var members: Members {
    ["layers": .module(layers), "head": .module(head)]
  }

  /// A diagonal Gaussian or the points for each example.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    let features = layers(x, context)
    switch latents {
    case .units: return latents.posterior(head(features.flattened(), context))
    case .codes: return latents.posterior(head(features, context))
    }
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
    let (channels, latents) = (values.integers("channels"), try build.singleLatents())
    let last = channels.last ?? 1
    let convolutions =
      zip([build.data.channels] + channels, channels).map { [$0, $1, 9] }
      + channels.map { [2 * values.integer("blocks"), $0, $0, 9] }
    let activation = try values.activation()
    let normalization =
      ConvolutionalNormalization(rawValue: values.text("normalization")) ?? .batch
    switch latents {
    case .units(let latent):
      let top = Pyramid(
        height: build.data.height, width: build.data.width, levels: channels.count
      ).top
      try build.checkSize(convolutions + [[top.height, top.width, last, 2 * latent]])
      return ConvolutionalEncoder(
        height: build.data.height, width: build.data.width, inputChannels: build.data.channels,
        channels: channels, latent: latent, activation: activation, normalization: normalization,
        residualBlocks: values.integer("blocks"), random: build.random)
    case .codes(let grid):
      let halvings = try build.halvings(toCodesBy: channels, of: .encoder)
      try build.checkSize(convolutions + [[last, grid.vectorSize]])
      return ConvolutionalEncoder(
        inputChannels: build.data.channels, channels: channels, halvings: halvings, grid: grid,
        activation: activation, normalization: normalization,
        residualBlocks: values.integer("blocks"), random: build.random)
    }
  }
}

extension BuildContext {
  /// How many of a convolutional part's layers change the size for a grid of codes.
  ///
  /// - Throws: `RecipeError` where there are not as many layers as it takes.
  func halvings(toCodesBy channels: [Int], of role: Role) throws(RecipeError) -> Int {
    let (grid, pyramid) = try codeGrid(for: "a convolutional \(role)")
    let halvings = pyramid.sizes.count - 1
    guard halvings <= channels.count else {
      throw RecipeError(
        .invalid,
        "a convolutional \(role) of \(channels.count) layers cannot reach \(grid.height)×\(grid.width) codes, which are "
          + "\(halvings) halvings from the image: give \(role).channels at least \(halvings) numbers, or choose a "
          + "smaller \(.setting("prior.levels"))")
    }
    return halvings
  }
}

extension Hyperparameter {
  /// The hyper-parameters that convolutional encoders and decoders share.
  static func convolutional(channels: [Int], blocks: Int) -> [Hyperparameter] {
    [
      Hyperparameter(
        "channels", .integers(count: 1...12, each: 1...4096), default: .integers(channels),
        help:
          "channels of each convolution, in the order of computation; each changes the size by 2, "
          + "but only as often as leads to a grid of codes"),
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
