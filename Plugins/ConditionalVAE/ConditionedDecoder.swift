import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// p(x|z, y): a decoder of the latents with the condition joined to them.
///
/// The network is an ordinary decoder of more latents. It is a function of both: where its weights on
/// the condition are zero it is a decoder of p(x|z).
public final class ConditionedDecoder: Decoder {
  private let network: any Decoder
  private let width: Int
  private let flattens: Bool

  /// A decoder that is told the condition.
  ///
  /// - Parameters:
  ///   - network: takes the numbers of the latents and the condition, or, of a grid of codes that is
  ///     not flattened, the condition in the vector of each place.
  ///   - width: numbers of the condition.
  ///   - flattens: whether latents are flattened before the condition is joined to them.
  public init(_ network: any Decoder, width: Int, flattens: Bool) {
    (self.network, self.width, self.flattens) = (network, width, flattens)
  }

  /// The network.
  public var members: Members { ["network": .module(network)] }

  /// The network begins at parameters that suit the data as a whole.
  public func begin(at parameters: Tensor) { network.begin(at: parameters) }

  /// Those of the network.
  public var lastWeights: Parameter? { network.lastWeights }

  /// That of the network, for latents with their condition.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(
      flattens ? [input.count + width] : Shape(input.dimensions.dropLast() + [input[-1] + width]),
      through: network, "network")
  }

  /// The parameters of the latents and the condition.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    let input = flattens ? draw.decoderInput.flattened() : draw.decoderInput
    var told = draw
    told.features = input.joined(context.condition(rows: draw.rowCount))
    return network.decode(told, target: target, context)
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `conditional-…`: another one that is told the condition.
  static func conditional(_ base: Component, flattens: Bool) -> Component {
    Component(
      role: .decoder, name: "conditional-\(base.name)",
      summary: "\(base.summary), told the condition beside the latents",
      declarations: base.hyperparameters, usesCondition: true
    ) { values, build in
      let width = build.condition?.width ?? 0
      var joint = build
      let isGrid: Bool
      if !flattens, let grid = build.latents.codes {
        isGrid = true
        joint.latents = .codes(
          CodeGrid(
            height: grid.height, width: grid.width, codeCount: grid.codeCount,
            vectorSize: grid.vectorSize + width))
      } else {
        isGrid = false
        joint.latents = .units(build.latents.decoderInputShape.count + width)
      }
      return ConditionedDecoder(
        try base.make(values, joint), width: width, flattens: !isGrid)
    }
  }
}
