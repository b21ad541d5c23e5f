import CVectorKernels

/// The one seam between operations and the loops that compute them. Nothing else in the package
/// reads or writes tensor memory through pointers, so that another device can be put behind these
/// functions.
///
/// Every function writes all of its outputs, which the caller has just made, and reads inputs only.
enum Kernels {
  // MARK: Elementwise

  static func fill(_ value: Float, _ output: Tensor) {
    Profiler.measure("fill", [output]) {
      vk_fill(value, output.pointer, output.count)
    }
  }

  static func unary(_ function: UnaryFunction, _ input: Tensor) -> Tensor {
    let output = Tensor(uninitialized: input.shape)
    Profiler.measure("unary", [input, output]) {
      function.withParameters {
        vk_unary(function.operation, $0, input.pointer, output.pointer, input.count)
      }
    }
    return output
  }

  static func unaryBackward(_ function: UnaryFunction, saved: Tensor?, gradient: Tensor) -> Tensor {
    let output = Tensor(uninitialized: gradient.shape)
    Profiler.measure("unary backward", [saved, gradient, output]) {
      function.withParameters {
        vk_unary_backward(
          function.operation, $0, saved?.pointer, gradient.pointer, output.pointer, gradient.count)
      }
    }
    return output
  }

  /// a op b with broadcasting to `shape`.
  static func binary(_ operation: vk_binary_op, _ a: Tensor, _ b: Tensor, shape: Shape) -> Tensor {
    let output = Tensor(uninitialized: shape)
    if a.shape.count == shape.count, b.shape.count == shape.count {
      Profiler.measure("binary", [a, b, output]) {
        vk_binary(operation, a.pointer, b.pointer, output.pointer, shape.count)
      }
    } else {
      Profiler.measure("binary broadcast", [a, b, output]) {
        vk_binary_broadcast(
          operation, Int32(shape.rank), shape.dimensions.map(Int64.init), a.pointer,
          a.shape.broadcastStrides(to: shape), b.pointer, b.shape.broadcastStrides(to: shape),
          output.pointer)
      }
    }
    return output
  }

  /// a + b of equal shapes.
  static func sum(_ a: Tensor, _ b: Tensor) -> Tensor {
    binary(VK_ADD, a, b, shape: a.shape)
  }

  /// target += addend, in place.
  static func add(_ addend: Tensor, to target: Tensor, scale: Float = 1) {
    target.storage.contentsChange()
    Profiler.measure("axpy", [addend, target]) {
      vk_axpy(scale, addend.pointer, target.pointer, target.count)
    }
  }

  static func allFinite(_ input: Tensor) -> Bool {
    Profiler.measure("all finite", [input]) {
      vk_all_finite(input.pointer, input.count) != 0
    }
  }

  // MARK: Dense

  /// y = function(x + bias) over the last axis, in place on `x`. When asked, gives the sum before
  /// the function as well, and leaves the rounded result with `x` for the products that take it.
  static func biasActivation(
    _ function: UnaryFunction, inPlace x: Tensor, bias: Tensor?, keepingInput: Bool,
    rounding: Bool
  ) -> Tensor? {
    let columns = x.shape[-1]
    let before = keepingInput ? Tensor(uninitialized: x.shape) : nil
    let rounded = rounding ? Tensor(uninitialized: x.shape, elementType: .bfloat16) : nil
    Profiler.measure("bias activation", [x, bias, before, rounded]) {
      function.withParameters {
        vk_bias_activation(
          function.operation, $0, x.pointer, bias?.pointer, before?.pointer, x.pointer,
          rounded?.bfloat16Pointer, rows(of: x, columns: columns), columns)
      }
    }
    if let rounded {
      x.storage.keep(rounded, for: .rounded(offset: x.offset, count: x.count))
    }
    return before
  }

  /// The gradients before the function, and of the bias.
  static func biasActivationBackward(
    _ function: UnaryFunction, saved: Tensor?, gradient: Tensor, wantsBias: Bool
  ) -> (input: Tensor, bias: Tensor?) {
    let columns = gradient.shape[-1]
    if case VK_IDENTITY = function.operation {
      return (gradient, wantsBias ? sumOfRows(gradient) : nil)
    }
    let bias = wantsBias ? Tensor(uninitialized: [columns]) : nil
    let input = Tensor(uninitialized: gradient.shape)
    Profiler.measure("bias activation backward", [saved, gradient, input, bias]) {
      function.withParameters {
        vk_bias_activation_backward(
          function.operation, $0, saved?.pointer, gradient.pointer, input.pointer, bias?.pointer,
          rows(of: gradient, columns: columns), columns)
      }
    }
    return (input, bias)
  }

  // MARK: Reductions

  static func reduce(
    _ operation: vk_reduce_op, _ input: Tensor, outer: Int, reduced: Int, inner: Int,
    into output: Tensor
  ) {
    Profiler.measure("reduce", [input, output]) {
      vk_reduce(operation, input.pointer, output.pointer, outer, reduced, inner)
    }
  }

