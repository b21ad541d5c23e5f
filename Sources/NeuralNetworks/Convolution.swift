import Tensors

/// A two-dimensional convolution: activation(W ∗ x + b), for images `[batch, height, width, inputs]`.
///
/// As in other libraries W ∗ x is a cross-correlation: the kernel is not mirrored.
///
/// ```swift
/// // Halves an image and gives it 32 channels: [N, 28, 28, 1] to [N, 14, 14, 32].
/// let layer = Conv2D(
///   inputs: 1, outputs: 32, kernel: 3, stride: 2, padding: Padding(1), activation: .relu,
///   random: random.child("first"))
/// ```
///
/// Before a normalisation, which would take a bias out again, the layer is made without one. Weights start
/// by the law that suits the activation, ``Initializer/suited(to:)``, unless another is given.
public final class Conv2D: Layer {
  /// `[outputs, inputs, kernel, kernel]`
  public let weights: Parameter
  /// `[outputs]`, nil where a normalisation follows.
  public let bias: Parameter?
  /// Pixels from one output to the next, along both axes.
  public let stride: Int
  /// Zeros around the image.
  public let padding: Padding
  /// What follows the sum.
  public let activation: Activation
  private let spectral: SpectralNormalization?

  /// A layer with fresh weights and a square kernel, which are divided by their largest singular value
  /// where `isSpectral` says so.
  public init(
    inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Padding,
    hasBias: Bool = true, activation: Activation = .identity,
    initializer: Initializer? = nil, isSpectral: Bool = false, random: RandomSource
  ) {
    let law = initializer ?? .suited(to: activation)
    let area = kernel * kernel
    weights = Parameter(
      [outputs, inputs, kernel, kernel], law, fanIn: inputs * area, fanOut: outputs * area,
      random: random.stream("weights"))
    bias =
      hasBias
      ? Parameter(
        [outputs], law.biasLaw, fanIn: inputs * area, fanOut: outputs,
        random: random.stream("bias"), isDecayed: false)
      : nil
    self.stride = stride
    self.padding = padding
    self.activation = activation
    spectral =
      isSpectral ? SpectralNormalization(weights, random: random.stream("direction")) : nil
  }

  /// Weights, and the bias and the normalisation of the weights where there are any.
  public var members: Members {
    var members: Members = ["weights": .parameter(weights)]
    if let bias { members.entries.append((name: "bias", member: .parameter(bias))) }
    if let spectral { members.entries.append((name: "spectral", member: .module(spectral))) }
    return members
  }

  /// `[⌊(height + padding − kernel) / stride⌋ + 1, …, outputs]`
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let kernel = weights.shape[2]
    func size(_ input: Int, _ zeros: Int) -> Int {
      input + zeros < kernel ? 0 : (input + zeros - kernel) / stride + 1
    }
    return try input.replacingImage(
      weights.shape[1], with: weights.shape[0],
      height: { size($0, padding.top + padding.bottom) },
      width: { size($0, padding.left + padding.right) })
  }

  /// `[batch, ⌊(height + padding − kernel) / stride⌋ + 1, …, outputs]`
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    var map = input
    apply(to: &map, context)
    return map
  }

  /// The same in the place of the input.
  public func apply(to map: inout Tensor, _ context: Context) {
    context.watch?.pass()
    map.convolve(
      weights: weightsInUse, bias: bias?.tensor, stride: (stride, stride),
      padding: padding, activation: activation)
  }
}

extension Conv2D {
  /// The precision in which it takes an image now.
  func precision(of map: Tensor) -> Precision {
    map.precisionOfConvolution(
      weights: weights.tensor, stride: (stride, stride), padding: padding)
  }

  /// What a 3×3 convolution of the same size makes of an image with each pixel repeated in a block of 2×2.
  func ofRepeatedPixels(_ input: Tensor, _ context: Context) -> Tensor {
    context.watch?.pass()
    return input.convolutionOfRepeatedPixels(
      weights: weightsInUse, bias: bias?.tensor, activation: activation)
  }

  /// The weights, normalised where they are to be.
  var weightsInUse: Tensor { spectral?.normalized ?? weights.tensor }
}

/// A transposed two-dimensional convolution, which enlarges images: the adjoint of a convolution of
/// the same stride.
///
/// ```swift
/// // Doubles an image: [N, 14, 14, 32] to [N, 28, 28, 1].
/// let layer = TransposedConv2D(
///   inputs: 32, outputs: 1, kernel: 4, stride: 2, padding: Padding(1), random: random.child("last"))
/// ```
///
/// Weights start by the law that suits the activation with fan-in inputs · kernel area / stride², the number
/// of terms that add up in one output pixel.
public final class TransposedConv2D: Layer {
  /// `[inputs, outputs, kernel, kernel]`
  public let weights: Parameter
  /// `[outputs]`, nil where a normalisation follows.
  public let bias: Parameter?
  /// Output pixels from one input pixel to the next, along both axes.
  public let stride: Int
  /// What is cut off the full result on each side.
  public let padding: Padding
  /// Rows and columns added at the end, to reach sizes that a stride leaves open.
  public let outputPadding: (y: Int, x: Int)
  /// What follows the sum.
  public let activation: Activation

  /// A layer with fresh weights and a square kernel.
  public init(
    inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Padding,
    outputPadding: (y: Int, x: Int) = (0, 0), hasBias: Bool = true,
    activation: Activation = .identity, initializer: Initializer? = nil,
    random: RandomSource
  ) {
    let law = initializer ?? .suited(to: activation)
    let area = kernel * kernel
    let fanIn = max(1, inputs * area / (stride * stride))
    weights = Parameter(
      [inputs, outputs, kernel, kernel], law, fanIn: fanIn, fanOut: outputs * area,
      random: random.stream("weights"))
    bias =
      hasBias
      ? Parameter(
        [outputs], law.biasLaw, fanIn: fanIn, fanOut: outputs, random: random.stream("bias"),
        isDecayed: false)
      : nil
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.activation = activation
  }

  /// Weights, and the bias where there is one.
  public var members: Members {
    var members: Members = ["weights": .parameter(weights)]
    if let bias { members.entries.append((name: "bias", member: .parameter(bias))) }
    return members
  }

  /// `[(height − 1) · stride − padding + kernel + output padding, …, outputs]`
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let kernel = weights.shape[2]
    return try input.replacingImage(
      weights.shape[0], with: weights.shape[1],
      height: { ($0 - 1) * stride - padding.top - padding.bottom + kernel + outputPadding.y },
      width: { ($0 - 1) * stride - padding.left - padding.right + kernel + outputPadding.x })
  }

  /// `[batch, (height − 1) · stride − padding + kernel + output padding, …, outputs]`
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    input.transposedConvolution(
      weights: weights.tensor, bias: bias?.tensor, stride: (stride, stride), padding: padding,
      outputPadding: outputPadding, activation: activation)
  }
}
