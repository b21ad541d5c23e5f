import Messages

/// How recipes are made: from a variant's defaults, from JSON, and by single settings.
extension Registry {
  /// The recipe of a variant with all its defaults.
  public func recipe(for name: String) throws(RecipeError) -> Recipe {
    let variant = try variant(name)
    var parts: [Role: Recipe.Part] = [:]
    for role in Role.allCases {
      guard let choice = variant.composition.choices[role] else {
        throw RecipeError(.malformed, "variant \(name) names no \(role)")
      }
      parts[role] = try part(role, choice.name, of: variant)
    }
    var training = HyperparameterValues(defaultsOf: TrainingOptions.hyperparameters)
    try training.take(
      variant.composition.training, declaredBy: TrainingOptions.hyperparameters, path: "training")
    let origin = entries.first { $0.variant.name == name }?.origin
    return Recipe(
      variant: name, origin: origin ?? Self.builtInOrigin, data: nil, parts: parts,
      training: training,
      openSettings: OpenSettings(
        training, perElement: variant.composition.trainingPerElement), plugInHashes: plugInHashes)
  }

  /// A component with its defaults, or with a variant's where that names the component itself.
  private func part(
    _ role: Role, _ name: String, of variant: any Variant
  ) throws(RecipeError) -> Recipe.Part {
    let component = try component(role, name)
    var values = HyperparameterValues(defaultsOf: component.hyperparameters)
    if let choice = variant.composition.choices[role], choice.name == name {
      try values.take(
        choice.defaults, declaredBy: component.hyperparameters, path: role.rawValue)
    }
    return Recipe.Part(name: name, values: values, origin: component.origin)
  }

  /// Applies settings as after `--set`, in any order, to a recipe.
  ///
  /// Which component fills a role is settled first, by `architecture` and then by the names of single
  /// parts, then an automatic likelihood where the data are known, then the values, the later of equal
  /// keys winning.
  ///
  /// - Parameters:
  ///   - settings: each a path in the recipe, such as `prior.latent`, or a shorthand, with the text
  ///     of its value.
  ///   - recipe: what is changed; after an error part of it may be.
  /// - Throws: `RecipeError` of kind `invalid`; for an unknown key it lists the valid ones.
  public func apply(
    _ settings: [(key: String, value: String)], to recipe: inout Recipe
  ) throws(RecipeError) {
    let variant = try variant(recipe.variant)
    recipe.plugInHashes = plugInHashes
    let tookMasks = usesMask(recipe)
    var rest: [(key: String, value: String)] = []
    // A part by its own name is said more precisely than by that of an architecture.
    let choices =
      settings.filter { $0.key == "architecture" } + settings.filter { $0.key != "architecture" }
    for setting in choices {
      let names = try componentNames(setting.key, setting.value, of: variant)
      guard !names.isEmpty else {
        rest.append(setting)
        continue
      }
      for role in Role.allCases {
        guard let name = names[role], recipe.part(role).name != name else { continue }
        recipe.parts[role] = try part(role, name, of: variant)
      }
    }
    if let data = recipe.data { try resolveLikelihood(of: &recipe, for: data) }
    // A choice of parts decides it; what no part is told is refused where a model is made.
    if usesMask(recipe) {
      recipe.data?.missing = true
    } else if tookMasks {
      recipe.data?.missing = false
    }
    for setting in rest { try apply(setting.key, setting.value, to: &recipe) }
  }

  /// Applies those of some settings that concern training, and leaves the others.
  ///
  /// It comes before the data of a recipe are known: whether values become binary decides what the
  /// model sees of them. All settings are applied afterwards.
  ///
  /// - Throws: `RecipeError` of kind `invalid`.
  public func applyTraining(
    _ settings: [(key: String, value: String)], to recipe: inout Recipe
  ) throws(RecipeError) {
    try apply(settings.filter { Self.concernsTraining($0.key) }, to: &recipe)
  }

  /// Whether a setting is one of training, and none of a part of the model.
  public static func concernsTraining(_ key: String) -> Bool { key.hasPrefix("training.") }

