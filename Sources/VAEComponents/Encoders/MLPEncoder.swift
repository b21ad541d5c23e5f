import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A multi-layer perceptron on the flattened image, ending in mean and log-variance of a Gaussian
/// for each latent unit, or in the points of a grid of codes.
public final class MLPEncoder: Encoder {
  private let input: InputNormalization
  private let layers: Sequential
  private let head: Dense
  private let latents: SingleLatents

  /// An encoder for a layer of latent units, with hidden layers of the given sizes, from the data
  /// on.
  public convenience init(
    inputs: Int, hidden: [Int], latent: Int, activation: Activation = .relu, random: RandomSource
  ) {
    self.init(
      inputs: inputs, hidden: hidden, latents: .units(latent), activation: activation,
      random: random)
  }

  init(
    inputs: Int, hidden: [Int], latents: SingleLatents, activation: Activation,
    random: RandomSource
  ) {
    input = InputNormalization(inputs: inputs)
    layers = .perceptron([inputs] + hidden, activation: activation, random: random)
    head = Dense(
      inputs: hidden.last ?? inputs, outputs: latents.encoderOutputs, random: random.child("head"))
    self.latents = latents
  }

  /// What brings the input to scale, the hidden layers, and the head that gives mean and log-variance,
  /// or points.
  public var members: Members {
    ["input": .module(input), "layers": .module(layers), "head": .module(head)]
  }

  /// A diagonal Gaussian or the points for each example.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    latents.posterior(head(layers(input(x.flattened()), context), context))
  }
}

extension Sequential {
  /// Dense layers between the given sizes, each with the activation.
  static func perceptron(
    _ sizes: [Int], activation: Activation, random: RandomSource
  ) -> Sequential {
    Sequential(
      zip(sizes, sizes.dropFirst()).enumerated().map { index, pair in
        Dense(
          inputs: pair.0, outputs: pair.1, activation: activation, random: random.child("\(index)"))
      })
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `mlp`.
  public static var mlp: Component {
    Component(
      role: .encoder, name: "mlp", summary: "a multi-layer perceptron on the flattened image",
      hyperparameters: [
        Hyperparameter(
          "hidden", .integers(count: 0...64, each: 1...65536), default: .integers([400]),
          help: "sizes of the hidden layers, from the data on"),
        .activation(default: "relu"),
      ]
    ) { values, build in
      let (hidden, latents) = (values.integers("hidden"), try build.singleLatents())
      let sizes = [build.data.elements] + hidden + [latents.encoderOutputs]
      try build.checkSize(zip(sizes, sizes.dropFirst()).map { [$0, $1] })
      return MLPEncoder(
        inputs: build.data.elements, hidden: hidden, latents: latents,
        activation: try values.activation(), random: build.random)
    }
  }
}
