import NeuralNetworks
import Tensors

/// The mirror of `ConvolutionalEncoder`: a dense layer to the smallest image, then stride-2
/// transposed convolutions that reach exactly the sizes the encoder passed through, and a 3×3
/// convolution to the likelihood's parameters.
public final class ConvolutionalDecoder: Decoder {
  private let entry: Dense
  private let layers: Sequential
  private let head: Conv2D
  private let entryShape: Shape

  /// A decoder with one transposed convolution for each entry of `channels`.
  ///
  /// - Parameters:
  ///   - latent: the units it starts from.
  ///   - channels: from the latents on: those of the smallest image first, those before the head
  ///     last.
  ///   - outputShape: `[height, width, channels · parameters]`.
  public init(
    latent: Int, channels: [Int], outputShape: Shape, activation: Activation = .relu,
    normalization: ConvolutionalNormalization = .batch, residualBlocks: Int = 0,
    random: RandomSource
  ) {
    let first = channels.first ?? 1
    let pyramid = Pyramid(
      height: outputShape[0], width: outputShape[1], levels: channels.count)
    entryShape = [pyramid.top.height, pyramid.top.width, first]
    entry = Dense(
      inputs: latent, outputs: entryShape.count, random: random.child("entry"))
    var layers: [any Layer] = []
    var inputs = first
    // One transposed convolution a level; the last keeps its channels for the head.
    for (level, outputs) in (channels.dropFirst() + [channels.last ?? 1]).enumerated() {
      let random = random.child("\(level)")
      let small = pyramid.sizes[channels.count - level]
      let large = pyramid.sizes[channels.count - level - 1]
      let norm = normalization.layer(channels: outputs, activation: activation)
      layers.append(
        TransposedConv2D(
          inputs: inputs, outputs: outputs, kernel: 3, stride: 2, padding: Padding(1),
          outputPadding: (large.height - 2 * small.height + 1, large.width - 2 * small.width + 1),
          hasBias: norm == nil, activation: norm == nil ? activation : .identity, random: random))
      if let norm { layers.append(norm) }
      layers += ResidualBlock.chain(
        residualBlocks, channels: outputs, activation: activation, normalization, random: random)
      inputs = outputs
    }
    self.layers = Sequential(layers)
    head = Conv2D(
      inputs: inputs, outputs: outputShape[2], kernel: 3, padding: Padding(1),
      random: random.child("head"))
  }

  /// The entry, the transposed convolutions with what follows them, and the head.
  public var members: Members {
    ["entry": .module(entry), "layers": .module(layers), "head": .module(head)]
  }

  /// The biases of the last layer become the given parameters, averaged over the image.
  public func begin(at parameters: Tensor) {
    head.bias?.value = parameters.mean(axis: 0).mean(axis: 0).copied()
  }

  /// The parameters from the layer of latents nearest to the data.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    let small = entry(draw.decoderInput, context).reshaped(
      to: Shape([draw.rowCount] + entryShape.dimensions))
    return head(layers(small, context), context)
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `conv`.
  public static var convolutional: Component {
    Component(
      role: .decoder, name: "conv",
      summary: "stride-2 transposed convolutions, for images of any size",
      hyperparameters: Hyperparameter.convolutional(channels: [128, 64, 32], blocks: 0)
    ) { values, build in try .convolutional(values, build) }
  }

  /// The recipe component `resnet`.
  public static var residual: Component {
    Component(
      role: .decoder, name: "resnet",
      summary: "transposed convolutions with residual blocks between them",
      hyperparameters: Hyperparameter.convolutional(channels: [128, 64, 32], blocks: 1)
    ) { values, build in try .convolutional(values, build) }
  }
}

extension Decoder where Self == ConvolutionalDecoder {
  fileprivate static func convolutional(
    _ values: Hyperparameters, _ build: BuildContext
  ) throws -> ConvolutionalDecoder {
    let (channels, latent) = (values.integers("channels"), try build.singleLatentSize())
    let top = Pyramid(
      height: build.data.height, width: build.data.width, levels: channels.count
    ).top
    try build.checkSize(
      [[latent, top.height, top.width, channels.first ?? 1]]
        + zip(channels, channels.dropFirst() + [build.outputShape[2]]).map { [$0, $1, 9] }
        + channels.map { [2 * values.integer("blocks"), $0, $0, 9] })
    return ConvolutionalDecoder(
      latent: latent, channels: channels,
      outputShape: build.outputShape, activation: try values.activation(),
      normalization: ConvolutionalNormalization(rawValue: values.text("normalization")) ?? .batch,
      residualBlocks: values.integer("blocks"), random: build.random)
  }
}
