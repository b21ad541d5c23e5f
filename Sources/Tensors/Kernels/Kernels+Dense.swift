import CVectorKernels

/// Kernels around the matrix product of a dense layer. Rows are everything but the last axis, whose
/// elements are the columns.
extension Kernels {
  /// y = function(x + bias) for `x` `[…, columns]` and `bias` `[columns]`, in place on `x`. When
  /// asked, gives the sum before the function as well, of the shape of `x`, and leaves the
  /// rounded result with `x` for the products that take it.
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
          function.operation, $0, x.pointer, bias?.pointer, before?.writePointer,
          x.writePointer,
          rounded?.bfloat16WritePointer, rows(of: x, columns: columns), columns)
      }
    }
    if let rounded {
      x.storage.keep(rounded, for: .rounded(offset: x.offset, count: x.count))
    }
    return before
  }

  /// The gradients before the function, of the shape of `gradient` `[…, columns]`, and of the
  /// bias, `[columns]`.
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
          function.operation, $0, saved?.pointer, gradient.pointer, input.writePointer,
          bias?.writePointer,
          rows(of: gradient, columns: columns), columns)
      }
    }
    return (input, bias)
  }
}
