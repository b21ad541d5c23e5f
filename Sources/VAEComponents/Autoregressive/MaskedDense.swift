import NeuralNetworks
import Tensors

/// A dense layer that keeps an order: activation(x · (W ⊙ M) + b), `[…, inputs]` to `[…, outputs]`, as
/// autoregressive networks have them (Germain et al. 2015), and 1×1 convolutions on the features of
/// each pixel.
///
/// The mask M multiplies the weights in the forward pass, so that their gradients are masked too.
public final class MaskedDense: Layer {
  let weights: Parameter
  let bias: Parameter
  let activation: Activation
  private let mask: Constant?

  /// A layer with fresh weights.
  ///
  /// - Parameters:
  ///   - inputs: numbers that it gets.
  ///   - outputs: numbers that it gives.
  ///   - mask: makes, when it is first needed, one where an output sees an input, else zero, `[inputs,
  ///     outputs]`; nil where every one sees all.
  ///   - initializer: the law of the weights; the bias begins at zero.
  ///   - activation: what follows the sum.
  ///   - random: where the fresh weights come from.
  public init(
    inputs: Int, outputs: Int, mask: (() -> Tensor)?, initializer: Initializer = .lecunUniform,
    activation: Activation = .identity, random: RandomSource
  ) {
    weights = Parameter(
      [inputs, outputs], initializer, fanIn: inputs, fanOut: outputs,
      random: random.stream("weights"))
    bias = Parameter([outputs], isDecayed: false) { .zeros([outputs]) }
    self.activation = activation
    self.mask = mask.map(Constant.init)
  }

  /// A layer that keeps the order of channels; with one group there is nothing to mask.
  convenience init(
    inputs: Int, outputs: Int, groups: ChannelGroups, activation: Activation = .identity,
    random: RandomSource
  ) {
    self.init(
      inputs: inputs, outputs: outputs,
      mask: groups.count > 1 ? { groups.mask(inputs: inputs, outputs: outputs, .upToItself) } : nil,
      activation: activation, random: random)
  }

  /// Weights and bias.
  public var members: Members {
    ["weights": .parameter(weights), "bias": .parameter(bias)]
  }

  /// The weights with zeros where an output must not see an input.
  var visibleWeights: Tensor {
    mask.map { weights.tensor * $0.value } ?? weights.tensor
  }

  /// The layer with its weights of this moment made ready, for many calls without a tape.
  func frozen() -> (Tensor) -> Tensor {
    let (weights, bias, activation) = (visibleWeights.detached(), bias.value, activation)
    return { $0.dense(weights: weights, bias: bias, activation: activation) }
  }

  /// The same with weights that are constant, so that gradients reach the input alone.
  public func stopped(_ input: Tensor) -> Tensor {
    input.dense(
      weights: visibleWeights.detached(), bias: bias.value, activation: activation)
  }

  /// `[…, outputs]` for `[…, inputs]`.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try input.replacingLast(weights.shape[0], with: weights.shape[1])
  }

  /// `[…, outputs]` for `[…, inputs]`.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    input.dense(weights: visibleWeights, bias: bias.tensor, activation: activation)
  }
}
