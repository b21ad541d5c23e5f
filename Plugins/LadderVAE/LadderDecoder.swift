import NeuralNetworks
import Tensors
import VAECore

/// What stands under a ladder: from the lowest level, or the features of the top-down path, to the
/// likelihood's parameters.
public final class LadderDecoder: Decoder {
  private let trunk: any Layer
  private let head: any BiasedLayer
  private let outputShape: Shape

  /// A decoder of a trunk and a head.
  ///
  /// - Parameters:
  ///   - trunk: from the lowest level, or the features of the top-down path, to what the head gets.
  ///   - head: gives the likelihood's parameters.
  ///   - outputShape: `[height, width, parameters a pixel]`, which the head's output is given.
  public init(trunk: any Layer, head: any BiasedLayer, outputShape: Shape) {
    self.trunk = trunk
    self.head = head
    self.outputShape = outputShape
  }

  /// Trunk and head.
  public var members: Members {
    ["trunk": .module(trunk), "head": .module(head)]
  }

  /// The head's biases become the given parameters: each its own where the head has one for each
  /// pixel, else their average over the image.
  public func begin(at parameters: Tensor) {
    guard let bias = head.biasParameter else { return }
    bias.value =
      bias.shape.count == parameters.count
      ? parameters.reshaped(to: bias.shape).copied()
      : parameters.mean(axis: 0).mean(axis: 0).copied()
  }

  /// Those of the head.
  public var lastWeights: Parameter? { head.weightParameter }

  /// The parameters of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let features = try trace.pass(input, through: trunk, "trunk")
    return try trace.pass(features, through: head, "head").map { _ in outputShape }
  }

  /// The parameters.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    head(trunk(draw.decoderInput, context), context)
      .reshaped(to: Shape([draw.rowCount] + outputShape.dimensions))
  }
}

/// A layer that ends in a bias which can be set.
public protocol BiasedLayer: Layer {
  /// The weights beside it.
  var weightParameter: Parameter { get }
  /// The bias, where there is one.
  var biasParameter: Parameter? { get }
}

extension Dense: BiasedLayer {
  /// The weights.
  public var weightParameter: Parameter { weights }
  /// The bias.
  public var biasParameter: Parameter? { bias }
}

extension Conv2D: BiasedLayer {
  /// The weights.
  public var weightParameter: Parameter { weights }
  /// The bias.
  public var biasParameter: Parameter? { bias }
}
