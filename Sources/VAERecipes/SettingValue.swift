import Tensors

/// A type that a property declared by `Setting` can have: it can be made of a recipe's value, and gives
/// one.
public protocol SettingValue: Sendable {
  /// The value of a recipe's; nil where that is of another type.
  init?(hyperparameterValue: HyperparameterValue)
  /// The recipe's value.
  var hyperparameterValue: HyperparameterValue { get }
}

extension Int: SettingValue {
  /// A whole number.
  public init?(hyperparameterValue: HyperparameterValue) {
    guard case .integer(let value) = hyperparameterValue else { return nil }
    self = value
  }

  /// A whole number.
  public var hyperparameterValue: HyperparameterValue { .integer(self) }
}

extension Double: SettingValue {
  /// A real number.
  public init?(hyperparameterValue: HyperparameterValue) {
    guard case .number(let value) = hyperparameterValue else { return nil }
    self = value
  }

  /// A real number.
  public var hyperparameterValue: HyperparameterValue { .number(self) }
}

extension Bool: SettingValue {
  /// Yes or no.
  public init?(hyperparameterValue: HyperparameterValue) {
    guard case .flag(let value) = hyperparameterValue else { return nil }
    self = value
  }

  /// Yes or no.
  public var hyperparameterValue: HyperparameterValue { .flag(self) }
}

extension String: SettingValue {
  /// A text.
  public init?(hyperparameterValue: HyperparameterValue) {
    guard case .text(let value) = hyperparameterValue else { return nil }
    self = value
  }

  /// A text.
  public var hyperparameterValue: HyperparameterValue { .text(self) }
}

extension [Int]: SettingValue {
  /// A list of whole numbers.
  public init?(hyperparameterValue: HyperparameterValue) {
    guard case .integers(let value) = hyperparameterValue else { return nil }
    self = value
  }

  /// A list of whole numbers.
  public var hyperparameterValue: HyperparameterValue { .integers(self) }
}

/// An enumeration whose cases are the words that a recipe may choose from, in this order.
public protocol SettingChoice: SettingValue, CaseIterable, RawRepresentable
where RawValue == String {}

extension SettingChoice {
  /// The case of a word.
  public init?(hyperparameterValue: HyperparameterValue) {
    guard case .text(let word) = hyperparameterValue else { return nil }
    self.init(rawValue: word)
  }

  /// The word.
  public var hyperparameterValue: HyperparameterValue { .text(rawValue) }

  static var words: [String] { allCases.map(\.rawValue) }
}

/// A real number, or one of some words.
public enum NumberOrChoice<Choice: SettingChoice>: SettingValue {
  /// A number.
  case number(Double)
  /// A word.
  case choice(Choice)

  /// The number or the case of a word.
  public init?(hyperparameterValue: HyperparameterValue) {
    if let number = Double(hyperparameterValue: hyperparameterValue) {
      self = .number(number)
    } else if let choice = Choice(hyperparameterValue: hyperparameterValue) {
      self = .choice(choice)
    } else {
      return nil
    }
  }

  /// The number or the word.
  public var hyperparameterValue: HyperparameterValue {
    switch self {
    case .number(let number): number.hyperparameterValue
    case .choice(let choice): choice.hyperparameterValue
    }
  }
}

extension Precision: SettingChoice {}

extension Activation: SettingValue {
  static let choices: [(name: String, activation: Activation)] = [
    ("relu", .relu), ("leaky_relu", .leakyReLU(slope: 0.1)), ("elu", .elu(alpha: 1)),
    ("gelu", .gelu), ("silu", .silu), ("tanh", .tanh), ("sigmoid", .sigmoid),
    ("softplus", .softplus),
  ]

  /// The activation of a name.
  public init?(hyperparameterValue: HyperparameterValue) {
    guard
      let found = Self.choices.first(where: { .text($0.name) == hyperparameterValue })
    else { return nil }
    self = found.activation
  }

  /// The name; empty for an activation that recipes have no name for.
  public var hyperparameterValue: HyperparameterValue {
    .text(Self.choices.first { $0.activation == self }?.name ?? "")
  }
}
