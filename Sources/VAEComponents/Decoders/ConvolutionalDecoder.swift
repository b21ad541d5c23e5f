import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The mirror of `ConvolutionalEncoder`: a dense layer to the smallest image, or a 3×3 convolution
/// on a grid of codes; then convolutions that double the image, to exactly the sizes the encoder passed
/// through, and a 3×3 convolution to the likelihood's parameters.
public final class ConvolutionalDecoder: Decoder {
  private let entry: any Layer
  private let layers: Sequential
  private let head: Conv2D
  private let entryShape: Shape
  private let takesPlaces: Bool

  /// A decoder for a layer of latent units, with one transposed convolution for each entry of
  /// `channels`.
  ///
  /// - Parameters:
  ///   - latent: the units it starts from.
  ///   - channels: from the latents on: those of the smallest image first, those before the head
  ///     last.
  ///   - outputShape: `[height, width, channels · parameters]`.
  ///   - activation: of every layer but the head.
  ///   - normalization: before each activation.
  ///   - residualBlocks: after each transposed convolution.
  ///   - random: where the fresh weights come from.
  public convenience init(
    latent: Int, channels: [Int], outputShape: Shape, activation: Activation = .relu,
    normalization: ConvolutionalNormalization = .batch,
    residualBlocks: Int = 0,
    random: RandomSource
  ) {
    self.init(
      latent: latent, outputShape: outputShape,
      ConvolutionalOptions(
        channels: channels, activation: activation, normalization: normalization,
        blocks: residualBlocks), random: random)
  }

  /// A decoder for a layer of latent units.
  convenience init(
    latent: Int, outputShape: Shape, _ options: ConvolutionalOptions,
    _ upsampling: Doubling.Method = .transposed, random: RandomSource
  ) {
    let top = Pyramid(
      height: outputShape[0], width: outputShape[1], levels: options.channels.count
    ).top
    self.init(
      entry: Dense(
        inputs: latent, outputs: top.height * top.width * (options.channels.first ?? 1),
        random: random.child("entry")),
      takesPlaces: false, halvings: options.channels.count, outputShape: outputShape, options,
      upsampling, random: random)
  }

  /// A decoder for a grid of codes, which the image reaches after a number of halvings; before them
  /// come convolutions that keep the grid's size.
  convenience init(
    grid: CodeGrid, halvings: Int, outputShape: Shape, _ options: ConvolutionalOptions,
    _ upsampling: Doubling.Method = .transposed, random: RandomSource
  ) {
    self.init(
      entry: Conv2D(
        inputs: grid.vectorSize, outputs: options.channels.first ?? 1, kernel: 3,
        padding: Padding(1), activation: options.activation, random: random.child("entry")),
      takesPlaces: true, halvings: halvings, outputShape: outputShape, options, upsampling,
      random: random)
  }

  private init(
    entry: any Layer, takesPlaces: Bool, halvings: Int, outputShape: Shape,
    _ options: ConvolutionalOptions, _ upsampling: Doubling.Method, random: RandomSource
  ) {
    let (channels, activation) = (options.channels, options.activation)
    let pyramid = Pyramid(height: outputShape[0], width: outputShape[1], levels: halvings)
    let first = channels.first ?? 1
    entryShape = [pyramid.top.height, pyramid.top.width, first]
    self.entry = entry
    self.takesPlaces = takesPlaces
    var layers: [any Layer] = []
    var inputs = first
    // The last layer before the head keeps its channels.
    for (level, outputs) in (channels.dropFirst() + [channels.last ?? 1]).enumerated() {
      let random = random.child("\(level)")
      let norm = options.normalization.layer(channels: outputs, activation: activation)
      let after = norm == nil ? activation : .identity
      // How many halvings lie between this layer's output and the image.
      let depth = channels.count - level - 1
      layers.append(
        depth < halvings
          ? Doubling(
            upsampling, inputs: inputs, outputs: outputs, to: pyramid.sizes[depth],
            hasBias: norm == nil, activation: after, random: random)
          : Conv2D(
            inputs: inputs, outputs: outputs, kernel: 3, padding: Padding(1),
            hasBias: norm == nil, activation: after, random: random))
      if let norm { layers.append(norm) }
      layers += ResidualBlock.chain(
        options.blocks, channels: outputs, activation: activation, options.normalization,
        random: random)
      inputs = outputs
    }
    self.layers = Sequential(layers)
    head = Conv2D(
      inputs: inputs, outputs: outputShape[2], kernel: 3, padding: Padding(1),
      random: random.child("head"))
  }

  /// The entry, the convolutions that double with what follows them, and the head.
  public var members: Members {
    ["entry": .module(entry), "layers": .module(layers), "head": .module(head)]
  }

  /// The biases of the last layer become the given parameters, averaged over the image.
  public func begin(at parameters: Tensor) {
    head.bias?.value = parameters.mean(axis: 0).mean(axis: 0)
  }

  /// Those of the head.
  public var lastWeights: Parameter? { head.weights }

  /// The parameters of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let small = try trace.pass(
      takesPlaces ? input : [input.count], through: entry, "entry"
    ).map { _ in entryShape }
    return try trace.pass(trace.pass(small, through: layers, "layers"), through: head, "head")
  }

  /// The parameters from the layer of latents nearest to the data.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    let input = takesPlaces ? draw.decoderInput : draw.decoderInput.flattened()
    let small = entry(input, context).reshaped(
      to: Shape([draw.rowCount] + entryShape.dimensions))
    return head(layers(small, context), context)
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `conv`.
  public static var convolutional: Component {
    Component(
      role: .decoder, name: "conv",
      summary: "convolutions that double the image, for images of any size",
      options: ConvolutionalDecoderOptions()
    ) { options, build in try .convolutional(options, build) }
  }

  /// The recipe component `resnet`.
  public static var residual: Component {
    Component(
      role: .decoder, name: "resnet",
      summary: "convolutions that double the image with residual blocks between them",
      options: ConvolutionalDecoderOptions(channels: [128, 64, 32], blocks: 1)
    ) { options, build in try .convolutional(options, build) }
  }
}

extension Decoder where Self == ConvolutionalDecoder {
  fileprivate static func convolutional(
    _ options: ConvolutionalDecoderOptions, _ build: BuildContext
  ) throws -> ConvolutionalDecoder {
    if let grid = build.latents.codes {
      let halvings = try build.halvings(toCodesBy: options.network.channels, of: .decoder)
      return ConvolutionalDecoder(
        grid: grid, halvings: halvings, outputShape: build.outputShape, options.network,
        options.upsampling, random: build.random)
    }
    return ConvolutionalDecoder(
      latent: try build.decoderInputs(), outputShape: build.outputShape, options.network,
      options.upsampling, random: build.random)
  }
}
