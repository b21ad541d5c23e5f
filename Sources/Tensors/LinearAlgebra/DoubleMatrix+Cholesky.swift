extension DoubleMatrix {
  /// The lower triangular L with L Lᵀ = A, row by row (Golub & Van Loan 2013, section 4.2); only the
  /// lower triangle is read.
  ///
  /// - Returns: nil where the matrix is not positive definite, or not finite.
  package var choleskyFactor: DoubleMatrix? {
    var factor = DoubleMatrix(rows: rows, columns: columns)
    let n = columns
    let isPositive = factor.elements.withUnsafeMutableBufferPointer { l in
      for row in 0..<n {
        for column in 0...row {
          var sum = elements[row * n + column]
          for inner in 0..<column { sum -= l[row * n + inner] * l[column * n + inner] }
          if column < row {
            l[row * n + column] = sum / l[column * n + column]
          } else {
            // Not `<=`: a comparison with NaN is false.
            guard sum > 0, sum.isFinite else { return false }
            l[row * n + row] = sum.squareRoot()
          }
        }
      }
      return true
    }
    return isPositive ? factor : nil
  }

  /// X with T X = B for this triangular matrix T, whose other triangle is not read, by substitution. A
  /// zero on the diagonal gives infinities and NaN.
  package func triangularSolve(_ right: DoubleMatrix, upper: Bool) -> DoubleMatrix {
    var solution = right
    let (n, width) = (columns, right.columns)
    solution.elements.withUnsafeMutableBufferPointer { x in
      for step in 0..<n {
        let row = upper ? n - 1 - step : step
        for other in upper ? row + 1..<n : 0..<row {
          let factor = elements[row * n + other]
          for column in 0..<width { x[row * width + column] -= factor * x[other * width + column] }
        }
        let pivot = elements[row * n + row]
        for column in 0..<width { x[row * width + column] /= pivot }
      }
    }
    return solution
  }
}
