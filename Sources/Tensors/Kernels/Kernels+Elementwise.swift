import CVectorKernels

/// Kernels that treat every element alike, and those of two tensors that broadcast.
extension Kernels {
  /// `output`, of any shape, becomes `value` everywhere.
  static func fill(_ value: Float, _ output: Tensor) {
    Profiler.measure("fill", [output]) {
      vk_fill(value, output.writePointer, output.count)
    }
  }

  /// function(input), of the shape of `input`.
  static func unary(_ function: UnaryFunction, _ input: Tensor) -> Tensor {
    let output = Tensor(uninitialized: input.shape)
    unary(function, input, into: output)
    return output
  }

  /// The same into memory that is there, which may be that of `input`.
  static func unary(_ function: UnaryFunction, _ input: Tensor, into output: Tensor) {
    Profiler.measure("unary", [input, output]) {
      function.withParameters {
        vk_unary(function.operation, $0, input.pointer, output.writePointer, input.count)
      }
    }
  }

  /// The gradient of the input: `gradient` · function′, of the shape of `gradient`. `saved` has
  /// it too: input or output of the forward pass as `function.saved` says, nil for neither.
  static func unaryBackward(_ function: UnaryFunction, saved: Tensor?, gradient: Tensor) -> Tensor {
    let output = Tensor(uninitialized: gradient.shape)
    Profiler.measure("unary backward", [saved, gradient, output]) {
      function.withParameters {
        vk_unary_backward(
          function.operation, $0, saved?.pointer, gradient.pointer, output.writePointer,
          gradient.count)
      }
    }
    return output
  }

  /// a op b with broadcasting to `shape`, which both broadcast to.
  static func binary(_ operation: vk_binary_op, _ a: Tensor, _ b: Tensor, shape: Shape) -> Tensor {
    let output = Tensor(uninitialized: shape)
    if a.shape.count == shape.count, b.shape.count == shape.count {
      binary(operation, a, b, into: output)
    } else {
      Profiler.measure("binary broadcast", [a, b, output]) {
        vk_binary_broadcast(
          operation, Int32(shape.rank), shape.dimensions.map(Int64.init), a.pointer,
          a.shape.broadcastStrides(to: shape), b.pointer, b.shape.broadcastStrides(to: shape),
          output.writePointer)
      }
    }
    return output
  }

  /// a op b of equal shapes into memory that is there, which may be that of either.
  static func binary(_ operation: vk_binary_op, _ a: Tensor, _ b: Tensor, into output: Tensor) {
    Profiler.measure("binary", [a, b, output]) {
      vk_binary(operation, a.pointer, b.pointer, output.writePointer, output.count)
    }
  }

  /// factor · x into memory that is there, of as many elements.
  static func multiply(_ x: Tensor, by factor: Float, into output: Tensor) {
    Profiler.measure("multiply", [x, output]) {
      withUnsafePointer(to: factor) {
        vk_binary_broadcast(
          VK_MULTIPLY, 1, [Int64(x.count)], x.pointer, [1], $0, [0], output.writePointer)
      }
    }
  }

  /// a + b of equal shapes.
  static func sum(_ a: Tensor, _ b: Tensor) -> Tensor {
    binary(VK_ADD, a, b, shape: a.shape)
  }

  /// target += scale · addend, of one shape, in place.
  static func add(_ addend: Tensor, to target: Tensor, scale: Float = 1) {
    Profiler.measure("axpy", [addend, target]) {
      vk_axpy(scale, addend.pointer, target.writePointer, target.count)
    }
  }

  /// Whether every element of a tensor of any shape is finite.
  static func allFinite(_ input: Tensor) -> Bool {
    Profiler.measure("all finite", [input]) {
      vk_all_finite(input.pointer, input.count) != 0
    }
  }
}
