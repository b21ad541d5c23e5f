import Glibc
import Messages
import Tensors
import VAECore

/// The values of one column in the table's own units, and what follows from them.
struct ColumnValues {
  /// What messages call it, such as `people.csv, column "age"`.
  let title: String
  let name: String
  /// NaN where one is missing.
  let values: [Double]
  /// Those that are known, in rising order.
  private let known: [Double]
  /// How many digits behind the point they have; nil where that is not known.
  let decimals: Int?
  /// Where the rows stand in a file; nil where they come from none.
  private let origins: ExampleOrigins?

  /// The most values of a column of numbers that has no others.
  private static let fewValues = 8
  /// The most values of a column of whole numbers from one on that are codes, such as 1 and 2.
  private static let mostCodes = 20
  /// The largest count of a column that is taken for one of counts.
  private static let largestCount: Double = 1000
  /// The digits behind the point to which draws are rounded at most.
  private static let mostDecimals = 6
  /// The memory that a value takes with what is found out of all of them: itself, those that are known and
  /// those that are no points, in rising order, and how often each different one stands.
  private static let bytesAValue = 96

  /// The values of some rows.
  ///
  /// - Parameters:
  ///   - count: the number of rows.
  ///   - origins: where they stand in a file.
  ///   - value: of each.
  /// - Throws: `DataError` where there is not enough memory for the values and what is found out of them.
  init(
    title: String, name: String, decimals: Int?, count: Int, origins: ExampleOrigins? = nil,
    _ value: (Int) -> Double
  ) throws(DataError) {
    let byteCount = count * Self.bytesAValue
    guard byteCount < Memory.leastRequest || Memory.grants(byteCount) else {
      throw DataError(
        .tooLarge,
        "\(title) needs about \(byteCount) bytes of memory, more than there is; use a part of the data"
      )
    }
    (self.title, self.name, self.decimals, self.origins) = (title, name, decimals, origins)
    values = (0..<count).map(value)
    known = values.filter { !$0.isNaN }.sorted()
  }

  /// The column that a model is told of.
  ///
  /// The rule, where nobody has said what the values are: zeros and ones are yes and no; at most twenty different
  /// whole numbers from one to 1000, each in five rows on average, are codes, real numbers that are nothing but points;
  /// other whole numbers from zero on, of which the least is 0 or 1 and none is above 1000, are counts; numbers that
  /// are all above zero and whose skewness is above one are positive; all others are real.
  ///
  /// - Parameters:
  ///   - told: what somebody says they are; nil for what they seem to be.
  /// - Throws: `DataError` where no value is known, or one is none of the kind.
  func column(told: TableColumn.Kind?) throws(DataError) -> TableColumn {
    guard let least = known.first, let greatest = known.last else {
      throw DataError(
        .unusable,
        "\(title) has no value in any row; leave it out by \(.columnType(name, "ignore"))")
    }
    if told == .category { return try category() }
    // Without a kind a number must be one that some column may have.
    try check(told ?? .real)
    let codes = told == nil ? Self.codes(in: known, least, greatest) : []
    let kind = told ?? (codes.isEmpty ? kind(of: known, least, greatest) : .real)
    if kind == .yesNo { return TableColumn(name: name, kind: kind, names: ["0", "1"]) }
    let isWhole = known.allSatisfy { $0 == $0.rounded() }
    let decimals = isWhole ? 0 : decimals.flatMap { $0 <= Self.mostDecimals ? $0 : nil }
    var points: [Double] = []
    var isContinuous = true
    if !codes.isEmpty {
      (points, isContinuous) = (codes, false)
    } else if kind != .count {
      (points, isContinuous) = Self.points(of: known, isRounded: decimals != nil)
    }
    let column = TableColumn(
      name: name, kind: kind, points: points, isContinuous: isContinuous,
      decimals: kind == .count ? 0 : decimals)
    return known.withUnsafeBufferPointer { Self.standardizing(column, $0) }
  }

  /// The column of categories that are called 0, 1, …, as the numbers are.
  private func category() throws(DataError) -> TableColumn {
    for (row, value) in values.enumerated() where !value.isNaN {
      guard value >= 0, value == value.rounded(), value < Double(TableColumn.categoryLimit) else {
        throw DataError(
          .unusable,
          "\(title): \(TableColumn.text(value)) in \(origins.title(ofRow: row)) is no number of a category, which are 0, 1, … "
            + "below \(TableColumn.categoryLimit)")
      }
    }
    let count = Int(known.last ?? 0) + 1
    return TableColumn(name: name, kind: .category, names: (0..<count).map { "\($0)" })
  }

  /// A column of numbers with centre and scale of some values, points of gathered mass left out; any other, and
  /// one without a value, as it is.
  static func standardizing(
    _ column: TableColumn, _ values: UnsafeBufferPointer<Double>
  ) -> TableColumn {
    let known = column.isNumeric ? values.filter { !$0.isNaN } : []
    guard !known.isEmpty else { return column }
    let spread = known.filter { value in !column.points.contains { $0 == value } }
    let (centre, scale) = moments(of: spread.isEmpty ? known : spread, column.kind)
    let isConstant = known.allSatisfy { $0 == known[0] }
    return TableColumn(
      name: column.name, kind: column.kind, centre: centre, scale: scale, points: column.points,
      isContinuous: column.isContinuous, decimals: column.decimals, isConstant: isConstant)
  }