  /// The components that a setting chooses; none where it sets a value.
  private func componentNames(
    _ key: String, _ value: String, of variant: any Variant
  ) throws(RecipeError) -> [Role: String] {
    guard key == "architecture" else {
      return Dictionary(
        Shorthand.rolesNamed(by: key).map { ($0, value) }, uniquingKeysWith: { first, _ in first })
    }
    let known = architectures(of: variant)
    guard known.contains(value) else {
      throw RecipeError(
        .invalid,
        "architecture cannot be \(value.isEmpty ? "empty" : value) for \(variant.name): there are: \(known.joined(separator: ", "))"
      )
    }
    return variant.architectures[value] ?? [.encoder: value, .decoder: value]
  }

  private func apply(_ key: String, _ text: String, to recipe: inout Recipe) throws(RecipeError) {
    let targets = try targets(of: key, in: recipe)
    guard !targets.isEmpty else {
      throw RecipeError(.invalid, unknownKey(key, in: recipe))
    }
    for target in targets {
      var value = try target.declaration.value(parsing: text, path: key)
      if target.isReversed, case .integers(let list) = value { value = .integers(list.reversed()) }
      if let role = target.role {
        recipe.parts[role]?.values[target.declaration.name] = value
      } else {
        recipe.training[target.declaration.name] = value
        recipe.openSettings.close(target.declaration.name)
      }
    }
  }

  /// What to say of a key that reaches nothing: which choice of parts has it, or what may have been
  /// meant, and where all are listed.
  private func unknownKey(_ key: String, in recipe: Recipe) -> Message {
    if let owner = owner(of: key, insteadOf: recipe) {
      let values = Self.alternatives(owner.values)
      // A prior seldom comes alone: where a variant puts together what goes with it, that is the way.
      let variants = entries.map(\.variant.name).filter { name in
        guard let other = try? self.recipe(for: name) else { return false }
        return (try? targets(of: key, in: other))?.isEmpty == false
      }
      if owner.key == "prior.name" && !variants.isEmpty {
        return
          "\(key) belongs to \(owner.title) \(values), as in the variant \(Self.alternatives(variants))"
      }
      return
        "\(key) belongs to \(owner.title) \(values); choose it with \(.setting(owner.key, owner.values[0]))"
    }
    let unknown: Message = "there is no hyper-parameter \(key)"
    let all: Message = "\(.variantDescription(recipe.variant)) lists all"
    guard let near = Suggestion.nearest(to: key, in: validKeys(in: recipe)) else {
      return "\(unknown); \(all)"
    }
    return "\(unknown); did you mean \(near)? \(all)"
  }

