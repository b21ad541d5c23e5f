import Messages
import VAEFiles

/// A composition of named components with all hyper-parameters: what `describe` prints, `train`
/// takes and a checkpoint stores.
public struct Recipe: Equatable, Sendable {
  /// A component by name with its values.
  public struct Part: Equatable, Sendable {
    /// The component's name; for the likelihood, `auto` until the data are known.
    public var name: String
    /// Its values.
    public var values: HyperparameterValues
    /// Where the component comes from, `Registry.builtInOrigin` or a file.
    public var origin = Registry.builtInOrigin
  }

  /// The name of the variant.
  public var variant: String
  /// Where the variant comes from, `Registry.builtInOrigin` or a file.
  public var origin = Registry.builtInOrigin
  /// The data that the model is for, nil until they are known.
  public var data: DataDescription?
  /// The component of each role.
  public var parts: [Role: Part]
  /// The `training` part.
  public var training: HyperparameterValues
  /// Values of that part which nobody has chosen, so that the data may; see `chooseTraining`.
  var openSettings = OpenSettings()
  /// The stages that made the model, the last being this recipe's own; the `training` part and the
  /// objective are the last one's.
  public var stages: [Stage] = [.whole]

  /// The stage that this recipe is for.
  public var stage: Stage { stages.last ?? .whole }

  /// Says that the stage that trains everything begins with the weights of a run or exported model.
  /// A further stage, which begins with those of another one, stays as it is.
  public mutating func begin(withWeightsOf origin: String) {
    guard stage.isWhole else { return }
    let stage = Stage(name: stage.name, trains: stage.trains, data: stage.data, origin: origin)
    stages = stages.dropLast() + [stage]
  }

  /// Refuses weights of another run where the recipe is of a further stage.
  ///
  /// - Throws: `RecipeError` of kind `invalid`.
  package func checkTakesWeights() throws(RecipeError) {
    guard !stage.isWhole else { return }
    throw RecipeError(
      .invalid,
      "stage \(stage.name) begins with the weights of the run that it follows, and with no others")
  }

  /// The plug-ins that its variant and components come from.
  public var plugIns: [RecordedPlugIn] {
    var found: [RecordedPlugIn] = []
    for origin in [origin] + Role.allCases.compactMap({ parts[$0]?.origin })
    where origin != Registry.builtInOrigin && !found.contains(where: { $0.origin == origin }) {
      found.append(RecordedPlugIn(origin: origin, sha256: plugInHashes[origin]))
    }
    return found
  }

  /// The SHA-256 of plug-ins by their files, those of others than this recipe's among them.
  var plugInHashes: [String: String] = [:]

  /// What the user should know of a recipe that was read: plug-ins that are not those it was made with.
  public package(set) var notices: [Message] = []

  /// Where the metadata of an exported model hold its recipe.
  package static let metadataName = "vae_zoo_recipe"

  /// The number that changes when old recipes can no longer be read.
  public static let format = 1

  /// The component of a role.
  public func part(_ role: Role) -> Part {
    guard let part = parts[role] else { fatalError("a recipe has no \(role)") }
    return part
  }

  /// The recipe as JSON.
  public var json: JSON {
    var object: JSON.Object = ["format": .integer(Self.format), "variant": .text(variant)]
    if let data {
      var members: JSON.Object = [
        "height": .integer(data.height), "width": .integer(data.width),
        "channels": .integer(data.channels), "range": .text(data.range.rawValue),
        "rule": .text(data.rule),
      ]
      if let preparation = data.preparation { members["preparation"] = .text(preparation) }
      if data.missing { members["missing"] = .bool(true) }
      if let columns = data.columns { members["columns"] = columns.json }
      if let label = data.labelColumn { members["label_column"] = .text(label) }
      if let condition = data.condition { members["condition"] = condition.json }
      object["data"] = .object(members)
    }
    for role in Role.allCases {
      let part = part(role)
      var members: JSON.Object = ["name": .text(part.name)]
      for (name, value) in part.values.values.sorted(by: { $0.key < $1.key }) {
        members[name] = value.json
      }
      object[role.rawValue] = .object(members)
    }
    var members: JSON.Object = [:]
    for declaration in TrainingOptions.hyperparameters {
      members[declaration.name] = training[declaration.name].json
    }
    object["training"] = .object(members)
    object["stages"] = .array(stages.map(\.json))
    if !plugIns.isEmpty { object["plugins"] = .array(plugIns.map(\.json)) }
    return .object(object)
  }
}
