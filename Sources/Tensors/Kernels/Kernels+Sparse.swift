import CVectorKernels

/// Kernels of matrices that are kept by their elements that are not zero.
extension Kernels {
  /// How many elements of `x`, read as `[rows, columns]`, are not zero, and where those of each row
  /// begin, `[rows + 1]`.
  static func countNonzeros(_ x: Tensor, rows: Int, columns: Int) -> (offsets: Tensor, count: Int) {
    let offsets = Tensor(uninitialized: [rows + 1], elementType: .int32)
    let count = Profiler.measure("count nonzeros", [x, offsets]) {
      vk_count_nonzeros(x.pointer, rows, columns, offsets.indexWritePointer)
    }
    return (offsets, count)
  }

  /// The columns and the values of the elements that are not zero, `[count]` each.
  static func collectNonzeros(
    _ x: Tensor, offsets: Tensor, count: Int, columns: Int
  ) -> (indices: Tensor, values: Tensor) {
    let indices = Tensor(uninitialized: [count], elementType: .int32)
    let values = Tensor(uninitialized: [count])
    Profiler.measure("collect nonzeros", [x, indices, values]) {
      vk_collect_nonzeros(
        x.pointer, offsets.count - 1, columns, offsets.indexPointer, indices.indexWritePointer,
        values.writePointer)
    }
    return (indices, values)
  }

  /// The offsets, indices and values of the transpose.
  static func transpose(
    _ matrix: SparseMatrix
  ) -> (offsets: Tensor, indices: Tensor, values: Tensor) {
    let offsets = Tensor(uninitialized: [matrix.columns + 1], elementType: .int32)
    let indices = Tensor(uninitialized: [matrix.count], elementType: .int32)
    let values = Tensor(uninitialized: [matrix.count])
    Profiler.measure("sparse transpose", [matrix.values, indices, values]) {
      withUnsafePointer(to: arguments(of: matrix)) {
        vk_sparse_transpose(
          $0, matrix.columns, offsets.indexWritePointer, indices.indexWritePointer,
          values.writePointer)
      }
    }
    return (offsets, indices, values)
  }

  /// The product of a sparse matrix and a dense one `[left.columns, n]`, of `left.rows · n` elements
  /// as `shape`.
  static func matrixProduct(_ left: SparseMatrix, _ right: Tensor, n: Int, shape: Shape) -> Tensor {
    let output = Tensor(uninitialized: shape)
    Profiler.measure(
      "sparse matrix product", [left.values, right, output],
      flops: 2 * Double(left.count) * Double(n),
      sizes: "\(left.rows)×\(left.columns) · \(left.columns)×\(n), \(left.count) nonzeros"
    ) {
      withUnsafePointer(to: arguments(of: left)) {
        vk_sparse_product($0, right.pointer, output.writePointer, n)
      }
    }
    return output
  }

  private static func arguments(of matrix: SparseMatrix) -> vk_sparse {
    vk_sparse(
      rows: matrix.rows, offsets: matrix.offsets.indexPointer,
      indices: matrix.indices.indexPointer, values: matrix.values.pointer)
  }
}
