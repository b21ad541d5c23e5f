/// A column of a table: what its values are, and how a model sees them.
///
/// ```swift
/// let income = TableColumn(name: "income", kind: .positive, centre: 10.2, scale: 0.6, decimals: 2)
/// print(income.elements)  // 1: the standardized logarithm
/// ```
public struct TableColumn: Hashable, Sendable {
  /// What the values of a column are.
  public enum Kind: String, Sendable, CaseIterable {
    /// Numbers.
    case real
    /// Numbers above zero, whose logarithms a model sees.
    case positive
    /// Whole numbers from zero on, of which a model sees log (1 + n).
    case count
    /// One of two.
    case yesNo = "yes-no"
    /// One of several, without an order.
    case category
  }

  /// What it is called.
  public let name: String
  /// What its values are.
  public let kind: Kind
  /// What is subtracted from a number, a logarithm of one or log (1 + n).
  public let centre: Double
  /// What the difference is divided by, above zero.
  public let scale: Double
  /// What the categories are called, in the order of their numbers; of a column of yes and no, the word
  /// for no and the one for yes. Empty for numbers.
  public let names: [String]
  /// Values at which mass gathers, in rising order: numbers that stand in so many rows that no density
  /// explains them, such as no hours worked. Of real and positive columns alone.
  public let points: [Double]
  /// Whether a number may be another one than these points.
  public let isContinuous: Bool
  /// How many digits after the point its values have; draws are rounded to as many. Nil where they are
  /// not rounded.
  public let decimals: Int?
  /// Whether all rows of training have the centre there: a model sees nothing of such a column, and gives the centre
  /// back. Of real columns without points alone.
  public let isConstant: Bool

  /// The most categories of a column.
  public static let categoryLimit = 1000
  /// The most bytes of a name, of a column or of a category.
  public static let nameLimit = 1 << 12
  /// The most points of a column.
  public static let pointLimit = 32
  /// The largest magnitude of a number: what lies beyond leaves no room for the squares of distances.
  public static let numberLimit = 1e30

  /// A column.
  public init(
    name: String, kind: Kind, centre: Double = 0, scale: Double = 1, names: [String] = [],
    points: [Double] = [], isContinuous: Bool = true, decimals: Int? = nil,
    isConstant: Bool = false
  ) {
    self.name = name
    self.kind = kind
    self.centre = centre
    self.scale = scale
    self.names = names
    self.points = points
    self.isContinuous = isContinuous || points.isEmpty
    self.decimals = decimals
    self.isConstant = isConstant && kind == .real && points.isEmpty
  }

  /// Whether its values are numbers, and no names.
  public var isNumeric: Bool { kind != .yesNo && kind != .category }

  /// The choices that a model makes before it draws a number: one for every point, after one for all
  /// other numbers where there can be such. Zero where there are no points.
  public var choices: Int { points.isEmpty ? 0 : points.count + (isContinuous ? 1 : 0) }

  /// The numbers that a model sees of a value.
  public var elements: Int {
    kind == .category ? names.count : isConstant ? 0 : 1 + choices
  }

  /// The same column as one that may change.
  var varying: TableColumn {
    TableColumn(
      name: name, kind: kind, centre: centre, scale: scale, names: names, points: points,
      isContinuous: isContinuous, decimals: decimals)
  }

  /// A number as a model sees it.
  public func standardized(_ value: Double) -> Float {
    Float((Self.transformed(value, kind) - centre) / scale)
  }

  /// The number that a model sees as this.
  public func restored(_ element: Float) -> Double {
    let value = Double(element) * scale + centre
    return switch kind {
    case .positive: Self.exponential(value)
    case .count: max(0, Self.exponential(value) - 1)
    case .real, .yesNo, .category: value
    }
  }

  /// A number, its logarithm, or log (1 + n): what is standardized.
  public static func transformed(_ value: Double, _ kind: Kind) -> Double {
    switch kind {
    case .positive: logarithm(value)
    case .count: logarithm(1 + value)
    case .real, .yesNo, .category: value
    }
  }

  /// The nearest value of as many digits as those of the data have.
  public func rounded(_ value: Double) -> Double {
    guard let decimals else { return value }
    let power = Self.power(decimals)
    let result = (value * power).rounded() / power
    return kind == .positive ? max(result, 1 / power) : result
  }

  /// Why a value cannot stand in this column, in words that follow it; nil where it can. NaN, which
  /// stands for a missing value, can.
  public func misfit(_ value: Double) -> String? {
    guard !value.isNaN else { return nil }
    guard value.isFinite else { return "is not finite" }
    guard abs(value) <= Self.numberLimit else {
      return "is beyond ±1e30, where no column's numbers may lie"
    }
    switch kind {
    case .real: break
    case .positive:
      if value <= 0 { return "is not above zero, but the column is positive" }
    case .count:
      if value < 0 || value != value.rounded() {
        return "is no whole number from zero on, but the column is a count"
      }
    case .yesNo, .category:
      let count = kind == .yesNo ? 2 : names.count
      if value < 0 || value >= Double(count) || value != value.rounded() {
        return kind == .yesNo
          ? "is neither 0 nor 1, but the column is yes-no"
          : "is none of the numbers 0 to \(count - 1) of the column's categories"
      }
    }
    if !isContinuous, place(of: value) == nil {
      let known = points.prefix(10).map(Self.text)
      return "is none of the values that the column had in training, "
        + known.joined(separator: ", ") + (points.count > 10 ? ", …" : "") + "; leave such rows out"
    }
    return nil
  }

  /// A number as messages say it.
  package static func text(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }

  /// Which of the points a value is; nil for one that is none.
  ///
  /// A point is the value itself, and where there is none the one that is the same by ``areSame(_:_:)``.
  package func place(of value: Double) -> Int? {
    points.firstIndex(of: value) ?? points.firstIndex { areSame($0, value) }
  }

  /// Whether two values of the column are the same but for the precision that they were stored in: one that has come
  /// through a 32-bit float stands for the other one, unless such floats cannot tell numbers of the column's
  /// digits apart. Of these each is a value of its own.
  package func areSame(_ one: Double, _ other: Double) -> Bool {
    guard one != other else { return true }
    let short = Float(one)
    let isFloatOfOther = short == Float(other) && (Double(short) == one || Double(short) == other)
    guard isFloatOfOther else { return false }
    return decimals.map { Double(short.ulp) < 1 / Self.power($0) } ?? true
  }

  /// Ten to a number of digits.
  private static func power(_ digits: Int) -> Double {
    (0..<digits).reduce(1.0) { product, _ in product * 10 }
  }
}
