import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The mirror of `QuantizedResidualEncoder`: a 3×3 convolution on the vectors of the codes,
/// residual blocks, and 4×4 transposed convolutions of stride 2 to exactly the sizes that the
/// encoder passed through, the last giving the likelihood's parameters.
public final class QuantizedResidualDecoder: Decoder {
  private let layers: Sequential
  private let head: Head

  /// What gives the parameters: codes of the image's own size need no enlargement.
  private enum Head {
    case transposed(TransposedConv2D)
    case plain(Conv2D)

    var layer: any Layer {
      switch self {
      case .transposed(let layer): layer
      case .plain(let layer): layer
      }
    }

    var weights: Parameter {
      switch self {
      case .transposed(let layer): layer.weights
      case .plain(let layer): layer.weights
      }
    }

    var bias: Parameter? {
      switch self {
      case .transposed(let layer): layer.bias
      case .plain(let layer): layer.bias
      }
    }
  }

  /// A decoder for the sizes of a network, to a number of parameters a pixel.
  init(_ sizes: QuantizedResidualSizes, parametersPerPixel: Int, random: RandomSource) {
    var layers: [any Layer] = [
      Conv2D(
        inputs: sizes.vectorSize, outputs: sizes.channels, kernel: 3, padding: Padding(1),
        random: random.child("entry"))
    ]
    layers += sizes.residualLayers(random)
    var inputs = sizes.channels
    for level in (0..<sizes.levels).dropFirst().reversed() {
      let outputs = sizes.channels(after: level - 1)
      layers.append(
        TransposedConv2D(
          inputs: inputs, outputs: outputs, kernel: 4, stride: 2,
          padding: sizes.padding(at: level), activation: .relu, random: random.child("\(level)")))
      inputs = outputs
    }
    let random = random.child("head")
    head =
      sizes.levels > 0
      ? .transposed(
        TransposedConv2D(
          inputs: inputs, outputs: parametersPerPixel, kernel: 4, stride: 2,
          padding: sizes.padding(at: 0), random: random))
      : .plain(
        Conv2D(
          inputs: inputs, outputs: parametersPerPixel, kernel: 3, padding: Padding(1),
          random: random))
    self.layers = Sequential(layers)
  }

  /// The layers in order, and the head.
  public var members: Members { ["layers": .module(layers), "head": .module(head.layer)] }

  /// The biases of the last layer become the given parameters, averaged over the image.
  public func begin(at parameters: Tensor) {
    head.bias?.value = parameters.mean(axis: 0).mean(axis: 0)
  }

  /// Those of the head.
  public var lastWeights: Parameter? { head.weights }

  /// The parameters of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(trace.pass(input, through: layers, "layers"), through: head.layer, "head")
  }

  /// The parameters from the vectors of the codes.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    head.layer(layers(draw.decoderInput, context), context)
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `vq-resnet`.
  static var quantizedResidual: Component {
    Component(
      role: .decoder, name: "vq-resnet",
      summary: "the mirror of encoder vq-resnet, with transposed convolutions",
      options: QuantizedResidualSizes.Options()
    ) { options, build in
      let sizes = try QuantizedResidualSizes(options, build, part: "decoder vq-resnet")
      return QuantizedResidualDecoder(
        sizes, parametersPerPixel: build.parametersPerPixel, random: build.random)
    }
  }
}