  /// What the user should know where different values of a column are the same to a model: what is left of a
  /// number once the centre has been taken off has the digits of a 32-bit float.
  func collapseNotice(_ column: TableColumn) -> Message? {
    guard column.isNumeric else { return nil }
    let (count, seen) = distinct(column)
    guard seen < count else { return nil }
    return
      "\(title): its \(count) different values are \(seen) to a model, which sees each standardized as a 32-bit float; "
      + "leave it out by \(.columnType(name, "ignore")) where it only numbers the rows"
  }

  /// How many different values there are, and how many of them a model can tell apart.
  private func distinct(_ column: TableColumn) -> (values: Int, seen: Int) {
    var (count, seen) = (0, 0)
    var (last, lastSeen, lastPoint) = (Double.nan, Float.nan, nil as Int?)
    for value in known where value != last {
      count += 1
      last = value
      // Of a value at a point the point is all that is priced and drawn.
      let point = column.place(of: value)
      let element = column.standardized(value)
      if point != lastPoint || point == nil && element != lastSeen { seen += 1 }
      (lastSeen, lastPoint) = (element, point)
    }
    return (count, seen)
  }

  /// The different values of a column of codes, in rising order; none of another one.
  private static func codes(
    in sorted: [Double], _ least: Double, _ greatest: Double
  ) -> [Double] {
    guard least >= 1, least < greatest, greatest <= largestCount else { return [] }
    var codes: [Double] = []
    for value in sorted where value != codes.last {
      guard value == value.rounded(), codes.count < mostCodes else { return [] }
      codes.append(value)
    }
    return sorted.count >= 5 * codes.count ? codes : []
  }

  private func kind(
    of known: [Double], _ least: Double, _ greatest: Double
  ) -> TableColumn.Kind {
    if known.allSatisfy({ $0 == 0 || $0 == 1 }) && least != greatest { return .yesNo }
    if (0...1).contains(least), greatest > 1, greatest <= Self.largestCount,
      known.allSatisfy({ $0 == $0.rounded() })
    {
      return .count
    }
    return least > 0 && Self.skewness(known) > 1 ? .positive : .real
  }

  /// Refuses a value that is none of a kind.
  private func check(_ kind: TableColumn.Kind) throws(DataError) {
    let probe = TableColumn(name: name, kind: kind, names: kind == .yesNo ? ["0", "1"] : [])
    for (row, value) in values.enumerated() {
      guard let misfit = probe.misfit(value) else { continue }
      throw DataError(
        .unusable, "\(title): \(TableColumn.text(value)) in \(origins.title(ofRow: row)) \(misfit)")
    }
  }

  /// Values that stand in at least one row of a hundred, in ten rows, and five times as often as the middle
  /// one of all different values; and whether there are others.
  private static func points(
    of sorted: [Double], isRounded: Bool
  ) -> (points: [Double], isContinuous: Bool) {
    var runs: [(value: Double, count: Int)] = []
    for value in sorted {
      if runs.last?.value == value {
        runs[runs.count - 1].count += 1
      } else {
        runs.append((value, 1))
      }
    }
    let isFew = runs.count <= fewValues && sorted.count >= 5 * runs.count
    if isFew || runs.count == 1 { return (runs.map(\.value), false) }
    let middle = runs.map(\.count).sorted()[runs.count / 2]
    let least = max(10, 5 * middle, (sorted.count + 99) / 100)
    let found = runs.filter { $0.count >= least }.sorted { $0.count > $1.count }
    return (found.prefix(TableColumn.pointLimit).map(\.value).sorted(), true)
  }

  /// Mean and standard deviation of what is standardized; a deviation of zero becomes one.
  static func moments(of values: [Double], _ kind: TableColumn.Kind) -> (Double, Double) {
    let count = Double(max(1, values.count))
    // Sums of distances from the first value, which keep their digits where numbers are large.
    let first = values.first.map { TableColumn.transformed($0, kind) } ?? 0
    let shift = values.reduce(0.0) { $0 + TableColumn.transformed($1, kind) - first } / count
    let variance =
      values.reduce(0.0) { sum, value in
        let distance = TableColumn.transformed(value, kind) - first - shift
        return sum + distance * distance
      } / count
    return (first + shift, usable(variance.squareRoot(), beside: first + shift))
  }

  /// A deviation, or one where it is but the rounding of numbers that are all the same.
  static func usable(_ deviation: Double, beside mean: Double) -> Double {
    isRounding(deviation, beside: mean) || deviation >= 1e30 ? 1 : deviation
  }

  /// Whether a deviation is but the rounding of numbers that are all the same.
  static func isRounding(_ deviation: Double, beside mean: Double) -> Bool {
    !(deviation > 1e-14 * abs(mean) && deviation > 1e-30)
  }

  private static func skewness(_ values: [Double]) -> Double {
    let (mean, deviation) = moments(of: values, .real)
    let cubes = values.reduce(0.0) { $0 + pow(($1 - mean) / deviation, 3) }
    return cubes / Double(values.count)
  }
}
