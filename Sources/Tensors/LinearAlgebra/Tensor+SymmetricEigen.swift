extension Tensor {
  /// The eigenvalues and eigenvectors of symmetric matrices: A = V diag(λ) Vᵀ.
  ///
  /// Of each matrix the symmetric part (A + Aᵀ) / 2 is taken, and it is decomposed in double precision.
  /// Eigenvalues rise. Eigenvectors have length one, and their largest component (the first of equally
  /// large ones) is positive.
  ///
  /// The gradient is symmetric: V (diag(λ̄) + F ∘ (Vᵀ V̄)) Vᵀ, symmetrised, with Fᵢⱼ = 1 / (λⱼ − λᵢ)
  /// (Giles 2008, "Collected matrix derivative results"). Vectors of equal eigenvalues have no derivative;
  /// their F is zero here, which is right for whatever does not depend on the choice among them. The closer
  /// two eigenvalues are, the larger and the less accurate is the gradient of their vectors. The eigenvalues'
  /// own gradient is always bounded.
  ///
  /// A matrix with an element that is not finite gives NaN throughout; other matrices of the batch are
  /// not concerned.
  ///
  /// The loops are the module's own, about 9 d³ multiplications a matrix on one thread, and the threads
  /// divide a batch: meant for sizes d of up to some hundreds within a training, and of up to about two thousand
  /// once.
  ///
  /// ```swift
  /// // The square root of a positive semi-definite matrix.
  /// let (values, vectors) = covariance.symmetricEigen()
  /// let root = (vectors * values.relu().squareRoot()).matrixProduct(vectors, rightTransposed: true)
  /// ```
  ///
  /// - Returns: for `[d, d]` the eigenvalues `[d]` and the eigenvectors `[d, d]`, one a column; axes in
  ///   front, such as `[N, d, d]`, are kept.
  public func symmetricEigen() -> (values: Tensor, vectors: Tensor) {
    checkSquare("an eigenvalue decomposition")
    let vector = shape.removing(axis: -1)
    let column = Shape(vector.dimensions + [1])
    let results = Kernels.matrices("symmetric eigen", [self], outputs: [column, shape]) { x in
      x[0].symmetrized.symmetricEigen.map { eigen in
        [
          DoubleMatrix(rows: eigen.values.count, columns: 1, elements: eigen.values),
          eigen.vectors.transposed,
        ]
      }
    }
    let (values, vectors) = (results[0], results[1])
    let own = shape
    return (
      .recorded(values.reshaped(to: vector), from: [self]) { gradient in
        Kernels.matrices(
          "symmetric eigen backward", [vectors, gradient.reshaped(to: column)], outputs: [own]
        ) { x in
          let scaled = DoubleMatrix(rows: x[0].rows, columns: x[0].rows) {
            x[0][$0, $1] * x[1].elements[$1]
          }
          return [(scaled * x[0].transposed).symmetrized]
        }
      },
      .recorded(vectors, from: [self]) { gradient in
        Kernels.matrices("symmetric eigen backward", [values, vectors, gradient], outputs: [own]) {
          x in
          let inner = x[1].transposed * x[2]
          let weighted = DoubleMatrix(rows: inner.rows, columns: inner.columns) {
            let gap = x[0].elements[$1] - x[0].elements[$0]
            return gap == 0 ? 0 : inner[$0, $1] / gap
          }
          return [(x[1] * weighted * x[1].transposed).symmetrized]
        }
      }
    )
  }
}