  /// The sum over everything but the last axis.
  static func sumOfRows(_ input: Tensor) -> Tensor {
    let columns = input.shape[-1]
    let output = Tensor(uninitialized: [columns])
    reduce(
      VK_REDUCE_SUM, input, outer: 1, reduced: rows(of: input, columns: columns), inner: columns,
      into: output)
    return output
  }

  static func argmax(_ input: Tensor, outer: Int, reduced: Int, inner: Int, into output: Tensor) {
    Profiler.measure("argmax", [input, output]) {
      vk_argmax(input.pointer, output.indexPointer, outer, reduced, inner)
    }
  }

  static func doubleSum(_ input: Tensor) -> Double {
    Profiler.measure("sum", [input]) {
      vk_sum_f64(input.pointer, input.count)
    }
  }

  static func doubleSumOfSquares(_ input: Tensor) -> Double {
    Profiler.measure("sum squares", [input]) {
      vk_sum_squares_f64(input.pointer, input.count)
    }
  }

  static func softmax(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    Profiler.measure("softmax", [x, y]) {
      vk_softmax(x.pointer, y.pointer, rows, columns)
    }
    return y
  }

  static func softmaxBackward(_ y: Tensor, _ dy: Tensor, rows: Int, columns: Int) -> Tensor {
    let dx = Tensor(uninitialized: y.shape)
    Profiler.measure("softmax backward", [y, dy, dx]) {
      vk_softmax_backward(y.pointer, dy.pointer, dx.pointer, rows, columns)
    }
    return dx
  }

  static func logSoftmax(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    Profiler.measure("log softmax", [x, y]) {
      vk_log_softmax(x.pointer, y.pointer, rows, columns)
    }
    return y
  }

  static func logSoftmaxBackward(_ y: Tensor, _ dy: Tensor, rows: Int, columns: Int) -> Tensor {
    let dx = Tensor(uninitialized: y.shape)
    Profiler.measure("log softmax backward", [y, dy, dx]) {
      vk_log_softmax_backward(y.pointer, dy.pointer, dx.pointer, rows, columns)
    }
    return dx
  }

  static func logSumExp(_ x: Tensor, rows: Int, columns: Int, shape: Shape) -> Tensor {
    let y = Tensor(uninitialized: shape)
    Profiler.measure("log sum exp", [x, y]) {
      vk_log_sum_exp(x.pointer, y.pointer, rows, columns)
    }
    return y
  }

  static func logSumExpBackward(
    _ x: Tensor, _ y: Tensor, _ dy: Tensor, rows: Int, columns: Int
  ) -> Tensor {
    let dx = Tensor(uninitialized: x.shape)
    Profiler.measure("log sum exp backward", [x, y, dy, dx]) {
      vk_log_sum_exp_backward(x.pointer, y.pointer, dy.pointer, dx.pointer, rows, columns)
    }
    return dx
  }

  // MARK: Normalisation

  static func columnMoments(_ x: Tensor) -> (mean: Tensor, variance: Tensor) {
    let columns = x.shape[-1]
    let mean = Tensor(uninitialized: [columns])
    let variance = Tensor(uninitialized: [columns])
    Profiler.measure("column moments", [x, mean, variance]) {
      vk_column_moments(
        x.pointer, mean.pointer, variance.pointer, rows(of: x, columns: columns), columns)
    }
    return (mean, variance)
  }

  static func normalizeColumns(
    _ function: UnaryFunction, _ x: Tensor, mean: Tensor, inverseDeviation: Tensor, scale: Tensor,
    shift: Tensor
  ) -> Tensor {
    let columns = x.shape[-1]
    let y = Tensor(uninitialized: x.shape)
    Profiler.measure("normalize columns", [x, mean, inverseDeviation, scale, shift, y]) {
      function.withParameters {
        vk_normalize_columns(
          function.operation, $0, x.pointer, mean.pointer, inverseDeviation.pointer, scale.pointer,
          shift.pointer, y.pointer, rows(of: x, columns: columns), columns)
      }
    }
    return y
  }

  static func normalizeColumnsBackward(
    _ function: UnaryFunction, _ x: Tensor, mean: Tensor, inverseDeviation: Tensor, scale: Tensor,
    shift: Tensor, gradient: Tensor, wantsInput: Bool, batchStatistics: Bool
  ) -> (input: Tensor?, scale: Tensor, shift: Tensor) {
    let columns = x.shape[-1]
    let dx = wantsInput ? Tensor(uninitialized: x.shape) : nil
    let dscale = Tensor(uninitialized: [columns])
    let dshift = Tensor(uninitialized: [columns])
    Profiler.measure(
      "normalize columns backward",
      [x, mean, inverseDeviation, scale, shift, gradient, dx, dscale, dshift]
    ) {
      function.withParameters {
        vk_normalize_columns_backward(
          function.operation, $0, x.pointer, mean.pointer, inverseDeviation.pointer, scale.pointer,
          shift.pointer, gradient.pointer, dx?.pointer, dscale.pointer, dshift.pointer,
          rows(of: x, columns: columns), columns, batchStatistics ? 1 : 0)
      }
    }
    return (dx, dscale, dshift)
  }

