extension Tensor {
  /// A 3×3 convolution with a zero around, of the image whose pixels are each repeated in a block of 2×2:
  /// `upsampledNearest(by: 2, 2)`, then `convolution(weights:bias:padding:)`.
  ///
  /// Where it takes less time, the pixels are not repeated. A 3×3 kernel over blocks of equal pixels meets 2×2
  /// different ones, so that the pixels at each of the four positions in a block are those of a 2×2 convolution of the image
  /// itself, whose weights are sums of the kernel's: 16 multiplications for each four pixels in place of 36. The sums
  /// are rounded, so that results differ from those of the longer way by rounding alone. While a tape records it is the
  /// longer way that is taken.
  ///
  /// - Parameters:
  ///   - weights: `[outputs, inputs, 3, 3]`.
  ///   - bias: `[outputs]`, nil for none.
  ///   - activation: of the sum.
  /// - Returns: `[batch, 2 · height, 2 · width, outputs]` for an image `[batch, height, width, inputs]`.
  public func convolutionOfRepeatedPixels(
    weights: Tensor, bias: Tensor? = nil, activation: Activation = .identity
  ) -> Tensor {
    ensure(
      rank == 4 && weights.shape.dimensions.suffix(3) == [shape[3], 3, 3],
      "a 3×3 convolution with weights \(weights.shape) cannot take an input of shape \(shape)")
    guard !isRecording, gainsBySums(outputs: weights.shape[0]) else {
      return upsampledNearest(by: 2, 2).convolution(
        weights: weights, bias: bias, padding: Padding(1), activation: activation)
    }
    return convolutionBySums(weights: weights, bias: bias, activation: activation)
  }

  /// Whether four small convolutions take less time than one over repeated pixels: where the multiplications are most
  /// of the work, and not in loops of our own for few outputs, and where an image has enough pixels to be worth the sums
  /// of weights, which each call makes. It does not depend on the number of images, so that the numbers of one do not
  /// either.
  private func gainsBySums(outputs: Int) -> Bool {
    shape[3] >= 16 && outputs >= 16 && shape.count(1..<3) >= 1 << 10
  }

  /// The shorter way.
  package func convolutionBySums(
    weights: Tensor, bias: Tensor?, activation: Activation
  ) -> Tensor {
    let (height, width, outputs) = (shape[1], shape[2], weights.shape[0])
    let output = Tensor(uninitialized: [shape[0], 2 * height, 2 * width, outputs])
    for y in 0..<2 {
      let rows = weights.summedTaps(axis: 2, isSecond: y == 1)
      for x in 0..<2 {
        // The first pixel of a block sees the block before, the second one the block behind.
        let part = convolution(
          weights: rows.summedTaps(axis: 3, isSecond: x == 1), bias: bias,
          padding: Padding(top: 1 - y, left: 1 - x, bottom: y, right: x), activation: activation)
        Kernels.copyStrided(
          shape: part.shape.dimensions, from: part, sourceStrides: part.shape.strides, to: output,
          destinationOffset: (y * 2 * width + x) * outputs,
          destinationStrides: [
            4 * height * width * outputs, 4 * width * outputs, 2 * outputs, 1,
          ])
      }
    }
    return output
  }

  /// The two taps that three become along an axis of a kernel, for the first or the second pixel of a block: the first is
  /// met by one of them and its own block by two, of the second the other way round.
  private func summedTaps(axis: Int, isSecond: Bool) -> Tensor {
    func tap(_ number: Int) -> Tensor { slice(axis: axis, number..<number + 1) }
    return .concatenated(
      isSecond ? [tap(0) + tap(1), tap(2)] : [tap(0), tap(1) + tap(2)], axis: axis)
  }
}
