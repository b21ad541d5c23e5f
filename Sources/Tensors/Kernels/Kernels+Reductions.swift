import CVectorKernels

/// Kernels that add up or compare along an axis. A tensor counts as `[outer, reduced, inner]`, or as
/// `[rows, columns]` where the axis is the last.
extension Kernels {
  /// `input` `[outer, reduced, inner]` to `output` `[outer, inner]`.
  static func reduce(
    _ operation: vk_reduce_op, _ input: Tensor, outer: Int, reduced: Int, inner: Int,
    into output: Tensor
  ) {
    Profiler.measure("reduce", [input, output]) {
      vk_reduce(operation, input.pointer, output.writePointer, outer, reduced, inner)
    }
  }

  /// The sum over everything but the last axis: `[…, columns]` to `[columns]`.
  static func sumOfRows(_ input: Tensor) -> Tensor {
    let columns = input.shape[-1]
    let output = Tensor(uninitialized: [columns])
    reduce(
      VK_REDUCE_SUM, input, outer: 1, reduced: rows(of: input, columns: columns), inner: columns,
      into: output)
    return output
  }

  /// The index of the largest along the middle axis, the first of equals: `input` `[outer,
  /// reduced, inner]` to the index tensor `output` `[outer, inner]`.
  static func argmax(_ input: Tensor, outer: Int, reduced: Int, inner: Int, into output: Tensor) {
    Profiler.measure("argmax", [input, output]) {
      vk_argmax(input.pointer, output.indexWritePointer, outer, reduced, inner)
    }
  }

  /// The sum of all elements in double precision, whatever the shape.
  static func doubleSum(_ input: Tensor) -> Double {
    Profiler.measure("sum", [input]) {
      vk_sum_f64(input.pointer, input.count)
    }
  }

  /// The sum of all squared elements in double precision, whatever the shape.
  static func doubleSumOfSquares(_ input: Tensor) -> Double {
    Profiler.measure("sum squares", [input]) {
      vk_sum_squares_f64(input.pointer, input.count)
    }
  }

  /// eˣ / Σ eˣ for each of `rows`, of the shape of `x`.
  static func softmax(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    Profiler.measure("softmax", [x, y]) {
      vk_softmax(x.pointer, y.writePointer, rows, columns)
    }
    return y
  }

  /// The gradient of x from the output `y` and its gradient `dy`, all `[rows, columns]`.
  static func softmaxBackward(_ y: Tensor, _ dy: Tensor, rows: Int, columns: Int) -> Tensor {
    let dx = Tensor(uninitialized: y.shape)
    Profiler.measure("softmax backward", [y, dy, dx]) {
      vk_softmax_backward(y.pointer, dy.pointer, dx.writePointer, rows, columns)
    }
    return dx
  }

  /// x − log Σ eˣ for each of `rows`, of the shape of `x`.
  static func logSoftmax(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    Profiler.measure("log softmax", [x, y]) {
      vk_log_softmax(x.pointer, y.writePointer, rows, columns)
    }
    return y
  }

  /// The gradient of x from the output `y` and its gradient `dy`, all `[rows, columns]`.
  static func logSoftmaxBackward(_ y: Tensor, _ dy: Tensor, rows: Int, columns: Int) -> Tensor {
    let dx = Tensor(uninitialized: y.shape)
    Profiler.measure("log softmax backward", [y, dy, dx]) {
      vk_log_softmax_backward(y.pointer, dy.pointer, dx.writePointer, rows, columns)
    }
    return dx
  }

  /// log Σ eˣ for each of `rows`: `[rows, columns]` to `shape`, which has `rows` elements.
  static func logSumExp(_ x: Tensor, rows: Int, columns: Int, shape: Shape) -> Tensor {
    let y = Tensor(uninitialized: shape)
    Profiler.measure("log sum exp", [x, y]) {
      vk_log_sum_exp(x.pointer, y.writePointer, rows, columns)
    }
    return y
  }

  /// The gradient of `x` `[rows, columns]` from the output `y` and its gradient `dy`, `[rows]`
  /// each.
  static func logSumExpBackward(
    _ x: Tensor, _ y: Tensor, _ dy: Tensor, rows: Int, columns: Int
  ) -> Tensor {
    let dx = Tensor(uninitialized: x.shape)
    Profiler.measure("log sum exp backward", [x, y, dy, dx]) {
      vk_log_sum_exp_backward(x.pointer, y.pointer, dy.pointer, dx.writePointer, rows, columns)
    }
    return dx
  }
}
