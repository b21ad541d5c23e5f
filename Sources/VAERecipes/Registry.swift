import Messages
import NeuralNetworks
import Tensors
import VAECore

/// The variants and components that recipes may name.
public struct Registry: Sendable {
  /// A variant with where it came from.
  public struct Entry: Sendable {
    /// The variant.
    public let variant: any Variant
    /// "built-in", or the file that brought it.
    public let origin: String
  }

  /// What is known of a component apart from how to make it.
  public struct ComponentDescription: Sendable {
    /// The place it fills.
    public let role: Role
    /// The name in recipes.
    public let name: String
    /// What it is.
    public let summary: String
    /// Its hyper-parameters.
    public let hyperparameters: [Hyperparameter]
    /// "built-in", or the file that brought it.
    public let origin: String
    /// Whether it listens to what is known beside the data.
    public let usesCondition: Bool
    /// Whether it is told which values are missing.
    public let usesMask: Bool
    /// Whether it prices counts alone.
    public let takesCounts: Bool
  }

  /// The origin of what comes with the package.
  public static let builtInOrigin = "built-in"

  /// The variants in order of registration.
  public private(set) var entries: [Entry] = []
  private var encoders: [Component<any Encoder>] = []
  private var priors: [Component<any Prior>] = []
  private var decoders: [Component<any Decoder>] = []
  private var likelihoods: [Component<any Likelihood>] = []
  private var objectives: [Component<any Objective>] = []
  /// The stages that are there for every variant with latents that they are for.
  public private(set) var stages: [FurtherStage] = []

  /// An empty registry: whoever makes one adds the components and variants that recipes may name.
  public init() {}

  /// Adds a variant and the components it brings; its name must be a new one.
  public mutating func register(_ variant: any Variant, origin: String = Registry.builtInOrigin) {
    ensure(
      !entries.contains { $0.variant.name == variant.name },
      "the variant \(variant.name) is registered already; give this one a name of its own")
    entries.append(Entry(variant: variant, origin: origin))
    let outer = bringing
    bringing = origin
    variant.registerComponents(in: &self)
    bringing = outer
  }

  /// The origin of the variant whose components are being added.
  private var bringing = Registry.builtInOrigin

  /// Adds an encoder; its name must be a new one.
  public mutating func register(_ component: Component<any Encoder>) {
    Self.add(component, to: &encoders, bringing)
  }
  /// Adds a prior; its name must be a new one.
  public mutating func register(_ component: Component<any Prior>) {
    Self.add(component, to: &priors, bringing)
  }
  /// Adds a decoder; its name must be a new one.
  public mutating func register(_ component: Component<any Decoder>) {
    Self.add(component, to: &decoders, bringing)
  }
  /// Adds a likelihood; its name must be a new one.
  public mutating func register(_ component: Component<any Likelihood>) {
    Self.add(component, to: &likelihoods, bringing)
  }
  /// Adds an objective; its name must be a new one.
  public mutating func register(_ component: Component<any Objective>) {
    Self.add(component, to: &objectives, bringing)
  }

  /// Adds a stage for every variant with latents that it is for; its name must be a new one.
  public mutating func register(_ stage: FurtherStage) {
    ensure(
      !stages.contains { $0.name == stage.name },
      "the stage \(stage.name) is registered already; give this one a name of its own")
    stages.append(stage)
  }

  private static func add<Part>(
    _ component: Component<Part>, to list: inout [Component<Part>], _ origin: String
  ) {
    // A recipe names its parts by role and name: a part in the place of another would change what files of before say.
    ensure(
      !list.contains { $0.name == component.name },
      "the \(component.role) \(component.name) is registered already; give this one a name of its own, since recipes name "
        + "their parts")
    var component = component
    if component.origin == builtInOrigin { component.origin = origin }
    list.append(component)
  }

  /// The SHA-256 of plug-ins by their files, 64 hexadecimal digits each, which recipes record.
  public private(set) var plugInHashes: [String: String] = [:]

