/// A matrix by its elements that are not zero, row by row (compressed sparse rows).
///
/// Most pixels of digits and line drawings are black. A product with such images need not multiply
/// by their zeros: both products of a first layer, x · W and its weights' gradient xᵀ · dy, take the
/// rows of a dense matrix that the other elements choose, and add them up.
struct SparseMatrix {
  let rows: Int
  let columns: Int
  /// Where the elements of each row begin, and where the last ends; an index tensor `[rows + 1]`.
  let offsets: Tensor
  /// The column of each element, an index tensor.
  let indices: Tensor
  /// The elements.
  let values: Tensor

  /// The number of elements that are not zero.
  var count: Int { values.count }

  /// Above this share of other elements the dense product is faster: it uses what it reads more
  /// than once.
  private static let largestDensity = 0.3
  /// Matrices of fewer elements or products of fewer columns are not worth a look.
  private static let leastCount = 4096
  private static let leastColumns = 32
  /// Rows that are looked at before all are counted.
  private static let sampledRows = 8

  /// The elements of `x`, read as `[rows, columns]`, where a product with a matrix of so many
  /// columns is faster by them; else nil.
  init?(_ x: Tensor, rows: Int, columns: Int, forProductOf productColumns: Int) {
    guard x.elementType == .float32, productColumns >= Self.leastColumns,
      (Self.leastCount...Int(Int32.max)).contains(rows * columns),
      Self.seemsSparse(x, rows, columns)
    else { return nil }
    let (offsets, count) = Kernels.countNonzeros(x, rows: rows, columns: columns)
    guard Double(count) <= Self.largestDensity * Double(rows * columns) else { return nil }
    (self.rows, self.columns, self.offsets) = (rows, columns, offsets)
    (indices, values) = Kernels.collectNonzeros(x, offsets: offsets, count: count, columns: columns)
  }

  private init(rows: Int, columns: Int, offsets: Tensor, indices: Tensor, values: Tensor) {
    self.rows = rows
    self.columns = columns
    self.offsets = offsets
    self.indices = indices
    self.values = values
  }

  /// A look at a few rows, so that dense data cost nothing.
  private static func seemsSparse(_ x: Tensor, _ rows: Int, _ columns: Int) -> Bool {
    let step = max(1, rows / sampledRows)
    var (looked, found) = (0, 0)
    x.withFloats { elements in
      for row in stride(from: 0, to: rows, by: step) {
        for element in elements[row * columns..<(row + 1) * columns] where element != 0 {
          found += 1
        }
        looked += columns
      }
    }
    return Double(found) <= 1.5 * largestDensity * Double(looked)
  }

  /// The same elements column by column.
  var transposed: SparseMatrix {
    let parts = Kernels.transpose(self)
    return SparseMatrix(
      rows: columns, columns: rows, offsets: parts.offsets, indices: parts.indices,
      values: parts.values)
  }
}
