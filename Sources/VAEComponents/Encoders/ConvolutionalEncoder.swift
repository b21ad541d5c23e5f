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
  private let posteriorHead: any PosteriorHead

  /// An encoder for a layer of latent units, with one stride-2 convolution for each entry of
  /// `channels`, from the data on.
  public convenience init(
    height: Int, width: Int, inputChannels: Int, channels: [Int], latent: Int,
    activation: Activation = .relu,
    normalization: ConvolutionalNormalization = .batch,
    residualBlocks: Int = 0, random: RandomSource
  ) {
    self.init(
      height: height, width: width, inputChannels: inputChannels, head: GaussianHead(units: latent),
      ConvolutionalOptions(
        channels: channels, activation: activation, normalization: normalization,
        blocks: residualBlocks), random: random)
  }

  /// An encoder that ends in any posterior. Where its numbers keep places the head is a 1×1 convolution,
  /// and convolutions after the last halving keep the size; else it is a dense layer.
  ///
  /// - Parameter halvings: the convolutions of stride 2; nil for all of them.
  convenience init(
    height: Int, width: Int, inputChannels: Int, head posteriorHead: any PosteriorHead,
    halvings: Int? = nil, _ options: ConvolutionalOptions, random: RandomSource
  ) {
    let outputs = options.channels.last ?? inputChannels
    let halvings = halvings ?? options.channels.count
    let top = Pyramid(height: height, width: width, levels: halvings).top
    let numbers = posteriorHead.shape
    let head: any Layer =
      numbers.rank == 1
      ? Dense(
        inputs: top.height * top.width * outputs, outputs: numbers[0], random: random.child("head"))
      : Conv2D(
        inputs: outputs, outputs: numbers[-1], kernel: 1, padding: .none,
        random: random.child("head"))
    self.init(
      inputChannels: inputChannels, halvings: halvings, head: head, posteriorHead, options,
      random: random)
  }

  private init(
    inputChannels: Int, halvings: Int, head: any Layer, _ posteriorHead: any PosteriorHead,
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
        options.blocks, channels: outputs, activation: activation, normalization,
        random: random)
      inputs = outputs
    }
    self.layers = Sequential(layers)
    self.head = head
    self.posteriorHead = posteriorHead
  }

  /// The convolutions with what follows them, the head that gives the posterior's parameters, and what
  /// the posterior learns itself.
  public var members: Members {
    [
      "layers": .module(layers), "head": .module(head), "posterior": .module(posteriorHead),
    ]
  }

  /// Those of what the network ends in.
  public var posteriorTraits: PosteriorTraits { posteriorHead.traits }

  /// The numbers of the posterior.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let features = try trace.pass(input, through: layers, "layers")
    return try trace.pass(
      posteriorHead.shape.rank == 1 ? features.map { [$0.count] } : features, through: head, "head")
  }

  /// The posterior of each example.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    let features = layers(x, context)
    let input = posteriorHead.shape.rank == 1 ? features.flattened() : features
    return posteriorHead.posterior(head(input, context), context)
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `conv`.
  public static var convolutional: Component {
    Component(
      role: .encoder, name: "conv", summary: "stride-2 convolutions, for images of any size",
      options: ConvolutionalOptions(channels: [32, 64, 128])
    ) { options, build in try .convolutional(options, build) }
  }

  /// The recipe component `resnet`.
  public static var residual: Component {
    Component(
      role: .encoder, name: "resnet",
      summary: "stride-2 convolutions with residual blocks between them",
      options: ConvolutionalOptions(channels: [32, 64, 128], blocks: 1)
    ) { options, build in try .convolutional(options, build) }
  }
}

extension Encoder where Self == ConvolutionalEncoder {
  fileprivate static func convolutional(
    _ options: ConvolutionalOptions, _ build: BuildContext
  ) throws -> ConvolutionalEncoder {
    let (data, channels) = (build.data, options.channels)
    let head = try build.headOfPosterior()
    let halvings =
      head.shape.rank == 1
      ? channels.count : try build.halvings(toCodesBy: channels, of: .encoder)
    return ConvolutionalEncoder(
      height: data.height, width: data.width, inputChannels: data.channels, head: head,
      halvings: halvings, options, random: build.random)
  }
}
