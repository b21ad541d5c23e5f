import NeuralNetworks
import Tensors
import VAECore

/// What stands at the end of a path down: a gain and a shift of each channel, and a 1×1 convolution to the likelihood's
/// parameters. All that mixes pixels has happened above it.
public final class TopDownDecoder: Decoder {
  private let gain: Parameter
  private let shift: Parameter
  private let head: Conv2D

  /// A decoder of a path's channels.
  ///
  /// - Parameters:
  ///   - channels: of the path at the image's size.
  ///   - outputs: parameters a pixel.
  ///   - random: where first weights come from.
  init(channels: Int, outputs: Int, random: RandomSource) {
    gain = Parameter([channels], isDecayed: false) { .ones([channels]) }
    shift = Parameter([channels], isDecayed: false) { .zeros([channels]) }
    head = .unbiasedAtFirst(
      inputs: channels, outputs: outputs, kernel: 1, random: random.child("head"))
  }

  /// Gain, shift and head.
  public var members: Members {
    ["gain": .parameter(gain), "shift": .parameter(shift), "head": .module(head)]
  }

  /// The head's biases become the given parameters, averaged over the image.
  public func begin(at parameters: Tensor) {
    head.bias?.value = parameters.mean(axis: 0).mean(axis: 0)
  }

  /// Those of the head.
  public var lastWeights: Parameter? { head.weights }

  /// The parameters of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(input, through: head, "head")
  }

  /// The parameters.
  public func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
    head(draw.decoderInput * gain.tensor + shift.tensor, context)
  }
}
