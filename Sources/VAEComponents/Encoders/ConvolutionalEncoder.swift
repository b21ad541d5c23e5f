import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

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
    self.init(
      height: height, width: width, inputChannels: inputChannels, latent: latent,
      ConvolutionalOptions(
        channels: channels, activation: activation, normalization: normalization,
        residualBlocks: residualBlocks), random: random)
  }

  /// An encoder for a layer of latent units.
  convenience init(
    height: Int, width: Int, inputChannels: Int, latent: Int, _ options: ConvolutionalOptions,
    random: RandomSource
  ) {
    let top = Pyramid(height: height, width: width, levels: options.channels.count).top
    let outputs = options.channels.last ?? inputChannels
    self.init(
      inputChannels: inputChannels, halvings: options.channels.count,
      head: Dense(
        inputs: top.height * top.width * outputs, outputs: 2 * latent,
        random: random.child("head")),
      latents: .units(latent), options, random: random)
  }

  /// An encoder for a grid of codes, which is reached after a number of halvings; convolutions
  /// after these keep the size.
  convenience init(
    inputChannels: Int, halvings: Int, grid: CodeGrid, _ options: ConvolutionalOptions,
    random: RandomSource
  ) {
    self.init(
      inputChannels: inputChannels, halvings: halvings,
      head: Conv2D(
        inputs: options.channels.last ?? inputChannels, outputs: grid.vectorSize, kernel: 1,
        padding: .none, random: random.child("head")),
      latents: .codes(grid), options, random: random)
  }

  private init(
    inputChannels: Int, halvings: Int, head: any Layer, latents: SingleLatents,
    _ options: ConvolutionalOptions, random: RandomSource
  ) {
    let (activation, normalization) = (options.activation, options.normalization)
    var layers: [any Layer] = []
    var inputs = inputChannels
    for (level, outputs) in options.channels.enumerated() {
      let random = random.child("\(level)")
      let norm = normalization.layer(channels: outputs, activation: activation)
      layers.append(
        Conv2D(
          inputs: inputs, outputs: outputs, kernel: 3, stride: level < halvings ? 2 : 1,
          padding: Padding(1), hasBias: norm == nil,
          activation: norm == nil ? activation : .identity, random: random))
      if let norm { layers.append(norm) }
      layers += ResidualBlock.chain(
        options.residualBlocks, channels: outputs, activation: activation, normalization,
        random: random)
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
    let options = try ConvolutionalOptions(values)
    let (data, channels) = (build.data, options.channels)
    let last = channels.last ?? 1
    let weights = options.weightSizes(along: [data.channels] + channels)
    switch try build.singleLatents() {
    case .units(let latent):
      let top = Pyramid(height: data.height, width: data.width, levels: channels.count).top
      try build.checkSize(weights + [[top.height, top.width, last, 2 * latent]])
      return ConvolutionalEncoder(
        height: data.height, width: data.width, inputChannels: data.channels, latent: latent,
        options, random: build.random)
    case .codes(let grid):
      let halvings = try build.halvings(toCodesBy: channels, of: .encoder)
      try build.checkSize(weights + [[last, grid.vectorSize]])
      return ConvolutionalEncoder(
        inputChannels: data.channels, halvings: halvings, grid: grid, options,
        random: build.random)
    }
  }
}
