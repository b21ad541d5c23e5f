import Messages
import VAECore

/// What is known of each example beside it, as rows of numbers: attributes, or a vector.
public struct ConditionTable: Sendable {
  /// What messages call it.
  public let name: String
  /// Attributes or a vector.
  public let kind: ConditionSpace.Kind
  /// The numbers of a row.
  public let width: Int
  /// All rows, one after another, all finite; of attributes zeros and ones.
  public let values: [Float]

  /// The number of rows.
  public var count: Int { values.count / width }

  /// A table of rows.
  ///
  /// - Parameters:
  ///   - name: what messages call it.
  ///   - kind: attributes or a vector.
  ///   - width: the numbers of a row.
  ///   - values: a multiple of `width` numbers, row after row.
  /// - Throws: `DataError` where a number is not finite, or an attribute neither 0 nor 1.
  public init(
    name: String, kind: ConditionSpace.Kind, width: Int, values: [Float]
  ) throws(DataError) {
    guard (1...ConditionSpace.widthLimit).contains(width), values.count % width == 0 else {
      throw DataError(
        .unusable,
        "\(name) has rows of \(Count.of(width, "number")); a condition has 1 to \(ConditionSpace.widthLimit)"
      )
    }
    let fits = { (value: Float) in kind == .attributes ? value == 0 || value == 1 : value.isFinite }
    if let bad = values.firstIndex(where: { !fits($0) }) {
      throw DataError(
        .unusable,
        "\(name)[\(bad / width), \(bad % width)] is \(values[bad]), but "
          + (kind == .attributes ? "attributes are 0 or 1" : "conditions are finite numbers"))
    }
    (self.name, self.kind, self.width, self.values) = (name, kind, width, values)
  }

  /// Reads all rows.
  ///
  /// - Parameter array: `[N, n]`, or `[N]` for one number per example.
  init(reading array: OpenedArray, as kind: ConditionSpace.Kind) throws(DataError) {
    guard array.sizes.rank == 1 || array.sizes.rank == 2 else {
      throw DataError(
        .malformed,
        "\(array.name) has \(Count.of(array.sizes.rank, "dimension")), but conditions have 2: [N, n]"
      )
    }
    let width = array.sizes.rank == 1 ? 1 : array.sizes.values[1]
    let memory = try array.readFloats()
    try self.init(
      name: array.name, kind: kind, width: width,
      values: Array(memory.bytes.bindMemory(to: Float.self)))
  }

  /// A table of rows that have been checked.
  private init(checked values: [Float], like other: ConditionTable) {
    (name, kind, width) = (other.name, other.kind, other.width)
    self.values = values
  }

  /// The table of some examples.
  func rows(_ indices: [Int]) -> ConditionTable {
    ConditionTable(
      checked: indices.flatMap { values[$0 * width..<($0 + 1) * width] }, like: self)
  }
}
