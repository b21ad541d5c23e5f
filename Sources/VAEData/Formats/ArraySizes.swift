/// The sizes of an array's dimensions, the slowest first.
struct ArraySizes: CustomStringConvertible {
  let values: [Int]

  init(_ values: [Int]) { self.values = values }

  var rank: Int { values.count }

  /// The number of bytes of all elements, nil where it is beyond any memory.
  func bytes(perElement size: Int) -> Int? {
    var count = size
    for value in values {
      let product = count.multipliedReportingOverflow(by: value)
      guard !product.overflow else { return nil }
      count = product.partialValue
    }
    return count
  }

  /// Such as `60000x28x28`.
  var description: String { values.map(String.init).joined(separator: "x") }

  /// Where the element of a position stands, such as `[3, 10, 4]`.
  func index(of position: Int) -> String {
    let index = FactorTable.values(of: position, sizes: values)
    return "[" + index.map(String.init).joined(separator: ", ") + "]"
  }
}
