import COneDNN
import CVectorKernels

/// A kernel as the set of its taps, for convolutions that run as matrix products over the pixels
/// that the taps reach.
struct TapKernel {
  /// The taps in runs of neighbours, in the order of the rows of `matrix(of:)`.
  let runs: [vk_tap_run]
  /// The row of the weights that each run lies in, and its first column there.
  private let positions: [(row: Int, column: Int)]

  /// The taps that come before the position itself in raster order, and that one where it is seen,
  /// of a kernel of `rows` rows and 2 · `rows` − 1 columns whose last row is the position's own.
  init(rasterRows rows: Int, seesOwnPosition: Bool) {
    let reach = rows - 1
    var runs = (0..<reach).map { Self.run($0 - reach, -reach, 2 * reach + 1) }
    let own = reach + (seesOwnPosition ? 1 : 0)
    if own > 0 { runs.append(Self.run(0, -reach, own)) }
    self.runs = runs
    positions = runs.map { (row: Int($0.row) + reach, column: 0) }
  }

  /// Every tap of a convolution's kernel.
  init(_ shape: ConvolutionShape) {
    runs = (0..<shape.kernelHeight).map {
      Self.run($0 - shape.padding.top, -shape.padding.left, shape.kernelWidth)
    }
    positions = (0..<shape.kernelHeight).map { (row: $0, column: 0) }
  }

  private static func run(_ row: Int, _ column: Int, _ length: Int) -> vk_tap_run {
    vk_tap_run(
      row: Int32(clamping: row), column: Int32(clamping: column), length: Int32(clamping: length))
  }

  /// The number of taps.
  var count: Int { runs.reduce(0) { $0 + Int($1.length) } }

  /// Weights `[outputs, inputs, rows, columns]` as a matrix `[taps · inputs, outputs]`.
  func matrix(of weights: Tensor) -> Tensor {
    let (outputs, inputs) = (weights.shape[0], weights.shape[1])
    let matrix = Tensor(uninitialized: [count * inputs, outputs])
    move(weights.shape) { shape, offset, strides, row in
      Kernels.copyStrided(
        shape: shape, from: weights, sourceOffset: offset, sourceStrides: strides, to: matrix,
        destinationOffset: row * inputs * outputs,
        destinationStrides: [inputs * outputs, outputs, 1])
    }
    return matrix
  }

  /// The reverse: weights of the given shape from a matrix, zero where no tap is.
  func weights(of matrix: Tensor, shape: Shape) -> Tensor {
    let (outputs, inputs) = (shape[0], shape[1])
    let weights =
      count == shape[2] * shape[3] ? Tensor(uninitialized: shape) : Tensor.zeros(shape)
    move(shape) { box, offset, strides, row in
      Kernels.copyStrided(
        shape: box, from: matrix, sourceOffset: row * inputs * outputs,
        sourceStrides: [inputs * outputs, outputs, 1], to: weights, destinationOffset: offset,
        destinationStrides: strides)
    }
    return weights
  }

  /// Calls a closure for each run with the box `[length, inputs, outputs]` that it is in weights of
  /// the given shape, and the number of taps before it.
  private func move(
    _ shape: Shape,
    _ body: (_ box: [Int], _ offset: Int, _ strides: [Int], _ tapsBefore: Int) -> Void
  ) {
    let (area, inputs) = (shape[2] * shape[3], shape[1])
    var before = 0
    for (run, position) in zip(runs, positions) {
      body(
        [Int(run.length), inputs, shape[0]], position.row * shape[3] + position.column,
        [1, area, inputs * area], before)
      before += Int(run.length)
    }
  }

  /// Calls a closure with the kernel and the sizes of a convolution.
  func withTaps<Result>(
    _ shape: ConvolutionShape, _ body: (UnsafePointer<vk_taps>) -> Result
  ) -> Result {
    runs.withUnsafeBufferPointer { runs in
      var taps = vk_taps(
        batch: shape.batch, input_height: shape.inputHeight, input_width: shape.inputWidth,
        inputs: shape.inputChannels, output_height: shape.outputHeight,
        output_width: shape.outputWidth, outputs: shape.outputChannels, stride_y: shape.strideY,
        stride_x: shape.strideX, run_count: runs.count, runs: runs.baseAddress)
      return withUnsafePointer(to: &taps) { body($0) }
    }
  }
}

