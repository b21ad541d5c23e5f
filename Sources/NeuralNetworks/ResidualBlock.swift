import Tensors

/// A residual block with pre-activation (He et al. 2016b, figure 1b), for images `[batch, height, width,
/// channels]`: s(x) + W₂ ∗ a(n(W₁ ∗ a(n(x)))) with the activation a, the optional group normalisation n, a
/// 3×3 convolution W₁ and a second convolution W₂.
///
/// s is the identity, or a 1×1 convolution of the raw input where the number of channels changes.
public final class ResidualBlock: Layer {
  /// How the block normalises before each activation.
  public enum Normalization: Hashable, Sendable {
    /// No normalisation.
    case none
    /// By groups of channels.
    case groups(Int)
  }

  private let first: Conv2D
  private let second: Conv2D
  private let shortcut: Conv2D?
  private let norms: [GroupNorm]
  private let activation: Activation

  /// A block with `hidden` channels between its two convolutions. The second kernel is 3×3 or, as in
  /// VQ-VAE, 1×1.
  ///
  /// - Parameters:
  ///   - channels: of the input.
  ///   - outputs: channels of the output; nil for those of the input.
  ///   - hidden: channels between the convolutions.
  ///   - secondKernel: the side of the second kernel.
  ///   - activation: before each convolution.
  ///   - normalization: before each activation.
  ///   - epsilon: what a normalisation adds to the variance.
  ///   - random: where first weights come from.
  public init(
    channels: Int, outputs: Int? = nil, hidden: Int, secondKernel: Int = 3,
    activation: Activation = .relu, normalization: Normalization = .none, epsilon: Float = 1e-5,
    random: RandomSource
  ) {
    let outputs = outputs ?? channels
    self.activation = activation
    first = Conv2D(
      inputs: channels, outputs: hidden, kernel: 3, padding: Padding(1),
      random: random.child("first"))
    second = Conv2D(
      inputs: hidden, outputs: outputs, kernel: secondKernel, padding: Padding(secondKernel / 2),
      random: random.child("second"))
    shortcut =
      outputs == channels
      ? nil
      : Conv2D(
        inputs: channels, outputs: outputs, kernel: 1, padding: .none,
        random: random.child("shortcut"))
    switch normalization {
    case .none: norms = []
    case .groups(let groups):
      norms = [
        GroupNorm(channels: channels, groups: groups, activation: activation, epsilon: epsilon),
        GroupNorm(channels: hidden, groups: groups, activation: activation, epsilon: epsilon),
      ]
    }
  }

  /// Both convolutions, and normalisations and the shortcut where there are any.
  public var members: Members {
    var members: Members = ["first": .module(first), "second": .module(second)]
    members.entries += Members(numbered: norms).entries.map {
      (name: "normalization\($0.name)", member: $0.member)
    }
    if let shortcut { members.entries.append((name: "shortcut", member: .module(shortcut))) }
    return members
  }

  /// That of the input, with the channels of the second convolution.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    // What is added in the end is there meanwhile.
    let kept = try shortcut.map { try trace.pass(input, through: $0, "shortcut") } ?? input
    return try trace.holding(kept) { trace in
      var shape: Shape? = input
      for (number, convolution) in [first, second].enumerated() {
        if !norms.isEmpty {
          shape = try trace.pass(shape, through: norms[number], "normalization\(number)")
        }
        shape = try trace.pass(shape, through: convolution, number == 0 ? "first" : "second")
      }
      return shape
    }
  }

  /// What the shortcut makes of the input plus what the block adds, `[batch, height, width,
  /// outputs]`.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    var map = input
    apply(to: &map, context)
    return map
  }

  /// Beside what is added in the end no more than what a convolution reads and writes is kept.
  public func apply(to map: inout Tensor, _ context: Context) {
    guard let shortcut else {
      var added = map
      change(&added, context)
      return map.add(added)
    }
    var kept = shortcut(map, context)
    change(&map, context)
    kept.add(map)
    map = kept
  }

  /// W₂ ∗ a(n(W₁ ∗ a(n(x))))
  private func change(_ map: inout Tensor, _ context: Context) {
    for (number, convolution) in [first, second].enumerated() {
      if norms.isEmpty {
        map.activate(activation)
        convolution.apply(to: &map, context)
      } else {
        norms[number].apply(to: &map, before: convolution, context)
      }
    }
  }
}
