import NeuralNetworks
import Tensors

/// One layer of a gated PixelCNN (van den Oord et al. 2016b, figure 2): a vertical stack, which
/// sees the rows above a pixel, and a horizontal one, which sees its row up to it and, through a
/// link, the vertical stack.
///
///     a = Wᵥ ∗ v + bᵥ                      v′ = gate(a + z · Cᵥ)
///     c = Wₕ ∗ h + bₕ + a · L              h′ = gate(c + z · Cₕ) · R + r + h
///     gate(x) = tanh(x₁) ⊙ sigmoid(x₂), with x₁ and x₂ the halves of x
///
/// z is the condition; the first layer does not add h. Nothing flows from the horizontal stack into
/// the vertical one. The first layer sees rows strictly above and pixels strictly to the left, so
/// every later vertical feature of row r depends on rows above r only, and the link needs no shift.
/// Taps that would be masked are not there at all: the kernels are rectangles with zeros around the
/// image on one side. Only the order of channels inside a pixel needs a mask, on the last
/// horizontal tap.
final class GatedPixelLayer: Module {
  /// Sizes of a layer.
  struct Sizes {
    /// Features a pixel that come in.
    var inputs: Int
    /// Features after each gate.
    var channels: Int
    /// The odd side of the square that the unmasked kernel would have.
    var kernel: Int
    /// Numbers of the condition, zero for none.
    var condition: Int
    /// The order of channels.
    var groups: ChannelGroups
  }

  /// Where a layer stands.
  struct Place {
    /// The layer sees the data themselves, of which the pixel's own value must stay hidden.
    var isFirst: Bool
    /// No vertical stack follows.
    var isLast: Bool
  }

  let sizes: Sizes
  let place: Place
  /// Wᵥ, `[2 · channels, inputs, rows, kernel]`
  let vertical: Parameter
  /// bᵥ
  let verticalBias: Parameter
  /// Wₕ, `[2 · channels, inputs, 1, taps]`
  let horizontal: Parameter
  /// bₕ
  let horizontalBias: Parameter
  /// L, `[2 · channels, 2 · channels]`
  let link: Parameter
  /// Cᵥ, `[condition, 2 · channels]`
  let verticalCondition: Parameter?
  /// Cₕ, `[condition, 2 · channels]`
  let horizontalCondition: Parameter?
  /// R and r
  let output: MaskedDense
  /// The mask of `horizontal`, of its shape.
  private let mask: Constant?

  init(_ sizes: Sizes, _ place: Place, random: RandomSource) {
    self.sizes = sizes
    self.place = place
    let gates = 2 * sizes.channels
    let reach = sizes.kernel / 2
    // A gate halves what passes it, so its weights start at the larger of the usual scales.
    func weights(_ name: String, _ shape: Shape, fanIn: Int) -> Parameter {
      Parameter(shape, .heUniform, fanIn: fanIn, fanOut: gates, random: random.stream(name))
    }
    rows = place.isFirst ? reach : reach + 1
    // Of its own pixel the first layer may see the earlier channels, where there are any.
    seesOwnPosition = !place.isFirst || sizes.groups.count > 1
    taps = reach + (seesOwnPosition ? 1 : 0)
    vertical = weights(
      "vertical", [gates, sizes.inputs, rows, sizes.kernel],
      fanIn: sizes.inputs * rows * sizes.kernel)
    verticalBias = Parameter([gates], isDecayed: false) { .zeros([gates]) }
    let horizontalFanIn = sizes.inputs * taps + gates
    horizontal = weights("horizontal", [gates, sizes.inputs, 1, taps], fanIn: horizontalFanIn)
    horizontalBias = Parameter([gates], isDecayed: false) { .zeros([gates]) }
    link = weights("link", [gates, gates], fanIn: horizontalFanIn)
    func conditionWeights(_ name: String) -> Parameter {
      weights(name, [sizes.condition, gates], fanIn: sizes.condition)
    }
    let hasCondition = sizes.condition > 0
    verticalCondition =
      hasCondition && !place.isLast ? conditionWeights("vertical_condition") : nil
    horizontalCondition = hasCondition ? conditionWeights("horizontal_condition") : nil
    output = MaskedDense(
      inputs: sizes.channels, outputs: sizes.channels, groups: sizes.groups,
      random: random.child("output"))
    let taps = taps
    mask =
      sizes.groups.count > 1 ? Constant { Self.mask(sizes, place, taps: taps) } : nil
  }

