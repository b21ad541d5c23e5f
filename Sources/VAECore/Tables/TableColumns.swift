import Tensors

/// The columns of a table, and the rows of numbers that a model sees of its rows.
///
/// In the table's *own units* a row has one number for each column: a number as it is, the number of a
/// category, 0 or 1, and NaN for a value that is missing. A *model* sees `elementCount` numbers: of a real
/// number its distance from the training rows' mean in their standard deviations, of a positive one and of
/// a count the same of logarithms, of a category ones and zeros, and beside a number that may lie at a
/// point of gathered mass ones and zeros that say at which.
public struct TableColumns: Hashable, Sendable {
  /// The columns, in order.
  public let columns: [TableColumn]
  /// For each column where its numbers begin in what a model sees.
  public let starts: [Int]
  /// The numbers that a model sees of a row.
  public let elementCount: Int

  /// The most columns of a table.
  public static let limit = 1 << 16
  /// The most numbers that a model may see of a row.
  public static let elementLimit = 1 << 20
  /// The most bytes of all names of columns and categories together, so that a recipe that holds them can be
  /// read.
  public static let namesLimit = 1 << 21

  /// Columns; at least one. Where all are constant none is taken for it, so that there is something to see.
  public init(_ columns: [TableColumn]) {
    ensure(!columns.isEmpty, "a table has at least one column")
    let columns = columns.allSatisfy(\.isConstant) ? columns.map(\.varying) : columns
    self.columns = columns
    var starts: [Int] = []
    var count = 0
    for column in columns {
      starts.append(count)
      count += column.elements
    }
    self.starts = starts
    elementCount = count
  }

  /// The number of columns.
  public var count: Int { columns.count }

  /// Those that a model sees something of: all but constants. Their numbers stand where they stand in the whole row.
  public var seen: TableColumns { TableColumns(columns.filter { !$0.isConstant }) }

  /// Whether all are of real numbers without points of gathered mass, so that any density over real
  /// numbers prices them.
  public var areReal: Bool {
    columns.allSatisfy { $0.kind == .real && $0.points.isEmpty }
  }

  /// Whether somebody has named them; those of vectors are called 0, 1, ….
  public var haveNames: Bool {
    columns.enumerated().contains { number, column in column.name != "\(number)" }
  }

  /// The logarithm of each scale where all columns are real: what log p of a standardized number is larger
  /// by than log p of the number in the table's own units.
  public var logScales: [Float] {
    columns.filter { !$0.isConstant }.map { Float(TableColumn.logarithm($0.scale)) }
  }

  // MARK: Rows

  /// What a model sees of a row.
  ///
  /// - Parameters:
  ///   - row: `count` numbers in the table's own units, in double precision: what is left after the
  ///     centre has been taken off has the digits of a 32-bit float.
  ///   - seen: `elementCount` numbers, all of which are overwritten; NaN where the value is missing.
  public func write(
    _ row: UnsafeBufferPointer<Double>, into seen: UnsafeMutableBufferPointer<Float>
  ) {
    for (number, column) in columns.enumerated() {
      let (start, value) = (starts[number], row[number])
      guard !value.isNaN else {
        for place in start..<start + column.elements { seen[place] = .nan }
        continue
      }
      switch column.kind {
      case .yesNo: seen[start] = Float(value)
      case .category:
        for choice in 0..<column.elements { seen[start + choice] = Double(choice) == value ? 1 : 0 }
      case .real, .positive, .count:
        guard !column.isConstant else { continue }
        seen[start] = column.standardized(value)
        guard column.choices > 0 else { continue }
        let choice = column.choice(of: value)
        for other in 0..<column.choices { seen[start + 1 + other] = other == choice ? 1 : 0 }
      }
    }
  }

  /// Rows in the table's own units, `[N, 1, columns, 1]`, of what a model sees of them, `[N, 1,
  /// elements, 1]`.
  ///
  /// - Parameters:
  ///   - seen: draws or means. Of a category's means the likeliest is taken; the mean of yes and no is a
  ///     probability.
  ///   - rounding: whether numbers get as many digits as those of the data.
  public func restored(_ seen: Tensor, rounding: Bool = false) -> Tensor {
    Tensor([seen.shape[0], 1, count, 1]) { result in
      forEachRestored(seen, rounding) { result[$0] = Float($1) }
    }
  }

  /// The same rows in double precision, one after the other: numbers whose centre is large keep their digits.
  public func restoredRows(_ seen: Tensor, rounding: Bool = false) -> [Double] {
    [Double](unsafeUninitializedCapacity: seen.shape[0] * count) { result, used in
      result.initialize(repeating: 0)
      forEachRestored(seen, rounding) { result[$0] = $1 }
      used = seen.shape[0] * count
    }
  }

  /// Tells a closure the place and the value of each number in the table's own units.
  private func forEachRestored(
    _ seen: Tensor, _ rounding: Bool, _ body: (Int, Double) -> Void
  ) {
    let rows = seen.shape[0]
    ensure(
      seen.count == rows * elementCount, "\(seen.shape) are no rows of \(elementCount) numbers")
    seen.withFloats { seen in
      for row in 0..<rows {
        for (number, column) in columns.enumerated() {
          let start = row * elementCount + starts[number]
          body(
            row * count + number,
            column.restored(
              UnsafeBufferPointer(rebasing: seen[start..<start + column.elements]),
              rounding: rounding))
        }
      }
    }
  }
}

extension TableColumn {
  /// Which choice a number stands for: 0 for one that is no point, where there can be such.
  func choice(of value: Double) -> Int {
    (place(of: value).map { $0 + (isContinuous ? 1 : 0) }) ?? 0
  }

  /// The point that choices stand for; nil for none of them.
  private func point(_ seen: Slice<UnsafeBufferPointer<Float>>) -> Double? {
    guard var best = seen.indices.first, choices > 0 else { return nil }
    for choice in seen.indices where seen[choice] > seen[best] { best = choice }
    guard seen[best] == 1 || !isContinuous else { return nil }
    let place = best - seen.startIndex - (choices - points.count)
    return place >= 0 ? points[place] : nil
  }

  /// The value in the table's own units of the numbers that a model sees.
  func restored(_ seen: UnsafeBufferPointer<Float>, rounding: Bool) -> Double {
    if isConstant { return centre }
    switch kind {
    case .yesNo: return Double(rounding ? seen[0].rounded() : seen[0])
    case .category:
      var best = 0
      for choice in seen.indices where seen[choice] > seen[best] { best = choice }
      return Double(best)
    case .count:
      let value = restored(seen[0])
      return rounding ? value.rounded() : value
    case .real, .positive:
      // A draw at a point is that point, whatever its decimals; what can be a point alone is the likeliest.
      if rounding, let point = point(seen.dropFirst()) { return point }
      let value = restored(seen[0])
      return rounding ? rounded(value) : value
    }
  }
}
