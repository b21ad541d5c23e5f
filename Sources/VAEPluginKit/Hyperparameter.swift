import CVAE

/// A hyper-parameter of a component: a member of recipes and a key for `--set`.
public struct Hyperparameter: Sendable {
  /// Type, default and what is allowed.
  public enum Kind: Sendable {
    case integer(default: Int, in: ClosedRange<Int>)
    case number(default: Double, in: ClosedRange<Double>)
    case flag(default: Bool)
    /// One of the choices, of which the first is the default.
    case choice([String])
    /// Several integers.
    case integers(default: [Int], in: ClosedRange<Int>)
  }

  /// In snake_case; one that is a shorthand, such as `latent` or `hidden`, is reached by it.
  public let name: String
  /// Type, default and what is allowed.
  public let kind: Kind
  /// One line: what it does.
  public let help: String

  /// A hyper-parameter.
  public init(_ name: String, _ kind: Kind, help: String) {
    self.name = name
    self.kind = kind
    self.help = help
  }

  /// As C describes it; what it points at is kept for ever, as the host expects.
  var asC: vae_hyperparameter {
    var c = vae_hyperparameter()
    c.struct_size = UInt32(MemoryLayout<vae_hyperparameter>.size)
    c.name = Forever.text(name)
    c.help = Forever.text(help)
    switch kind {
    case .integer(let value, let range):
      c.type = VAE_TYPE_I64
      c.default_integer = Int64(value)
      (c.minimum_integer, c.maximum_integer) = (Int64(range.lowerBound), Int64(range.upperBound))
    case .number(let value, let range):
      c.type = VAE_TYPE_F64
      c.default_number = value
      (c.minimum_number, c.maximum_number) = (range.lowerBound, range.upperBound)
    case .flag(let value):
      c.type = VAE_TYPE_BOOL
      c.default_integer = value ? 1 : 0
    case .choice(let choices):
      c.type = VAE_TYPE_STRING
      c.choices = Forever.array(choices.map { Optional(Forever.text($0)) })
      c.choice_count = UInt64(choices.count)
    case .integers(let values, let range):
      c.type = VAE_TYPE_I64S
      c.default_values = Forever.array(values.map(Int64.init))
      c.default_count = UInt64(values.count)
      (c.minimum_integer, c.maximum_integer) = (Int64(range.lowerBound), Int64(range.upperBound))
    }
    return c
  }
}

/// The values of a component's hyper-parameters, by name.
public struct Arguments {
  private let values: [String: vae_argument]

  init(_ hyperparameters: [Hyperparameter], _ arguments: UnsafePointer<vae_argument>?, count: Int) {
    let given = UnsafeBufferPointer(start: arguments, count: arguments == nil ? 0 : count)
    values = Dictionary(
      zip(hyperparameters.map(\.name), given), uniquingKeysWith: { first, _ in first })
  }

  /// The value of an integer.
  public func integer(_ name: String) throws -> Int {
    Int(try value(name, VAE_TYPE_I64, "an integer").integer)
  }

  /// The value of a number.
  public func number(_ name: String) throws -> Double {
    try value(name, VAE_TYPE_F64, "a number").number
  }

  /// The value of a flag.
  public func flag(_ name: String) throws -> Bool {
    try value(name, VAE_TYPE_BOOL, "a flag").integer != 0
  }

  /// The choice that was made.
  public func choice(_ name: String) throws -> String {
    let text = try value(name, VAE_TYPE_STRING, "a choice").text
    return text.map { String(cString: $0) } ?? ""
  }

  /// The values of several integers.
  public func integers(_ name: String) throws -> [Int] {
    let argument = try value(name, VAE_TYPE_I64S, "a list of integers")
    return UnsafeBufferPointer(start: argument.values, count: Int(argument.count)).map(Int.init)
  }

  private func value(_ name: String, _ type: Int32, _ words: String) throws -> vae_argument {
    guard let argument = values[name] else {
      throw PluginError("the component asks for \(name), which is not among its hyper-parameters")
    }
    guard argument.type == type else {
      throw PluginError("the component asks for \(name) as \(words), which it is not")
    }
    return argument
  }
}

/// Memory that lives as long as the process: descriptions that the host may read at any time.
enum Forever {
  static func text(_ text: String) -> UnsafePointer<CChar> {
    array(Array(text.utf8CString))
  }

  static func array<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    memory.initialize(from: elements, count: elements.count)
    return UnsafePointer(memory)
  }
}
