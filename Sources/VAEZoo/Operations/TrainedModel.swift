import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles
import VAERecipes
import VAETraining

/// A model that was trained and stored: in a run folder, or in one exported file.
public struct TrainedModel {
  /// The model with its weights.
  public let model: Model
  /// Its full recipe.
  public let recipe: Recipe
  /// Where it was read from.
  public let source: String
  /// The updates that made the weights, nil where they are not of a run folder.
  public private(set) var step: Int?
  /// What the user should know about what it was read from, a sentence each.
  public private(set) var notices: [Message] = []

  /// A model in memory with the recipe that made it.
  public init(model: Model, recipe: Recipe, source: String) {
    self.model = model
    self.recipe = recipe
    self.source = source
  }

  /// How it was trained.
  public var options: TrainingOptions { TrainingOptions(recipe.training) }

  /// Reads a run folder, or a file that `save` wrote.
  ///
  /// - Parameters:
  ///   - path: of the folder or the file.
  ///   - registry: the variants and components that the recipe may name.
  ///   - proceed: called again and again meanwhile; what it throws ends the reading.
  /// - Throws: `FileError`, `SafetensorsError`, `RecipeError` or `TrainingError` naming the file
  ///   and what is wrong with it.
  public static func open(
    _ path: String, registry: Registry, proceed: () throws -> Void = {}
  ) throws -> TrainedModel {
    try proceed()
    if try DurableFiles.kind(of: path) == .file {
      let bytes = try DurableFiles.read(path, proceed: proceed)
      return try open(bytes: bytes, source: path, registry: registry, proceed: proceed)
    }
    let run = try RunFolder.open(path)
    // The checkpoint first: one without checksums may be followed by a recipe that has one, where
    // the run is continued meanwhile, and never the other way round.
    let stored = try run.storedCheckpoint()
    guard let recipe = try run.recipeBytes() else {
      throw TrainingError(.unsuitable, "\(path) has lost its file recipe.json")
    }
    guard let checkpoint = stored else {
      throw TrainingError(
        .unsuitable,
        "\(path) has no checkpoint yet; continue it with "
          + "\(.resumedTraining)")
    }
    try proceed()
    var model = try open(
      recipe: recipe, recipeSource: "\(path)/recipe.json", checkpoint.weights, path, registry)
    model.step = checkpoint.step
    if !checkpoint.isSealed { model.notices.append(StoredCheckpoint.unsealedNotice(path)) }
    return model
  }

  /// Reads the bytes of a file that `save` wrote.
  ///
  /// - Parameters:
  ///   - bytes: the contents of the file.
  ///   - source: what the bytes are, for errors.
  ///   - registry: the variants and components that the recipe may name.
  ///   - proceed: called again and again meanwhile; what it throws ends the reading.
  /// - Throws: what `open(_:registry:)` throws.
  public static func open(
    bytes: [UInt8], source: String, registry: Registry, proceed: () throws -> Void = {}
  ) throws -> TrainedModel {
    let file = try Safetensors(parsing: bytes, path: source)
    try proceed()
    var model = try open(
      recipe: recipeBytes(file, source), recipeSource: "\(source): recipe", file, source, registry)
    if !file.isSealed { model.notices.append(StoredCheckpoint.unsealedNotice(source)) }
    return model
  }

  /// Reads the recipe of a run folder, or of a file that `save` wrote, without making the model.
  ///
  /// - Throws: `FileError`, `SafetensorsError`, `RecipeError` or `TrainingError` naming the file
  ///   and what is wrong with it.
  public static func recipe(of path: String, registry: Registry) throws -> Recipe {
    guard try DurableFiles.kind(of: path) == .file else {
      guard let bytes = try RunFolder.open(path).recipeBytes() else {
        throw TrainingError(.unsuitable, "\(path) has no file recipe.json, so it is no run folder")
      }
      return try registry.recipe(parsing: bytes, source: "\(path)/recipe.json")
    }
    let file = try Safetensors(parsing: DurableFiles.read(path), path: path)
    return try registry.recipe(parsing: recipeBytes(file, path), source: "\(path): recipe")
  }

  private static func recipeBytes(_ file: Safetensors, _ source: String) throws -> [UInt8] {
    guard let text = file.metadata[recipeKey] else {
      throw TrainingError(
        .unsuitable, "\(source) has no recipe in its metadata, so it is no exported model")
    }
    return Array(text.utf8)
  }

  /// Reads a run whose training has come to its end, or an exported file.
  ///
  /// - Throws: what `open` throws, and `TrainingError` where the run is not finished.
  static func finished(_ path: String, registry: Registry) throws -> TrainedModel {
    if try DurableFiles.kind(of: path) != .file {
      guard try RunFolder.open(path).hasModel else {
        throw TrainingError(
          .unsuitable,
          "\(path) is not finished, and a further stage starts from a finished run; continue it with "
            + "\(.resumedTraining)"
        )
      }
    }
    return try open(path, registry: registry)
  }

