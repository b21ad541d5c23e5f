extension Tensor {
  /// The matrix product of `[…, k]` and `[k, n]`. Either may be read transposed where it is a matrix,
  /// without a copy.
  ///
  /// ```swift
  /// let scores = queries.matrixProduct(keys, rightTransposed: true)  // [N, d] and [M, d] give [N, M]
  /// ```
  ///
  /// - Parameters:
  ///   - right: `[k, n]`, or `[n, k]` where it is read transposed.
  ///   - transposed: whether this tensor is read transposed.
  ///   - rightTransposed: whether `right` is.
  /// - Returns: `[…, n]`.
  public func matrixProduct(
    _ right: Tensor, transposed: Bool = false, rightTransposed: Bool = false
  ) -> Tensor {
    ensure(
      rank >= 1 && (rank == 2 || !transposed) && right.rank == 2,
      "shapes \(shape) and \(right.shape) are no matrices to multiply")
    let k = transposed ? shape[0] : shape[-1]
    let m = k == 0 ? shape.count(0..<rank - 1) : count / k
    let n = rightTransposed ? right.shape[0] : right.shape[1]
    ensure(
      k == (rightTransposed ? right.shape[1] : right.shape[0]),
      "shapes \(shape)\(transposed ? " transposed" : "") and "
        + "\(right.shape)\(rightTransposed ? " transposed" : "") do not multiply")
    let target: Shape = transposed ? [m, n] : shape.replacing(axis: -1, with: n)
    let needs = (isTracked, right.isTracked)
    let precision = Precision.ofProduct(recorded: isRecording && (needs.0 || needs.1))
    let (a, b) = (operand(precision), right.operand(precision))
    let output = Kernels.matrixProduct(
      a, leftTransposed: transposed, b, rightTransposed: rightTransposed, m: m, n: n, k: k,
      shape: target)
    return .recorded(output, from: [self, right]) { gradient in
      let gradient = gradient.operand(precision)
      var gradientA: Tensor?
      var gradientB: Tensor?
      if needs.0 {
        // dA = dC · op(B)ᵀ, itself transposed where A was.
        gradientA =
          transposed
          ? Kernels.matrixProduct(
            b, leftTransposed: rightTransposed, gradient, rightTransposed: true, m: k, n: m, k: n,
            shape: a.shape)
          : Kernels.matrixProduct(
            gradient, b, rightTransposed: !rightTransposed, m: m, n: k, k: n, shape: a.shape)
      }
      if needs.1 {
        // dB = op(A)ᵀ · dC, itself transposed where B was.
        gradientB =
          rightTransposed
          ? Kernels.matrixProduct(
            gradient, leftTransposed: true, a, rightTransposed: transposed, m: n, n: k, k: m,
            shape: b.shape)
          : Kernels.matrixProduct(
            a, leftTransposed: !transposed, gradient, m: k, n: n, k: m, shape: b.shape)
      }
      return [gradientA, gradientB]
    }
  }

  /// A dense layer in one operation: activation(x · W + bias), with gradients for all three.
  ///
  /// Where x is a constant that is mostly zeros, such as images of digits, both of its products skip
  /// the zeros.
  ///
  /// - Parameters:
  ///   - weights: W, `[inputs, outputs]`.
  ///   - bias: `[outputs]`, nil for none.
  ///   - activation: of the sum.
  /// - Returns: `[…, outputs]` for `[…, inputs]`.
  public func dense(weights: Tensor, bias: Tensor?, activation: Activation = .identity) -> Tensor {
    ensure(
      rank >= 1 && weights.rank == 2 && shape[-1] == weights.shape[0],
      "a dense layer with weights \(weights.shape) cannot take an input of shape \(shape)")
    ensure(
      bias.map { $0.shape == [weights.shape[1]] } ?? true,
      "a bias of shape \(bias?.shape ?? []) does not fit weights \(weights.shape)")
    let (k, n) = (weights.shape[0], weights.shape[1])
    let m = shape.count(0..<rank - 1)
    let isRecorded = isRecording && (isTracked || weights.isTracked || bias?.isTracked ?? false)
    let precision = Precision.ofProduct(recorded: isRecorded)
    let (x, w) = (operand(precision), weights.operand(precision))
    let target = shape.replacing(axis: -1, with: n)
    let sparse =
      isTracked || precision != .float32
      ? nil : SparseMatrix(x, rows: m, columns: k, forProductOf: n)
    let output =
      sparse.map { Kernels.matrixProduct($0, w, n: n, shape: target) }
      ?? Kernels.matrixProduct(x, w, m: m, n: n, k: k, shape: target)
    let finish = BiasActivation(
      output, bias: bias, activation: activation, keeping: isRecorded, precision)
    let needs = (isTracked, weights.isTracked, bias?.isTracked ?? false)
    let inputs = [self, weights] + (bias.map { [$0] } ?? [])
    return .recorded(output, from: inputs) { gradient in
      let (inner, biasGradient) = finish.backward(gradient, wantsBias: needs.2)
      return [
        needs.0
          ? Kernels.matrixProduct(inner, w, rightTransposed: true, m: m, n: k, k: n, shape: x.shape)
          : nil,
        needs.1
          ? sparse.map { Kernels.matrixProduct($0.transposed, inner, n: n, shape: w.shape) }
            ?? Kernels.matrixProduct(
              x, leftTransposed: true, inner, m: k, n: n, k: m, shape: w.shape)
          : nil,
        biasGradient,
      ]
    }
  }

  /// A bias `[channels]` added along the last axis, then an activation, in one pass.
  public func addingBias(_ bias: Tensor, activation: Activation = .identity) -> Tensor {
    ensure(
      rank >= 1 && bias.shape == [shape[-1]], "a bias of shape \(bias.shape) does not fit \(shape)")
    let output = copied()
    let isRecorded = isRecording && (isTracked || bias.isTracked)
    let finish = BiasActivation(output, bias: bias, activation: activation, keeping: isRecorded)
    let needs = (isTracked, bias.isTracked)
    return .recorded(output, from: [self, bias]) { gradient in
      let (inner, biasGradient) = finish.backward(gradient, wantsBias: needs.1)
      return [needs.0 ? inner : nil, biasGradient]
    }
  }
}

