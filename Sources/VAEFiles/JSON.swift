/// A JSON value. Objects keep the order of their members.
public enum JSON: Equatable, Sendable {
  /// null
  case null
  /// true or false
  case bool(Bool)
  /// A whole number.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A string.
  case text(String)
  /// A list.
  case array([JSON])
  /// Members in order.
  case object(Object)

  /// A number, as `number`, or `null` where JSON has none: an infinity or a NaN.
  public static func finite(_ value: Double) -> JSON {
    value.isFinite ? .number(value) : .null
  }
}

// MARK: - Access

extension JSON {
  /// The object, nil for another kind of value.
  public var object: Object? { if case .object(let value) = self { value } else { nil } }
  /// The list, nil for another kind of value.
  public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  /// The string, nil for another kind of value.
  public var text: String? { if case .text(let value) = self { value } else { nil } }
  /// The whole number, nil for another kind of value.
  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  /// The truth value, nil for another kind of value.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The number, whole or not, nil for another kind of value.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
