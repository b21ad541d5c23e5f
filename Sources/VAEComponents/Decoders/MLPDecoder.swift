import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A multi-layer perceptron from the latent units, or the vectors of a grid of codes, to the
/// likelihood's parameters.
public final class MLPDecoder: Decoder {
  private let layers: Sequential
  private let head: Dense
  private let outputShape: Shape

  /// A decoder with hidden layers of the given sizes, from the latents on, to an output of
  /// `[height, width, channels · parameters]`.
  public init(
    latent: Int, hidden: [Int], outputShape: Shape, activation: Activation = .relu,
    random: RandomSource
  ) {
    layers = .perceptron([latent] + hidden, activation: activation, random: random)
    head = Dense(
      inputs: hidden.last ?? latent, outputs: outputShape.count, random: random.child("head"))
    self.outputShape = outputShape
  }

  /// The hidden layers, and the head that gives the parameters.
  public var members: Members {
    ["layers": .module(layers), "head": .module(head)]
  }

  /// The biases of the last layer become the given parameters.
  public func begin(at parameters: Tensor) {
    head.bias.value = parameters.reshaped(to: [parameters.count])
  }

  /// Those of the head.
  public var lastWeights: Parameter? { head.weights }

  /// The parameters of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let features = try trace.pass([input.count], through: layers, "layers")
    let numbers = try trace.pass(features, through: head, "head")
    return numbers.map { _ in outputShape }
  }

  /// The parameters from the layer of latents nearest to the data.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    let output = head(layers(draw.decoderInput.flattened(), context), context)
    return output.reshaped(to: Shape([draw.rowCount] + outputShape.dimensions))
  }
}

extension MLPDecoder {
  /// The hyper-parameters of `mlp`.
  struct Options: HyperparameterSet {
    @Setting(
      count: 0...64, each: 1...65536, help: "sizes of the hidden layers, from the latents on")
    var hidden = [400]
    @Setting var activation = Activation.relu
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `mlp`.
  public static var mlp: Component {
    Component(
      role: .decoder, name: "mlp", summary: "a multi-layer perceptron to the flattened image",
      options: MLPDecoder.Options()
    ) { options, build in
      MLPDecoder(
        latent: try build.decoderInputs(), hidden: options.hidden, outputShape: build.outputShape,
        activation: options.activation, random: build.random)
    }
  }
}