  /// Rows of the vertical kernel.
  let rows: Int
  /// Columns of the horizontal kernel.
  let taps: Int
  /// Whether the last horizontal tap is the pixel itself.
  let seesOwnPosition: Bool

  var members: Members {
    var members: Members = [
      "vertical": .parameter(vertical), "vertical_bias": .parameter(verticalBias),
      "horizontal": .parameter(horizontal), "horizontal_bias": .parameter(horizontalBias),
      "link": .parameter(link), "output": .module(output),
    ]
    for (name, parameter) in [
      ("vertical_condition", verticalCondition), ("horizontal_condition", horizontalCondition),
    ] {
      if let parameter { members.entries.append((name: name, member: .parameter(parameter))) }
    }
    return members
  }

  /// The features of the horizontal stack, after the two halves of a gate have become one.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let gated = try input.replacingLast(sizes.inputs, with: sizes.channels)
    return try trace.pass(gated, through: output, "output")
  }

  /// Wₕ with zeros where a channel must not be seen.
  var visibleHorizontal: Tensor {
    mask.map { horizontal.tensor * $0.value } ?? horizontal.tensor
  }

  /// The features of both stacks after the layer; the vertical ones are missing after the last.
  ///
  /// - Parameters:
  ///   - vertical: `[N, height, width, inputs]`
  ///   - horizontal: likewise
  ///   - condition: `[K · N, 1 or height, 1 or width, numbers]`, whose K lets the results have
  ///     K · N rows.
  func callAsFunction(
    vertical input: Tensor, horizontal side: Tensor, condition: Tensor?, _ context: Context
  ) -> (vertical: Tensor?, horizontal: Tensor) {
    let reach = sizes.kernel / 2
    let above = (place.isFirst ? input.shifted(axis: 1) : input).convolution(
      weights: vertical.tensor, bias: verticalBias.tensor,
      padding: Padding(top: rows - 1, left: reach, bottom: 0, right: reach))
    let along =
      (seesOwnPosition ? side : side.shifted(axis: 2)).convolution(
        weights: visibleHorizontal, bias: horizontalBias.tensor,
        padding: Padding(top: 0, left: taps - 1, bottom: 0, right: 0))
      + above.matrixProduct(link.tensor)
    let gated = along.adding(offsets(condition, horizontalCondition)).gated()
    let result = output(gated, context)
    return (
      place.isLast ? nil : above.adding(offsets(condition, verticalCondition)).gated(),
      place.isFirst ? result : result + side
    )
  }

  /// What a condition adds before a gate.
  func offsets(_ condition: Tensor?, _ weights: Parameter?) -> Tensor? {
    guard let condition, let weights else { return nil }
    return condition.matrixProduct(weights.tensor)
  }

  private static func mask(_ sizes: Sizes, _ place: Place, taps: Int) -> Tensor {
    let gates = 2 * sizes.channels
    let constants = place.isFirst ? 1 : 0
    let own = sizes.groups.mask(
      inputs: sizes.inputs - constants, outputs: gates, place.isFirst ? .earlier : .upToItself,
      halves: 2, constants: constants
    ).transposed().reshaped(to: [gates, sizes.inputs, 1, 1])
    return .concatenated([.ones([gates, sizes.inputs, 1, taps - 1]), own], axis: 3)
  }
}

extension Tensor {
  /// tanh(x₁) ⊙ sigmoid(x₂), with x₁ and x₂ the halves of the last axis.
  func gated() -> Tensor {
    let half = shape[-1] / 2
    let halves = split(sizes: [half, half])
    return halves[0].tanh() * halves[1].sigmoid()
  }

  /// Everything moved by one position along an axis, away from its start, which becomes zero.
  fileprivate func shifted(axis: Int) -> Tensor {
    padded(axis: axis, before: 1, after: 0).slice(axis: axis, 0..<shape[axis])
  }

  /// The sum with offsets whose rows are K times as many and whose other axes may be broadcast.
  func adding(_ offsets: Tensor?) -> Tensor {
    guard let offsets else { return self }
    guard offsets.shape[0] != shape[0] else { return self + offsets }
    let draws = offsets.shape[0] / shape[0]
    let each = Shape([draws, shape[0]] + offsets.shape.dimensions.dropFirst())
    let sum = self + offsets.reshaped(to: each)
    return sum.reshaped(to: Shape([offsets.shape[0]] + shape.dimensions.dropFirst()))
  }
}
