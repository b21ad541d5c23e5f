/// One column of every row, chosen by an index. Few numbers are touched, far apart: there is
/// nothing for vector instructions to do.
extension Kernels {
  /// `x[r, indices[r]]` for every row of `columns` numbers; the indices begin again at their first
  /// for each draw.
  static func chosenColumns(
    _ x: Tensor, _ indices: Tensor, columns: Int, shape: Shape
  ) -> Tensor {
    let output = Tensor(uninitialized: shape)
    let (source, chosen, target) = (x.pointer, indices.indexPointer, output.writePointer)
    Profiler.measure("chosen columns", [indices, output], sizes: "\(x.shape)") {
      eachRow(shape.count, of: indices.count) { row, index in
        target[row] = source[row * columns + Int(chosen[index])]
      }
    }
    return output
  }

  /// Adds one number for every row to the chosen column of a fresh tensor, in place.
  static func add(
    _ addends: Tensor, toChosenColumnsOf target: Tensor, _ indices: Tensor, columns: Int
  ) {
    let (source, chosen, sums) = (addends.pointer, indices.indexPointer, target.writePointer)
    Profiler.measure(
      "chosen columns backward", [indices, addends, addends], sizes: "\(target.shape)"
    ) {
      eachRow(addends.count, of: indices.count) { row, index in
        sums[row * columns + Int(chosen[index])] += source[row]
      }
    }
  }

  /// Every row with the position of its index; nothing where there was no memory for what is read or
  /// written.
  @inline(__always)
  private static func eachRow(_ rows: Int, of count: Int, _ body: (Int, Int) -> Void) {
    guard !Memory.hasFailed else { return }
    for first in stride(from: 0, to: rows, by: max(1, count)) {
      for index in 0..<count { body(first + index, index) }
    }
  }
}
