/// The two orthogonal directions in which points lie farthest from the origin.
///
/// The mean is not taken off: a standard normal prior looks the same along any two orthogonal
/// directions through the origin, and the points are to be seen against it.
package struct PrincipalComponents {
  /// Two unit vectors.
  package let directions: [[Double]]
  /// The share of the squared distances from the origin that lies along each.
  package let shares: [Double]
  /// The share that lies along both.
  package var share: Double { shares.reduce(0, +) }

  /// Fits to rows of `columns` numbers; those with a number that is not finite do not count.
  package init(_ values: [Float], columns: Int) {
    guard columns > 2 else {
      directions = (0..<2).map { number in (0..<columns).map { $0 == number ? 1 : 0 } }
      shares = [1, 0]
      return
    }
    var moments = [Double](repeating: 0, count: columns * columns)
    for start in stride(from: 0, to: values.count, by: columns) {
      let row = values[start..<start + columns].map(Double.init)
      guard row.allSatisfy(\.isFinite) else { continue }
      for i in 0..<columns where row[i] != 0 {
        for j in 0..<columns { moments[i * columns + j] += row[i] * row[j] }
      }
    }
    let total = (0..<columns).reduce(0) { $0 + moments[$1 * columns + $1] }
    let found = Self.leading(moments, columns)
    directions = found.map(\.direction)
    shares = total > 0 ? found.map { $0.value / total } : [1, 0]
  }

  /// The first two eigenvectors by orthogonal iteration.
  private static func leading(
    _ moments: [Double], _ columns: Int
  ) -> [(direction: [Double], value: Double)] {
    // Some start that is orthogonal to nothing in particular.
    func start(_ seed: Int) -> [Double] {
      (1...columns).map { column in
        let scattered: Int = column * seed * 7919 % 101
        return 1 + Double(scattered) / 300
      }
    }
    var basis = [start(3), start(4)]
    var values = [0.0, 0.0]
    for _ in 0..<200 {
      for number in 0..<2 {
        var next = product(moments, basis[number])
        // Twice, because the first time leaves rounding of the size of what it takes away.
        for _ in 0..<2 * number {
          let overlap = dot(next, basis[0])
          for place in next.indices { next[place] -= overlap * basis[0][place] }
        }
        let length = dot(next, next).squareRoot()
        values[number] = length
        // Without any extent left a direction is as good as another.
        basis[number] =
          length > max(1e-30, 1e-12 * values[0])
          ? next.map { $0 / length } : axis(number, columns, orthogonalTo: basis[0])
      }
    }
    return (0..<2).map { number in
      let vector = basis[number]
      let largest = vector.max { abs($0) < abs($1) } ?? 1
      return (direction: largest < 0 ? vector.map { -$0 } : vector, value: values[number])
    }
  }

  /// A square matrix times a vector.
  private static func product(_ matrix: [Double], _ vector: [Double]) -> [Double] {
    let size = vector.count
    return (0..<size).map { row in
      var sum = 0.0
      for column in 0..<size { sum += matrix[row * size + column] * vector[column] }
      return sum
    }
  }

  private static func axis(
    _ number: Int, _ columns: Int, orthogonalTo first: [Double]
  ) -> [Double] {
    guard number > 0 else { return (0..<columns).map { $0 == 0 ? 1 : 0 } }
    let place = first.indices.min { abs(first[$0]) < abs(first[$1]) } ?? 0
    var plain = first.map { -first[place] * $0 }
    plain[place] += 1
    let length = dot(plain, plain).squareRoot()
    return plain.map { $0 / max(length, 1e-30) }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for place in a.indices { sum += a[place] * b[place] }
    return sum
  }

  /// Rows of numbers as points in the plane of the two directions.
  package func project(_ values: [Float], columns: Int) -> [(x: Double, y: Double)] {
    stride(from: 0, to: values.count, by: columns).map { start in
      let row = values[start..<start + columns].map(Double.init)
      return (Self.dot(row, directions[0]), Self.dot(row, directions[1]))
    }
  }
}
