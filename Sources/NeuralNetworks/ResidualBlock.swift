import Tensors

/// A pre-activation residual block (He et al. 2016): x + W₂ ∗ a(n(W₁ ∗ a(n(x)))) with activation a,
/// optional group normalisation n, a 3×3 and a second convolution.
public final class ResidualBlock: Layer {
  /// How the block normalises before each activation.
  public enum Normalization: Hashable, Sendable {
    /// Not at all.
    case none
    /// By groups of channels.
    case groups(Int)
  }

  private let first: Conv2D
  private let second: Conv2D
  private let norms: [GroupNorm]
  private let activation: Activation

  /// A block that keeps the number of channels; `hidden` channels lie between its two convolutions.
  /// The second kernel is 3×3 or, as in VQ-VAE, 1×1.
  public init(
    channels: Int, hidden: Int, secondKernel: Int = 3, activation: Activation = .relu,
    normalization: Normalization = .none, random: RandomSource
  ) {
    self.activation = activation
    first = Conv2D(
      inputs: channels, outputs: hidden, kernel: 3, padding: Padding(1),
      random: random.child("first"))
    second = Conv2D(
      inputs: hidden, outputs: channels, kernel: secondKernel, padding: Padding(secondKernel / 2),
      random: random.child("second"))
    switch normalization {
    case .none: norms = []
    case .groups(let groups):
      norms = [
        GroupNorm(channels: channels, groups: groups, activation: activation),
        GroupNorm(channels: hidden, groups: groups, activation: activation),
      ]
    }
  }

  /// Both convolutions, and the normalisations where there are any.
  public var members: Members {
    var members: Members = ["first": .module(first), "second": .module(second)]
    members.entries += Members(numbered: norms).entries.map {
      (name: "normalization\($0.name)", member: $0.member)
    }
    return members
  }

  /// That of the input.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var shape: Shape? = input
    for (number, convolution) in [first, second].enumerated() {
      if !norms.isEmpty {
        shape = try trace.pass(shape, through: norms[number], "normalization\(number)")
      }
      shape = try trace.pass(shape, through: convolution, number == 0 ? "first" : "second")
    }
    return shape
  }

  /// The input plus what the block adds, of the input's shape.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    let inner = first(before(0, input, context), context)
    return input + second(before(1, inner, context), context)
  }

  private func before(_ position: Int, _ input: Tensor, _ context: Context) -> Tensor {
    norms.isEmpty ? input.activated(activation) : norms[position](input, context)
  }
}
