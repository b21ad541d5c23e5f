extension DoubleMatrix {
  /// The eigenvalues of this symmetric matrix, rising; nil where an element is not finite.
  package var eigenvalues: [Double]? { symmetrized.symmetricEigen?.values }

  /// The positive semi-definite square root of this symmetric matrix, whose eigenvalues below zero count as
  /// zero: V diag(√λ) Vᵀ. Nil where an element is not finite.
  package var squareRoot: DoubleMatrix? {
    guard let (values, vectors) = symmetrized.symmetricEigen else { return nil }
    // Vectors are rows here.
    let scaled = DoubleMatrix(rows: rows, columns: columns) { row, column in
      max(0, values[row]).squareRoot().squareRoot() * vectors[row, column]
    }
    return scaled.transposed * scaled
  }
}
