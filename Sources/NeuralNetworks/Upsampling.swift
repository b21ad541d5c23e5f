import Tensors

/// Enlarges images by a whole factor, before a convolution that smooths them: unlike a transposed
/// convolution this leaves no checkerboard (Odena et al. 2016).
public final class Upsampling: Layer {
  /// How new pixels follow from old ones.
  public enum Method: String, Hashable, Sendable, CaseIterable {
    /// Each pixel repeated in a block.
    case nearest
    /// Between the centres of the four nearest pixels, linearly along each axis.
    case bilinear
  }

  /// How new pixels follow from old ones.
  public let method: Method
  /// Pixels out of one, along both axes.
  public let factor: Int

  /// An enlargement by a factor.
  public init(_ method: Method = .nearest, by factor: Int = 2) {
    ensure(factor > 0, "images cannot be enlarged by \(factor)")
    self.method = method
    self.factor = factor
  }

  /// Nothing is trained.
  public var members: Members { [:] }

  /// The image with both sides multiplied by the factor.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    guard input.rank == 3 else { throw ShapeMisfit("takes images, but gets \(input)") }
    return [input[0] * factor, input[1] * factor, input[2]]
  }

  /// `[batch, height · factor, width · factor, channels]`
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    switch method {
    case .nearest: input.upsampledNearest(by: factor, factor)
    case .bilinear: input.upsampledBilinear(by: factor, factor)
    }
  }
}

/// Repeated pixels and the 3×3 convolution after them as one layer, which need not repeat any.
final class RepeatedPixelConvolution: Layer {
  private let convolution: Conv2D

  /// What two neighbours in a chain do together; nil where they are no such layers.
  init?(_ first: any Layer, _ second: any Layer) {
    guard let upsampling = first as? Upsampling, upsampling.method == .nearest,
      upsampling.factor == 2, let convolution = second as? Conv2D,
      convolution.weights.shape.dimensions.suffix(2) == [3, 3], convolution.stride == 1,
      convolution.padding == Padding(1)
    else { return nil }
    self.convolution = convolution
  }

  /// Those of the convolution.
  var members: Members { convolution.members }

  /// `[batch, 2 · height, 2 · width, outputs]`
  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    convolution.ofRepeatedPixels(input, context)
  }
}
