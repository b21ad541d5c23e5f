import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The mirror of `ConvolutionalEncoder`: a dense layer to the smallest image, or a 3×3 convolution
/// on a grid of codes; then convolutions that double the image, to exactly the sizes the encoder passed
/// through, and a 3×3 convolution to the likelihood's parameters.
///
/// With an output on several scales every smaller image is turned into parameters too, by a convolution of its own, and these are
/// enlarged and added to those of the next size (the output skips of Karras et al. 2020, StyleGAN2, section 4.1): coarse layers then
/// answer for what is coarse. Those convolutions begin at zero, so that a fresh decoder gives what one with a single output gives.
public final class ConvolutionalDecoder: Decoder {
  private let entry: any Layer
  private let layers: Sequential
  private let head: Conv2D
  private let scales: ScaleOutputs?
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
  ///   - isMultiscale: whether smaller images are turned into parameters too.
  ///   - random: where the fresh weights come from.
  public convenience init(
    latent: Int, channels: [Int], outputShape: Shape, activation: Activation = .relu,
    normalization: ConvolutionalNormalization = .batch,
    residualBlocks: Int = 0, isMultiscale: Bool = false,
    random: RandomSource
  ) {
    self.init(
      latent: latent, outputShape: outputShape,
      ConvolutionalDecoderOptions(
        ConvolutionalOptions(
          channels: channels, activation: activation, normalization: normalization,
          blocks: residualBlocks), output: isMultiscale ? .multiscale : .single),
      random: random)
  }

  /// A decoder for a layer of latent units.
  convenience init(
    latent: Int, outputShape: Shape, _ options: ConvolutionalDecoderOptions, random: RandomSource
  ) {
    let channels = options.network.channels
    let top = Pyramid(
      height: outputShape[0], width: outputShape[1], levels: channels.count
    ).top
    self.init(
      entry: Dense(
        inputs: latent, outputs: top.height * top.width * (channels.first ?? 1),
        random: random.child("entry")),
      takesPlaces: false, halvings: channels.count, outputShape: outputShape, options,
      random: random)
  }

  /// A decoder for a grid of codes, which the image reaches after a number of halvings; before them
  /// come convolutions that keep the grid's size.
  convenience init(
    grid: CodeGrid, halvings: Int, outputShape: Shape, _ options: ConvolutionalDecoderOptions,
    random: RandomSource
  ) {
    self.init(
      entry: Conv2D(
        inputs: grid.vectorSize, outputs: options.network.channels.first ?? 1, kernel: 3,
        padding: Padding(1), activation: options.network.activation, random: random.child("entry")),
      takesPlaces: true, halvings: halvings, outputShape: outputShape, options, random: random)
  }

  private init(
    entry: any Layer, takesPlaces: Bool, halvings: Int, outputShape: Shape,
    _ options: ConvolutionalDecoderOptions, random: RandomSource
  ) {
    let network = options.network
    let (channels, activation) = (network.channels, network.activation)
    let pyramid = Pyramid(height: outputShape[0], width: outputShape[1], levels: halvings)
    let first = channels.first ?? 1
    entryShape = [pyramid.top.height, pyramid.top.width, first]
    self.entry = entry
    self.takesPlaces = takesPlaces
    var levels: [[any Layer]] = []
    var enlargements: [ScaleOutputs.Enlargement?] = []
    var inputs = first
    // The last layer before the head keeps its channels.
    for (level, outputs) in (channels.dropFirst() + [channels.last ?? 1]).enumerated() {
      let random = random.child("\(level)")
      let norm = network.normalization.layer(channels: outputs, activation: activation)
      let after = norm == nil ? activation : .identity
      // How many halvings lie between this layer's output and the image.
      let depth = channels.count - level - 1
      let isDoubled = depth < halvings
      enlargements.append(
        isDoubled ? ScaleOutputs.Enlargement(channels: inputs, to: pyramid.sizes[depth]) : nil)
      var layers: [any Layer] = [
        isDoubled
          ? Doubling(
            options.upsampling, inputs: inputs, outputs: outputs, to: pyramid.sizes[depth],
            hasBias: norm == nil, activation: after, random: random)
          : Conv2D(
            inputs: inputs, outputs: outputs, kernel: 3, padding: Padding(1),
            hasBias: norm == nil, activation: after, random: random)
      ]
      if let norm { layers.append(norm) }
      layers += ResidualBlock.chain(
        network.blocks, channels: outputs, activation: activation, network.normalization,
        random: random)
      levels.append(layers)
      inputs = outputs
    }
    layers = Sequential(levels.flatMap { $0 })
    scales =
      options.output == .multiscale
      ? ScaleOutputs(
        levels.map { Sequential($0) }, enlargements, outputs: outputShape[2],
        random: random.child("scales")) : nil
    head = Conv2D(
      inputs: inputs, outputs: outputShape[2], kernel: 3, padding: Padding(1),
      random: random.child("head"))
  }

  /// The entry, the convolutions that double with what follows them, the head, and those of smaller images where there are any.
  public var members: Members {
    var members: Members = [
      "entry": .module(entry), "layers": .module(layers), "head": .module(head),
    ]
    if let scales { members.entries.append((name: "scales", member: .module(scales))) }
    return members
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
    if let scales, let small {
      return try scales.outputShape(for: small, head: head, &trace)
    }
    return try trace.pass(trace.pass(small, through: layers, "layers"), through: head, "head")
  }

  /// The parameters from the layer of latents nearest to the data.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    let input = takesPlaces ? draw.decoderInput : draw.decoderInput.flattened()
    let small = entry(input, context).reshaped(
      to: Shape([draw.rowCount] + entryShape.dimensions))
    if let scales { return scales(small, head: head, context) }
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
        grid: grid, halvings: halvings, outputShape: build.outputShape, options,
        random: build.random)
    }
    return ConvolutionalDecoder(
      latent: try build.decoderInputs(), outputShape: build.outputShape, options,
      random: build.random)
  }
}