  /// Notes the SHA-256 of the file that brings variants and components.
  public mutating func note(sha256: String, of origin: String) { plugInHashes[origin] = sha256 }

  /// Removes all variants and components of an origin.
  public mutating func remove(origin: String) {
    plugInHashes[origin] = nil
    entries.removeAll { $0.origin == origin }
    encoders.removeAll { $0.origin == origin }
    priors.removeAll { $0.origin == origin }
    decoders.removeAll { $0.origin == origin }
    likelihoods.removeAll { $0.origin == origin }
    objectives.removeAll { $0.origin == origin }
  }

  /// Takes one component away.
  package mutating func removeComponent(_ role: Role, _ name: String) {
    switch role {
    case .encoder: encoders.removeAll { $0.name == name }
    case .prior: priors.removeAll { $0.name == name }
    case .decoder: decoders.removeAll { $0.name == name }
    case .likelihood: likelihoods.removeAll { $0.name == name }
    case .objective: objectives.removeAll { $0.name == name }
    }
  }

  /// Takes one variant away.
  package mutating func removeVariant(_ name: String) {
    entries.removeAll { $0.variant.name == name }
  }

  /// The origin of each variant and component that is not built in, without repetition.
  public var plugInOrigins: [String] {
    var found: [String] = []
    let all = entries.map(\.origin) + Role.allCases.flatMap { components($0).map(\.origin) }
    for origin in all where origin != Self.builtInOrigin && !found.contains(origin) {
      found.append(origin)
    }
    return found
  }

  /// The variant of a name.
  public func variant(_ name: String) throws(RecipeError) -> any Variant {
    guard let entry = entries.first(where: { $0.variant.name == name }) else {
      let known = entries.map(\.variant.name).joined(separator: ", ")
      // The last word of several names is that of the plainest, which is registered first.
      let names = entries.map(\.variant.name)
      let near =
        names.first { $0.split(separator: "-").last == name[...] }
        ?? Suggestion.nearest(to: name, in: names)
      let question = near.map { "did you mean \($0)? " } ?? ""
      throw RecipeError(
        .invalid,
        "there is no variant \(name.isEmpty ? "without a name" : name); \(question)there are: \(known)"
      )
    }
    return entry.variant
  }

  /// All components that fill a role, in order of registration.
  public func components(_ role: Role) -> [ComponentDescription] {
    func describe<Part>(_ list: [Component<Part>]) -> [ComponentDescription] {
      list.map {
        ComponentDescription(
          role: $0.role, name: $0.name, summary: $0.summary, hyperparameters: $0.hyperparameters,
          origin: $0.origin, usesCondition: $0.usesCondition,
          usesMask: $0.usesMask, takesCounts: $0.takesCounts)
      }
    }
    return switch role {
    case .encoder: describe(encoders)
    case .prior: describe(priors)
    case .decoder: describe(decoders)
    case .likelihood: describe(likelihoods)
    case .objective: describe(objectives)
    }
  }

  /// The component of a role and name.
  public func component(_ role: Role, _ name: String) throws(RecipeError) -> ComponentDescription {
    if role == .likelihood && name == Self.automatic { return Self.automaticLikelihood }
    guard let found = components(role).first(where: { $0.name == name }) else {
      let known = components(role).map(\.name) + (role == .likelihood ? [Self.automatic] : [])
      throw RecipeError(
        .invalid,
        "\(role).name cannot be \(name.isEmpty ? "empty" : name): there are: \(known.joined(separator: ", "))"
      )
    }
    return found
  }

  /// The name of the likelihood that the data decide.
  static let automatic = "auto"
  private static let automaticLikelihood = ComponentDescription(
    role: .likelihood, name: automatic,
    summary:
      "bernoulli for binary data, else gaussian with learnt sigma, or for bytes what the variant names",
    hyperparameters: [],
    origin: builtInOrigin, usesCondition: false, usesMask: false, takesCounts: false)
}

// MARK: - Making models

