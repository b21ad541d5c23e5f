import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAETraining

/// A model that was trained and stored: in a run folder, or in one exported file.
public struct TrainedModel {
  /// The model with its weights.
  public let model: Model
  /// Its full recipe.
  public let recipe: Recipe
  /// Where it was read from.
  public let source: String

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
    if path.hasSuffix(".safetensors") {
      let file = try Safetensors(
        parsing: DurableFiles.read(path), path: path)
      guard let text = file.metadata[recipeKey] else {
        throw TrainingError(
          .unsuitable, "\(path) has no recipe in its metadata, so it is no exported model")
      }
      return try open(
        recipe: Array(text.utf8), recipeSource: "\(path): recipe", file, path, registry)
    }
    let run = try RunFolder.open(path)
    guard let recipe = try run.recipeBytes() else {
      throw TrainingError(.unsuitable, "\(path) has lost its file recipe.json")
    }
    guard let checkpoint = try run.storedCheckpoint() else {
      throw TrainingError(
        .unsuitable, "\(path) has no checkpoint yet; continue it with train --resume")
    }
    return try open(
      recipe: recipe, recipeSource: "\(path)/recipe.json", checkpoint.weights, path, registry)
  }

  /// Reads a run whose training has come to its end, or an exported file.
  ///
  /// - Throws: what `open` throws, and `TrainingError` where the run is not finished.
  static func finished(_ path: String, registry: Registry) throws -> TrainedModel {
    if !path.hasSuffix(".safetensors") {
      _ = try RunFolder.open(path)
      guard DurableFiles.exists("\(path)/model.safetensors") else {
        throw TrainingError(
          .unsuitable,
          "\(path) is not finished, and a further stage starts from a finished run; continue it with train --resume"
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
    var file = Safetensors(tensors: model.weights)
    file.metadata = ["format": "pt", Self.recipeKey: recipe.json.line]
    try DurableFiles.replace(path, with: file.encoded())
  }
}

// MARK: - What can be done with it

extension TrainedModel {
  /// Opens data as this model takes them.
  public func data(_ specification: String) throws -> DataSource {
    try DataSource.open(specification, for: recipe, options: options)
  }

  /// The examples of a split as this model takes them.
  public func examples(_ split: DataSplit) -> Examples {
    Examples(split, binarization: options.binarization)
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
    let examples = examples(split)
    let order = EpochOrder(
      epoch: 0, count: examples.count, random: RandomSource(seed: UInt64(bitPattern: Int64(seed))))
    let chosen = Array(order.indices.prefix(count))
    var originals: [Tensor] = []
    let reconstructions = inParts(chosen.count) { range in
      let indices = Array(chosen[range])
      let context = context(seed, "evaluation", indices)
      let batch = examples.batch(indices, context)
      originals.append(batch)
      return model.reconstruct(batch, context)
    }
    return (Tensor.concatenated(originals, axis: 0), reconstructions)
  }

  private func context(_ seed: Int, _ name: String, _ indices: some Sequence<Int>) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: UInt64(bitPattern: Int64(seed))).child(name),
      examples: indices.map(UInt64.init))
  }

  /// Images made a few at a time, so that memory does not grow with their number but for the
  /// result.
  private func inParts(_ count: Int, _ body: (Range<Int>) -> Tensor) -> Tensor {
    let size = 250
    let parts = stride(from: 0, to: count, by: size).map { body($0..<min($0 + size, count)) }
    return Tensor.concatenated(parts, axis: 0)
  }
}
