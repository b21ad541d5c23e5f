/// What the backward pass of a custom operation computes from.
public struct CustomGradient {
  /// The operation's inputs, as constants.
  public let inputs: [Tensor]
  /// What the operation computed from them.
  public let output: Tensor
  /// The gradient of the output, of its shape.
  public let gradient: Tensor
  /// For each input whether its gradient is asked for: the others are constants, whose gradients
  /// nobody reads.
  public let isNeeded: [Bool]
}

extension Tensor {
  /// An operation of one's own with a gradient of one's own, for what the module's operations cannot
  /// express or where their gradients would be slow, inaccurate or not the wanted ones.
  ///
  /// `value` is called once, at once. `gradient` is called once in each backward pass that reaches the
  /// output, on the thread of ``backward()``; until then the tape keeps inputs and output alive. What
  /// either computes is not recorded, so that operations of all kinds may be used in them. A tensor that
  /// they capture instead of taking it as an input is a constant. Where no input is tracked, or inside
  /// ``withoutTape(_:)``, only `value` is called.
  ///
  /// ```swift
  /// // Rounding to whole numbers, whose gradient is passed straight through (Bengio et al. 2013).
  /// let codes = Tensor.custom("round", of: [latents]) { inputs in
  ///   Tensor(inputs[0].floats.map { $0.rounded() }, shape: inputs[0].shape)
  /// } gradient: { pass in
  ///   [pass.gradient]
  /// }
  ///
  /// // The product of two tensors of one shape.
  /// let product = Tensor.custom("product", of: [a, b]) { $0[0] * $0[1] } gradient: { pass in
  ///   [
  ///     pass.isNeeded[0] ? pass.gradient * pass.inputs[1] : nil,
  ///     pass.isNeeded[1] ? pass.gradient * pass.inputs[0] : nil,
  ///   ]
  /// }
  /// ```
  ///
  /// Gradients of the wrong number or shape are a programming error, which stops the process with a
  /// message that names the operation. ``applying(_:derivative:)`` is shorter for functions of single
  /// numbers.
  ///
  /// - Parameters:
  ///   - name: what error messages call the operation.
  ///   - inputs: the tensors that gradients flow to. Index tensors may be among them; they get none.
  ///   - value: the output from the inputs, of any shape. An index tensor is a constant.
  ///   - gradient: one gradient an input, of its shape, in their order: Σ gradient[i] · ∂output[i] /
  ///     ∂input. Nil stands for zero, and for what is not needed.
  /// - Returns: what `value` returns, with the tape behind it.
  public static func custom(
    _ name: String, of inputs: [Tensor], value: (_ inputs: [Tensor]) throws -> Tensor,
    gradient: @escaping (_ pass: CustomGradient) -> [Tensor?]
  ) rethrows -> Tensor {
    let constants = inputs.map { $0.detached() }
    let output = try withoutTape { try value(constants) }.detached()
    guard output.elementType == .float32 else { return output }
    let needs = inputs.map(\.isTracked)
    return .recorded(output, from: inputs) { arrived in
      let gradients = gradient(
        CustomGradient(inputs: constants, output: output, gradient: arrived, isNeeded: needs))
      ensure(
        gradients.count == constants.count,
        "the backward pass of operation \(name) gives \(gradients.count) gradients for "
          + "\(constants.count) inputs")
      return gradients.indices.map { index in
        guard needs[index], let given = gradients[index] else { return nil }
        let input = constants[index]
        ensure(
          given.shape == input.shape && given.elementType == .float32,
          "the backward pass of operation \(name) gives input \(index) of shape \(input.shape) a "
            + "gradient of \(given.elementType) \(given.shape)")
        return given.detached()
      }
    }
  }
}
