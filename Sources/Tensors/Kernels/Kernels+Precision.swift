import CVectorKernels

/// Conversions to and from bfloat16.
extension Kernels {
  /// The nearest bfloat16 numbers.
  static func rounded(_ input: Tensor) -> Tensor {
    let output = Tensor(uninitialized: input.shape, elementType: .bfloat16)
    Profiler.measure("round", [input, output]) {
      vk_round_to_bfloat16(input.pointer, output.bfloat16WritePointer, input.count)
    }
    return output
  }

  /// The same values in 32 bits.
  static func widened(_ input: Tensor) -> Tensor {
    let output = Tensor(uninitialized: input.shape)
    Profiler.measure("widen", [input, output]) {
      vk_widen_bfloat16(input.bfloat16Pointer, output.writePointer, input.count)
    }
    return output
  }

  /// The gradient before a function for products that take bfloat16, and that of the bias in 32
  /// bits.
  static func roundedBiasActivationBackward(
    _ function: UnaryFunction, saved: Tensor?, gradient: Tensor, wantsBias: Bool
  ) -> (input: Tensor, bias: Tensor?) {
    if case VK_IDENTITY = function.operation, !wantsBias {
      return (gradient.operand(.bfloat16), nil)
    }
    let columns = gradient.shape[-1]
    let bias = wantsBias ? Tensor(uninitialized: [columns]) : nil
    let input = Tensor(uninitialized: gradient.shape, elementType: .bfloat16)
    Profiler.measure("bias activation backward", [saved, gradient, input, bias]) {
      function.withParameters {
        vk_bias_activation_backward_bfloat16(
          function.operation, $0, saved?.bfloat16Pointer, gradient.pointer,
          input.bfloat16WritePointer,
          bias?.writePointer, rows(of: gradient, columns: columns), columns)
      }
    }
    return (input, bias)
  }
}
