extension Tensor {
  /// A convolution over what comes before each position in raster order, with bias and activation,
  /// in one operation (van den Oord et al. 2016a). Taps that see nothing are not computed.
  ///
  /// - Parameters:
  ///   - weights: `[outputs, inputs, rows, 2 · rows − 1]`: the rows of a square kernel down to the
  ///     position's own, which is the middle of the last one. What lies right of it, and itself
  ///     where it is not seen, is not read and has no gradient.
  ///   - bias: `[outputs]`.
  ///   - seesOwnPosition: whether the position itself counts (mask B) or not (mask A).
  ///   - activation: of the result.
  /// - Returns: `[batch, height, width, outputs]` for an image `[batch, height, width, inputs]`.
  public func rasterConvolution(
    weights: Tensor, bias: Tensor, seesOwnPosition: Bool, activation: Activation = .identity
  ) -> Tensor {
    ensure(
      rank == 4 && weights.rank == 4 && shape[3] == weights.shape[1]
        && weights.shape[3] == 2 * weights.shape[2] - 1 && bias.shape == [weights.shape[0]],
      "a raster convolution with weights \(weights.shape) and bias \(bias.shape) cannot take an "
        + "input of shape \(shape)")
    let (rows, outputs) = (weights.shape[2], weights.shape[0])
    let kernel = TapKernel(rasterRows: rows, seesOwnPosition: seesOwnPosition)
    guard kernel.count > 0, shape[3] > 0, count > 0, outputs > 0 else {
      return Tensor.zeros(shape.replacing(axis: 3, with: outputs))
        .addingBias(bias, activation: activation)
    }
    // A function that needs its input for the derivative is a pass of its own.
    guard activation.function.saved != .input else {
      return rasterConvolution(weights: weights, bias: bias, seesOwnPosition: seesOwnPosition)
        .activated(activation)
    }
    let isRecorded = isRecording && (isTracked || weights.isTracked || bias.isTracked)
    if Precision.ofProduct(recorded: isRecorded) == .bfloat16 {
      return boxConvolution(kernel, weights: weights, bias: bias, activation: activation)
    }
    let function = activation.function
    let sizes = ConvolutionShape(
      batch: shape[0], inputHeight: shape[1], inputWidth: shape[2], inputChannels: shape[3],
      outputHeight: shape[1], outputWidth: shape[2], outputChannels: outputs, kernelHeight: rows,
      kernelWidth: 2 * rows - 1, strideY: 1, strideX: 1,
      padding: Padding(top: rows - 1, left: rows - 1, bottom: 0, right: rows - 1))
    let matrix = kernel.matrix(of: weights)
    let output = Kernels.tapConvolution(
      kernel, function, self, matrix: matrix, bias: bias, shape: sizes)
    let (x, weightShape, wantsInput) = (detached(), weights.shape, isTracked)
    let saved = function.saved == .output ? output : nil
    return .recorded(output, from: [self, weights, bias]) { gradient in
      let (dx, dmatrix, dbias) = Kernels.tapConvolutionBackward(
        kernel, function, x, matrix: matrix, saved: saved, gradient: gradient,
        wantsInput: wantsInput, shape: sizes)
      return [dx, kernel.weights(of: dmatrix, shape: weightShape), dbias]
    }
  }

  /// The same as a convolution of the whole box, zero where no tap is: with rounded operands oneDNN
  /// computes that box faster than the products of the taps alone can be prepared.
  private func boxConvolution(
    _ kernel: TapKernel, weights: Tensor, bias: Tensor, activation: Activation
  ) -> Tensor {
    func masked(_ values: Tensor) -> Tensor {
      kernel.weights(of: kernel.matrix(of: values), shape: values.shape)
    }
    let box = Tensor.recorded(masked(weights), from: [weights]) { [masked($0)] }
    let reach = weights.shape[2] - 1
    return convolution(
      weights: box, bias: bias, padding: Padding(top: reach, left: reach, bottom: 0, right: reach),
      activation: activation)
  }
}