/// Convolutions as matrix products.
extension Kernels {
  /// activation(taps · matrix + bias) block by block; the function must not save its input.
  static func tapConvolution(
    _ kernel: TapKernel, _ function: UnaryFunction, _ input: Tensor, matrix: Tensor, bias: Tensor?,
    shape: ConvolutionShape
  ) -> Tensor {
    let output = Tensor(uninitialized: shape.outputShape)
    OneDNN.prepareThread()
    let status = Profiler.measure(
      "raster convolution", [input, matrix, bias, output],
      flops: 2 * Double(matrix.shape[0]) * Double(output.count), sizes: "\(shape)"
    ) {
      kernel.withTaps(shape) { taps in
        var status: Int32 = 0
        function.withParameters {
          status = vk_tap_convolution(
            taps, function.operation, $0, input.pointer, matrix.pointer, bias?.pointer,
            output.writePointer, od_matrix_product)
        }
        return status
      }
    }
    OneDNN.check(status, "a convolution \(shape)")
    return output
  }

  /// The gradients of `tapConvolution`, of its input where that is wanted.
  static func tapConvolutionBackward(
    _ kernel: TapKernel, _ function: UnaryFunction, _ input: Tensor, matrix: Tensor, saved: Tensor?,
    gradient: Tensor, wantsInput: Bool, shape: ConvolutionShape
  ) -> (input: Tensor?, matrix: Tensor, bias: Tensor) {
    let dx = wantsInput ? Tensor(uninitialized: input.shape) : nil
    let dmatrix = Tensor(uninitialized: matrix.shape)
    let dbias = Tensor(uninitialized: [shape.outputChannels])
    OneDNN.prepareThread()
    let status = Profiler.measure(
      "raster convolution, gradients", [input, matrix, saved, gradient, dx, dmatrix, dbias],
      flops: (wantsInput ? 4 : 2) * Double(matrix.shape[0]) * Double(gradient.count),
      sizes: "\(shape)"
    ) {
      kernel.withTaps(shape) { taps in
        var status: Int32 = 0
        function.withParameters {
          status = vk_tap_convolution_backward(
            taps, function.operation, $0, input.pointer, matrix.pointer, saved?.pointer,
            gradient.pointer, dx?.writePointer, dmatrix.writePointer, dbias.writePointer,
            od_matrix_product)
        }
        return status
      }
    }
    OneDNN.check(status, "the gradients of a convolution \(shape)")
    return (dx, dmatrix, dbias)
  }

  /// A convolution's weight gradient as one matrix product with the inputs under all taps. Rounded
  /// inputs, an even number of channels, are gathered two at a time as if they were floats.
  static func weightGradientByTaps(
    input: Tensor, gradient: Tensor, shape: ConvolutionShape
  ) -> Tensor {
    let kernel = TapKernel(shape)
    let pixels = shape.batch * shape.outputHeight * shape.outputWidth
    let (taps, inputs, outputs) = (kernel.count, shape.inputChannels, shape.outputChannels)
    let columns = Tensor(
      uninitialized: [pixels, taps * inputs], elementType: input.elementType)
    let width = input.elementType.byteCount
    Profiler.measure("gather taps", [input, columns]) {
      kernel.withTaps(shape) { taps in
        var taps = taps.pointee
        taps.inputs = taps.inputs * width / MemoryLayout<Float>.size
        vk_gather_taps(&taps, input.wordPointer, columns.wordWritePointer)
      }
    }
    let product = matrixProduct(
      gradient, leftTransposed: true, columns, m: outputs, n: taps * inputs, k: pixels,
      shape: [outputs, taps * inputs])
    let weights = Tensor(uninitialized: shape.weightShape)
    copyStrided(
      shape: [outputs, inputs, taps], from: product, sourceStrides: [taps * inputs, 1, inputs],
      to: weights, destinationStrides: [inputs * taps, taps, 1])
    return weights
  }

