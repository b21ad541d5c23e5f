import NeuralNetworks
import Tensors
import VAEComponents
import VAERecipes

/// Two 3×3 convolutions at one size, each normalised and activated.
final class GrowingStep: Layer {
  /// What convolutions have beside them.
  struct Options: HyperparameterSet {
    @Setting var activation = Activation.leakyReLU(slope: 0.1)
    @Setting(help: "what comes between a convolution and its activation")
    var normalization = ConvolutionalNormalization.group
  }

  private let layers: Sequential

  /// A step from some channels to others.
  init(inputs: Int, outputs: Int, _ options: Options, random: RandomSource) {
    var layers: [any Layer] = []
    for (number, inputs) in [inputs, outputs].enumerated() {
      let norm = options.normalization.layer(channels: outputs, activation: options.activation)
      layers.append(
        Conv2D(
          inputs: inputs, outputs: outputs, kernel: 3, padding: Padding(1), hasBias: norm == nil,
          activation: norm == nil ? options.activation : .identity,
          random: random.child("\(number)")))
      if let norm { layers.append(norm) }
    }
    self.layers = Sequential(layers)
  }

  /// The layers by number.
  var members: Members { layers.members }

  /// The image with other channels.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try layers.outputShape(for: input, &trace)
  }

  /// `[batch, height, width, outputs]`
  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor { layers(input, context) }
}
