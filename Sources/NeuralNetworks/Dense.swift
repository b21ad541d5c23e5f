import Tensors

/// A fully connected layer: activation(x · W + b), for inputs `[…, inputs]`.
///
/// ```swift
/// let layer = Dense(inputs: 784, outputs: 400, activation: .relu, random: random.child("hidden"))
/// ```
///
/// The weights start by the law that suits the activation, ``Initializer/suited(to:)``, unless another is
/// given. The bias starts at zero, and beside LeCun's weights uniformly in ±1/√inputs like them.
public final class Dense: Layer {
  /// `[inputs, outputs]`
  public let weights: Parameter
  /// `[outputs]`
  public let bias: Parameter
  /// What follows the sum.
  public let activation: Activation
  private let spectral: SpectralNormalization?

  /// A layer with fresh weights.
  ///
  /// - Parameters:
  ///   - inputs: numbers of an input.
  ///   - outputs: numbers of an output.
  ///   - activation: of the sum.
  ///   - initializer: the law of the weights, nil for that which suits the activation.
  ///   - isSpectral: whether the weights are divided by their largest singular value.
  ///   - random: where the weights come from; a source of the layer's own, such as `random.child("hidden")`.
  public init(
    inputs: Int, outputs: Int, activation: Activation = .identity,
    initializer: Initializer? = nil, isSpectral: Bool = false, random: RandomSource
  ) {
    let law = initializer ?? .suited(to: activation)
    weights = Parameter(
      [inputs, outputs], law, fanIn: inputs, fanOut: outputs, random: random.stream("weights"))
    bias = Parameter(
      [outputs], law.biasLaw, fanIn: inputs, fanOut: outputs, random: random.stream("bias"),
      isDecayed: false)
    self.activation = activation
    spectral =
      isSpectral ? SpectralNormalization(weights, random: random.stream("direction")) : nil
  }

  /// Weights and bias, and the normalisation of the weights where there is one.
  public var members: Members {
    var members: Members = ["weights": .parameter(weights), "bias": .parameter(bias)]
    if let spectral { members.entries.append((name: "spectral", member: .module(spectral))) }
    return members
  }

  /// `[…, outputs]` for `[…, inputs]`.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try input.replacingLast(weights.shape[0], with: weights.shape[1])
  }

  /// `[…, outputs]` for `[…, inputs]`.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    input.dense(
      weights: spectral?.normalized ?? weights.tensor, bias: bias.tensor, activation: activation)
  }
}

extension Initializer {
  /// The law of a bias beside weights of this law.
  var biasLaw: Initializer { self == .lecunUniform ? .lecunUniform : .zeros }
}