  /// A convolution's input gradient as one matrix product, added to the pixels under the taps.
  static func inputGradientByTaps(
    _ gradient: Tensor, weights: Tensor, shape: ConvolutionShape, _ precision: Precision
  ) -> Tensor {
    let kernel = TapKernel(shape)
    let pixels = shape.batch * shape.outputHeight * shape.outputWidth
    let depth = kernel.count * shape.inputChannels
    let columns = matrixProduct(
      gradient, kernel.matrix(of: weights).operand(precision), rightTransposed: true, m: pixels,
      n: depth,
      k: shape.outputChannels, shape: [pixels, depth])
    let output = Tensor(uninitialized: shape.inputShape)
    Profiler.measure("scatter taps", [columns, output]) {
      kernel.withTaps(shape) { vk_scatter_taps($0, columns.pointer, output.writePointer) }
    }
    return output
  }

  /// A convolution to few outputs.
  static func narrowConvolution(
    _ input: Tensor, weights: Tensor, bias: Tensor?, shape: ConvolutionShape
  ) -> Tensor {
    let output = Tensor(uninitialized: shape.outputShape)
    var sizes = shape.narrow
    Profiler.measure(
      "narrow convolution", [input, weights, bias, output], flops: shape.flops, sizes: "\(shape)"
    ) {
      vk_narrow_convolution(
        &sizes, input.pointer, weights.pointer, bias?.pointer, output.writePointer)
    }
    return output
  }

  /// The weight gradient of a convolution to few outputs.
  static func narrowWeightGradient(
    input: Tensor, gradient: Tensor, shape: ConvolutionShape
  ) -> Tensor {
    let weights = Tensor(uninitialized: shape.weightShape)
    var sizes = shape.narrow
    Profiler.measure(
      "narrow convolution, weight gradient", [input, gradient, weights], flops: shape.flops,
      sizes: "\(shape)"
    ) {
      vk_narrow_weight_gradient(&sizes, input.pointer, gradient.pointer, weights.writePointer)
    }
    return weights
  }
}

extension Tensor {
  /// The memory of floats, or of rounded ones in pairs, for kernels that only move it.
  fileprivate var wordPointer: UnsafePointer<Float> {
    guard elementType == .bfloat16 else { return pointer }
    return UnsafeRawPointer(bfloat16Pointer).assumingMemoryBound(to: Float.self)
  }

  /// The same memory, to write.
  fileprivate var wordWritePointer: UnsafeMutablePointer<Float> {
    guard elementType == .bfloat16 else { return writePointer }
    return UnsafeMutableRawPointer(bfloat16WritePointer).assumingMemoryBound(to: Float.self)
  }
}

/// Which convolutions oneDNN does badly. The figures are GFLOP/s of one core whose matrix products
/// reach 115; `docs/performance.md` has more of them.
extension ConvolutionShape {
  /// Sizes for the loops of convolutions to few outputs.
  var narrow: vk_narrow_shape {
    vk_narrow_shape(
      batch: batch, height: inputHeight, width: inputWidth, inputs: inputChannels,
      output_height: outputHeight, output_width: outputWidth, outputs: outputChannels,
      kernel_height: kernelHeight, kernel_width: kernelWidth, pad_top: padding.top,
      pad_left: padding.left)
  }

  /// Whether there are so few outputs that a vector of them would be nearly empty: 32 → 3 channels
  /// forward 19, weights 18; the loops for few outputs reach 77 and 82.
  var isNarrow: Bool {
    var sizes = narrow
    return strideY == 1 && strideX == 1 && kernelHeight * kernelWidth > 1
      && padding.top >= 0 && padding.left >= 0 && vk_narrow_is_supported(&sizes) != 0
  }

  /// Whether the weight gradient is better one matrix product: with few pixels and many channels,
  /// 256 → 512 at 2×2 in a batch of 64, 49 of 115.
  var hasFewPixels: Bool {
    let (pixels, taps) = (batch * outputHeight * outputWidth, kernelHeight * kernelWidth)
    return pixels <= 1024 && taps > 1 && inputChannels * taps * outputChannels >= 1 << 17
      && pixels * taps * inputChannels <= 1 << 23
  }

  /// Whether the input gradient, as of a transposed convolution to colours, is better one matrix
  /// product: 64 → 3 of stride 2, 21.
  var hasFewInputs: Bool {
    inputChannels <= 4 && strideY * strideX > 1 && outputChannels >= 16
      && batch * outputHeight * outputWidth * inputChannels * kernelHeight * kernelWidth <= 1 << 25
  }
}
