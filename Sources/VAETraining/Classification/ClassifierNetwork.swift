import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData

/// The network of a classifier while it is trained: 3×3 convolutions with batch normalisation and ReLU,
/// halved by maxima until the shorter side has 2 to 5 places, then two dense layers (after Simonyan &
/// Zisserman 2015, with the normalisation of Ioffe & Szegedy 2015).
///
/// The frozen network that is made of it has no normalisations: in evaluation each is a factor and an
/// offset of its convolution's outputs.
final class ClassifierNetwork: Module {
  /// A convolution without bias, and its normalisation with ReLU.
  private final class Block: Module {
    let convolution: Conv2D
    let norm: BatchNorm

    init(inputs: Int, outputs: Int, random: RandomSource) {
      convolution = Conv2D(
        inputs: inputs, outputs: outputs, kernel: 3, padding: Padding(1), hasBias: false,
        initializer: .heNormal, random: random)
      norm = BatchNorm(channels: outputs, activation: .relu)
    }

    var members: Members { ["convolution": .module(convolution), "norm": .module(norm)] }

    func callAsFunction(_ x: Tensor, _ context: Context) -> Tensor {
      norm(convolution(x, context), context)
    }

    /// Weights and bias that compute the same in evaluation: (w ∗ x − mean) · scale / deviation + shift.
    var folded: (weights: Tensor, bias: Tensor) {
      let factor =
        norm.scale.value * (norm.variance.value + norm.epsilon).squareRoot().reciprocal()
      let outputs = factor.shape[0]
      return (
        convolution.weights.value * factor.reshaped(to: [outputs, 1, 1, 1]),
        norm.shift.value - norm.mean.value * factor
      )
    }
  }

  /// The layers before each halving.
  private let stages: [[Block]]
  private let features: Dense
  private let logits: Dense
  private let input: FrozenNetwork.Input

  /// The least side of an image.
  static let leastSize = 4
  /// A side of so many pixels is halved once more.
  private static let halvedSize = 6

  /// A network with fresh weights.
  ///
  /// - Parameters:
  ///   - shape: of an image; see `leastSize`.
  ///   - classes: how many there are.
  ///   - input: how the values of an image become those of the first layer.
  ///   - options: its sizes.
  ///   - random: where weights come from.
  init(
    _ shape: ImageShape, classes: Int, input: FrozenNetwork.Input, _ options: ClassifierOptions,
    random: RandomSource
  ) {
    self.input = input
    var (channels, height, width) = (shape.channels, shape.height, shape.width)
    var stages: [[Block]] = []
    repeat {
      let outputs = options.width << min(stages.count, 2)
      // A second convolution at full size would cost as much as all others together.
      let count = stages.isEmpty ? 1 : 2
      stages.append(
        (0..<count).map { number in
          Block(
            inputs: number == 0 ? channels : outputs, outputs: outputs,
            random: random.child("convolution \(stages.count).\(number)"))
        })
      (channels, height, width) = (outputs, height / 2, width / 2)
    } while min(height, width) >= Self.halvedSize
    self.stages = stages
    features = Dense(
      inputs: height * width * channels, outputs: options.features, activation: .relu,
      initializer: .heNormal, random: random.child("features"))
    logits = Dense(inputs: options.features, outputs: classes, random: random.child("logits"))
  }

  var members: Members {
    [
      "convolutions": .module(ModuleGroup(numbered: stages.flatMap { $0 })),
      "features": .module(features),
      "logits": .module(logits),
    ]
  }

  /// The logits of the classes for images `[N, height, width, channels]`, `[N, classes]`.
  func callAsFunction(_ images: Tensor, _ context: Context) -> Tensor {
    var x = (images - Tensor(input.mean)) * Tensor(input.deviation.map { 1 / $0 })
    for stage in stages {
      for block in stage { x = block(x, context) }
      x = FrozenNetwork.Operation.maximumPool(kernel: 2, stride: 2)(x)
    }
    x = FrozenNetwork.Operation.flatten(x)
    return logits(features(x, context), context)
  }

  /// The network as it computes in evaluation.
  ///
  /// - Parameter classes: their names.
  func frozen(classes: [String]) throws(NetworkProblem) -> FrozenNetwork {
    var layers: [FrozenNetwork.Layer] = []
    withoutTape {
      for (place, stage) in stages.enumerated() {
        for (number, block) in stage.enumerated() {
          let (weights, bias) = block.folded
          let name = "\(place + 1)_\(number + 1)"
          layers.append(
            .init(
              name: "conv\(name)",
              operation: .convolution(weights: weights, bias: bias, stride: 1, padding: 1)))
          layers.append(.init(name: "relu\(name)", operation: .relu))
        }
        layers.append(
          .init(name: "pool\(place + 1)", operation: .maximumPool(kernel: 2, stride: 2)))
      }
      layers += [
        .init(name: nil, operation: .flatten),
        .init(
          name: "dense",
          operation: .dense(weights: features.weights.value, bias: features.bias.value)),
        .init(name: "features", operation: .relu),
        .init(
          name: "logits", operation: .dense(weights: logits.weights.value, bias: logits.bias.value)),
      ]
    }
    return try FrozenNetwork(
      input: input, layers: layers, featureLayer: "features", classes: classes)
  }
}
