import COneDNN

/// The heavy kernels, which oneDNN computes.
extension Kernels {
  /// op(left) · op(right) of two matrices, both of 32-bit floats or both rounded.
  static func matrixProduct(
    _ left: Tensor, leftTransposed: Bool = false, _ right: Tensor, rightTransposed: Bool = false,
    m: Int, n: Int, k: Int, shape: Shape
  ) -> Tensor {
    let output = Tensor(uninitialized: shape)
    guard output.count > 0 else { return output }
    guard k > 0 else {
      fill(0, output)
      return output
    }
    let isRounded = left.elementType == .bfloat16
    Profiler.measure(
      isRounded ? "bfloat16 matrix product" : "matrix product", [left, right, output],
      flops: 2 * Double(m) * Double(n) * Double(k),
      sizes: "\(m)×\(k)\(leftTransposed ? "ᵀ" : "") · \(k)×\(n)\(rightTransposed ? "ᵀ" : "")"
    ) {
      let gainsByPreparation =
        rightTransposed && !leftTransposed && OneDNN.prefersPreparedProduct(m: m, n: n, k: k)
      guard !isRounded && !gainsByPreparation else {
        return OneDNN.preparedProduct(
          isRounded ? .bfloat16 : .float32, left.operandPointer, transposed: leftTransposed,
          right.operandPointer, transposed: rightTransposed, into: output.writePointer, m: m, n: n,
          k: k)
      }
      OneDNN.matrixProduct(
        left.pointer, transposed: leftTransposed, right.pointer, transposed: rightTransposed,
        into: output.writePointer, m: m, n: n, k: k)
    }
    return output
  }

  /// A convolution's output from its input.
  ///
  /// - Parameters:
  ///   - target: memory that takes the output, which is not that of few channels; nil for fresh memory.
  ///   - packed: keeps the packed weights for the next call with the same weights; nil for a call by itself.
  static func convolution(
    _ input: Tensor, weights: Tensor, bias: Tensor?, shape: ConvolutionShape,
    _ precision: Precision,
    into target: Tensor? = nil, packed kept: PackedWeights? = nil
  ) -> Tensor {
    if shape.isNarrow {
      ensure(target == nil, "a convolution to few outputs takes memory of its own")
      return narrowConvolution(input.widened(), weights: weights, bias: bias, shape: shape)
    }
    let input = input.operand(precision)
    let output = target ?? Tensor(uninitialized: shape.outputShape)
    guard
      let primitive = OneDNN.convolution(shape, OD_FORWARD, precision, withBias: bias != nil)
    else { return output }
    let scratch = Storage(count: primitive.scratchCount)
    let packed = packedWeights(weights, primitive, shape, kept)
    Profiler.measure(
      precision == .bfloat16 ? "bfloat16 convolution" : "convolution",
      [input, weights, bias, output], flops: shape.flops, sizes: "\(shape)"
    ) {
      OneDNN.check(
        od_convolution_forward(
          primitive.handle, input.operandPointer, packed.pointer, bias?.pointer,
          output.writePointer,
          scratch.base
        ),
        "a convolution \(shape)")
    }
    withExtendedLifetime((packed, scratch)) {}
    return output
  }

  /// A convolution's input gradient from its output gradient; forwards, this is the transposed
  /// convolution.
  static func convolutionInputGradient(
    _ gradient: Tensor, weights: Tensor, shape: ConvolutionShape, _ precision: Precision
  ) -> Tensor {
    let gradient = gradient.operand(precision)
    if shape.hasFewInputs {
      return inputGradientByTaps(gradient, weights: weights, shape: shape, precision)
    }
    let output = Tensor(uninitialized: shape.inputShape)
    guard let primitive = OneDNN.convolution(shape, OD_BACKWARD_DATA, precision, withBias: false)
    else { return output }
    let scratch = Storage(count: primitive.scratchCount)
    let packed = packedWeights(weights, primitive, shape)
    Profiler.measure(
      precision == .bfloat16
        ? "bfloat16 convolution, input gradient" : "convolution, input gradient",
      [gradient, weights, output], flops: shape.flops, sizes: "\(shape)"
    ) {
      OneDNN.check(
        od_convolution_backward_data(
          primitive.handle, gradient.operandPointer, packed.pointer, output.writePointer,
          scratch.base),
        "the input gradient of a convolution \(shape)")
    }
    withExtendedLifetime((packed, scratch)) {}
    return output
  }

