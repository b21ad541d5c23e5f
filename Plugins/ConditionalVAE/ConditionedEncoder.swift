import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// q(z|x, y): an encoder of x with the condition joined to it.
///
/// The network is an ordinary encoder of larger examples: of the flattened image and the condition
/// side by side, or of the image with a plane of one value for each number of the condition.
public final class ConditionedEncoder: Encoder {
  private let network: any Encoder
  private let width: Int
  private let flattens: Bool

  /// An encoder that is told the condition.
  ///
  /// - Parameters:
  ///   - network: takes `[N, elements + width]` where `flattens`, else
  ///     `[N, height, width, channels + condition's width]`.
  ///   - width: numbers of the condition.
  ///   - flattens: whether images are flattened before the condition is joined to them.
  public init(_ network: any Encoder, width: Int, flattens: Bool) {
    (self.network, self.width, self.flattens) = (network, width, flattens)
  }

  /// The network.
  public var members: Members { ["network": .module(network)] }

  /// Those of the network.
  public var posteriorTraits: PosteriorTraits { network.posteriorTraits }

  /// That of the network, for an example with its condition.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(
      flattens
        ? [1, 1, input.count + width] : Shape(input.dimensions.dropLast() + [input[-1] + width]),
      through: network, "network")
  }

  /// What the network says about the examples and their conditions.
  public func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    network.encode(joined(x, context.condition(rows: x.shape[0])), context)
  }

  /// Lets the network look at the first batches. What it takes off its input, and what it scales it
  /// by, follow from the images alone, so that a condition of zeros is none.
  public func prepare(firstBatches: [Tensor], context: Context) throws {
    guard let width = context.condition?.shape[1] else { return }
    try network.prepare(
      firstBatches: firstBatches.map { joined($0, .zeros([$0.shape[0], width])) }, context: context)
  }

  private func joined(_ x: Tensor, _ condition: Tensor) -> Tensor {
    (flattens ? x.flattened() : x).joined(condition)
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `conditional-…`: another one that is told the condition.
  static func conditional(_ base: Component, flattens: Bool) -> Component {
    Component(
      role: .encoder, name: "conditional-\(base.name)",
      summary: "\(base.summary), told the condition "
        + (flattens ? "beside the pixels" : "as planes beside the channels"),
      declarations: base.hyperparameters, usesCondition: true
    ) { values, build in
      let (data, width) = (build.data, build.condition?.width ?? 0)
      var joint = build
      joint.data = DataDescription(
        height: flattens ? 1 : data.height, width: flattens ? 1 : data.width,
        channels: (flattens ? data.elements : data.channels) + width, range: data.range,
        rule: data.rule)
      return ConditionedEncoder(
        try base.make(values, joint), width: width, flattens: flattens)
    }
  }
}