/// Bias and activation applied in place to a fresh output of a dense or convolution layer, with
/// what their backward pass needs.
struct BiasActivation {
  private let function: UnaryFunction
  private let saved: Tensor?
  private let precision: Precision

  /// Changes `output` in place; it must not be shared yet. With reduced precision the derivative is
  /// taken at the rounded values, which the next product keeps as well.
  init(
    _ output: Tensor, bias: Tensor?, activation: Activation, keeping isRecorded: Bool,
    _ precision: Precision = .float32
  ) {
    function = activation.function
    self.precision = precision
    var saved: Tensor?
    if bias != nil || activation != .identity {
      let before = Kernels.biasActivation(
        function, inPlace: output, bias: bias, keepingInput: isRecorded && function.saved == .input,
        rounding: isRecorded && precision == .bfloat16 && activation != .identity)
      if isRecorded {
        saved = (function.saved == .output ? output : before)?.operand(precision)
      }
    }
    self.saved = saved
  }

  /// The gradients before the activation, as products of this precision take it, and of the bias.
  func backward(_ gradient: Tensor, wantsBias: Bool) -> (input: Tensor, bias: Tensor?) {
    switch precision {
    case .float32:
      Kernels.biasActivationBackward(
        function, saved: saved, gradient: gradient, wantsBias: wantsBias)
    case .bfloat16:
      Kernels.roundedBiasActivationBackward(
        function, saved: saved, gradient: gradient, wantsBias: wantsBias)
    }
  }
}