extension Registry {
  /// The model of a recipe that was read, with fresh weights.
  ///
  /// - Parameters:
  ///   - recipe: with a data part.
  ///   - seed: of the weights; nil for that of training.
  /// - Throws: `RecipeError` as `plan` does.
  public func model(_ recipe: Recipe, seed: Int? = nil) throws -> Model {
    let model = try plan(recipe, seed: seed)
    model.makeValues()
    return model
  }

  /// The plan of a recipe that was read.
  ///
  /// - Parameter source: what the recipe was read from, which errors name.
  /// - Throws: as without a source.
  public func plan(_ recipe: Recipe, seed: Int? = nil, source: String) throws -> Model {
    do {
      return try plan(recipe, seed: seed)
    } catch let error as RecipeError {
      throw RecipeError(error.kind, "\(source): \(error.message)")
    }
  }

  /// The model of a recipe whose data are known, before any weight has a value: all its shapes are known
  /// then, and whatever does not fit has been refused. Weights are made where they are first asked for,
  /// or take the values of a file.
  ///
  /// - Parameters:
  ///   - recipe: with a data part.
  ///   - seed: of the weights; nil for that of training.
  /// - Throws: `RecipeError` where parts do not fit each other or the data, or would not fit in
  ///   memory.
  public func plan(_ recipe: Recipe, seed: Int? = nil) throws -> Model {
    guard let data = recipe.data else {
      throw RecipeError(.malformed, "the recipe has no data part, so its model has no size")
    }
    try checkCondition(of: recipe, data)
    try checkMask(of: recipe, data)
    let training = TrainingOptions(recipe.training)
    let random = RandomSource(seed: UInt64(bitPattern: Int64(seed ?? training.seed)))
      .child("weights")
    var build = BuildContext(data: data, random: random)
    build.openModel = { file throws(NetworkProblem) in try self.model(of: file) }
    func make<Part>(_ role: Role, _ list: [Component<Part>]) throws -> Part {
      let choice = recipe.part(role)
      guard let component = list.first(where: { $0.name == choice.name }) else {
        _ = try component(role, choice.name)
        throw RecipeError(
          .invalid, "\(role).name is \(choice.name), which only the data can decide")
      }
      build.random = random.child(role.rawValue)
      build.part = "\(role) \(choice.name)"
      let part = try component.make(choice.values, build)
      if let module = part as? any Module {
        try build.checkSize(
          parameters: module.parameters.map(\.parameter.shape),
          buffers: module.buffers.map(\.buffer.shape), remedy: sizes(role, recipe))
      }
      return part
    }
    let prior = try make(.prior, priors)
    build.latents = prior.latents
    build.prior = prior
    let likelihood = try make(.likelihood, likelihoods)
    try training.dequantize.check(likelihood)
    build.parametersPerPixel = likelihood.parametersPerPixel(channels: data.channels)
    build.couplesChannels = likelihood.couplesChannels
    try checkMask(of: recipe, data, likelihood)
    try checkColumns(of: recipe, data, likelihood)
    let encoder = try make(.encoder, encoders)
    build.posteriorTraits = encoder.posteriorTraits
    try check(encoder, for: prior, recipe)
    let decoder = try make(.decoder, decoders)
    build.decoder = decoder
    try checkMask(of: recipe, data, decoder)
    try checkColumns(of: recipe, likelihood, decoder)
    try check(likelihood, drawnBy: decoder, recipe)
    let objective = try make(.objective, objectives)
    try check(objective, for: decoder, data, recipe)
    let model = Model(
      encoder: encoder, prior: prior, decoder: decoder, likelihood: likelihood,
      objective: objective, condition: data.condition, takesMasks: data.missing,
      logScales: likelihood.pricesColumns ? nil : data.columns?.logScales)
    _ = try ModelShapes(model, data: data, outputShape: build.outputShape)
    return model
  }

