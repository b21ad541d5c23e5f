import Tensors

/// A convolution that enlarges images by a whole factor r: it gives r² numbers for each output channel, which become a
/// block of r×r pixels (pixel shuffle; Shi et al. 2016, equation 4).
///
/// The kernels of a block's pixels begin alike, so that the first output is a convolution enlarged by repeated pixels, and
/// no checkerboard is there from the beginning (ICNR; Aitken et al. 2017). Output channel c at row y and column x of
/// a block is channel (y · r + x) · outputs + c of the convolution.
///
/// ```swift
/// // Doubles an image: [N, 14, 14, 32] to [N, 28, 28, 16].
/// let layer = SubpixelConv2D(
///   inputs: 32, outputs: 16, kernel: 3, by: 2, padding: Padding(1), random: random.child("up"))
/// ```
public final class SubpixelConv2D: Layer {
  /// `[outputs · factor², inputs, kernel, kernel]`
  public let weights: Parameter
  /// `[outputs · factor²]`, nil where a normalisation follows.
  public let bias: Parameter?
  /// r, pixels out of one along both axes.
  public let factor: Int
  /// Zeros around the image.
  public let padding: Padding
  /// What follows the sum.
  public let activation: Activation

  /// A layer with fresh weights and a square kernel.
  public init(
    inputs: Int, outputs: Int, kernel: Int, by factor: Int = 2, padding: Padding,
    hasBias: Bool = true, activation: Activation = .identity, initializer: Initializer? = nil,
    random: RandomSource
  ) {
    ensure(factor > 0, "images cannot be enlarged by \(factor)")
    let law = initializer ?? .suited(to: activation)
    let (area, pixels) = (kernel * kernel, factor * factor)
    let one: Shape = [outputs, inputs, kernel, kernel]
    weights = Parameter([outputs * pixels, inputs, kernel, kernel]) {
      law.values(
        one, fanIn: inputs * area, fanOut: outputs * area, random: random.stream("weights")
      ).tiled(pixels)
    }
    bias =
      hasBias
      ? Parameter([outputs * pixels], isDecayed: false) {
        law.biasLaw.values(
          [outputs], fanIn: inputs * area, fanOut: outputs, random: random.stream("bias")
        ).tiled(pixels)
      } : nil
    self.factor = factor
    self.padding = padding
    self.activation = activation
  }

  /// Weights, and the bias where there is one.
  public var members: Members {
    var members: Members = ["weights": .parameter(weights)]
    if let bias { members.entries.append((name: "bias", member: .parameter(bias))) }
    return members
  }

  /// `[(height + padding − kernel + 1) · factor, …, outputs]`
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let kernel = weights.shape[2]
    return try input.replacingImage(
      weights.shape[1], with: weights.shape[0] / (factor * factor),
      height: { ($0 + padding.top + padding.bottom - kernel + 1) * factor },
      width: { ($0 + padding.left + padding.right - kernel + 1) * factor })
  }

  /// `[batch, (height + padding − kernel + 1) · factor, …, outputs]`
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    let maps = input.convolution(
      weights: weights.tensor, bias: bias?.tensor, stride: (1, 1), padding: padding,
      activation: activation)
    let (count, height, width) = (maps.shape[0], maps.shape[1], maps.shape[2])
    let outputs = maps.shape[3] / (factor * factor)
    return maps.reshaped(to: [count, height, width, factor, factor, outputs])
      .permuted([0, 1, 3, 2, 4, 5])
      .reshaped(to: [count, height * factor, width * factor, outputs])
  }
}
