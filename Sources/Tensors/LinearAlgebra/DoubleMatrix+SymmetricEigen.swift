import Glibc

extension DoubleMatrix {
  /// The eigenvalues of this symmetric matrix, rising, and its eigenvectors, one a row, each of length
  /// one with its largest component above zero (the first of equally large ones).
  ///
  /// - Returns: nil where an element is not finite, or where the iteration does not end.
  var symmetricEigen: (values: [Double], vectors: DoubleMatrix)? {
    let scale = elements.reduce(0) { max($0, $1.magnitude) }
    guard isFinite, scale > 0 else {
      return isFinite
        ? (
          [Double](repeating: 0, count: rows),
          DoubleMatrix(rows: rows, columns: columns) { $0 == $1 ? 1 : 0 }
        ) : nil
    }
    var scaled = self
    for index in scaled.elements.indices { scaled.elements[index] /= scale }
    var reduction = Tridiagonal(scaled)
    guard reduction.diagonalize() else { return nil }
    let order = reduction.diagonal.indices.sorted {
      (reduction.diagonal[$0], $0) < (reduction.diagonal[$1], $1)
    }
    var vectors = DoubleMatrix(rows: rows, columns: columns)
    for (row, source) in order.enumerated() {
      let vector = reduction.vectors[source * columns..<(source + 1) * columns]
      var largest = 0.0
      for component in vector where component.magnitude > largest.magnitude { largest = component }
      for (column, component) in vector.enumerated() {
        vectors[row, column] = largest < 0 ? -component : component
      }
    }
    return (order.map { reduction.diagonal[$0] * scale }, vectors)
  }
}

/// A symmetric matrix as Q T Qᵀ with a tridiagonal T: Householder's reduction, then the QL algorithm with
/// implicit shifts, by Bowdler, Martin, Reinsch and Wilkinson (Handbook for Automatic Computation,
/// volume II, 1971; tred2 and tql2 of EISPACK).
///
/// Where those go down a column, this goes along a row: Q is kept transposed.
private struct Tridiagonal {
  private let n: Int
  /// The diagonal of T; the eigenvalues in the end.
  private(set) var diagonal: [Double]
  /// What stands beside the diagonal.
  private var beside: [Double]
  /// Qᵀ, row by row; the eigenvectors in the end.
  private(set) var vectors: [Double]

  /// The reduction of a matrix of at least one row.
  init(_ matrix: DoubleMatrix) {
    let n = matrix.rows
    var d = [Double](repeating: 0, count: n)
    var e = d
    var v = matrix.elements
    v.withUnsafeMutableBufferPointer { v in
      for j in 0..<n { d[j] = v[j * n + n - 1] }
      for i in stride(from: n - 1, to: 0, by: -1) {
        Self.reflect(i, n, v, &d, &e)
      }
      Self.accumulate(n, v, &d)
      e[0] = 0
    }
    (self.n, diagonal, beside, vectors) = (n, d, e, v)
  }

  /// Takes row i to tridiagonal form.
  private static func reflect(
    _ i: Int, _ n: Int, _ v: UnsafeMutableBufferPointer<Double>, _ d: inout [Double],
    _ e: inout [Double]
  ) {
    var h = 0.0
    let scale = d[..<i].reduce(0) { $0 + $1.magnitude }
    guard scale > 0 else {
      e[i] = d[i - 1]
      for j in 0..<i {
        d[j] = v[j * n + i - 1]
        v[j * n + i] = 0
        v[i * n + j] = 0
      }
      d[i] = 0
      return
    }
    for k in 0..<i {
      d[k] /= scale
      h += d[k] * d[k]
    }
    let f = d[i - 1]
    let g = f > 0 ? -h.squareRoot() : h.squareRoot()
    e[i] = scale * g
    h -= f * g
    d[i - 1] = f - g
    for j in 0..<i { e[j] = 0 }
    for j in 0..<i {
      let f = d[j]
      v[i * n + j] = f
      var g = e[j] + v[j * n + j] * f
      for k in j + 1..<max(i, j + 1) {
        g += v[j * n + k] * d[k]
        e[k] += v[j * n + k] * f
      }
      e[j] = g
    }
    var sum = 0.0
    for j in 0..<i {
      e[j] /= h
      sum += e[j] * d[j]
    }
    let half = sum / (h + h)
    for j in 0..<i { e[j] -= half * d[j] }
    for j in 0..<i {
      let (f, g) = (d[j], e[j])
      for k in j..<i { v[j * n + k] -= f * e[k] + g * d[k] }
      d[j] = v[j * n + i - 1]
      v[j * n + i] = 0
    }
    d[i] = h
  }

