import Tensors

extension Engine {
  /// Calls a body with the number of each row of a table, on several threads.
  ///
  /// - Parameters:
  ///   - rows: how many there are.
  ///   - width: elements of a row.
  static func forEachRow(_ rows: Int, of width: Int, _ body: @Sendable (Int) -> Void) {
    divide(rows, block: max(1, 4096 / max(1, width))) { range in
      for row in range { body(row) }
    }
  }
}