  /// What the latents of a recipe's models look like, for which its prior alone is made.
  ///
  /// - Throws: `RecipeError` where the prior cannot be made for the data.
  public func latents(of recipe: Recipe) throws -> LatentSpace {
    guard let data = recipe.data else {
      throw RecipeError(.malformed, "the recipe has no data part, so its model has no size")
    }
    let choice = recipe.part(.prior)
    guard let component = priors.first(where: { $0.name == choice.name }) else {
      _ = try component(.prior, choice.name)
      return .none
    }
    var build = BuildContext(data: data, random: RandomSource(seed: 0))
    build.part = "prior \(choice.name)"
    return try component.make(choice.values, build).latents
  }

  /// The settings that decide how large a part is, such as "encoder.hidden or prior.latent".
  private func sizes(_ role: Role, _ recipe: Recipe) -> Message {
    func sizes(_ role: Role) -> [String] {
      let declared = (try? component(role, recipe.part(role).name))?.hyperparameters ?? []
      return declared.filter(\.isWhole).map { "\(role).\($0.name)" }
    }
    let own = sizes(role)
    let others = role == .prior ? [] : sizes(.prior).filter { $0 == "prior.latent" }
    return Message(stringLiteral: Self.alternatives(own + others))
  }

  /// Refuses an objective that looks at decoded means where the decoder gives none, and one that compares whole
  /// images where values may be missing.
  private func check(
    _ objective: any Objective, for decoder: any Decoder, _ data: DataDescription, _ recipe: Recipe
  ) throws(RecipeError) {
    guard !objective.requirements.needsWholeImages || !data.missing else {
      throw RecipeError(
        .invalid,
        "objective \(recipe.part(.objective).name) compares whole images, but values of these data may be missing; choose "
          + "\(.setting("objective.name", "elbo")), or an encoder that takes no masks")
    }
    guard objective.requirements.needsDecodedMeans, decoder is any AutoregressiveDecoder else {
      return
    }
    throw RecipeError(
      .invalid,
      "objective \(recipe.part(.objective).name) compares decoded images, but decoder \(recipe.part(.decoder).name) "
        + "is autoregressive: it predicts each pixel from the true ones before it; choose another decoder, such as "
        + "\(.setting("decoder.name", "mlp")), or \(.setting("objective.name", "elbo"))")
  }

  /// Refuses a likelihood whose pixels cannot be drawn one by one where the decoder draws them so.
  private func check(
    _ likelihood: any Likelihood, drawnBy decoder: any Decoder, _ recipe: Recipe
  ) throws(RecipeError) {
    guard likelihood.couplesPixels, decoder is any AutoregressiveDecoder else { return }
    throw RecipeError(
      .invalid,
      "likelihood \(recipe.part(.likelihood).name) couples the pixels of an image, which decoder "
        + "\(recipe.part(.decoder).name) draws one by one; choose another likelihood, such as "
        + "\(.setting("likelihood", "gaussian")), or another decoder, such as \(.setting("decoder.name", "mlp"))"
    )
  }

  /// Refuses an encoder of which a prior that is made of posteriors cannot be made.
  private func check(
    _ encoder: any Encoder, for prior: any Prior, _ recipe: Recipe
  ) throws(RecipeError) {
    guard prior is any EncoderAwarePrior else { return }
    let names = (prior: recipe.part(.prior).name, encoder: recipe.part(.encoder).name)
    let traits = encoder.posteriorTraits
    let remedy: Message =
      "choose \(traits.pricingRemedy ?? "another encoder"), or another prior such as "
      + "\(.setting("prior.name", "gaussian-mixture"))"
    guard traits.pricesAnyPoint else {
      throw RecipeError(
        .invalid,
        "prior \(names.prior) is a mixture of the encoder's posteriors and must price any point, but those of "
          + "encoder \(names.encoder) have no cheap inverse; " + remedy)
    }
    guard encoders.first(where: { $0.name == names.encoder })?.usesCondition != true else {
      throw RecipeError(
        .invalid,
        "prior \(names.prior) encodes pseudo-inputs, of which no condition is known, but encoder \(names.encoder) "
          + "is told one; " + remedy)
    }
  }
}
