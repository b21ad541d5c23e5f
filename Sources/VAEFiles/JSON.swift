import FoundationEssentials
import Messages

/// A JSON value. Objects keep the order of their members when written; parsing sorts them by name.
public enum JSON: Equatable, Sendable {
  /// null
  case null
  /// true or false
  case bool(Bool)
  /// A number without a fraction.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A string.
  case text(String)
  /// A list.
  case array([JSON])
  /// Members in order.
  case object(Object)

  /// The members of a JSON object, in order.
  public struct Object: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    /// Name and value.
    public struct Member: Equatable, Sendable {
      /// The name.
      public let name: String
      /// The value.
      public var value: JSON
    }

    /// The members in order.
    public private(set) var members: [Member] = []

    /// An object without members.
    public init() {}

    /// An object from a literal, in its order.
    public init(dictionaryLiteral elements: (String, JSON)...) {
      for (name, value) in elements { self[name] = value }
    }

    /// The value of a name; setting a new one adds it at the end, setting nil removes it.
    public subscript(name: String) -> JSON? {
      get { members.first { $0.name == name }?.value }
      set {
        if let index = members.firstIndex(where: { $0.name == name }) {
          if let newValue { members[index].value = newValue } else { members.remove(at: index) }
        } else if let newValue {
          members.append(Member(name: name, value: newValue))
        }
      }
    }

    /// Whether both have the same members, in any order.
    public static func == (a: Object, b: Object) -> Bool {
      a.members.count == b.members.count && a.members.allSatisfy { b[$0.name] == $0.value }
    }
  }

  /// A number, as `number`, or `null` where JSON has none: an infinity or a NaN.
  public static func finite(_ value: Double) -> JSON {
    value.isFinite ? .number(value) : .null
  }
}

// MARK: - Reading

extension JSON: Decodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Any JSON value.
  public init(from decoder: any Swift.Decoder) throws {
    if let container = try? decoder.container(keyedBy: Key.self) {
      var object = Object()
      for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
        object[key.stringValue] = try container.decode(JSON.self, forKey: key)
      }
      self = .object(object)
    } else if var container = try? decoder.unkeyedContainer() {
      var values: [JSON] = []
      while !container.isAtEnd { values.append(try container.decode(JSON.self)) }
      self = .array(values)
    } else {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let value = try? container.decode(Bool.self) {
        self = .bool(value)
      } else if let value = try? container.decode(Int.self) {
        self = .integer(value)
      } else if let value = try? container.decode(Double.self) {
        self = .number(value)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }

  /// The value of a JSON text.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8.
  ///   - source: what the bytes are, for the error.
  public init(parsing bytes: [UInt8], source: String) throws(JSONError) {
    let most = InputLimits.current.textBytes
    guard bytes.count <= most else {
      throw JSONError(
        "\(source) has \(bytes.count) bytes, beyond the limit text_bytes of \(most); if you trust it, raise it by "
          + "\(.limit("text_bytes", bytes.count))")
    }
    do {
      self = try Self.decode(JSON.self, from: bytes)
    } catch {
      throw JSONError("\(source) is not valid JSON")
    }
  }
}

extension JSON {
  /// What a JSON text stands for. The line break after it keeps FoundationEssentials from reading
  /// past the end of a text that ends where it is nested deeper than it allows.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: some Sequence<UInt8>
  ) throws -> Value {
    try JSONDecoder().decode(type, from: Data(bytes) + [UInt8(ascii: "\n")])
  }
}

// MARK: - Writing

extension JSON {
  /// The text on one line.
  public var line: String {
    var text = ""
    write(to: &text, indentation: nil)
    return text
  }

  /// The text with a member a line, lists of scalars on one line, and a line break at the end.
  public var document: String {
    var text = ""
    write(to: &text, indentation: 0)
    return text + "\n"
  }

  private func write(to text: inout String, indentation: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .number(let value): text += value.isFinite ? "\(value)" : "null"
    case .text(let value): Self.write(value, to: &text)
    case .array(let values):
      let isFlat = values.allSatisfy { if case .object = $0 { false } else { true } }
      Self.write(
        values.map { (name: nil, value: $0) }, "[", "]", to: &text, isFlat ? nil : indentation)
    case .object(let object):
      Self.write(
        object.members.map { (name: $0.name, value: $0.value) }, "{", "}", to: &text, indentation)
    }
  }

  private static func write(
    _ members: [(name: String?, value: JSON)], _ open: String, _ close: String,
    to text: inout String, _ indentation: Int?
  ) {
    text += open
    for (position, member) in members.enumerated() {
      if position > 0 { text += indentation == nil ? ", " : "," }
      if let indentation {
        text += "\n" + String(repeating: "  ", count: indentation + 1)
      }
      if let name = member.name {
        write(name, to: &text)
        text += ": "
      }
      member.value.write(to: &text, indentation: indentation.map { $0 + 1 })
    }
    if let indentation, !members.isEmpty {
      text += "\n" + String(repeating: "  ", count: indentation)
    }
    text += close
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      // JSON is printed on terminals too.
      case _ where PlainText.isHidden(scalar):
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

// MARK: - Access

extension JSON {
  /// The object, nil for another kind of value.
  public var object: Object? { if case .object(let value) = self { value } else { nil } }
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
