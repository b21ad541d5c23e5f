import NeuralNetworks
import Tensors

/// Convolutions that say of each element of an image how it is scaled and shifted: a 3×3 convolution, residual blocks, and a
/// second one that begins at zero, so that at first nothing is. The logarithm of a scale is bounded by a learnt multiple of
/// tanh for each channel, without which it overflows.
final class ScaleAndShift: Module {
  private let entry: Conv2D
  private let blocks: [ResidualBlock]
  private let exit: Conv2D
  private let bound: Parameter

  /// The sizes of the network.
  struct Sizes {
    /// Channels inside.
    let hidden: Int
    /// Residual blocks.
    let blocks: Int
  }

  /// Smooth, as in the flows of latents.
  private static let activation = Activation.elu(alpha: 1)

  /// A fresh network from `inputs` channels, for images of `channels`.
  init(inputs: Int, channels: Int, _ sizes: Sizes, random: RandomSource) {
    entry = Conv2D(
      inputs: inputs, outputs: sizes.hidden, kernel: 3, padding: Padding(1),
      random: random.child("entry"))
    blocks = (0..<sizes.blocks).map { number in
      ResidualBlock(
        channels: sizes.hidden, hidden: sizes.hidden, activation: Self.activation,
        random: random.child("block\(number)"))
    }
    exit = Conv2D(
      inputs: sizes.hidden, outputs: 2 * channels, kernel: 3, padding: Padding(1),
      initializer: .zeros, random: random.child("exit"))
    bound = Parameter([channels], isDecayed: false) { .ones([channels]) }
  }

  /// The convolutions, and the bound.
  var members: Members {
    var members: Members = ["entry": .module(entry)]
    members.entries += Members(numbered: blocks).entries.map {
      (name: "block\($0.name)", member: $0.member)
    }
    members.entries.append((name: "exit", member: .module(exit)))
    members.entries.append((name: "scale", member: .parameter(bound)))
    return members
  }

  /// What the last convolution sees of an input, `[rows, height, width, hidden]`.
  func map(of input: Tensor, _ context: Context) -> Tensor {
    blocks.reduce(entry(input, context)) { $1($0, context) }.activated(Self.activation)
  }

  /// The logarithm of the scale and the shift of each element, `[rows, height, width, channels]`.
  func parameters(of map: Tensor, _ context: Context) -> (logScale: Tensor, shift: Tensor) {
    let channels = bound.shape[0]
    let parts = exit(map, context).split(sizes: [channels, channels])
    return (parts[0].tanh() * bound.tensor, parts[1])
  }
}
