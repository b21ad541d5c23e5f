import Messages
import VAECore
import VAEFiles

/// One part of a model's training: what is trained, and on what. A model has one stage that trains
/// everything on images, unless its variant names further ones, which start from a finished run.
public struct Stage: Equatable, Sendable {
  /// What a stage looks at.
  public enum Data: String, Sendable, CaseIterable {
    /// The examples themselves.
    case images
    /// What the frozen encoder says of them: codes, computed once, or draws of their posteriors.
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
  /// Whether what is trained goes on from the origin's weights; a further stage of which it does not begins with fresh
  /// ones.
  public let goesOn: Bool

  /// A stage.
  public init(
    name: String, trains: [String] = [], data: Data = .images, origin: String? = nil,
    goesOn: Bool = false
  ) {
    self.name = name
    self.trains = trains
    self.data = data
    self.origin = origin
    self.goesOn = goesOn
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
    if goesOn { object["goes_on"] = .bool(true) }
    return .object(object)
  }

  /// A stage from a recipe; `path` says where it stands, for errors.
  init(_ json: JSON, path: String) throws(RecipeError) {
    guard let object = json.object, let name = object["name"]?.text,
      case .array(let prefixes)? = object["trains"], prefixes.allSatisfy({ $0.text != nil }),
      let data = object["data"]?.text.flatMap(Data.init(rawValue:)),
      let goesOn = object["goes_on"].map(\.bool) ?? false
    else {
      throw RecipeError(
        .malformed,
        "\(path) is \(json.line), not a stage: an object with a name, a list of paths \"trains\", \"data\" "
          + "(\(Data.allCases.map(\.rawValue).joined(separator: " or "))) and perhaps \"goes_on\", true or false"
      )
    }
    self.init(
      name: name, trains: prefixes.compactMap(\.text), data: data, origin: object["origin"]?.text,
      goesOn: goesOn)
  }
}

/// A stage after the first: which parts it replaces, and what it trains. A variant offers its own
/// (`Variant.furtherStages`); those that a registry holds are there for every variant with latents that
/// they are for.
public struct FurtherStage: Sendable {
  /// The name, as in `train --stage NAME`.
  public let name: String
  /// What it is for, in one line.
  public let summary: String
  /// The latents that it is for, such as "one layer of real units".
  public let latents: String
  /// The components that take the place of the first stage's, given what its latents look like; nil
  /// where it is not for such latents. Hyper-parameters that both have keep their values.
  public let parts: @Sendable (LatentSpace) -> [Role: Composition.Choice]?
  /// Beginnings of the paths that are trained.
  public let trains: [String]
  /// What it looks at.
  public let data: Stage.Data
  /// Training defaults of this stage by hyper-parameter.
  public let training: [String: HyperparameterValue]
  /// Whether what it trains goes on from the weights of the finished run.
  public let goesOn: Bool
  /// The share of the training examples that is held out where the model before held none out, and the data have no
  /// split for it.
  public let holdout: Double

  /// A stage of models with latents of some kind.
  ///
  /// - Parameters:
  ///   - latents: which, for the error where a model has others.
  ///   - parts: nil where it is not for the latents that it is given.
  public init(
    name: String, summary: String, latents: String,
    parts: @escaping @Sendable (LatentSpace) -> [Role: Composition.Choice]?, trains: [String],
    data: Stage.Data, training: [String: HyperparameterValue] = [:], holdout: Double = 0,
    goesOn: Bool = false
  ) {
    self.holdout = holdout
    self.name = name
    self.summary = summary
    self.latents = latents
    self.parts = parts
    self.trains = trains
    self.data = data
    self.training = training
    self.goesOn = goesOn
  }

  /// A stage of all models of the variant that offers it.
  public init(
    name: String, summary: String, parts: [Role: Composition.Choice], trains: [String],
    data: Stage.Data, training: [String: HyperparameterValue] = [:]
  ) {
    self.init(
      name: name, summary: summary, latents: "any latents", parts: { _ in parts }, trains: trains,
      data: data, training: training)
  }
}

extension Registry {
  /// The stages that can follow a model of a variant whose latents look so: the variant's own, then those
  /// that are there for all.
  public func furtherStages(of variant: any Variant, latents: LatentSpace) -> [FurtherStage] {
    allStages(of: variant).filter { $0.parts(latents) != nil }
  }

  private func allStages(of variant: any Variant) -> [FurtherStage] {
    let own = variant.furtherStages
    return own + stages.filter { stage in !own.contains { $0.name == stage.name } }
  }

  /// The recipe of a further stage of a model that has been trained.
  ///
  /// - Parameters:
  ///   - name: of the stage.
  ///   - recipe: of the finished run.
  ///   - origin: where that run is.
  /// - Throws: `RecipeError` of kind `invalid` where the variant has no such stage, or its latents are none
  ///   that the stage is for.
  public func recipe(
    ofStage name: String, after recipe: Recipe, origin: String
  ) throws -> Recipe {
    let variant = try variant(recipe.variant)
    guard let stage = allStages(of: variant).first(where: { $0.name == name }) else {
      let suiting = (try? latents(of: recipe)).map { furtherStages(of: variant, latents: $0) }
      let known = (suiting ?? variant.furtherStages).map(\.name).joined(separator: ", ")
      throw RecipeError(
        .invalid,
        "\(recipe.variant) has no stage \(name); "
          + (known.isEmpty ? "all of it is trained at once" : "there are: \(known)"))
    }
    let latents = try latents(of: recipe)
    guard let parts = stage.parts(latents) else {
      throw RecipeError(
        .invalid,
        "stage \(name) is for \(stage.latents), but the prior \(recipe.part(.prior).name) of this model has "
          + "\(latents.phrase)")
    }
    var next = recipe
    next.plugInHashes = plugInHashes
    for (role, choice) in parts {
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
    for name in stage.training.keys { next.openSettings.close(name) }
    // Examples that the model before did not learn from stay those that are held out.
    if stage.holdout > 0, TrainingOptions(next.training).holdout == 0 {
      next.training["holdout"] = .number(stage.holdout)
    }
    next.stages.append(
      Stage(
        name: name, trains: stage.trains, data: stage.data, origin: origin, goesOn: stage.goesOn))
    return next
  }
}
