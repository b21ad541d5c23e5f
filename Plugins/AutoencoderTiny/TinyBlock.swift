import NeuralNetworks
import Tensors

/// The block of TAESD: relu(x + W₃ ∗ relu(W₂ ∗ relu(W₁ ∗ x))), three 3×3 convolutions of one width,
/// with x + m(x) in place of x where the block mixes channels.
///
/// m, of FLUX.2's tiny autoencoder, is a 1×1 convolution to more channels, group normalisation with
/// ReLU, and a 1×1 convolution back, both without a bias.
final class TinyBlock: Layer {
  private let convolutions: Sequential
  private let mixing: Sequential?

  /// A block of a number of channels.
  init(channels: Int, mixing: TinySizes.Mixing?, random: RandomSource) {
    convolutions = Sequential(
      (0..<3).map { number in
        Conv2D(
          inputs: channels, outputs: channels, kernel: 3, padding: Padding(1),
          activation: number < 2 ? .relu : .identity, random: random.child("\(number)"))
      })
    self.mixing = mixing.map { mixing in
      func map(_ inputs: Int, _ outputs: Int, _ name: String) -> Conv2D {
        Conv2D(
          inputs: inputs, outputs: outputs, kernel: 1, padding: .none, hasBias: false,
          random: random.child(name))
      }
      return Sequential([
        map(channels, mixing.channels, "expansion"),
        GroupNorm(channels: mixing.channels, groups: mixing.groups, activation: .relu),
        map(mixing.channels, channels, "contraction"),
      ])
    }
  }

  /// The convolutions, and what mixes channels.
  var members: Members {
    var members: Members = ["convolutions": .module(convolutions)]
    if let mixing { members.entries.append((name: "mixing", member: .module(mixing))) }
    return members
  }

  /// That of the input.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.holding(input) { trace in
      if let mixing { _ = try trace.pass(input, through: mixing, "mixing") }
      return try trace.pass(input, through: convolutions, "convolutions")
    }
  }

  /// The block's output, of the input's shape.
  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    var map = input
    apply(to: &map, context)
    return map
  }

  func apply(to map: inout Tensor, _ context: Context) {
    if let mixing { map.add(mixing(map, context)) }
    map.add(convolutions(map, context), activation: .relu)
  }
}
