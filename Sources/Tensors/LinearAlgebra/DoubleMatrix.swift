/// A dense matrix in double precision, row by row: what decompositions compute with between two
/// tensors in single precision.
package struct DoubleMatrix: Sendable {
  package let rows: Int
  package let columns: Int
  /// The elements, row by row.
  package var elements: [Double]

  package init(rows: Int, columns: Int, elements: [Double]) {
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  /// A matrix with the same value everywhere.
  package init(rows: Int, columns: Int, repeating value: Double = 0) {
    self.init(
      rows: rows, columns: columns, elements: [Double](repeating: value, count: rows * columns))
  }

  /// A matrix whose elements a closure computes.
  package init(rows: Int, columns: Int, _ element: (_ row: Int, _ column: Int) -> Double) {
    self.init(rows: rows, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns { self[row, column] = element(row, column) }
    }
  }

  package subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  var isFinite: Bool { elements.allSatisfy(\.isFinite) }

  var transposed: DoubleMatrix {
    DoubleMatrix(rows: columns, columns: rows) { self[$1, $0] }
  }

  /// (A + Aᵀ) / 2
  var symmetrized: DoubleMatrix {
    DoubleMatrix(rows: rows, columns: columns) { 0.5 * (self[$0, $1] + self[$1, $0]) }
  }

  /// Zeros above the diagonal, or below it.
  func triangle(upper: Bool) -> DoubleMatrix {
    DoubleMatrix(rows: rows, columns: columns) {
      (upper ? $0 <= $1 : $0 >= $1) ? self[$0, $1] : 0
    }
  }

  /// The matrix product.
  package static func * (a: DoubleMatrix, b: DoubleMatrix) -> DoubleMatrix {
    var product = DoubleMatrix(rows: a.rows, columns: b.columns)
    let n = b.columns
    product.elements.withUnsafeMutableBufferPointer { product in
      b.elements.withUnsafeBufferPointer { b in
        for row in 0..<a.rows {
          for inner in 0..<a.columns {
            let factor = a.elements[row * a.columns + inner]
            for column in 0..<n { product[row * n + column] += factor * b[inner * n + column] }
          }
        }
      }
    }
    return product
  }
}