  /// Multiplies the reflections.
  private static func accumulate(
    _ n: Int, _ v: UnsafeMutableBufferPointer<Double>, _ d: inout [Double]
  ) {
    for i in 0..<n - 1 {
      v[i * n + n - 1] = v[i * n + i]
      v[i * n + i] = 1
      let h = d[i + 1]
      if h != 0 {
        for k in 0...i { d[k] = v[(i + 1) * n + k] / h }
        for j in 0...i {
          var g = 0.0
          for k in 0...i { g += v[(i + 1) * n + k] * v[j * n + k] }
          for k in 0...i { v[j * n + k] -= g * d[k] }
        }
      }
      for k in 0...i { v[(i + 1) * n + k] = 0 }
    }
    for j in 0..<n {
      d[j] = v[j * n + n - 1]
      v[j * n + n - 1] = 0
    }
    v[n * n - 1] = 1
  }

  /// Takes T to diagonal form; false where that does not end, or ends in numbers that are not finite.
  mutating func diagonalize() -> Bool {
    for i in 1..<max(1, n) { beside[i - 1] = beside[i] }
    beside[n - 1] = 0
    var (shift, largest) = (0.0, 0.0)
    for l in 0..<n {
      largest = max(largest, diagonal[l].magnitude + beside[l].magnitude)
      let least = Double.ulpOfOne * largest
      // The last element is zero, so that there is always one to find.
      let m = beside[l...].firstIndex { $0.magnitude <= least } ?? n - 1
      var rounds = 0
      while m > l, beside[l].magnitude > least {
        rounds += 1
        // Two or three are usual.
        guard rounds <= 100 else { return false }
        shift += rotate(from: l, to: m)
      }
      diagonal[l] += shift
      beside[l] = 0
    }
    return diagonal.allSatisfy(\.isFinite) && vectors.allSatisfy(\.isFinite)
  }

  /// One step of the QL algorithm on the block from l to m; gives the shift.
  private mutating func rotate(from l: Int, to m: Int) -> Double {
    var p = (diagonal[l + 1] - diagonal[l]) / (2 * beside[l])
    let r = p < 0 ? -euclideanNorm(p, 1) : euclideanNorm(p, 1)
    let before = diagonal[l]
    diagonal[l] = beside[l] / (p + r)
    diagonal[l + 1] = beside[l] * (p + r)
    let next = diagonal[l + 1]
    let shift = before - diagonal[l]
    for i in l + 2..<max(n, l + 2) { diagonal[i] -= shift }
    p = diagonal[m]
    let besideNext = beside[l + 1]
    var (c, c2, c3, s, s2) = (1.0, 1.0, 1.0, 0.0, 0.0)
    for i in stride(from: m - 1, through: l, by: -1) {
      (c3, c2, s2) = (c2, c, s)
      let g = c * beside[i]
      let h = c * p
      let r = euclideanNorm(p, beside[i])
      beside[i + 1] = s * r
      s = beside[i] / r
      c = p / r
      p = c * diagonal[i] - s * g
      diagonal[i + 1] = h + s * (c * g + s * diagonal[i])
      turn(i, c, s)
    }
    p = -s * s2 * c3 * besideNext * beside[l] / next
    beside[l] = s * p
    diagonal[l] = c * p
    return shift
  }

  /// Turns the vectors i and i + 1 in their plane.
  private mutating func turn(_ i: Int, _ c: Double, _ s: Double) {
    let n = n
    vectors.withUnsafeMutableBufferPointer { v in
      for k in i * n..<(i + 1) * n {
        let h = v[k + n]
        v[k + n] = s * v[k] + c * h
        v[k] = c * v[k] - s * h
      }
    }
  }
}
