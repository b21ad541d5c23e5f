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
    // Of a large map a band is normalised at a time. The second convolution adds a band to what is kept, which is there
    // meanwhile otherwise.
    func convolved(
      _ number: Int, _ map: Shape?, keeping kept: Shape?, _ trace: inout ShapeTrace
    ) throws -> Shape? {
      let isBanded = isBanded(map)
      let bands: Shape? = isBanded ? [2 * NormalizedConvolution.bandBytes / 4] : nil
      return try trace.holding(isBanded ? nil : kept, bands) { trace in
        let normalized =
          norms.isEmpty
          ? map : try trace.pass(map, through: norms[number], "normalization\(number)")
        return try trace.pass(
          normalized, through: number == 0 ? first : second, number == 0 ? "first" : "second")
      }
    }
    let hidden: Shape?
    let kept: Shape?
    if isBanded(input) {
      hidden = try convolved(0, input, keeping: nil, &trace)
      kept =
        try shortcut.map { shortcut in
          try trace.holding(hidden) { try $0.pass(input, through: shortcut, "shortcut") }
        } ?? input
    } else {
      kept = try shortcut.map { try trace.pass(input, through: $0, "shortcut") } ?? input
      hidden = try convolved(0, input, keeping: kept, &trace)
    }
    return try convolved(1, hidden, keeping: kept, &trace)
  }

  private func isBanded(_ map: Shape?) -> Bool {
    !norms.isEmpty && map.map(NormalizedConvolution.divides) ?? false
  }

  /// What the shortcut makes of the input plus what the block adds, `[batch, height, width,
  /// outputs]`.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    var map = input
    apply(to: &map, context)
    return map
  }

  /// Beside what is added in the end no more than what a convolution reads and writes is kept, and of large maps not even
  /// what the second convolution writes.
  public func apply(to map: inout Tensor, _ context: Context) {
    var hidden: Tensor
    if let banded = norms.first?.banded(before: first, of: map) {
      context.watch?.pass()
      hidden = banded(map)
      // The input goes when both have read it.
      shortcut?.apply(to: &map, context)
    } else if let shortcut {
      hidden = shortcut(map, context)
      convolve(0, &map, context)
      swap(&hidden, &map)
    } else {
      hidden = map
      convolve(0, &hidden, context)
    }
    addSecond(of: &hidden, to: &map, context)
  }

  /// What is kept, plus W₂ ∗ a(n(x)).
  private func addSecond(of map: inout Tensor, to kept: inout Tensor, _ context: Context) {
    guard let banded = norms.last?.banded(before: second, of: map) else {
      convolve(1, &map, context)
      return kept.add(map)
    }
    context.watch?.pass()
    banded.add(map, to: &kept)
  }

  private func convolve(_ number: Int, _ map: inout Tensor, _ context: Context) {
    let convolution = number == 0 ? first : second
    guard norms.isEmpty else {
      return norms[number].apply(to: &map, before: convolution, context)
    }
    map.activate(activation)
    convolution.apply(to: &map, context)
  }
}
