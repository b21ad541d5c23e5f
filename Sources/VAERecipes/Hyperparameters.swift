import Tensors

/// Checked values of declared hyper-parameters: one for each declaration.
///
/// The accessors are for components, which ask for what they declared themselves; asking for
/// another name or type is a programming error.
public struct Hyperparameters: Equatable, Sendable {
  /// The values by name.
  public private(set) var values: [String: HyperparameterValue]

  /// The defaults of some declarations.
  public init(defaultsOf declarations: [Hyperparameter]) {
    values = Dictionary(
      declarations.map { ($0.name, $0.default) }, uniquingKeysWith: { first, _ in first })
  }

  /// The value of a declared name.
  public subscript(name: String) -> HyperparameterValue {
    get {
      guard let value = values[name] else {
        preconditionFailure("no hyper-parameter \(name) was declared")
      }
      return value
    }
    set { values[name] = newValue }
  }

  /// A whole number.
  public func integer(_ name: String) -> Int {
    guard case .integer(let value) = self[name] else {
      preconditionFailure("hyper-parameter \(name) was not declared as an integer")
    }
    return value
  }

  /// A real number.
  public func number(_ name: String) -> Double {
    guard case .number(let value) = self[name] else {
      preconditionFailure("hyper-parameter \(name) was not declared as a number")
    }
    return value
  }

  /// A word.
  public func text(_ name: String) -> String {
    guard case .text(let value) = self[name] else {
      preconditionFailure("hyper-parameter \(name) was not declared as a choice")
    }
    return value
  }

  /// Yes or no.
  public func flag(_ name: String) -> Bool {
    guard case .flag(let value) = self[name] else {
      preconditionFailure("hyper-parameter \(name) was not declared as a flag")
    }
    return value
  }

  /// A list of whole numbers.
  public func integers(_ name: String) -> [Int] {
    guard case .integers(let value) = self[name] else {
      preconditionFailure("hyper-parameter \(name) was not declared as a list")
    }
    return value
  }
}

// MARK: - Activations

extension Hyperparameter {
  /// The hyper-parameter `activation`.
  public static func activation(default name: String) -> Hyperparameter {
    Hyperparameter(
      "activation", .choice(activations.map(\.name)), default: .text(name),
      help: "non-linearity after each hidden layer (leaky_relu has slope 0.1)")
  }

  fileprivate static let activations: [(name: String, activation: Activation)] = [
    ("relu", .relu), ("leaky_relu", .leakyReLU(slope: 0.1)), ("elu", .elu(alpha: 1)),
    ("gelu", .gelu), ("silu", .silu), ("tanh", .tanh), ("sigmoid", .sigmoid),
    ("softplus", .softplus),
  ]
}

extension Hyperparameters {
  /// The activation that the hyper-parameter `activation` names.
  public func activation() throws(RecipeError) -> Activation {
    let name = text("activation")
    guard let found = Hyperparameter.activations.first(where: { $0.name == name }) else {
      throw RecipeError(.invalid, "there is no activation \(name)")
    }
    return found.activation
  }
}
