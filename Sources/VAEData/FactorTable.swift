/// The generative factors of each example, where they are known.
///
/// The values are decoded from one number per example: its combination of factor values, counted
/// with the last factor fastest.
public struct FactorTable: Sendable {
  /// The factors' names.
  public let names: [String]
  /// The number of values of each factor.
  public let sizes: [Int]

  package let combinations: [Int32]

  /// A table.
  ///
  /// - Parameters:
  ///   - factors: name and number of values of each factor.
  ///   - combinations: a number in `0..<product of the sizes` for each example.
  public init(_ factors: [(name: String, size: Int)], combinations: [Int32]) {
    names = factors.map(\.name)
    sizes = factors.map(\.size)
    self.combinations = combinations
  }

  /// The number of examples.
  public var count: Int { combinations.count }

  /// The value of each factor of an example, each in `0..<size`.
  public func values(at index: Int) -> [Int32] {
    Self.values(of: Int(combinations[index]), sizes: sizes).map(Int32.init)
  }

  /// The table of some examples.
  package func rows(_ indices: [Int]) -> FactorTable {
    FactorTable(
      zip(names, sizes).map { (name: $0, size: $1) }, combinations: indices.map { combinations[$0] }
    )
  }

  /// The factor values of a combination.
  static func values(of combination: Int, sizes: [Int]) -> [Int] {
    var rest = combination
    var values = sizes
    for position in sizes.indices.reversed() {
      values[position] = rest % sizes[position]
      rest /= sizes[position]
    }
    return values
  }
}
