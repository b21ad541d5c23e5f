import VAEFiles

/// A value of a hyper-parameter.
public enum HyperparameterValue: Hashable, Sendable, CustomStringConvertible {
  /// A whole number.
  case integer(Int)
  /// A real number.
  case number(Double)
  /// A word.
  case text(String)
  /// Yes or no.
  case flag(Bool)
  /// A list of whole numbers.
  case integers([Int])

  /// The value as it is written after `--set name=`.
  public var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .number(let value): Self.short(value)
    case .text(let value): value
    case .flag(let value): "\(value)"
    case .integers(let values): values.map(String.init).joined(separator: ",")
    }
  }

  /// The value as JSON.
  public var json: JSON {
    switch self {
    case .integer(let value): .integer(value)
    case .number(let value):
      value == value.rounded() && abs(value) < 1e15 ? .integer(Int(value)) : .number(value)
    case .text(let value): .text(value)
    case .flag(let value): .bool(value)
    case .integers(let values): .array(values.map(JSON.integer))
    }
  }

  static func short(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }
}

/// A hyper-parameter as components declare it: its type and range, its default, and what it does.
public struct Hyperparameter: Sendable {
  /// The type with the values allowed.
  public enum Kind: Sendable, Equatable {
    /// A whole number in a range.
    case integer(ClosedRange<Int>)
    /// A real number in a range.
    case number(ClosedRange<Double>)
    /// One of some words.
    case choice([String])
    /// A real number in a range, or one of some words.
    case numberOrChoice(ClosedRange<Double>, [String])
    /// As many whole numbers as the first range says, each in the second.
    case integers(count: ClosedRange<Int>, each: ClosedRange<Int>)
    /// Yes or no.
    case flag
    /// Any text of at most so many bytes.
    case text(limit: Int)
  }

  /// The name, in snake_case.
  public let name: String
  /// The type with the values allowed.
  public let kind: Kind
  /// The value where none is given.
  public let `default`: HyperparameterValue
  /// What it does, in one line.
  public let help: String

  /// A declaration.
  public init(_ name: String, _ kind: Kind, default: HyperparameterValue, help: String) {
    self.name = name
    self.kind = kind
    self.default = `default`
    self.help = help
  }

  /// The type's name: "integer", "number", "choice", "number or choice", "list of integers", "flag"
  /// or "text".
  public var typeName: String {
    switch kind {
    case .integer: "integer"
    case .number: "number"
    case .choice: "choice"
    case .numberOrChoice: "number or choice"
    case .integers: "list of integers"
    case .flag: "flag"
    case .text: "text"
    }
  }

  /// Whether its values are texts.
  var isText: Bool { if case .text = kind { true } else { false } }

  /// Whether its values are whole numbers, as sizes are.
  var isWhole: Bool {
    switch kind {
    case .integer, .integers: true
    default: false
    }
  }

  /// The values allowed, such as "1…65536" or "relu, elu".
  public var rangeText: String {
    func text(_ range: ClosedRange<Double>) -> String {
      "\(HyperparameterValue.short(range.lowerBound))…\(HyperparameterValue.short(range.upperBound))"
    }
    return switch kind {
    case .integer(let range): "\(range.lowerBound)…\(range.upperBound)"
    case .number(let range): text(range)
    case .choice(let words): words.joined(separator: ", ")
    case .numberOrChoice(let range, let words):
      ([text(range)] + words).joined(separator: ", ")
    case .integers(let count, let each):
      "\(count.lowerBound) to \(count.upperBound) numbers in \(each.lowerBound)…\(each.upperBound)"
    case .flag: "true, false"
    case .text(let limit): "at most \(limit) bytes"
    }
  }
}

// MARK: - Reading values

extension Hyperparameter {
  /// The value of a text, as after `--set`.
  ///
  /// - Throws: `RecipeError` of kind `invalid`, which names the path, the text and what is allowed.
  public func value(parsing text: String, path: String) throws(RecipeError) -> HyperparameterValue {
    let value: HyperparameterValue? =
      switch kind {
      case .integer: Int(text).map(HyperparameterValue.integer)
      case .number: Double(text).map(HyperparameterValue.number)
      case .choice, .text: .text(text)
      case .numberOrChoice: Double(text).map(HyperparameterValue.number) ?? .text(text)
      case .integers: Self.integers(text).map(HyperparameterValue.integers)
      case .flag: Bool(text).map(HyperparameterValue.flag)
      }
    return try checked(value, written: text, path: path)
  }

  /// The value of a JSON value in a recipe.
  ///
  /// - Throws: `RecipeError` of kind `invalid`, which names the path, the value and what is
  ///   allowed.
  public func value(of json: JSON, path: String) throws(RecipeError) -> HyperparameterValue {
    let value: HyperparameterValue? =
      switch (kind, json) {
      case (.integer, .integer(let number)): .integer(number)
      case (.integers, .integer(let number)): .integers([number])
      case (.number, _), (.numberOrChoice, .integer), (.numberOrChoice, .number):
        json.double.map(HyperparameterValue.number)
      case (.choice, .text(let word)), (.numberOrChoice, .text(let word)),
        (.text, .text(let word)):
        .text(word)
      case (.integers, .array(let items)):
        items.allSatisfy { $0.integer != nil } ? .integers(items.compactMap(\.integer)) : nil
      case (.flag, .bool(let flag)): .flag(flag)
      default: nil
      }
    return try checked(value, written: json.line, path: path)
  }

  /// Whole numbers between commas, with or without brackets around them all.
  private static func integers(_ text: String) -> [Int]? {
    var text = text.filter { $0 != " " }
    if text.hasPrefix("[") && text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
    guard !text.isEmpty else { return [] }
    let items = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    return items.contains(nil) ? nil : items.compactMap { $0 }
  }

  private func checked(
    _ value: HyperparameterValue?, written: String, path: String
  ) throws(RecipeError) -> HyperparameterValue {
    guard let value, allows(value) else {
      throw RecipeError(
        .invalid, "\(path) cannot be \(written.isEmpty ? "empty" : written): it takes \(wanted)")
    }
    return value
  }

  /// What values it takes, such as "an integer: 1…65536".
  private var wanted: String {
    guard case .numberOrChoice(let range, let words) = kind else {
      let article = typeName.first == "i" ? "an" : "a"
      return "\(article) \(typeName): \(rangeText)"
    }
    let (least, largest) = (
      HyperparameterValue.short(range.lowerBound), HyperparameterValue.short(range.upperBound)
    )
    return "a number from \(least) to \(largest), or \(words.joined(separator: ", "))"
  }

  private func allows(_ value: HyperparameterValue) -> Bool {
    switch (kind, value) {
    case (.integer(let range), .integer(let number)): range.contains(number)
    case (.number(let range), .number(let number)): range.contains(number)
    case (.choice(let words), .text(let word)): words.contains(word)
    case (.numberOrChoice(let range, _), .number(let number)): range.contains(number)
    case (.numberOrChoice(_, let words), .text(let word)): words.contains(word)
    case (.integers(let count, let each), .integers(let numbers)):
      count.contains(numbers.count) && numbers.allSatisfy(each.contains)
    case (.flag, .flag): true
    case (.text(let limit), .text(let text)):
      text.utf8.count <= limit && !text.utf8.contains(0)
    default: false
    }
  }
}
