import Tensors

/// Declares a property of a `HyperparameterSet` as a hyper-parameter: its default is the property's, its
/// name the property's in snake_case.
///
/// What may be set follows from the type, and stands beside the help:
///
/// ```swift
/// struct Options: HyperparameterSet {
///   @Setting(1...64, help: "steps of the flow") var flowSteps = 2
///   @Setting(0...1e6, help: "weight of the rate") var beta = 1.0
///   @Setting(count: 0...64, each: 1...65536, help: "sizes of the hidden layers") var hidden = [400]
///   @Setting var activation = Activation.relu
/// }
/// ```
@propertyWrapper
public struct Setting<Value: SettingValue>: Decodable, Sendable {
  /// The value.
  public var wrappedValue: Value
  private let kind: Hyperparameter.Kind
  private let help: String

  private init(_ value: Value, _ kind: Hyperparameter.Kind, _ help: String) {
    (wrappedValue, self.kind, self.help) = (value, kind, help)
  }

  /// The value that a recipe has for the property. What was declared stays with the defaults.
  public init(from decoder: any Decoder) throws {
    guard let decoder = decoder as? HyperparameterDecoder, let found = decoder.value,
      let value = Value(hyperparameterValue: found)
    else {
      throw DecodingError.valueNotFound(
        Value.self, .init(codingPath: decoder.codingPath, debugDescription: "no checked value"))
    }
    self.init(value, .flag, "")
  }
}

extension Setting where Value == Int {
  /// A whole number in a range.
  public init(wrappedValue: Int, _ range: ClosedRange<Int>, help: String) {
    self.init(wrappedValue, .integer(range), help)
  }
}

extension Setting where Value == Double {
  /// A real number in a range.
  public init(wrappedValue: Double, _ range: ClosedRange<Double>, help: String) {
    self.init(wrappedValue, .number(range), help)
  }
}

extension Setting where Value == Bool {
  /// Yes or no.
  public init(wrappedValue: Bool, help: String) {
    self.init(wrappedValue, .flag, help)
  }
}

extension Setting where Value == String {
  /// Any text of at most so many bytes.
  public init(wrappedValue: String, limit: Int, help: String) {
    self.init(wrappedValue, .text(limit: limit), help)
  }
}

extension Setting where Value == [Int] {
  /// As many whole numbers as `count` says, each in a range.
  public init(
    wrappedValue: [Int], count: ClosedRange<Int>, each range: ClosedRange<Int>, help: String
  ) {
    self.init(wrappedValue, .integers(count: count, each: range), help)
  }
}

extension Setting where Value: SettingChoice {
  /// One of the words of an enumeration.
  public init(wrappedValue: Value, help: String) {
    self.init(wrappedValue, .choice(Value.words), help)
  }
}

extension Setting {
  /// A real number in a range, or one of the words of an enumeration.
  public init<Choice>(wrappedValue: Value, _ range: ClosedRange<Double>, help: String)
  where Value == NumberOrChoice<Choice> {
    self.init(wrappedValue, .numberOrChoice(range, Choice.words), help)
  }
}

extension Setting where Value == Activation {
  /// The activation of a network.
  public init(wrappedValue: Activation) {
    self.init(
      wrappedValue, .choice(Activation.choices.map(\.name)),
      "non-linearity after each hidden layer (leaky_relu has slope 0.1)")
  }
}

extension Setting: Equatable where Value: Equatable {
  /// Whether both have the same value.
  public static func == (a: Self, b: Self) -> Bool { a.wrappedValue == b.wrappedValue }
}

/// A setting of any type.
protocol DeclaredSetting {
  func declaration(named name: String) -> Hyperparameter
}

extension Setting: DeclaredSetting {
  func declaration(named name: String) -> Hyperparameter {
    Hyperparameter(name, kind, default: wrappedValue.hyperparameterValue, help: help)
  }
}
