import VAECore

/// A variant's hyper-parameters, part by part, as `describe` shows them.
public struct VariantDescription {
  /// A hyper-parameter by the name that `--set` takes.
  public struct Item {
    /// The path, such as `prior.latent`.
    public let name: String
    /// The declaration.
    public let declaration: Hyperparameter
    /// The variant's default.
    public let value: HyperparameterValue
  }

  /// One part of the recipe.
  public struct Section {
    /// What fills the part, such as "encoder mlp: a multi-layer perceptron".
    public let title: String
    /// The key that chooses another component; empty for `training`.
    public let switchName: String
    /// The other components that can fill the part.
    public let alternatives: [String]
    /// The hyper-parameters.
    public let hyperparameters: [Item]
  }

  /// The variant.
  public let variant: any Variant
  /// Encoder, prior, decoder, likelihood, objective and training.
  public let sections: [Section]
  /// Short names that `--set` takes beside the paths.
  public let shorthands: [String]

  /// Describes a variant by its default recipe.
  public init(_ variant: any Variant, recipe: Recipe, registry: Registry) throws(RecipeError) {
    self.variant = variant
    shorthands = registry.validKeys(in: recipe).filter { !$0.contains(".") }
    var sections: [Section] = []
    for role in Role.allCases {
      let part = recipe.part(role)
      let component = try registry.component(role, part.name)
      let names = registry.components(role).map(\.name) + (role == .likelihood ? ["auto"] : [])
      sections.append(
        Section(
          title: "\(role) \(part.name): \(component.summary)", switchName: "\(role).name",
          alternatives: names.filter { $0 != part.name },
          hyperparameters: component.hyperparameters.map {
            Item(name: "\(role).\($0.name)", declaration: $0, value: part.values[$0.name])
          }))
    }
    sections.append(
      Section(
        title: "training", switchName: "", alternatives: [],
        hyperparameters: TrainingOptions.hyperparameters.map {
          Item(name: "training.\($0.name)", declaration: $0, value: recipe.training[$0.name])
        }))
    self.sections = sections
  }

  /// The description as JSON.
  public var json: JSON {
    let items = sections.flatMap(\.hyperparameters).map { item in
      item.declaration.json(named: item.name, default: item.value)
    }
    return .object([
      "name": .text(variant.name), "summary": .text(variant.summary),
      "reference": .text(variant.reference),
      "shorthands": .array(shorthands.map(JSON.text)), "hyperparameters": .array(items),
    ])
  }
}
