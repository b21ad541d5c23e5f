extension Tensor {
  /// A two-dimensional convolution (cross-correlation) with bias and activation, in one operation.
  ///
  /// The output has ⌊(size + padding − kernel) / stride⌋ + 1 pixels along each side. Gradients flow to
  /// the image, the weights and the bias.
  ///
  /// ```swift
  /// let images = Tensor.zeros([8, 28, 28, 1])
  /// let kernels = Tensor.zeros([16, 1, 3, 3])
  /// let maps = images.convolution(
  ///   weights: kernels, stride: (2, 2), padding: Padding(1), activation: .relu)  // [8, 14, 14, 16]
  /// ```
  ///
  /// - Parameters:
  ///   - weights: `[outputs, inputs, kernel height, kernel width]`.
  ///   - bias: `[outputs]`, nil for none.
  ///   - stride: pixels from one output to the next.
  ///   - padding: zeros around the image.
  ///   - activation: of the sum.
  /// - Returns: `[batch, height, width, outputs]` for an image `[batch, height, width, inputs]`.
  public func convolution(
    weights: Tensor, bias: Tensor? = nil, stride: (y: Int, x: Int) = (1, 1),
    padding: Padding = .none,
    activation: Activation = .identity
  ) -> Tensor {
    let sizes = convolutionSizes(weights: weights, stride: stride, padding: padding)
    checkBias(bias, outputs: weights.shape[0], weights: weights)
    // oneDNN adds the bias as it writes; the activation, where there is one, is then one pass of
    // its own.
    let isRecorded = isRecording && (isTracked || weights.isTracked || bias?.isTracked ?? false)
    let precision = sizes.isNarrow ? .float32 : Precision.ofProduct(recorded: isRecorded)
    let (x, w) = (operand(precision), weights.detached())
    let output = Kernels.convolution(x, weights: w, bias: bias, shape: sizes, precision)
    let finish = BiasActivation(
      output, bias: nil, activation: activation, keeping: isRecorded, precision)
    let needs = (isTracked, weights.isTracked, bias?.isTracked ?? false)
    let inputs = [self, weights] + (bias.map { [$0] } ?? [])
    return .recorded(output, from: inputs) { gradient in
      // The bias adds up what has not been rounded.
      let isRounded = precision == .bfloat16
      let (inner, sums) = finish.backward(gradient, wantsBias: needs.2 && isRounded)
      var weightGradients: (weights: Tensor, bias: Tensor?)?
      if needs.1 || needs.2 && !isRounded {
        weightGradients = Kernels.convolutionWeightGradient(
          input: x, gradient: inner, shape: sizes, withBias: needs.2 && !isRounded, precision)
      }
      return [
        needs.0
          ? Kernels.convolutionInputGradient(inner, weights: w, shape: sizes, precision) : nil,
        needs.1 ? weightGradients?.weights : nil, sums ?? weightGradients?.bias,
      ]
    }
  }

  /// A transposed convolution with bias and activation: the map whose matrix is the transpose of a
  /// convolution's.
  ///
  /// The output has (size − 1) · stride − padding + kernel + output padding pixels along each side.
  /// Gradients flow to the image, the weights and the bias.
  ///
  /// - Parameters:
  ///   - weights: `[inputs, outputs, kernel height, kernel width]`.
  ///   - bias: `[outputs]`, nil for none.
  ///   - stride: pixels of the output from one pixel of the input to the next.
  ///   - padding: what is cut off the full result on each side.
  ///   - outputPadding: rows and columns added at the end, to reach sizes that a stride leaves open.
  ///   - activation: of the sum.
  /// - Returns: `[batch, height, width, outputs]` for an image `[batch, height, width, inputs]`.
  public func transposedConvolution(
    weights: Tensor, bias: Tensor? = nil, stride: (y: Int, x: Int) = (1, 1),
    padding: Padding = .none,
    outputPadding: (y: Int, x: Int) = (0, 0), activation: Activation = .identity
  ) -> Tensor {
    ensure(
      rank == 4 && weights.rank == 4 && shape[3] == weights.shape[0],
      "a transposed convolution with weights \(weights.shape) cannot take an input of shape \(shape)"
    )
    checkBias(bias, outputs: weights.shape[1], weights: weights)
    checkPadding(padding)
    ensure(
      stride.y > 0 && stride.x > 0, "stride \(stride) is no step over an input of shape \(shape)")
    ensure(
      outputPadding.y >= 0 && outputPadding.x >= 0 && outputPadding.y < stride.y
        && outputPadding.x < stride.x,
      "output padding \(outputPadding) must be smaller than the stride \(stride)")
    let height =
      (shape[1] - 1) * stride.y - padding.top - padding.bottom + weights.shape[2] + outputPadding.y
    let width =
      (shape[2] - 1) * stride.x - padding.left - padding.right + weights.shape[3] + outputPadding.x
    ensure(
      height > 0 && width > 0, "padding \(padding) leaves nothing of an input of shape \(shape)")
    let sizes = ConvolutionShape(
      batch: shape[0], inputHeight: height, inputWidth: width, inputChannels: weights.shape[1],
      outputHeight: shape[1], outputWidth: shape[2], outputChannels: weights.shape[0],
      kernelHeight: weights.shape[2], kernelWidth: weights.shape[3], strideY: stride.y,
      strideX: stride.x,
      padding: Padding(
        top: padding.top, left: padding.left, bottom: padding.bottom - outputPadding.y,
        right: padding.right - outputPadding.x))
    let isRecorded = isRecording && (isTracked || weights.isTracked || bias?.isTracked ?? false)
    let precision = sizes.isNarrow ? .float32 : Precision.ofProduct(recorded: isRecorded)
    let (x, w) = (operand(precision), weights.detached())
    let output = Kernels.convolutionInputGradient(x, weights: w, shape: sizes, precision)
    let finish = BiasActivation(
      output, bias: bias, activation: activation, keeping: isRecorded, precision)
    let needs = (isTracked, weights.isTracked, bias?.isTracked ?? false)
    let inputs = [self, weights] + (bias.map { [$0] } ?? [])
    return .recorded(output, from: inputs) { gradient in
      let (inner, biasGradient) = finish.backward(gradient, wantsBias: needs.2)
      return [
        needs.0 ? Kernels.convolution(inner, weights: w, bias: nil, shape: sizes, precision) : nil,
        needs.1
          ? Kernels.convolutionWeightGradient(
            input: inner, gradient: x, shape: sizes, withBias: false, precision
          ).weights : nil,
        biasGradient,
      ]
    }
  }

  /// Becomes its convolution: ``convolution(weights:bias:stride:padding:activation:)``.
  ///
  /// Where no tape records and products are rounded, the 32-bit values are let go of before the output takes memory.
  ///
  /// - Parameters:
  ///   - weights: `[outputs, inputs, kernel height, kernel width]`.
  ///   - bias: `[outputs]`, nil for none.
  ///   - stride: pixels from one output to the next.
  ///   - padding: zeros around the image.
  ///   - activation: of the sum.
  public mutating func convolve(
    weights: Tensor, bias: Tensor? = nil, stride: (y: Int, x: Int) = (1, 1),
    padding: Padding = .none, activation: Activation = .identity
  ) {
    let precision = precisionOfConvolution(weights: weights, stride: stride, padding: padding)
    if precision == .bfloat16, mayBeWrittenOver() { self = operand(precision) }
    self = convolution(
      weights: weights, bias: bias, stride: stride, padding: padding, activation: activation)
  }

  /// The precision in which a convolution takes this image now.
  package func precisionOfConvolution(
    weights: Tensor, stride: (y: Int, x: Int), padding: Padding
  ) -> Precision {
    let sizes = convolutionSizes(weights: weights, stride: stride, padding: padding)
    return sizes.isNarrow ? .float32 : Precision.ofProduct(recorded: isRecording)
  }

  func convolutionSizes(
    weights: Tensor, stride: (y: Int, x: Int), padding: Padding
  ) -> ConvolutionShape {
    ensure(
      rank == 4 && weights.rank == 4 && shape[3] == weights.shape[1],
      "a convolution with weights \(weights.shape) cannot take an input of shape \(shape)")
    checkPadding(padding)
    func size(_ input: Int, _ pad: Int, _ kernel: Int, _ stride: Int) -> Int {
      ensure(
        stride > 0 && input + pad >= kernel,
        "a kernel of \(weights.shape), stride \(stride) is too large for an input of shape \(shape)"
      )
      return (input + pad - kernel) / stride + 1
    }
    return ConvolutionShape(
      batch: shape[0], inputHeight: shape[1], inputWidth: shape[2], inputChannels: shape[3],
      outputHeight: size(shape[1], padding.top + padding.bottom, weights.shape[2], stride.y),
      outputWidth: size(shape[2], padding.left + padding.right, weights.shape[3], stride.x),
      outputChannels: weights.shape[0], kernelHeight: weights.shape[2],
      kernelWidth: weights.shape[3], strideY: stride.y, strideX: stride.x,
      padding: sizesUsed(padding, weights: weights, stride: stride))
  }

  private func checkBias(_ bias: Tensor?, outputs: Int, weights: Tensor) {
    ensure(
      bias.map { $0.shape == [outputs] } ?? true,
      "a bias of shape \(bias?.shape ?? []) does not fit weights \(weights.shape)")
  }

  private func checkPadding(_ padding: Padding) {
    ensure(
      padding.top >= 0 && padding.left >= 0 && padding.bottom >= 0 && padding.right >= 0,
      "padding \(padding) of an input of shape \(shape) is negative")
  }

  /// The padding that is really read: rows and columns that no stride reaches are cut off at the
  /// end.
  private func sizesUsed(
    _ padding: Padding, weights: Tensor, stride: (y: Int, x: Int)
  ) -> Padding {
    func unread(_ input: Int, _ pad: Int, _ kernel: Int, _ stride: Int) -> Int {
      (input + pad - kernel) % stride
    }
    return Padding(
      top: padding.top, left: padding.left,
      bottom: padding.bottom
        - unread(shape[1], padding.top + padding.bottom, weights.shape[2], stride.y),
      right: padding.right
        - unread(shape[2], padding.left + padding.right, weights.shape[3], stride.x))
  }
}
