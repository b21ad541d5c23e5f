import NeuralNetworks
import Tensors

/// A multi-layer perceptron on the flattened image, ending in mean and log-variance of a Gaussian
/// for each latent unit.
public final class MLPEncoder: Encoder {
  private let layers: Sequential
  private let head: Dense

  /// An encoder with hidden layers of the given sizes, from the data on.
  public init(
    inputs: Int, hidden: [Int], latent: Int, activation: Activation = .relu, random: RandomSource
  ) {
    layers = .perceptron([inputs] + hidden, activation: activation, random: random)
    head = Dense(
      inputs: hidden.last ?? inputs, outputs: 2 * latent, random: random.child("head"))
  }

  /// The hidden layers, and the head that gives mean and log-variance.
  public var members: Members {
    ["layers": .module(layers), "head": .module(head)]
  }

  /// A diagonal Gaussian for each example.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    DiagonalGaussian(head: head(layers(x.flattened(), context), context))
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
      let (hidden, latent) = (values.integers("hidden"), try build.singleLatentSize())
      let sizes = [build.data.elements] + hidden + [2 * latent]
      try build.checkSize(zip(sizes, sizes.dropFirst()).map { [$0, $1] })
      return MLPEncoder(
        inputs: build.data.elements, hidden: hidden, latent: latent,
        activation: try values.activation(), random: build.random)
    }
  }
}