  static func groupNormalize(
    _ function: UnaryFunction, _ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float,
    batch: Int, spatial: Int, channels: Int, groups: Int
  ) -> (output: Tensor, mean: Tensor, inverseDeviation: Tensor) {
    let mean = Tensor(uninitialized: [batch, groups])
    let inverseDeviation = Tensor(uninitialized: [batch, groups])
    let y = Tensor(uninitialized: x.shape)
    Profiler.measure("group normalize", [x, scale, shift, mean, inverseDeviation, y]) {
      function.withParameters {
        vk_group_normalize(
          function.operation, $0, x.pointer, scale.pointer, shift.pointer, epsilon, mean.pointer,
          inverseDeviation.pointer, y.pointer, batch, spatial, channels, groups)
      }
    }
    return (y, mean, inverseDeviation)
  }

  static func groupNormalizeBackward(
    _ function: UnaryFunction, _ x: Tensor, mean: Tensor, inverseDeviation: Tensor, scale: Tensor,
    shift: Tensor, gradient: Tensor, wantsInput: Bool, batch: Int, spatial: Int, channels: Int,
    groups: Int
  ) -> (input: Tensor?, scale: Tensor, shift: Tensor) {
    let dx = wantsInput ? Tensor(uninitialized: x.shape) : nil
    let dscale = Tensor(uninitialized: [channels])
    let dshift = Tensor(uninitialized: [channels])
    Profiler.measure(
      "group normalize backward",
      [x, mean, inverseDeviation, scale, shift, gradient, dx, dscale, dshift]
    ) {
      function.withParameters {
        vk_group_normalize_backward(
          function.operation, $0, x.pointer, mean.pointer, inverseDeviation.pointer, scale.pointer,
          shift.pointer, gradient.pointer, dx?.pointer, dscale.pointer, dshift.pointer, batch,
          spatial, channels, groups)
      }
    }
    return (dx, dscale, dshift)
  }

  // MARK: Movement

  /// Copies (or adds) a strided box of one tensor to a strided box of another.
  static func copyStrided(
    shape: [Int], from source: Tensor, sourceOffset: Int = 0, sourceStrides: [Int],
    to destination: Tensor, destinationOffset: Int = 0, destinationStrides: [Int],
    accumulating: Bool = false
  ) {
    Profiler.measure("copy strided", [source, destination]) {
      vk_copy_strided(
        Int32(shape.count), shape.map(Int64.init), source.pointer + sourceOffset,
        sourceStrides.map(Int64.init), destination.pointer + destinationOffset,
        destinationStrides.map(Int64.init), accumulating ? 1 : 0)
    }
  }

  static func gatherRows(_ table: Tensor, _ indices: Tensor, columns: Int, shape: Shape) -> Tensor {
    let output = Tensor(uninitialized: shape)
    Profiler.measure("gather rows", [table, indices, output]) {
      vk_gather_rows(table.pointer, indices.indexPointer, output.pointer, indices.count, columns)
    }
    return output
  }

  static func scatterAddRows(_ rows: Tensor, _ indices: Tensor, columns: Int, shape: Shape)
    -> Tensor
  {
    let table = Tensor.zeros(shape)
    Profiler.measure("scatter add rows", [rows, indices, table]) {
      vk_scatter_add_rows(rows.pointer, indices.indexPointer, table.pointer, indices.count, columns)
    }
    return table
  }

  static func upsampleNearest(_ x: Tensor, factorY: Int, factorX: Int) -> Tensor {
    let y = Tensor(uninitialized: [
      x.shape[0], x.shape[1] * factorY, x.shape[2] * factorX, x.shape[3],
    ])
    Profiler.measure("upsample nearest", [x, y]) {
      vk_upsample_nearest(
        x.pointer, y.pointer, x.shape[0], x.shape[1], x.shape[2], x.shape[3], factorY, factorX)
    }
    return y
  }

  static func upsampleNearestBackward(
    _ dy: Tensor, shape: Shape, factorY: Int, factorX: Int
  ) -> Tensor {
    let dx = Tensor(uninitialized: shape)
    Profiler.measure("upsample nearest backward", [dy, dx]) {
      vk_upsample_nearest_backward(
        dy.pointer, dx.pointer, shape[0], shape[1], shape[2], shape[3], factorY, factorX)
    }
    return dx
  }

  static func threshold(_ x: Tensor, above threshold: Float) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    Profiler.measure("threshold", [x, y]) {
      vk_threshold(x.pointer, threshold, y.pointer, x.count)
    }
    return y
  }

  // MARK: Support

  static func rows(of tensor: Tensor, columns: Int) -> Int {
    columns == 0 ? 0 : tensor.count / columns
  }
}
