import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEFiles
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
  /// - Throws: `FileError`, `SafetensorsError`, `RecipeError` or `TrainingError` naming the file
  ///   and what is wrong with it.
  public static func open(_ path: String, registry: Registry) throws -> TrainedModel {
    if try DurableFiles.kind(of: path) == .file {
      return try open(bytes: DurableFiles.read(path), source: path, registry: registry)
    }
    let run = try RunFolder.open(path)
    guard let recipe = try run.recipeBytes() else {
      throw TrainingError(.unsuitable, "\(path) has lost its file recipe.json")
    }
    guard let checkpoint = try run.storedCheckpoint() else {
      throw TrainingError(
        .unsuitable,
        "\(path) has no checkpoint yet; continue it with "
          + "\(.resumedTraining)")
    }
    var model = try open(
      recipe: recipe, recipeSource: "\(path)/recipe.json", checkpoint.weights, path, registry)
    model.step = checkpoint.step
    return model
  }

  /// Reads the bytes of a file that `save` wrote.
  ///
  /// - Parameters:
  ///   - bytes: the contents of the file.
  ///   - source: what the bytes are, for errors.
  ///   - registry: the variants and components that the recipe may name.
  /// - Throws: what `open(_:registry:)` throws.
  public static func open(
    bytes: [UInt8], source: String, registry: Registry
  ) throws -> TrainedModel {
    let file = try Safetensors(parsing: bytes, path: source)
    guard let text = file.metadata[recipeKey] else {
      throw TrainingError(
        .unsuitable, "\(source) has no recipe in its metadata, so it is no exported model")
    }
    return try open(
      recipe: Array(text.utf8), recipeSource: "\(source): recipe", file, source, registry)
  }

  /// Reads a run whose training has come to its end, or an exported file.
  ///
  /// - Throws: what `open` throws, and `TrainingError` where the run is not finished.
  static func finished(_ path: String, registry: Registry) throws -> TrainedModel {
    if try DurableFiles.kind(of: path) != .file {
      _ = try RunFolder.open(path)
      guard DurableFiles.exists("\(path)/model.safetensors") else {
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
    let model = try registry.model(recipe, seed: 0)
    try model.load(weights)
    return TrainedModel(model: model, recipe: recipe, source: path)
  }

  private static let recipeKey = "vae_zoo_recipe"

  /// Writes weights and recipe into one safetensors file.
  public func save(to path: String) throws {
    try DurableFiles.replace(path, with: encoded())
  }

  /// The bytes of that file.
  public func encoded() -> [UInt8] {
    var file = Safetensors(tensors: model.weights)
    file.metadata = ["format": "pt", Self.recipeKey: recipe.json.line]
    return file.encoded()
  }
}

// MARK: - What can be done with it

extension TrainedModel {
  /// Opens data as this model takes them.
  ///
  /// - Parameters:
  ///   - specification: the built-in name, or the path.
  ///   - images: how image files are decoded; nil for a program that does not decode any.
  public func data(
    _ specification: String, images: ImageFolderOptions? = nil
  ) throws -> DataSource {
    try DataSource.open(
      specification, for: recipe, options: options, takesLevels: takesLevels, images: images)
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
    let next = try registry.model(recipe, seed: TrainingOptions(recipe.training).seed)
    try next.load(model, except: recipe.stage.includes, source: source)
    return TrainedModel(model: next, recipe: recipe, source: source)
  }

  /// This model with the weights of another one in place of its own, to be trained on from there with
  /// whatever settings of training, data and objective.
  ///
  /// - Parameters:
  ///   - path: a run folder, whose newest checkpoint counts, or an exported file.
  ///   - name: what the recipe calls it; nil for the path.
  ///   - registry: the variants and components that its recipe may name.
  /// - Throws: what `open` throws; `TrainingError` naming the first tensor that does not fit, and
  ///   `RecipeError` where the recipe is of a further stage. The model is as it was then.
  public func withWeights(
    of path: String, as name: String? = nil, registry: Registry
  ) throws -> TrainedModel {
    guard recipe.stage.isWhole else {
      throw RecipeError(
        .invalid,
        "stage \(recipe.stage.name) begins with the weights of the run that it follows, and with no others"
      )
    }
    try model.load(allOf: TrainedModel.open(path, registry: registry).model, source: path)
    var recipe = recipe
    recipe.begin(withWeightsOf: name ?? path)
    return TrainedModel(model: model, recipe: recipe, source: source)
  }

  /// What a training of it begins with.
  var start: Trainer.Start { recipe.stage.origin == nil ? .fresh : .asIs }

  /// The examples of a split as this model takes them.
  public func examples(_ split: DataSplit) -> Examples {
    Examples(split, options)
  }

  /// Measures the model on a split, its units against the factors too where the split has them;
  /// see `Evaluator`.
  public func evaluate(
    _ split: DataSplit, importanceSamples: Int? = nil, seed: Int = 0,
    progress: (Double) -> Bool = { _ in true }
  ) -> Evaluator.Result? {
    Evaluator(model: model, examples: examples(split), seed: seed)
      .run(
        importanceSamples: importanceSamples, wantsDisentanglement: true, progress: progress)
  }

  /// The mean images of draws from the prior, `[count, height, width, channels]`.
  public func sample(count: Int, seed: Int = 0, temperature: Float = 1) -> Tensor {
    inParts(count) { range in
      model.sample(temperature: temperature, context(seed, "sample", range))
    }
  }

  /// Examples of a split, chosen by the seed, and what the model makes of them; both
  /// `[count, height, width, channels]`.
  public func reconstruct(
    _ split: DataSplit, count: Int, seed: Int = 0
  ) -> (originals: Tensor, reconstructions: Tensor) {
    var originals: [Tensor] = []
    let chosen = chosenExamples(split, count: count, seed: seed)
    let reconstructions = reconstruct(split, chosen, seed: seed) {
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

  /// What the model makes of all examples of a split, in order, `[N, height, width, channels]`.
  public func reconstruct(_ split: DataSplit, seed: Int = 0) -> Tensor {
    reconstruct(split, Array(0..<split.count), seed: seed) { _ in }
  }

  /// What the model makes of chosen examples; `visit` is shown them as the model sees them.
  private func reconstruct(
    _ split: DataSplit, _ chosen: [Int], seed: Int, visit: (Tensor) -> Void
  ) -> Tensor {
    let examples = examples(split)
    return inParts(chosen.count) { range in
      let indices = Array(chosen[range])
      let context = context(seed, "evaluation", indices)
      let batch = examples.batch(indices, context)
      visit(batch)
      return model.reconstruct(batch, context)
    }
  }

  func context(_ seed: Int, _ name: String, _ indices: some Sequence<Int>) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: UInt64(bitPattern: Int64(seed))).child(name),
      examples: indices.map(UInt64.init))
  }

  /// Images made a few at a time, so that memory does not grow with their number but for the
  /// result.
  private func inParts(_ count: Int, _ body: (Range<Int>) -> Tensor) -> Tensor {
    Tensor.concatenated(parts(of: count).map(body), axis: 0)
  }

  /// Rows that one forward pass may have, part by part: 250, fewer of large images.
  func parts(of count: Int) -> [Range<Int>] {
    let pixels = recipe.data.map { $0.height * $0.width } ?? 1
    let size = max(1, min(250, (1 << 21) / max(1, pixels)))
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }
}