  private static func open(
    recipe bytes: [UInt8], recipeSource: String, _ weights: Safetensors, _ path: String,
    _ registry: Registry
  ) throws -> TrainedModel {
    let recipe = try registry.recipe(parsing: bytes, source: recipeSource)
    let model = try registry.plan(recipe, source: recipeSource)
    try model.load(weights)
    var trained = TrainedModel(model: model, recipe: recipe, source: path)
    trained.notices = recipe.notices
    return trained
  }

  private static let recipeKey = StoredContents.recipeKey

  /// Writes weights and recipe into one safetensors file: whole, or not at all. A file that has
  /// the path is replaced and keeps its mode and, where the system allows it, its owner; where the
  /// path is a link, this is done to the file that it leads to.
  public func save(to path: String) throws {
    try DurableFiles.replace(path, with: encoded())
  }

  /// The bytes of that file.
  public func encoded() -> [UInt8] {
    var file = Safetensors(tensors: model.weights)
    file.metadata = ["format": "pt", Self.recipeKey: recipe.json.line]
    return file.sealed()
  }
}

// MARK: - What can be done with it

extension TrainedModel {
  /// Opens data as this model takes them.
  ///
  /// - Parameters:
  ///   - specification: the built-in name, or the path.
  ///   - images: how image files are decoded; nil for a program that does not decode any.
  ///   - isCancelled: asked again and again while files are read; true asks for a stop.
  public func data(
    _ specification: String, images: ImageFolderOptions? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> DataSource {
    try DataSource.open(
      specification, for: recipe, options: options, takesLevels: takesLevels, images: images,
      isCancelled: isCancelled)
  }

  /// Refuses data of another size, range or kind of values than this model takes.
  ///
  /// - Parameters:
  ///   - data: what it is to be trained on or measured with.
  ///   - options: what becomes of values first; nil for what the recipe says.
  /// - Throws: `RecipeError` of kind `unsuitableData`.
  public func checkFits(_ data: DataSource, options: TrainingOptions? = nil) throws(RecipeError) {
    guard let wanted = recipe.data else { return }
    try data.checkFits(wanted, options: options ?? self.options, takesLevels: takesLevels)
  }

  /// Whether values must be among the 256 levels k/255: where bytes, or floats that are such
  /// quotients, have a likelihood of discrete values.
  public var takesLevels: Bool {
    model.likelihood.isDiscrete && recipe.data?.range == .unit && recipe.data?.rule == "bytes/255"
  }

  /// The model of a recipe with settings, for some data.
  ///
  /// - Parameters:
  ///   - recipe: as it was given.
  ///   - settings: as after `--set`.
  ///   - weights: a run folder or exported model whose weights take the place of fresh ones; nil for
  ///     these, or for those that the recipe names.
  ///   - begun: the run that goes on, whose own weights take the place of all others once it has a
  ///     checkpoint; nil for none.
  ///   - source: where the model is.
  ///   - registry: the variants and components that the recipe may name.
  ///   - open: opens the data, given what the recipe says of them.
  /// - Throws: what `Registry.settled`, `Registry.model` and `withWeights` throw.
  public static func fresh<Data: DescribedData>(
    _ recipe: Recipe, settings: [(key: String, value: String)], fromWeights weights: String? = nil,
    begun: RunFolder? = nil, source: String, registry: Registry,
    open: (DataDescription?) throws -> Data
  ) throws -> (TrainedModel, Data) {
    var recipe = recipe
    if let weights {
      try recipe.checkTakesWeights()
      recipe.begin(withWeightsOf: weights)
    }
    var other: (model: TrainedModel, name: String)?
    if let origin = recipe.stage.origin, recipe.stage.isWhole,
      try begun?.latestCheckpoint() == nil
    {
      let path = try begun?.located(origin) ?? origin
      other = (try TrainedModel.open(path, registry: registry), origin)
    }
    // Weights belong to the classes that they were trained with, by these classes' names.
    let (settled, data) = try registry.settled(
      recipe, settings, condition: other?.model.model.condition, open: open)
    let model = try registry.plan(settled)
    let fresh = TrainedModel(model: model, recipe: settled, source: source)
    if let other { return (try fresh.withWeights(of: other.model, as: other.name), data) }
    model.makeValues()
    return (fresh, data)
  }

  /// The model of a further stage, such as a prior over the codes of a trained VQ-VAE: a new one
  /// with this one's weights, in which a trainer trains the parts of that stage alone.
  ///
  /// - Parameters:
  ///   - name: one of the variant's `furtherStages`.
  ///   - settings: as after `--set`.
  ///   - registry: the variants and components that the recipe may name.
  /// - Throws: `RecipeError` for a stage or a setting that there is not; `TrainingError` where the
  ///   settings leave no place for these weights.
  public func stage(
    _ name: String, settings: [(key: String, value: String)] = [], registry: Registry
  ) throws -> TrainedModel {
    try begunStage(
      registry.recipe(ofStage: name, after: recipe, origin: source), settings: settings,
      registry: registry)
  }

  /// The model of a further stage of this one, by that stage's own recipe.
  func begunStage(
    _ recipe: Recipe, settings: [(key: String, value: String)], registry: Registry
  ) throws -> TrainedModel {
    var recipe = recipe
    try registry.apply(settings, to: &recipe)
    let next = try registry.model(recipe)
    try next.load(model, except: recipe.stage.includes, source: source)
    return TrainedModel(model: next, recipe: recipe, source: source)
  }

  /// This model with the weights of another one in place of its own, to be trained on from there with
  /// whatever settings of training, data and objective.
  ///
  /// - Parameters:
  ///   - other: the model that has them.
  ///   - name: what the recipe calls the run folder or file that it is of.
  /// - Throws: `TrainingError` naming the first tensor that does not fit, and `RecipeError` where the
  ///   recipe is of a further stage, or the models are told different things. The model is as it was
  ///   then.
  public func withWeights(of other: TrainedModel, as name: String) throws -> TrainedModel {
    try recipe.checkTakesWeights()
    if let told = model.condition, let before = other.model.condition, told != before {
      throw RecipeError(
        .unsuitableData,
        "\(other.source) was told \(before.namedPhrase), but the new model is told \(told.namedPhrase); "
          + "give data with the same, or begin with fresh weights")
    }
    try model.load(allOf: other.model, source: other.source)
    var recipe = recipe
    recipe.begin(withWeightsOf: name)
    return TrainedModel(model: model, recipe: recipe, source: source)
  }

  /// What a training of it begins with.
  var start: Trainer.Start { recipe.stage.origin == nil ? .fresh : .asIs }

  /// The examples of a split as this model takes them.
  public func examples(_ split: DataSplit) -> Examples {
    Examples(split, options, of: model)
  }

  /// Measures on a split all that its examples and the model allow; see `Evaluator`.
  public func evaluate(
    _ split: DataSplit, importanceSamples: Int? = nil, network: FrozenNetworkFile? = nil,
    seed: Int = 0, progress: (Double) -> Bool = { _ in true }
  ) -> Evaluator.Result? {
    evaluator(split, network, seed: seed)
      .run(importanceSamples: importanceSamples, progress: progress)
  }

  /// Measures some metrics alone on a split.
  ///
  /// - Parameters:
  ///   - split: what is measured.
  ///   - metrics: their names; nil for all that the examples and the model allow.
  ///   - importanceSamples: draws per example for the likelihood, nil for none.
  ///   - network: what `network(_:layer:registry:)` has opened to compare images by, nil for none.
  ///   - seed: of all draws.
  ///   - progress: is given the fraction done; false ends the work, and the result is nil.
  /// - Throws: `MetricError` where one of them is not there, or cannot be measured.
  public func evaluate(
    _ split: DataSplit, metrics: [String]?, importanceSamples: Int? = nil,
    network: FrozenNetworkFile? = nil, seed: Int = 0,
    progress: (Double) -> Bool = { _ in true }
  ) throws(MetricError) -> Evaluator.Result? {
    guard let metrics else {
      return evaluate(
        split, importanceSamples: importanceSamples, network: network, seed: seed,
        progress: progress)
    }
    return try evaluator(split, network, seed: seed)
      .run(metrics: metrics, importanceSamples: importanceSamples, progress: progress)
  }

  private func evaluator(
    _ split: DataSplit, _ network: FrozenNetworkFile?, seed: Int
  ) -> Evaluator {
    var evaluator = Evaluator(model: model, examples: examples(split), seed: seed)
    evaluator.network = network
    return evaluator
  }

  /// Opens a frozen network that looks at this model's images, for metrics.
  ///
  /// - Parameters:
  ///   - path: of its file, such as `Classifier.save` writes, or the exported model of a run, whose encoder it is.
  ///   - layer: the layer whose features are compared; nil for the one that stands for the image.
  ///   - registry: the variants and components that a model's file may name.
  /// - Throws: `FileError` where the file is missing or damaged, or holds a network that does not take
  ///   these images or lacks the layer.
  public func network(
    _ path: String, layer: String? = nil, registry: Registry
  ) throws -> FrozenNetworkFile {
    guard let data = recipe.data else {
      throw RecipeError(.malformed, "the recipe has no data part, so its model has no size")
    }
    let file = try FrozenNetworkFile(
      asItIs: path, layers: layer.map { [$0] } ?? [],
      imageShape: [data.height, data.width, data.channels], range: data.range)
    file.openModel = { file throws(NetworkProblem) in try registry.model(of: file) }
    try file.open()
    return file
  }

  /// The mean images of draws from the prior, `[count, height, width, channels]`.
  ///
  /// - Parameters:
  ///   - count: the number of images.
  ///   - seed: of everything random.
  ///   - temperature: a factor for the prior's standard deviations.
  ///   - condition: what a conditional model is told, `[count, width]`, or `[1, width]` for all; nil
  ///     for a model of p(x), and for classes in turn, 0, 1, …, where it is told a label.
  ///   - progress: told the fraction done before each part; what it throws ends the work.
  /// - Throws: `RecipeError` where the condition does not fit or is missing.
  public func sample(
    count: Int, seed: Int = 0, temperature: Float = 1, condition: Tensor? = nil,
    progress: (Double) throws -> Void = { _ in }
  ) throws -> Tensor {
    let condition = try conditions(condition, count: count, inTurn: true)
    return try inParts(count, progress) { range in
      model.sample(
        temperature: temperature, context(seed, "sample", range, condition?.rows(range)))
    }
  }

  /// Examples of a split, chosen by the seed, and what the model makes of them; both
  /// `[count, height, width, channels]`.
  public func reconstruct(
    _ split: DataSplit, count: Int, seed: Int = 0
  ) -> (originals: Tensor, reconstructions: Tensor) {
    reconstruct(split, count: count, seed: seed) { _ in }
  }

  /// The same, part by part. `progress` is given the fraction done before each part; what it throws ends
  /// the work.
  public func reconstruct(
    _ split: DataSplit, count: Int, seed: Int = 0, progress: (Double) throws -> Void
  ) rethrows -> (originals: Tensor, reconstructions: Tensor) {
    var originals: [Tensor] = []
    let chosen = chosenExamples(split, count: count, seed: seed)
    let reconstructions = try reconstruct(split, chosen, seed: seed, progress) {
      originals.append($0)
    }
    return (Tensor.concatenated(originals, axis: 0), reconstructions)
  }

  /// Different examples of a split, chosen by the seed.
  func chosenExamples(_ split: DataSplit, count: Int, seed: Int) -> [Int] {
    let order = EpochOrder(
      epoch: 0, count: split.count, random: RandomSource(seed: UInt64(bitPattern: Int64(seed))))
    return Array(order.indices.prefix(count))
  }

  /// What the model makes of all examples of a split, in order, `[N, height, width, channels]`; the
  /// draws of an example follow from what it is.
  public func reconstruct(_ split: DataSplit, seed: Int = 0) -> Tensor {
    reconstruct(split, seed: seed) { _ in }
  }

  /// The same, part by part. `progress` is given the fraction done before each part; what it throws ends
  /// the work.
  public func reconstruct(
    _ split: DataSplit, seed: Int = 0, progress: (Double) throws -> Void
  ) rethrows -> Tensor {
    try reconstruct(split, Array(0..<split.count), seed: seed, progress) { _ in }
  }

  /// What the model makes of chosen examples; `visit` is shown them as the model sees them.
  private func reconstruct(
    _ split: DataSplit, _ chosen: [Int], seed: Int, _ progress: (Double) throws -> Void,
    visit: (Tensor) -> Void
  ) rethrows -> Tensor {
    let examples = examples(split)
    return try inParts(chosen.count, progress) { range in
      let indices = Array(chosen[range])
      let (batch, context) = examples.batchByContent(
        indices, context(seed, "evaluation", indices, examples.conditions(indices)))
      visit(batch)
      return model.reconstruct(batch, context)
    }
  }

  package func context(
    _ seed: Int, _ name: String, _ indices: some Sequence<Int>, _ condition: Tensor? = nil
  ) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: UInt64(bitPattern: Int64(seed))).child(name),
      examples: indices.map(UInt64.init), condition: condition)
  }

  /// Images made a few at a time, so that memory does not grow with their number but for the
  /// result.
  func inParts(
    _ count: Int, _ progress: (Double) throws -> Void, _ body: (Range<Int>) -> Tensor
  ) rethrows -> Tensor {
    var made: [Tensor] = []
    for range in parts(of: count) {
      try progress(Double(range.lowerBound) / Double(count))
      made.append(body(range))
    }
    return Tensor.concatenated(made, axis: 0)
  }

  /// Rows that one forward pass may have, part by part: 250, fewer of large images.
  func parts(of count: Int) -> [Range<Int>] {
    let pixels = recipe.data.map { $0.height * $0.width } ?? 1
    let size = max(1, min(250, (1 << 21) / max(1, pixels)))
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }
}
