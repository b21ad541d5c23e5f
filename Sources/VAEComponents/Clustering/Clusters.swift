import Tensors

/// How many points each code stands for, and what they add up to.
package struct Clusters {
  /// `[K]`
  package let counts: Tensor
  /// `[K, D]`
  package let sums: Tensor

  /// The clusters of points `[rows, D]`, added up in the order of the rows.
  package init(of points: Tensor, codes: [Int32], count: Int) {
    ensure(points.shape[0] == codes.count, "\(codes.count) codes for points \(points.shape)")
    let size = points.shape[1]
    counts = Tensor([count]) { counts in
      counts.update(repeating: 0)
      for code in codes { counts[Int(code)] += 1 }
    }
    sums = Tensor([count, size]) { sums in
      sums.update(repeating: 0)
      points.withFloats { points in
        for (row, code) in codes.enumerated() {
          for column in 0..<size {
            sums[Int(code) * size + column] += points[row * size + column]
          }
        }
      }
    }
  }
}