  /// Such as "a, b or c".
  static func alternatives(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.joined() }
    return words.dropLast().joined(separator: ", ") + " or " + last
  }

  /// The choices of one part, or of the architecture, that bring a key to a recipe that lacks it.
  private func owner(
    of key: String, insteadOf recipe: Recipe
  ) -> (title: String, key: String, values: [String])? {
    guard let variant = try? variant(recipe.variant) else { return nil }
    let choices: [(title: String, key: String, values: [String])] =
      [("architecture", "architecture", architectures(of: variant))]
      + [Role.likelihood, .objective, .prior, .encoder, .decoder].map { role in
        (
          role.rawValue, role == .likelihood ? "likelihood" : "\(role).name",
          components(role).map(\.name)
        )
      }
    for choice in choices {
      let values = choice.values.filter { value in
        var other = recipe
        guard (try? apply([(key: choice.key, value: value)], to: &other)) != nil else {
          return false
        }
        return (try? targets(of: key, in: other))?.isEmpty == false
      }
      if !values.isEmpty { return (choice.title, choice.key, values) }
    }
    return nil
  }

  /// Replaces an automatic likelihood by the one that suits the data: Bernoulli for binary values, `mixed`
  /// for a table whose columns are not all real, the variant's own for bytes, else Gaussian.
  public func resolveLikelihood(
    of recipe: inout Recipe, for data: DataDescription
  ) throws(RecipeError) {
    recipe.data = data
    guard recipe.part(.likelihood).name == Self.automatic else { return }
    let variant = try variant(recipe.variant)
    let isMixed = data.columns.map { !$0.areReal } ?? false
    let ofBytes = data.rule == "bytes/255" ? variant.composition.likelihoodOfBytes : "gaussian"
    let choice = data.range == .binary ? "bernoulli" : isMixed ? "mixed" : ofBytes
    recipe.parts[.likelihood] = try part(.likelihood, choice, of: variant)
  }

  /// What an automatic likelihood can become.
  func automaticLikelihoods(of variant: any Variant) -> [String] {
    let always = ["bernoulli", "gaussian", "mixed"]
    let ofBytes = variant.composition.likelihoodOfBytes
    return always.contains(ofBytes) ? always : always + [ofBytes]
  }

  /// Whether the data decide which likelihood a recipe has once some settings are applied to it.
  public func leavesLikelihoodToData(
    _ recipe: Recipe, settings: [(key: String, value: String)]
  ) -> Bool {
    let chosen = settings.last { Shorthand.rolesNamed(by: $0.key) == [.likelihood] }
    return (chosen?.value ?? recipe.part(.likelihood).name) == Self.automatic
  }

  /// Whether some settings name the likelihood.
  public func chooseLikelihood(_ settings: [(key: String, value: String)]) -> Bool {
    settings.contains { Shorthand.rolesNamed(by: $0.key) == [.likelihood] }
  }

  // MARK: Short names

  /// The values that `architecture` can have for a variant, in order.
  public func architectures(of variant: any Variant) -> [String] {
    guard variant.architectures.isEmpty else { return variant.architectures.keys.sorted() }
    let decoders = components(.decoder).map(\.name)
    return components(.encoder).map(\.name).filter(decoders.contains)
  }

  /// Every short name that some recipe of a variant takes: one of its own choices of parts, or one
  /// with another architecture, likelihood or objective.
  public func shortNames(of variant: any Variant) throws(RecipeError) -> [ShortName] {
    let own = try recipe(for: variant.name)
    let choices =
      architectures(of: variant).map { (key: "architecture", value: $0) }
      + components(.likelihood).map { (key: "likelihood", value: $0.name) }
      + components(.objective).map { (key: "objective.name", value: $0.name) }
    var others: [Recipe] = []
    for choice in choices {
      var recipe = own
      try apply([choice], to: &recipe)
      others.append(recipe)
    }
    let names =
      Shorthand.all
      + variant.shorthands.keys.filter {
        !Shorthand.all.contains($0) && !$0.contains(".")
      }.sorted()
    var found: [ShortName] = []
    for name in names {
      let ownTargets = try targets(of: name, in: own)
      var declaration = ownTargets.first?.declaration
      var value = ownTargets.first.map { $0.value(in: own) }
      for recipe in others {
        guard let target = try targets(of: name, in: recipe).first else { continue }
        if target.value(in: recipe) != value { value = nil }
        if declaration == nil { declaration = target.declaration }
      }
      guard let declaration else { continue }
      found.append(
        ShortName(
          name: name, paths: ownTargets.map(\.path), declaration: declaration, default: value))
    }
    return found
  }

  /// The value of `architecture` that stands for a variant's own parts; nil where none does.
  public func architecture(of variant: any Variant) throws(RecipeError) -> String? {
    let own = try recipe(for: variant.name)
    for name in architectures(of: variant) {
      var recipe = own
      try apply([(key: "architecture", value: name)], to: &recipe)
      if recipe == own { return name }
    }
    return nil
  }

  // MARK: Keys

  private struct Target {
    let role: Role?
    let declaration: Hyperparameter
    let isReversed: Bool

    var path: String { "\(role?.rawValue ?? "training").\(declaration.name)" }

    /// What a recipe has there, as it is written for the short name.
    func value(in recipe: Recipe) -> HyperparameterValue {
      let values = role.map { recipe.part($0).values } ?? recipe.training
      guard isReversed, case .integers(let list) = values[declaration.name] else {
        return values[declaration.name]
      }
      return .integers(list.reversed())
    }
  }

  /// The declarations that a key reaches: one for a path, one or more for a shorthand.
  private func targets(of key: String, in recipe: Recipe) throws(RecipeError) -> [Target] {
    if let paths = try variant(recipe.variant).shorthands[key] {
      var found: [Target] = []
      for path in paths { found += try targets(of: path, in: recipe) }
      return found
    }
    let pieces = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if pieces.count == 2 {
      let declarations = try declarations(of: pieces[0], in: recipe)
      return declarations.filter { $0.name == pieces[1] }.map {
        Target(role: Role(rawValue: pieces[0]), declaration: $0, isReversed: false)
      }
    }
    var found: [Target] = []
    for (role, name, isReversed) in Shorthand.places(of: key) {
      // A text names something of its part alone, as the layers of a frozen network.
      for declaration in try declarations(of: role.rawValue, in: recipe)
      where declaration.name == name && !declaration.isText {
        found.append(Target(role: role, declaration: declaration, isReversed: isReversed))
      }
    }
    return found
  }

  /// The paths of what a short name sets in a recipe; none where it sets nothing there.
  public func paths(of shortName: String, in recipe: Recipe) -> [String] {
    ((try? targets(of: shortName, in: recipe)) ?? []).map(\.path)
  }

  /// Whether a key chooses a part, or reaches a value of those that a recipe has.
  func knows(_ key: String, in recipe: Recipe) -> Bool {
    key == "architecture" || !Shorthand.rolesNamed(by: key).isEmpty
      || (try? targets(of: key, in: recipe))?.isEmpty == false
  }

  private func declarations(
    of part: String, in recipe: Recipe
  ) throws(RecipeError) -> [Hyperparameter] {
    if part == "training" { return TrainingOptions.hyperparameters }
    guard let role = Role(rawValue: part) else { return [] }
    return try component(role, recipe.part(role).name).hyperparameters
  }

  /// Every key that a recipe takes: shorthands first, then paths.
  public func validKeys(in recipe: Recipe) -> [String] {
    let own = (try? variant(recipe.variant).shorthands.keys.sorted()) ?? []
    let shorthands = (Shorthand.all + own.filter { !Shorthand.all.contains($0) }).filter {
      ((try? targets(of: $0, in: recipe)) ?? []).isEmpty == false
    }
    let paths = (Role.allCases.map(\.rawValue) + ["training"]).flatMap { part in
      ((try? declarations(of: part, in: recipe)) ?? []).map { "\(part).\($0.name)" }
    }
    return ["architecture", "likelihood"] + shorthands + Role.allCases.map { "\($0).name" } + paths
  }
}

