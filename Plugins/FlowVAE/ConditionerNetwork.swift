import NeuralNetworks
import Tensors
import VAEComponents

/// The sizes of the networks in a flow.
struct ConditionerSizes {
  /// The latent units.
  let units: Int
  /// Numbers of the context that the encoder gives.
  let context: Int
  /// Hidden layers.
  let hidden: [Int]
}

/// A perceptron from latents and context to the parameters of a step of a flow. Its last layer begins
/// at zero, so that a fresh flow does the same to all draws.
final class ConditionerNetwork: Module {
  private let layers: [MaskedDense]

  /// A network of given sizes whose layers see everything, or what masks let them see.
  ///
  /// - Parameter mask: makes the mask of a layer.
  init(_ sizes: [Int], mask: ((Int) -> Tensor)? = nil, random: RandomSource) {
    let count = sizes.count - 1
    layers = (0..<count).map { number in
      let isLast = number == count - 1
      return MaskedDense(
        inputs: sizes[number], outputs: sizes[number + 1],
        mask: mask.map { mask in { mask(number) } },
        initializer: isLast ? .zeros : .lecunUniform,
        activation: isLast ? .identity : .elu(alpha: 1),
        random: random.child("\(number)"))
    }
  }

  var members: Members { ["layers": .module(Sequential(layers))] }

  /// The output for latents and context side by side.
  ///
  /// - Parameter isConstant: whether gradients reach the input alone.
  func output(_ input: Tensor, isConstant: Bool, _ context: Context) -> Tensor {
    layers.reduce(input) { isConstant ? $1.stopped($0) : $1($0, context) }
  }
}
