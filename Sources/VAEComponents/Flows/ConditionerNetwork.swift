import NeuralNetworks
import Tensors

/// The sizes of the networks in a flow.
package struct ConditionerSizes {
  /// The latent units.
  package let units: Int
  /// Numbers of the context that an encoder gives; none for a flow that is the same for all examples.
  package let context: Int
  /// Hidden layers.
  package let hidden: [Int]

  package init(units: Int, context: Int, hidden: [Int]) {
    (self.units, self.context, self.hidden) = (units, context, hidden)
  }
}

/// A perceptron from latents and context to the parameters of a step of a flow. Its last layer begins
/// at zero, so that a fresh flow does the same to all draws.
package final class ConditionerNetwork: Module {
  private let layers: [MaskedDense]

  /// A network of given sizes whose layers see everything, or what masks let them see.
  ///
  /// - Parameter mask: makes the mask of a layer.
  init(_ sizes: [Int], mask: ((Int) -> Tensor)? = nil, random: RandomSource) {
    let count = sizes.count - 1
    layers = (0..<count).map { number in
      let isLast = number == count - 1
      return MaskedDense(
        inputs: sizes[number], outputs: sizes[number + 1],
        mask: mask.map { mask in { mask(number) } },
        initializer: isLast ? .zeros : .lecunUniform,
        activation: isLast ? .identity : .elu(alpha: 1),
        random: random.child("\(number)"))
    }
  }

  package var members: Members { ["layers": .module(Sequential(layers))] }

  /// That of the last layer.
  package func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(input, through: Sequential(layers), "layers")
  }

  /// The output for latents and context side by side.
  ///
  /// - Parameter isConstant: whether gradients reach the input alone.
  func output(_ input: Tensor, isConstant: Bool, _ context: Context) -> Tensor {
    layers.reduce(input) { isConstant ? $1.stopped($0) : $1($0, context) }
  }

  /// What a network gets: numbers of the latents beside the context of their examples; where there is
  /// neither, a zero.
  ///
  /// - Parameters:
  ///   - latents: `[rows, …]`, nil where the network sees none.
  ///   - h: the context, `[N, numbers]`.
  static func input(_ latents: Tensor?, _ h: Tensor, rows: Int) -> Tensor {
    guard h.shape[1] > 0 else { return latents ?? .zeros([rows, 1]) }
    let context = h.tiled(rows / h.shape[0])
    return latents.map { .concatenated([$0, context], axis: 1) } ?? context
  }
}

// MARK: - Masked networks

extension ConditionerNetwork {
  /// A network whose two numbers for each unit see the units before it alone, and the context (MADE, Germain
  /// et al. 2015).
  ///
  /// - Parameter isReversed: whether the first unit is the last one in the order.
  convenience init(masked sizes: ConditionerSizes, isReversed: Bool, random: RandomSource) {
    self.init(
      [sizes.units + sizes.context] + sizes.hidden + [2 * sizes.units],
      mask: { Self.mask(ofLayer: $0, sizes, isReversed: isReversed) }, random: random)
  }

  /// What a layer may see. A unit has its place in the order as degree, context zero, a hidden number
  /// one from 0 to units − 1; a hidden number sees degrees up to its own, m and s of a unit see less
  /// than the unit's.
  ///
  /// A layer of fewer numbers than units cannot have all degrees. Those that it has divide the units into parts of one
  /// size, and a unit sees those of the parts before its own: that leaves out the fewest pairs. Where there is no
  /// context, no number has degree zero, which would see nothing.
  private static func mask(ofLayer layer: Int, _ sizes: ConditionerSizes, isReversed: Bool)
    -> Tensor
  {
    let units = sizes.units
    let places = (1...units).map { isReversed ? units + 1 - $0 : $0 }
    func hidden(_ layer: Int) -> [Int] {
      let width = sizes.hidden[layer]
      guard width < units else { return (0..<width).map { $0 % units } }
      let first = sizes.context > 0 ? 0 : 1
      return (0..<width).map { ($0 + first) * units / (width + first) }
    }
    let isLast = layer == sizes.hidden.count
    let inputs =
      layer == 0 ? places + Array(repeating: 0, count: sizes.context) : hidden(layer - 1)
    let outputs = isLast ? places + places : hidden(layer)
    return Tensor(
      inputs.flatMap { input in
        outputs.map { output in isLast ? (input < output ? 1 : 0) : (input <= output ? 1 : 0) }
      }, shape: [inputs.count, outputs.count])
  }
}
