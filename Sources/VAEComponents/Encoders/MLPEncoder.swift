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
  private let posteriorHead: any PosteriorHead

  /// An encoder for a layer of latent units, with hidden layers of the given sizes, from the data
  /// on.
  public convenience init(
    inputs: Int, hidden: [Int], latent: Int, activation: Activation = .relu,
    random: RandomSource
  ) {
    self.init(
      inputs: inputs, hidden: hidden, head: GaussianHead(units: latent), activation: activation,
      random: random)
  }

  /// An encoder with hidden layers of the given sizes, from the data on, that ends in any posterior.
  public init(
    inputs: Int, hidden: [Int], head posteriorHead: any PosteriorHead,
    activation: Activation = .relu, random: RandomSource
  ) {
    input = InputNormalization(inputs: inputs)
    layers = .perceptron([inputs] + hidden, activation: activation, random: random)
    head = Dense(
      inputs: hidden.last ?? inputs, outputs: posteriorHead.shape.count,
      random: random.child("head"))
    self.posteriorHead = posteriorHead
  }

  /// What brings the input to scale, the hidden layers, the head that gives the posterior's
  /// parameters, and what the posterior learns itself.
  public var members: Members {
    [
      "input": .module(input), "layers": .module(layers), "head": .module(head),
      "posterior": .module(posteriorHead),
    ]
  }

  /// Those of what the network ends in.
  public var posteriorTraits: PosteriorTraits { posteriorHead.traits }

  /// The numbers of the posterior.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let features = try trace.pass([input.count], through: layers, "layers")
    return try trace.pass(features, through: head, "head")
  }

  /// The posterior of each example.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    posteriorHead.posterior(head(layers(input(x.flattened()), context), context), context)
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

extension MLPEncoder {
  /// The hyper-parameters of `mlp`.
  struct Options: HyperparameterSet {
    @Setting(
      count: 0...64, each: 1...65536, help: "sizes of the hidden layers, from the data on")
    var hidden = [400]
    @Setting var activation = Activation.relu
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `mlp`.
  public static var mlp: Component {
    Component(
      role: .encoder, name: "mlp", summary: "a multi-layer perceptron on the flattened image",
      options: MLPEncoder.Options()
    ) { options, build in
      MLPEncoder(
        inputs: build.data.elements, hidden: options.hidden, head: try build.headOfPosterior(),
        activation: options.activation, random: build.random)
    }
  }
}
