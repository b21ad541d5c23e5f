/// What the elements of a stored array are.
struct ElementType: Equatable, CustomStringConvertible {
  enum Kind {
    case boolean, unsigned, signed, float
  }

  let kind: Kind
  /// In bytes.
  let size: Int
  var isBigEndian = false

  static let byte = ElementType(kind: .unsigned, size: 1)

  var description: String {
    switch kind {
    case .boolean: "booleans"
    case .unsigned: size == 1 ? "bytes" : "unsigned \(8 * size)-bit integers"
    case .signed: "\(8 * size)-bit integers"
    case .float: "\(8 * size)-bit floating-point numbers"
    }
  }
}