/// A short name of hyper-parameters as a variant's recipes take it.
public struct ShortName: Sendable {
  /// The name, such as `latent`.
  public let name: String
  /// What it sets in the variant's own recipe; empty where that has nothing of the name.
  public let paths: [String]
  /// The declaration of the first of these, or of what it sets after another choice of parts.
  public let declaration: Hyperparameter
  /// The variant's default; nil where it depends on which parts are chosen.
  public let `default`: HyperparameterValue?
}

/// The short names of hyper-parameters, the same on the command line, in C and in Python.
enum Shorthand {
  /// The shorthands for values, in the order of the documentation.
  static let all = [
    "hidden", "latent", "activation", "sigma", "beta", "warmup_epochs", "free_bits", "capacity",
    "importance_samples", "codes", "code_size", "commitment", "decay", "channels", "layers",
  ]

  /// The roles whose component a key names: `architecture` is encoder and decoder, `likelihood`
  /// itself, and `ROLE.name`.
  static func rolesNamed(by key: String) -> [Role] {
    switch key {
    case "architecture": [.encoder, .decoder]
    case "likelihood": [.likelihood]
    default: Role.allCases.filter { key == "\($0.rawValue).name" }
    }
  }

  /// Where the hyper-parameter of a shorthand may stand. A list for the encoder is turned round for
  /// the decoder, which computes in the opposite order.
  static func places(of key: String) -> [(role: Role, name: String, isReversed: Bool)] {
    guard all.contains(key) else { return [] }
    let isMirrored = key == "hidden" || key == "channels"
    return Role.allCases.map { (role: $0, name: key, isReversed: isMirrored && $0 == .decoder) }
  }
}
