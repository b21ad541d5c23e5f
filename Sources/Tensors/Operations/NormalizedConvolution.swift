import CVectorKernels

/// A convolution of stride 1 over a normalised image, W ∗ a(n(x)) + b with a group normalisation n and an activation a,
/// where no tape records: a band of rows at a time.
///
/// The rows of a band are normalised, and rounded where the precision is bfloat16, and go into the convolution while
/// they are still in the caches of the processor. No normalised image exists as a whole, and ``add(_:to:)`` needs none for
/// what the convolution gives either. The values are those of ``Tensor/normalizeInGroups(_:scale:shift:epsilon:activation:precision:)``
/// and ``Tensor/convolve(weights:bias:stride:padding:activation:)`` after it, as far as the order of oneDNN's sums does not
/// depend on the height of an image.
package struct NormalizedConvolution {
  private let groups: Int
  private let scale: Tensor
  private let shift: Tensor
  private let epsilon: Float
  private let function: UnaryFunction
  private let weights: Tensor
  private let bias: Tensor?
  private let padding: Padding
  private let shape: ConvolutionShape
  private let precision: Precision

  /// Bytes of a band of 32-bit floats: some for each thread, which leave room for weights and outputs in the caches.
  package static var bandBytes: Int { min(8, max(2, Engine.threads)) << 21 }

  /// Whether bands are taken of an image `[height, width, channels]`: one that is larger than the caches. It depends on
  /// nothing else, so that the numbers of an image do not either.
  package static func divides(_ image: Shape) -> Bool {
    image.rank == 3 && image.count >= 1 << 22
  }

  /// What becomes of an image.
  ///
  /// - Parameters:
  ///   - image: `[batch, height, width, channels]`.
  ///   - groups: a divisor of the number of channels.
  ///   - scale: of the normalisation, `[channels]`.
  ///   - shift: of the normalisation, `[channels]`.
  ///   - epsilon: added to each variance.
  ///   - activation: of the normalised values.
  ///   - weights: `[outputs, channels, kernel, kernel]`.
  ///   - bias: `[outputs]`, nil for none.
  ///   - padding: zeros around the image.
  /// - Returns: nil where normalisation and convolution are better computed one after the other: images that fit in the
  ///   caches, few outputs, or a tape that records.
  package init?(
    of image: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float,
    activation: Activation, weights: Tensor, bias: Tensor?, padding: Padding
  ) {
    guard !isRecording, !image.isTracked, image.rank == 4, image.elementType == .float32,
      Self.divides(Shape(Array(image.shape.dimensions.dropFirst())))
    else { return nil }
    image.checkGroups(groups, scale: scale, shift: shift)
    shape = image.convolutionSizes(weights: weights, stride: (1, 1), padding: padding)
    guard !shape.isNarrow else { return nil }
    precision = Precision.ofProduct(recorded: false)
    self.groups = groups
    self.scale = scale.detached()
    self.shift = shift.detached()
    self.epsilon = epsilon
    function = activation.function
    self.weights = weights.detached()
    self.bias = bias?.detached()
    self.padding = padding
  }

  /// `[batch, height, width, outputs]` of the image that it was made for.
  package func callAsFunction(_ image: Tensor) -> Tensor {
    let output = Tensor(uninitialized: shape.outputShape)
    let rows = output.reshaped(to: Self.joined(shape.outputShape))
    forEachBand(of: image) { band, sizes, range, packed in
      _ = Kernels.convolution(
        band, weights: weights, bias: bias, shape: sizes, precision,
        into: rows.rows(range).reshaped(to: sizes.outputShape), packed: packed)
    }
    return output
  }

  /// Adds what becomes of the image that it was made for to a tensor of the output's shape, over whose memory the sum is
  /// written where nothing else refers to it.
  package func add(_ image: Tensor, to target: inout Tensor) {
    ensure(
      target.shape == shape.outputShape,
      "\(shape.outputShape) cannot be added to a tensor of shape \(target.shape)")
    guard target.mayBeWrittenOver() else { return target = target + self(image) }
    let rows = target.reshaped(to: Self.joined(shape.outputShape))
    forEachBand(of: image) { band, sizes, range, packed in
      let sum = rows.rows(range).reshaped(to: sizes.outputShape)
      let added = Kernels.convolution(
        band, weights: weights, bias: bias, shape: sizes, precision, packed: packed)
      Kernels.binary(VK_ADD, sum, added, into: sum)
    }
  }

  /// The shape of the rows of all images.
  private static func joined(_ shape: Shape) -> Shape {
    [shape[0] * shape[1], shape[2], shape[3]]
  }

  /// Calls a closure with each band, as the convolution takes it, the sizes of the convolution over it alone, and the
  /// rows of all outputs that it gives.
  private func forEachBand(
    of image: Tensor,
    _ body: (Tensor, ConvolutionShape, Range<Int>, PackedWeights) -> Void
  ) {
    let (height, width, channels) = (shape.inputHeight, shape.inputWidth, shape.inputChannels)
    let moments = Kernels.groupMoments(
      image, epsilon: epsilon, batch: shape.batch, spatial: height * width, channels: channels,
      groups: groups)
    let overlap = shape.kernelHeight - 1
    let count = min(
      shape.outputHeight, max(1, Self.bandBytes / (4 * width * channels) - overlap))
    let buffer = Tensor(
      uninitialized: [count + overlap, width, channels],
      elementType: precision == .bfloat16 ? .bfloat16 : .float32)
    let packed = PackedWeights()
    let rows = image.reshaped(to: Self.joined(shape.inputShape))
    for example in 0..<shape.batch {
      // The rows of the image that the buffer holds.
      var held = 0..<0
      for first in stride(from: 0, to: shape.outputHeight, by: count) {
        let last = min(first + count, shape.outputHeight)
        let top = first - padding.top
        let bottom = last - 1 - padding.top + shape.kernelHeight
        let needed = max(0, top)..<min(height, bottom)
        // The last rows of the band before are the first ones of this one.
        let kept = max(0, held.upperBound - needed.lowerBound)
        Kernels.moveRows(of: buffer, from: needed.lowerBound - held.lowerBound, count: kept)
        let fresh = needed.lowerBound + kept..<needed.upperBound
        Kernels.groupApply(
          function,
          rows.rows(example * height + fresh.lowerBound..<example * height + fresh.upperBound),
          moments: (
            moments.mean.rows(example..<example + 1),
            moments.inverseDeviation.rows(example..<example + 1)
          ),
          scale: scale, shift: shift, spatial: fresh.count * width, channels: channels,
          groups: groups, into: buffer.rows(kept..<needed.count))
        held = needed
        let sizes = ConvolutionShape(
          batch: 1, inputHeight: needed.count, inputWidth: width, inputChannels: channels,
          outputHeight: last - first, outputWidth: shape.outputWidth,
          outputChannels: shape.outputChannels, kernelHeight: shape.kernelHeight,
          kernelWidth: shape.kernelWidth, strideY: 1, strideX: 1,
          padding: Padding(
            top: needed.lowerBound - top, left: padding.left, bottom: bottom - needed.upperBound,
            right: padding.right))
        let outputs = example * shape.outputHeight
        body(
          buffer.rows(0..<needed.count).reshaped(to: sizes.inputShape), sizes,
          outputs + first..<outputs + last, packed)
      }
    }
  }
}
