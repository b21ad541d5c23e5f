import Messages
import VAECore

extension TableColumns {
  /// Refuses vectors of more numbers than a table may have columns.
  ///
  /// - Throws: `DataError` of kind `unusable`.
  static func checkWidth(_ width: Int, name: String) throws(DataError) {
    guard width > limit else { return }
    throw DataError(
      .unusable,
      "\(name) has \(width) columns, more than the \(limit) that a table may have; are its rows and columns exchanged? "
        + "pictures are [N, height, width] or [N, height, width, channels]")
  }

  /// The number of a column of vectors, which is its name; nil where there is none of it.
  static func number(of name: String, among width: Int) -> Int? {
    guard let number = Int(name), (0..<width).contains(number), name == "\(number)" else {
      return nil
    }
    return number
  }

  /// The columns of rows of numbers without names: real ones called 0, 1, …, with means and deviations
  /// of the rows; constants where all rows have the same.
  ///
  /// - Parameters:
  ///   - rows: `1×columns×1` each.
  ///   - told: what somebody says that columns are.
  ///   - name: what messages call the rows.
  init(
    standardizing rows: any ExampleStore, told: [Int: TableColumn.Kind] = [:], name: String
  ) throws(DataError) {
    let width = rows.shape.count
    var counts = [Double](repeating: 0, count: width)
    // Sums of distances from the first known value, which keep their digits where numbers are large.
    var firsts = [Double](repeating: .nan, count: width)
    var sums = counts
    var squares = counts
    try rows.forEachPart { (_, values) throws(DataError) in
      for start in stride(from: 0, to: values.count, by: width) {
        for column in 0..<width {
          let value = values[start + column]
          guard !value.isNaN else { continue }
          if firsts[column].isNaN { firsts[column] = value }
          let distance = value - firsts[column]
          counts[column] += 1
          sums[column] += distance
          squares[column] += distance * distance
        }
      }
    }
    var columns = (0..<width).map { column in
      let count = max(1, counts[column])
      let shift = sums[column] / count
      let mean = firsts[column].isNaN ? 0 : firsts[column] + shift
      let variance = max(0, squares[column] / count - shift * shift)
      let deviation = variance.squareRoot()
      return TableColumn(
        name: "\(column)", kind: .real, centre: mean,
        scale: ColumnValues.usable(deviation, beside: mean),
        isConstant: counts[column] > 0 && ColumnValues.isRounding(deviation, beside: mean))
    }
    if told.values.contains(where: { $0 != .real }) {
      try Self.forEachColumn(of: rows) { (number, values) throws(DataError) in
        guard let kind = told[number], kind != .real else { return }
        columns[number] = try ColumnValues(
          title: "\(name), column \(number)", name: "\(number)", decimals: nil, count: rows.count
        ) { values[$0] }.column(told: kind)
      }
    }
    self.init(columns)
    try checkElements(of: name)
  }

  /// Refuses a value that cannot stand in its column.
  ///
  /// - Parameters:
  ///   - rows: in the table's own units.
  ///   - name: what messages call them.
  ///   - origins: where they stand in a file.
  /// - Returns: the first value that is missing, with its place; nil where none is.
  package func check(
    _ rows: any ExampleStore, name: String, _ origins: ExampleOrigins? = nil
  ) throws(DataError) -> String? {
    var missing: String?
    try rows.forEachPart { (first, values) throws(DataError) in
      for (place, value) in values.enumerated() {
        let (row, column) = (first + place / count, place % count)
        if value.isNaN {
          if missing == nil { missing = "\(name)[\(row), \(column)] is nan" }
        } else if let misfit = columns[column].misfit(value) {
          let title =
            origins == nil ? "\(name)[\(row), \(column)]" : "\(name), \(origins.title(ofRow: row))"
          throw DataError(
            .unusable,
            "\(title), column \(PlainText.quoted(columns[column].name)): \(TableColumn.text(value)) \(misfit)"
          )
        }
      }
    }
    return missing
  }
}
