import Glibc

// MARK: - Symmetric positive definite matrices

extension Tensor {
  /// The Cholesky factor of symmetric positive definite matrices: the lower triangular L with a
  /// positive diagonal and L Lᵀ = A.
  ///
  /// Of each matrix the symmetric part (A + Aᵀ) / 2 is taken, and the gradient is symmetric: Ā = sym(L⁻ᵀ
  /// Φ(Lᵀ L̄) L⁻¹), where Φ takes the lower triangle and halves the diagonal (Murray 2016, "Differentiation
  /// of the Cholesky decomposition"). Everything is computed in double precision.
  ///
  /// A matrix that is not positive definite, or not finite, gives NaN in its whole factor and in its
  /// gradient; other matrices of the batch are not concerned. ``isFinite`` tells whether all have a factor.
  ///
  /// The loops are the module's own, d³/3 multiplications a matrix on one thread, and the threads divide
  /// a batch: meant for sizes d of up to about a thousand.
  ///
  /// ```swift
  /// // Draws of a normal distribution with a full covariance matrix [d, d]; noise is [d, N].
  /// let draws = covariance.cholesky().matrixProduct(noise)
  /// ```
  ///
  /// - Returns: a tensor of this shape, `[d, d]`, `[N, d, d]` or with more axes in front.
  public func cholesky() -> Tensor {
    checkSquare("a Cholesky factor")
    let output = Kernels.matrices("cholesky", [self], outputs: [shape]) {
      $0[0].symmetrized.choleskyFactor.map { [$0] }
    }[0]
    let input = detached()
    return .recorded(output, from: [self]) { gradient in
      Kernels.matrices("cholesky backward", [input, gradient], outputs: [input.shape]) { x in
        guard let factor = x[0].symmetrized.choleskyFactor else { return nil }
        let upper = factor.transposed
        var middle = (upper * x[1].triangle(upper: false)).triangle(upper: false)
        for index in 0..<middle.rows { middle[index, index] *= 0.5 }
        // L⁻ᵀ M L⁻¹ = (L⁻ᵀ (L⁻ᵀ M)ᵀ)ᵀ
        let left = upper.triangularSolve(middle, upper: true)
        return [upper.triangularSolve(left.transposed, upper: true).symmetrized]
      }
    }
  }

  /// log det A of symmetric positive definite matrices, 2 Σ log Lᵢᵢ of the Cholesky factor L.
  ///
  /// The symmetric part of each matrix is taken, and the gradient is A⁻¹. A matrix that is not positive
  /// definite, or not finite, gives NaN, as in ``cholesky()``.
  ///
  /// - Returns: a scalar for `[d, d]`, `[N]` for `[N, d, d]`: the axes in front of the last two.
  public func logDeterminant() -> Tensor {
    checkSquare("a determinant")
    let batch = Shape(Array(shape.dimensions.dropLast(2)))
    let numbers = Shape(batch.dimensions + [1, 1])
    let output = Kernels.matrices("log determinant", [self], outputs: [numbers]) { x in
      x[0].symmetrized.choleskyFactor.map { factor in
        let sum = (0..<factor.rows).reduce(0) { $0 + 2 * Glibc.log(factor[$1, $1]) }
        return [DoubleMatrix(rows: 1, columns: 1, repeating: sum)]
      }
    }[0]
    let input = detached()
    return .recorded(output.reshaped(to: batch), from: [self]) { gradient in
      Kernels.matrices(
        "log determinant backward", [input, gradient.reshaped(to: numbers)], outputs: [input.shape]
      ) { x in
        guard let factor = x[0].symmetrized.choleskyFactor else { return nil }
        // A⁻¹ = L⁻ᵀ L⁻¹
        let identity = DoubleMatrix(rows: factor.rows, columns: factor.rows) { $0 == $1 ? 1 : 0 }
        let inverse = factor.triangularSolve(identity, upper: false)
        var result = factor.transposed.triangularSolve(inverse, upper: true)
        for index in result.elements.indices { result.elements[index] *= x[1].elements[0] }
        return [result]
      }
    }
  }

  /// The solution X of T X = B, or of Tᵀ X = B, for triangular matrices T, which are this tensor.
  ///
  /// Only the named triangle of T is read, and its gradient is zero elsewhere: B̄ = T⁻ᵀ X̄ and T̄ = −B̄ Xᵀ,
  /// for the transposed system B̄ = T⁻¹ X̄ and T̄ = −X B̄ᵀ. Everything is computed in double precision. A zero on
  /// the diagonal gives infinities and NaN, as a division does.
  ///
  /// ```swift
  /// // (x − μ)ᵀ Σ⁻¹ (x − μ) for the columns of the deviations [d, N].
  /// let distances = covariance.cholesky().triangularSolve(deviations).squared().sum(axis: 0)
  /// ```
  ///
  /// - Parameters:
  ///   - right: B, `[…, d, k]` for `[…, d, d]`, with equal axes in front.
  ///   - upper: whether T is upper triangular, instead of lower.
  ///   - transposed: whether Tᵀ stands in place of T.
  /// - Returns: X, of the shape of `right`.
  public func triangularSolve(
    _ right: Tensor, upper: Bool = false, transposed: Bool = false
  ) -> Tensor {
    checkSquare("a triangular system")
    ensure(
      right.rank == rank && right.shape.replacing(axis: -1, with: shape[-1]) == shape,
      "a triangular system with a matrix of shape \(shape) cannot take a right side of shape "
        + "\(right.shape)")
    let output = Kernels.matrices("triangular solve", [self, right], outputs: [right.shape]) { x in
      [(transposed ? x[0].transposed : x[0]).triangularSolve(x[1], upper: upper != transposed)]
    }[0]
    let matrix = detached()
    let needs = isTracked
    return .recorded(output, from: [self, right]) { gradient in
      let rightGradient = Kernels.matrices(
        "triangular solve backward", [matrix, gradient], outputs: [gradient.shape]
      ) { x in
        [(transposed ? x[0] : x[0].transposed).triangularSolve(x[1], upper: upper == transposed)]
      }[0]
      guard needs else { return [nil, rightGradient] }
      let own = Kernels.matrices(
        "triangular solve backward", [output, rightGradient], outputs: [matrix.shape]
      ) { x in
        var product = transposed ? x[0] * x[1].transposed : x[1] * x[0].transposed
        for index in product.elements.indices { product.elements[index].negate() }
        return [product.triangle(upper: upper)]
      }[0]
      return [own, rightGradient]
    }
  }

  /// Stops where the last two axes are no square matrices.
  func checkSquare(_ what: String) {
    ensure(
      rank >= 2 && shape[-1] == shape[-2],
      "\(what) needs square matrices [..., d, d], not a tensor of shape \(shape)")
  }
}
