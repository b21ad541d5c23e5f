import Messages
import VAECore
import VAEEvaluation
import VAEFiles
import VAERecipes

/// A variant's hyper-parameters, part by part, as `describe` shows them.
public struct VariantDescription {
  /// A hyper-parameter by the name that `--set` takes.
  public struct Item {
    /// The path, such as `prior.latent`.
    public let name: String
    /// The declaration.
    public let declaration: Hyperparameter
    /// The value in the recipe that is described: the variant's default, unless settings have made another of it.
    public let value: HyperparameterValue
  }

  /// One part of the recipe.
  public struct Section {
    /// The part of the recipe, such as "encoder".
    public let part: String
    /// The component that fills it; empty for `training`.
    public let component: String
    /// What fills the part, such as "encoder mlp: a multi-layer perceptron".
    public let title: String
    /// The key that chooses another component; empty for `training`.
    public let switchName: String
    /// The other components that can fill the part.
    public let alternatives: [String]
    /// Whether the component is told the condition of each example.
    public let usesCondition: Bool
    /// The hyper-parameters.
    public let hyperparameters: [Item]
  }

  /// The variant.
  public let variant: any Variant
  /// Encoder, prior, decoder, likelihood, objective and training.
  public let sections: [Section]
  /// Short names that `--set` takes beside the paths.
  public let shorthands: [String]
  /// What each of these sets in the recipe that is described; nothing where it chooses a part.
  public let shorthandPaths: [[String]]
  /// The short names of hyper-parameters, those among them that need another choice of parts.
  public let shortNames: [ShortName]
  /// The values that `architecture` can have.
  public let architectures: [String]
  /// The one of these that the variant's own recipe has, whatever settings chose.
  public let architecture: String?
  /// The metrics that the recipe allows for `StandInData`, by name.
  public let metrics: [String]
  /// That no model can be made of the recipe for `StandInData`, and why; nil where one can.
  public let obstacle: Message?
  /// The stages that can follow a model of the recipe.
  public let furtherStages: [FurtherStage]
  /// The layers of the recipe for `StandInData`; nil where no model can be made of it.
  public let shapes: ModelShapes?

  /// Describes a variant by a recipe, its default one or what settings have made of it.
  public init(_ variant: any Variant, recipe: Recipe, registry: Registry) throws(RecipeError) {
    self.variant = variant
    shorthands = registry.validKeys(in: recipe).filter { !$0.contains(".") }
    shorthandPaths = shorthands.map { registry.paths(of: $0, in: recipe) }
    shortNames = try registry.shortNames(of: variant)
    architectures = registry.architectures(of: variant)
    architecture = try registry.architecture(of: variant)
    let settled = Result {
      registry.withStandInNetworks(try registry.settled(recipe, []) { StandInData($0) }.recipe)
    }
    let planned = settled.flatMap { recipe in Result { try registry.plan(recipe) } }
    let model = try? planned.get()
    if case .failure(let error) = planned {
      let message: Message = (error as? any MessageError)?.message ?? "\("\(error)")"
      let data = recipe.data == nil ? "binary images" : "its data"
      obstacle = "these settings make no model for \(data): \(message)"
    } else {
      obstacle = nil
    }
    metrics = model.map(Self.metrics) ?? []
    furtherStages =
      model.map { registry.furtherStages(of: variant, latents: $0.prior.latents) }
      ?? variant.furtherStages
    shapes = try? registry.shapes(of: settled.get())
    var sections: [Section] = []
    for role in Role.allCases {
      let part = recipe.part(role)
      let component = try registry.component(role, part.name)
      let names = registry.components(role).map(\.name) + (role == .likelihood ? ["auto"] : [])
      sections.append(
        Section(
          part: role.rawValue, component: part.name,
          title: "\(role) \(part.name): \(component.summary)", switchName: "\(role).name",
          alternatives: names.filter { $0 != part.name }, usesCondition: component.usesCondition,
          hyperparameters: component.hyperparameters.map {
            Item(name: "\(role).\($0.name)", declaration: $0, value: part.values[$0.name])
          }))
    }
    sections.append(
      Section(
        part: "training", component: "", title: "training", switchName: "", alternatives: [],
        usesCondition: false,
        hyperparameters: TrainingOptions.hyperparameters.map {
          Item(name: "training.\($0.name)", declaration: $0, value: recipe.training[$0.name])
        }))
    self.sections = sections
  }

  /// The description as JSON.
  public var json: JSON {
    let open = TrainingOptions.openNames + variant.composition.trainingPerElement.keys
    let items = sections.flatMap(\.hyperparameters).map { item in
      item.declaration.json(
        named: item.name, default: item.value,
        isOpen: open.contains { "training.\($0)" == item.name })
    }
    return .object([
      "name": .text(variant.name), "summary": .text(variant.summary),
      "reference": .text(variant.reference), "stages": .array(stages), "parts": .array(parts),
      "architecture": architecture.map(JSON.text) ?? .null,
      "architectures": .array(architectures.map(JSON.text)),
      "shorthands": .array(shorthands.map(JSON.text)),
      "keywords": .array(shortNames.map(\.json)), "hyperparameters": .array(items),
      "metrics": .array(metrics.map(JSON.text)), "shapes": shapes?.json ?? .null,
    ])
  }

  /// The metrics that a model allows for binary images, if the data know what they need.
  private static func metrics(suiting model: Model) -> [String] {
    let found = MetricRegistry.standard.descriptors(suiting: model, shape: [32, 32, 1])
    // A plug-in's part may fail when it is asked.
    return (try? model.checkParts()) == nil ? [] : found.map(\.name)
  }

  private var stages: [JSON] {
    furtherStages.map {
      .object(["name": .text($0.name), "summary": .text($0.summary)])
    }
  }

  private var parts: [JSON] {
    sections.filter { !$0.component.isEmpty }.map { section in
      .object([
        "role": .text(section.part), "name": .text(section.component),
        "alternatives": .array(section.alternatives.map(JSON.text)),
        "uses_condition": .bool(section.usesCondition),
      ])
    }
  }
}

extension ShortName {
  /// The short name as JSON; `default` is null where it depends on which parts are chosen.
  fileprivate var json: JSON {
    .object([
      "name": .text(name), "type": .text(declaration.typeName),
      "default": self.default?.json ?? .null, "range": .text(declaration.rangeText),
      "help": .text(declaration.help), "paths": .array(paths.map(JSON.text)),
    ])
  }
}
