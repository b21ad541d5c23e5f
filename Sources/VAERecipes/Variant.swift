/// A variational autoencoder by name: which components it puts together, with which
/// hyper-parameters.
public protocol Variant: Sendable {
  /// The name, in kebab-case.
  var name: String { get }
  /// What languages with classes call it: the name in CamelCase, acronyms whole, such as "BetaVAE".
  var className: String { get }
  /// What it is, in one line.
  var summary: String { get }
  /// The paper it comes from.
  var reference: String { get }
  /// The components it is made of, with the defaults that it changes.
  var composition: Composition { get }
  /// The paths that a shorthand stands for in this variant's recipes, where it is not the same name
  /// in every part.
  var shorthands: [String: [String]] { get }
  /// The components that each value of `architecture` stands for in this variant's recipes; empty
  /// where it names the encoder and the decoder themselves.
  var architectures: [String: [Role: String]] { get }
  /// The stages that can follow once a model of this variant has been trained.
  var furtherStages: [FurtherStage] { get }
  /// The forms in which other programs store weights of this variant.
  var weightFormats: [any WeightFormat] { get }
  /// Registers the components that only this variant brings.
  func registerComponents(in registry: inout Registry)
}

extension Variant {
  /// The name of the type without its ending.
  public var className: String {
    let name = String(describing: Self.self)
    return name.hasSuffix("Variant") ? String(name.dropLast("Variant".count)) : name
  }
  /// None: everything is trained at once.
  public var furtherStages: [FurtherStage] { [] }
  /// The names of encoder and decoder.
  public var architectures: [String: [Role: String]] { [:] }
  /// None.
  public var shorthands: [String: [String]] { [:] }
  /// None.
  public var weightFormats: [any WeightFormat] { [] }
  /// None.
  public func registerComponents(in registry: inout Registry) {}
}

/// The components of a variant by role.
public struct Composition: Sendable {
  /// A component by name, with defaults in place of its own.
  public struct Choice: Sendable, ExpressibleByStringLiteral {
    /// The component's name.
    public let name: String
    /// Defaults of this variant by hyper-parameter.
    public let defaults: [String: HyperparameterValue]

    /// A component with other defaults.
    public init(_ name: String, _ defaults: [String: HyperparameterValue] = [:]) {
      self.name = name
      self.defaults = defaults
    }

    /// A component with its own defaults.
    public init(stringLiteral value: String) {
      self.init(value)
    }
  }

  /// The choice of each role.
  public let choices: [Role: Choice]
  /// Training defaults of this variant by hyper-parameter.
  public let training: [String: HyperparameterValue]
  /// Training defaults that grow with the data: what they are for each number of an example. Where nobody has chosen
  /// them they take the place of those in `training` as soon as the data are known.
  public let trainingPerElement: [String: Double]
  /// What the likelihood `auto` is for data of bytes.
  public let likelihoodOfBytes: String

  /// A composition; the likelihood `auto` is Bernoulli for binary data, `mixed` for a table whose columns
  /// are not all real, what is named here for data of bytes, and else Gaussian.
  public init(
    encoder: Choice, prior: Choice, decoder: Choice, likelihood: Choice = "auto",
    likelihoodOfBytes: String = "gaussian", objective: Choice = "elbo",
    training: [String: HyperparameterValue] = [:], trainingPerElement: [String: Double] = [:]
  ) {
    self.likelihoodOfBytes = likelihoodOfBytes
    self.trainingPerElement = trainingPerElement
    choices = [
      .encoder: encoder, .prior: prior, .decoder: decoder, .likelihood: likelihood,
      .objective: objective,
    ]
    self.training = training
  }
}
