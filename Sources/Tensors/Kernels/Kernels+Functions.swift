/// Functions of single numbers in double precision, which cost so much that the calls and conversions
/// around them do not count.
extension Kernels {
  /// Elements that are worth waking a second thread for.
  private static let functionBlock = 1 << 9

  /// function(input), of the shape of `input`.
  static func map(
    _ name: StaticString, _ input: Tensor, _ function: @Sendable (Double) -> Double
  ) -> Tensor {
    let output = Tensor(uninitialized: input.shape)
    // Every thread writes to elements of its own.
    nonisolated(unsafe) let (x, y) = (input.pointer, output.writePointer)
    Profiler.measure(name, [input, output]) {
      Engine.divide(input.count, block: functionBlock) { elements in
        for index in elements { y[index] = Float(function(Double(x[index]))) }
      }
    }
    return output
  }

  /// `gradient` · derivative(input), of the shape of both.
  static func mapBackward(
    _ name: StaticString, _ input: Tensor, gradient: Tensor,
    _ derivative: @Sendable (Double) -> Double
  ) -> Tensor {
    let output = Tensor(uninitialized: input.shape)
    nonisolated(unsafe) let (x, dy, dx) = (input.pointer, gradient.pointer, output.writePointer)
    Profiler.measure(name, [input, gradient, output]) {
      Engine.divide(input.count, block: functionBlock) { elements in
        for index in elements {
          dx[index] = Float(Double(dy[index]) * derivative(Double(x[index])))
        }
      }
    }
    return output
  }
}
