import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// The encoder of the authors' experiments: 4×4 convolutions of stride 2 with ReLU, the first with
/// half of the channels; a 3×3 convolution; residual blocks; a 1×1 convolution to the points that
/// become codes (van den Oord et al. 2017, section 4.1, with the sizes of their published code). That code
/// takes one half off pixels between 0 and 1; here it is the data's own mean, where that outweighs their deviation.
public final class QuantizedResidualEncoder: Encoder {
  private let input = InputCentring()
  private let layers: Sequential

  /// An encoder for the sizes of a network.
  init(_ sizes: QuantizedResidualSizes, random: RandomSource) {
    var layers: [any Layer] = []
    var inputs = sizes.dataChannels
    for level in 0..<sizes.levels {
      let outputs = sizes.channels(after: level)
      layers.append(
        Conv2D(
          inputs: inputs, outputs: outputs, kernel: 4, stride: 2,
          padding: sizes.padding(at: level), activation: .relu, random: random.child("\(level)")))
      inputs = outputs
    }
    layers.append(
      Conv2D(
        inputs: inputs, outputs: sizes.channels, kernel: 3, padding: Padding(1),
        random: random.child("entry")))
    layers += sizes.residualLayers(random)
    layers.append(
      Conv2D(
        inputs: sizes.channels, outputs: sizes.vectorSize, kernel: 1, padding: .none,
        random: random.child("head")))
    self.layers = Sequential(layers)
  }

  /// The centring of the images, and the layers in order.
  public var members: Members { ["input": .module(input), "layers": .module(layers)] }

  /// The points of an example.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(input, through: layers, "layers")
  }

  /// The points for each example.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    PointPosterior(layers(input(x), context))
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `vq-resnet`.
  static var quantizedResidual: Component {
    Component(
      role: .encoder, name: "vq-resnet",
      summary: "the VQ-VAE authors' stride-2 convolutions with residual blocks, for codes",
      options: QuantizedResidualSizes.Options()
    ) { options, build in
      let sizes = try QuantizedResidualSizes(options, build, part: "encoder vq-resnet")
      return QuantizedResidualEncoder(sizes, random: build.random)
    }
  }
}
