import NeuralNetworks
import Tensors

/// A 1×1 convolution that keeps the order of channels: activation(x · (W ⊙ M) + b) on the features
/// of each pixel, `[…, inputs]` to `[…, outputs]`.
///
/// The mask M multiplies the weights in the forward pass, so that their gradients are masked too.
/// With one group there is nothing to mask.
final class MaskedDense: Layer {
  let weights: Parameter
  let bias: Parameter
  let activation: Activation
  private let mask: Tensor?

  init(
    inputs: Int, outputs: Int, groups: ChannelGroups, activation: Activation = .identity,
    random: RandomSource
  ) {
    weights = Parameter(
      Initializer.lecunUniform.values(
        [inputs, outputs], fanIn: inputs, fanOut: outputs, random: random.stream("weights")))
    bias = Parameter(.zeros([outputs]), isDecayed: false)
    self.activation = activation
    mask =
      groups.count > 1 ? groups.mask(inputs: inputs, outputs: outputs, .upToItself) : nil
  }

  var members: Members {
    ["weights": .parameter(weights), "bias": .parameter(bias)]
  }

  /// The weights with zeros where an output must not see an input.
  var visibleWeights: Tensor {
    mask.map { weights.tensor * $0 } ?? weights.tensor
  }

  /// The layer with its weights of this moment made ready, for many calls without a tape.
  func frozen() -> (Tensor) -> Tensor {
    let (weights, bias, activation) = (visibleWeights.detached(), bias.value, activation)
    return { $0.dense(weights: weights, bias: bias, activation: activation) }
  }

  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    input.dense(weights: visibleWeights, bias: bias.tensor, activation: activation)
  }
}