  /// A convolution's gradients of weights and bias.
  static func convolutionWeightGradient(
    input: Tensor, gradient: Tensor, shape: ConvolutionShape, withBias: Bool, _ precision: Precision
  ) -> (weights: Tensor, bias: Tensor?) {
    if shape.isNarrow {
      let gradient = gradient.widened()
      let weights = narrowWeightGradient(
        input: input.widened(), gradient: gradient, shape: shape)
      return (weights, withBias ? sumOfRows(gradient) : nil)
    }
    let (input, gradient) = (input.operand(precision), gradient.operand(precision))
    if shape.hasFewPixels && (precision == .float32 || shape.inputChannels.isMultiple(of: 2)) {
      let weights = weightGradientByTaps(input: input, gradient: gradient, shape: shape)
      return (weights, withBias ? sumOfRows(gradient.widened()) : nil)
    }
    let weights = Tensor(uninitialized: shape.weightShape)
    let bias = withBias ? Tensor(uninitialized: [shape.outputChannels]) : nil
    guard
      let primitive = OneDNN.convolution(shape, OD_BACKWARD_WEIGHTS, precision, withBias: withBias)
    else { return (weights, bias) }
    let scratch = Storage(count: primitive.scratchCount)
    let packed =
      primitive.packedCount == 0 ? weights : Tensor(uninitialized: [primitive.packedCount])
    Profiler.measure(
      precision == .bfloat16
        ? "bfloat16 convolution, weight gradient" : "convolution, weight gradient",
      [input, gradient, weights, bias], flops: shape.flops, sizes: "\(shape)"
    ) {
      OneDNN.check(
        od_convolution_backward_weights(
          primitive.handle, input.operandPointer, gradient.operandPointer, packed.writePointer,
          bias?.writePointer,
          scratch.base),
        "the weight gradient of a convolution \(shape)")
    }
    withExtendedLifetime(scratch) {}
    if primitive.packedCount > 0 {
      Profiler.measure("unpack weights", [packed, weights], sizes: "\(weights.shape)") {
        OneDNN.check(
          od_convolution_unpack(primitive.handle, packed.pointer, weights.writePointer),
          "the weights of a convolution \(shape)")
      }
    }
    return (weights, bias)
  }

  /// Weights in the layout that a pass prefers. Outside of training they stay as they are from call
  /// to call, and so do their copies; an update would make a copy stale before it serves again. Over large
  /// maps the copy is as nothing beside the multiplications, and is made each time: kept ones would double
  /// the memory of a large network's weights.
  private static func packedWeights(
    _ weights: Tensor, _ primitive: ConvolutionPrimitive, _ shape: ConvolutionShape,
    _ kept: PackedWeights? = nil
  ) -> Tensor {
    guard primitive.packedCount > 0 else { return weights }
    if let copy = kept?.copies[primitive.packedLayout] { return copy }
    let isKept =
      kept == nil && !isRecording && !Tensor.isInBackwardPass && !shape.hasManyPixels
    let key = Storage.CopyKey.packed(layout: primitive.packedLayout, offset: weights.offset)
    if isKept, let copy = weights.storage.copy(for: key) { return copy }
    let packed = Tensor(uninitialized: [primitive.packedCount])
    Profiler.measure("pack weights", [weights, packed], sizes: "\(weights.shape)") {
      OneDNN.check(
        od_convolution_pack(primitive.handle, weights.pointer, packed.writePointer),
        "the weights of a convolution")
    }
    if isKept { weights.storage.keep(packed, for: key) }
    kept?.copies[primitive.packedLayout] = packed
    return packed
  }
}

/// Weights of one convolution as they are packed for passes over parts of an image, by layout.
final class PackedWeights {
  fileprivate(set) var copies: [UInt64: Tensor] = [:]
}
