import NeuralNetworks
import Tensors

/// The block that all of a very deep VAE is made of (Child 2021, figure 3): W₄ ∗ a(W₃ ∗ a(W₂ ∗ a(W₁ ∗ a(x)))) with the
/// activation a = GELU before each convolution. W₁ and W₄ are 1×1, and W₂ and W₃ between them 3×3 on fewer
/// channels.
///
/// As a residual block it adds that to x. Biases start at zero, and weights uniformly in ±1/√fan-in; those of W₄ are
/// multiplied by a scale, so that a long chain of blocks begins near the identity.
final class BottleneckBlock: Layer {
  private let layers: [Conv2D]
  private let isResidual: Bool

  /// A block.
  ///
  /// - Parameters:
  ///   - inputs: channels of the input.
  ///   - hidden: channels between the convolutions.
  ///   - outputs: channels of the output, which are those of the input in a residual block.
  ///   - kernel: the side of W₂ and W₃.
  ///   - isResidual: whether the input is added.
  ///   - lastScale: what the first weights of W₄ are multiplied by.
  ///   - random: where first weights come from.
  init(
    inputs: Int, hidden: Int, outputs: Int, kernel: Int, isResidual: Bool = false,
    lastScale: Float = 1, random: RandomSource
  ) {
    ensure(
      !isResidual || inputs == outputs,
      "a residual block of \(inputs) channels cannot give \(outputs)")
    let sizes = [
      (inputs, hidden, 1), (hidden, hidden, kernel), (hidden, hidden, kernel), (hidden, outputs, 1),
    ]
    layers = sizes.enumerated().map { number, size in
      let isLast = number == sizes.count - 1
      return .unbiasedAtFirst(
        inputs: size.0, outputs: size.1, kernel: size.2, scale: isLast ? lastScale : 1,
        activation: isLast ? .identity : .gelu, random: random.child("\(number)"))
    }
    self.isResidual = isResidual
  }

  /// The four convolutions.
  var members: Members { Members(numbered: layers) }

  /// The image with the channels of the last convolution.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var shape: Shape? = input
    for (number, layer) in layers.enumerated() {
      shape = try trace.pass(shape, through: layer, "\(number)")
    }
    return shape
  }

  /// `[batch, height, width, outputs]`
  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    let added = layers.reduce(input.activated(.gelu)) { $1($0, context) }
    return isResidual ? input + added : added
  }
}

extension Conv2D {
  /// A convolution that keeps an image's size, whose weights start uniformly in ± scale / √fan-in and whose biases at
  /// zero.
  static func unbiasedAtFirst(
    inputs: Int, outputs: Int, kernel: Int, scale: Float = 1, activation: Activation = .identity,
    random: RandomSource
  ) -> Conv2D {
    Conv2D(
      inputs: inputs, outputs: outputs, kernel: kernel, padding: Padding(kernel / 2),
      activation: activation,
      initializer: .uniform(bound: scale / Float(inputs * kernel * kernel).squareRoot()),
      random: random)
  }
}
