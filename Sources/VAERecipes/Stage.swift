import VAEFiles

/// One part of a model's training: what is trained, and on what. A model has one stage that trains
/// everything on images, unless its variant names further ones, which start from a finished run.
public struct Stage: Equatable, Sendable {
  /// What a stage looks at.
  public enum Data: String, Sendable, CaseIterable {
    /// The examples themselves.
    case images
    /// The codes that the frozen encoder and codebook give for them, computed once.
    case latents
  }

  /// The name, as in `train --stage NAME`.
  public let name: String
  /// Beginnings of the paths that are trained; all others are frozen. Empty for everything.
  public let trains: [String]
  /// What it looks at.
  public let data: Data
  /// The run or exported model that it starts from: of a further stage the finished run, of the one
  /// that trains everything that whose weights take the place of fresh ones. Nil for fresh weights.
  public let origin: String?

  /// A stage.
  public init(
    name: String, trains: [String] = [], data: Data = .images, origin: String? = nil
  ) {
    self.name = name
    self.trains = trains
    self.data = data
    self.origin = origin
  }

  /// The stage that trains a whole model from fresh weights.
  public static let whole = Stage(name: "model")

  /// Whether everything is trained. Later stages find the statistics and
  /// codebooks of the first one and leave them.
  public var isWhole: Bool { trains.isEmpty }

  /// Whether a parameter or buffer of this path is trained.
  public func includes(_ path: String) -> Bool {
    isWhole || trains.contains { path.hasPrefix($0) }
  }

  /// The stage as recipes hold it.
  public var json: JSON {
    var object: JSON.Object = [
      "name": .text(name), "trains": .array(trains.map(JSON.text)), "data": .text(data.rawValue),
    ]
    if let origin { object["origin"] = .text(origin) }
    return .object(object)
  }

  /// A stage from a recipe; `path` says where it stands, for errors.
  init(_ json: JSON, path: String) throws(RecipeError) {
    guard let object = json.object, let name = object["name"]?.text,
      case .array(let prefixes)? = object["trains"], prefixes.allSatisfy({ $0.text != nil }),
      let data = object["data"]?.text.flatMap(Data.init(rawValue:))
    else {
      throw RecipeError(
        .malformed,
        "\(path) is \(json.line), not a stage: an object with a name, a list of paths \"trains\" and \"data\" "
          + "(\(Data.allCases.map(\.rawValue).joined(separator: " or ")))")
    }
    self.init(
      name: name, trains: prefixes.compactMap(\.text), data: data, origin: object["origin"]?.text)
  }
}

/// A stage that a variant offers after the first: which parts it replaces, and what it trains.
public struct FurtherStage: Sendable {
  /// The name, as in `train --stage NAME`.
  public let name: String
  /// What it is for, in one line.
  public let summary: String
  /// The components that take the place of the first stage's. Hyper-parameters that both have keep
  /// their values.
  public let parts: [Role: Composition.Choice]
  /// Beginnings of the paths that are trained.
  public let trains: [String]
  /// What it looks at.
  public let data: Stage.Data
  /// Training defaults of this stage by hyper-parameter.
  public let training: [String: HyperparameterValue]

  /// A stage.
  public init(
    name: String, summary: String, parts: [Role: Composition.Choice], trains: [String],
    data: Stage.Data, training: [String: HyperparameterValue] = [:]
  ) {
    self.name = name
    self.summary = summary
    self.parts = parts
    self.trains = trains
    self.data = data
    self.training = training
  }
}

extension Registry {
  /// The recipe of a further stage of a model that has been trained.
  ///
  /// - Parameters:
  ///   - name: of the stage.
  ///   - recipe: of the finished run.
  ///   - origin: where that run is.
  /// - Throws: `RecipeError` of kind `invalid` where the variant has no such stage.
  public func recipe(
    ofStage name: String, after recipe: Recipe, origin: String
  ) throws(RecipeError) -> Recipe {
    let variant = try variant(recipe.variant)
    guard let stage = variant.furtherStages.first(where: { $0.name == name }) else {
      let known = variant.furtherStages.map(\.name).joined(separator: ", ")
      throw RecipeError(
        .invalid,
        "\(recipe.variant) has no stage \(name); "
          + (known.isEmpty ? "all of it is trained at once" : "there are: \(known)"))
    }
    var next = recipe
    next.plugInHashes = plugInHashes
    for (role, choice) in stage.parts {
      let component = try component(role, choice.name)
      var values = HyperparameterValues(defaultsOf: component.hyperparameters)
      try values.take(
        choice.defaults, declaredBy: component.hyperparameters, path: role.rawValue)
      let old = recipe.part(role)
      let oldDeclarations = try self.component(role, old.name).hyperparameters
      for declaration in component.hyperparameters
      where oldDeclarations.contains(where: {
        $0.name == declaration.name && $0.kind == declaration.kind
      }) {
        values[declaration.name] = old.values[declaration.name]
      }
      next.parts[role] = Recipe.Part(
        name: choice.name, values: values, origin: component.origin)
    }
    try next.training.take(
      stage.training, declaredBy: TrainingOptions.hyperparameters, path: "training")
    next.stages.append(
      Stage(name: name, trains: stage.trains, data: stage.data, origin: origin))
    return next
  }
}
