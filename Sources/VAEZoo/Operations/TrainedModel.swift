import Communication
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
  public internal(set) var notices: [Message] = []
  /// The checksums of the examples that it was trained on, by their names; nil where a run folder, or nothing, has them.
  private var trainedOn: [String: String]?

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
  ///   - checkpoint: which one of a run folder.
  ///   - registry: the variants and components that the recipe may name.
  ///   - proceed: called again and again meanwhile; what it throws ends the reading.
  /// - Throws: `FileError`, `SafetensorsError`, `RecipeError` or `TrainingError` naming the file
  ///   and what is wrong with it.
  public static func open(
    _ path: String, checkpoint choice: CheckpointChoice = .last, registry: Registry,
    proceed: () throws -> Void = {}
  ) throws -> TrainedModel {
    try proceed()
    if try DurableFiles.kind(of: path) == .file {
      guard choice == .last else {
        throw RecipeError(
          .invalid,
          "\(path) is one file with one set of weights, and checkpoints are those of a run folder; leave out "
            + "\(.checkpoint(choice.text))")
      }
      let bytes = try DurableFiles.read(path, proceed: proceed)
      return try open(bytes: bytes, source: path, registry: registry, proceed: proceed)
    }
    let run = try RunFolder.open(path)
    // The checkpoint first: one without checksums may be followed by a recipe that has one, where
    // the run is continued meanwhile, and never the other way round.
    let stored = try run.storedCheckpoint(choice)
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
    if let notice = try run.unfinishedNotice(epochs: model.options.epochs, of: checkpoint) {
      model.notices.append(notice)
    }
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
  /// Opens data as this model takes them, with the split that a training on them would set apart.
  ///
  /// - Parameters:
  ///   - specification: the built-in name, or the path.
  ///   - images: how image files are decoded; nil for a program that does not decode any.
  ///   - columns: what somebody says of columns of a table that the model was not trained on: `label`.
  ///   - isWhole: whether `train` is all that the data have, also where training has set some apart.
  ///   - isCancelled: asked again and again while files are read; true asks for a stop.
  public func data(
    _ specification: String, images: ImageFolderOptions? = nil,
    columns: [String: TableColumnType] = [:], isWhole: Bool = false,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> DataSource {
    let data = try wholeData(
      specification, images: images, columns: columns, isCancelled: isCancelled)
    return withSplits(data, isWhole: isWhole)
  }

  /// Data with the splits that training has: where the recipe sets examples apart, of data without such a split, `valid`
  /// is these, and `train` is without them. Other data have no examples that were set apart, only those that they come
  /// with. Where nothing is on record of the training, and of data in memory, `valid` is the share that training would
  /// set apart of them, and `train` all that they have.
  ///
  /// - Parameter isWhole: whether `train` is all that the training data have as well.
  public func withSplits(_ data: DataSource, isWhole: Bool = false) -> DataSource {
    guard data.validation == nil, options.holdout > 0,
      let apart = try? data.settingApart(options.holdout)
    else { return data }
    guard !data.isInMemory, let isTraining = wasTrained(on: apart.train) else {
      return data.showing(apart)
    }
    guard isTraining else { return data }
    return isWhole ? data.showing(apart) : data.divided(as: apart)
  }

  /// Whether examples are those that it was trained on; nil where nothing is on record of them.
  private func wasTrained(on split: DataSplit) -> Bool? {
    let line = try? RunFolder.open(source).readSessions().objects.last
    guard trainedOn != nil || line != nil,
      let found = try? split.checksums(condition: model.condition, takesMasks: model.takesMasks)
    else { return nil }
    let recorded = found.map { trainedOn?[$0.name] ?? line?[$0.name]?.text }
    guard recorded.contains(where: { $0 != nil }) else { return nil }
    return zip(found, recorded).allSatisfy { $0.text == $1 }
  }

  /// The same model once a session has begun to train it.
  public func trained(by session: TrainingSession) -> TrainedModel {
    var trained = TrainedModel(model: model, recipe: session.recipe, source: source)
    let options = session.trainer.options
    guard options.holdout > 0, !session.data.isInMemory else { return trained }
    let found = try? session.data.checksums(
      condition: model.condition, takesMasks: model.takesMasks)
    trained.trainedOn = found.map { found in
      Dictionary(found.map { ($0.name, $0.text) }, uniquingKeysWith: { $1 })
    }
    return trained
  }

  /// Opens data as they are, before a training sets any of them apart.
  func wholeData(
    _ specification: String, images: ImageFolderOptions? = nil,
    columns: [String: TableColumnType] = [:],
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> DataSource {
    try DataSource.open(
      specification, for: recipe, options: options, takesLevels: takesLevels, images: images,
      columns: columns, isCancelled: isCancelled)
  }

  /// Data as this model takes them: rows of a table by the columns of those that it was trained on.
  ///
  /// - Parameters:
  ///   - data: what it is to be trained on or measured with.
  ///   - options: what becomes of values first; nil for what the recipe says.
  /// - Throws: `RecipeError` of kind `unsuitableData` where they are of another size, range or kind of values,
  ///   `DataError` where the columns of a table are others.
  public func fitting(_ data: DataSource, options: TrainingOptions? = nil) throws -> DataSource {
    guard let wanted = recipe.data else { return data }
    let seen =
      try wanted.columns.map { try data.asSeen(by: $0) }
      ?? data.asVectors(in: wanted.range.joined(with: .unit))
    try seen.checkFits(wanted, options: options ?? self.options, takesLevels: takesLevels)
    return seen
  }

  /// Whether values must be among the 256 levels k/255: where bytes, or floats that are such
  /// quotients, have a likelihood of discrete values.
  public var takesLevels: Bool {
    model.likelihood.isDiscrete && recipe.data?.holdsBytes == true
  }

  /// The model of a recipe with settings, for some data.
  ///
  /// - Parameters:
  ///   - recipe: as it was given.
  ///   - settings: as after `--set`.
  ///   - weights: a run folder or exported model whose weights take the place of fresh ones; nil for
  ///     these, or for those that the recipe names.
  ///   - takesSizes: whether the recipe has the defaults of a variant, in whose place the sizes of these
  ///     weights stand where settings give no others.
  ///   - begun: the run that goes on, whose own weights take the place of all others once it has a
  ///     checkpoint; nil for none.
  ///   - source: where the model is.
  ///   - registry: the variants and components that the recipe may name.
  ///   - open: opens the data, given what the recipe says of them.
  /// - Throws: what `Registry.settled`, `Registry.model` and `withWeights` throw.
  public static func fresh<Data: DescribedData>(
    _ recipe: Recipe, settings: [(key: String, value: String)], fromWeights weights: String? = nil,
    takesSizes: Bool = false, begun: RunFolder? = nil, source: String, registry: Registry,
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
    // A run that goes on has the sizes already that it was begun with.
    var sizes = weights == nil || !takesSizes ? nil : other?.model.recipe
    if weights != nil, takesSizes, other == nil, let begun, let bytes = try begun.recipeBytes() {
      sizes = try registry.recipe(parsing: bytes, source: "\(begun.path)/recipe.json")
    }
    let given = recipe
    var ofDefaults = recipe
    if let sizes { recipe = try registry.withSizes(of: sizes, recipe, settings: []) }
    // Weights belong to the classes, and to the columns of a table, that they were trained with, by their names.
    var (settled, data) = try registry.settled(
      recipe, settings, weights: other?.model.recipe.data ?? begunTable(begun, registry), open: open
    )
    // The likelihood may have been left to the data.
    if let sizes { settled = try registry.withSizes(of: sizes, settled, settings: settings) }
    let model = try registry.plan(settled)
    var fresh = TrainedModel(model: model, recipe: settled, source: source)
    if let weights, sizes != nil {
      ofDefaults.data = settled.data
      try registry.apply(settings, to: &ofDefaults)
      let taken = ofDefaults.partDifferences(from: settled)
      if !taken.isEmpty {
        fresh.notices.append("as in \(weights): \(taken.joined(separator: ", "))")
      }
    }
    let scales = LikelihoodNotice(of: fresh, given, settings: settings, registry: registry)
    if let scales, scales.isOfScales { fresh.notices.append(scales.text) }
    if let other { return (try fresh.withWeights(of: other.model, as: other.name), data) }
    model.makeValues()
    return (fresh, data)
  }

  /// The data of a run of a table that goes on, whose columns stay as they were standardized, whatever version of the
  /// zoo has done that; nil of others.
  private static func begunTable(_ run: RunFolder?, _ registry: Registry) -> DataDescription? {
    // What is wrong with the recipe is said where the run is taken up.
    guard let run, let bytes = try? run.recipeBytes(),
      var data = try? registry.recipe(parsing: bytes, source: run.path).data, data.columns != nil
    else { return nil }
    data.condition = nil
    return data
  }

  /// The model of a further stage, such as a prior over the codes of a trained VQ-VAE: a new one
  /// with this one's weights, in which a trainer trains the parts of that stage alone.
  ///
  /// - Parameters:
  ///   - name: one of the variant's `furtherStages`.
  ///   - data: what it will be trained on, for a stage that is told a condition that this model is not;
  ///     nil where there is none.
  ///   - settings: as after `--set`.
  ///   - registry: the variants and components that the recipe may name.
  /// - Throws: `RecipeError` for a stage or a setting that there is not, or a condition that the data lack;
  ///   `TrainingError` where the settings leave no place for these weights.
  public func stage(
    _ name: String, on data: DataSource? = nil, settings: [(key: String, value: String)] = [],
    registry: Registry
  ) throws -> TrainedModel {
    let next = try registry.recipe(ofStage: name, after: recipe, origin: source)
    guard let data else {
      return try begunStage(next, settings: settings, registry: registry) { _ in RecordedData(next)
      }.model
    }
    let fitted = try fitting(data)
    return try begunStage(next, settings: settings, registry: registry) { _ in fitted }.model
  }

  /// The model of a further stage of this one, by that stage's own recipe, and the data.
  ///
  /// - Parameter open: opens the data for a model of that recipe.
  func begunStage<Data: DescribedData>(
    _ recipe: Recipe, settings: [(key: String, value: String)], registry: Registry,
    open: (TrainedModel) throws -> Data
  ) throws -> (model: TrainedModel, data: Data) {
    var recipe = recipe
    let given = recipe
    try registry.apply(settings, to: &recipe)
    try registry.recordNetworks(in: &recipe, before: given)
    let data = try open(TrainedModel(model: model, recipe: recipe, source: source))
    let told = try data.condition(
      of: recipe, isTold: registry.usesCondition(recipe), known: recipe.data?.condition)
    recipe.data?.condition = told
    let next = try registry.plan(recipe)
    if recipe.stage.goesOn {
      try next.load(allOf: model, source: source)
    } else {
      try next.load(model, except: recipe.stage.includes, source: source)
    }
    next.makeValues()
    var result = TrainedModel(model: next, recipe: recipe, source: source)
    result.notices = notices
    return (result, data)
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
    do {
      try model.load(allOf: other.model, source: other.source)
    } catch let error as TrainingError where error.kind == .unsuitable {
      let differences = recipe.partDifferences(from: other.recipe)
      guard !differences.isEmpty else { throw error }
      throw TrainingError(
        .unsuitable,
        error.message + "; \(other.source) has \(differences.joined(separator: ", and "))")
    }
    var recipe = recipe
    recipe.begin(withWeightsOf: name)
    var result = TrainedModel(model: model, recipe: recipe, source: source)
    result.notices = notices + other.notices
    return result
  }

  /// What a training of it begins with.
  var start: Trainer.Start { recipe.stage.origin == nil ? .fresh : .asIs }

  /// The examples of a split as this model takes them.
  ///
  /// - Throws: `DataError` where the split does not say of each what the model is told.
  public func examples(_ split: DataSplit) throws(DataError) -> Examples {
    try Examples(split, options, of: model)
  }

  /// Measures on a split all that its examples and the model allow; see `Evaluator`.
  ///
  /// - Throws: `DataError` where the split does not say of each what the model is told.
  public func evaluate(
    _ split: DataSplit, importanceSamples: Int? = nil, network: FrozenNetworkFile? = nil,
    seed: Int = 0, progress: (Double) -> Bool = { _ in true }
  ) throws(DataError) -> Evaluator.Result? {
    try evaluator(split, network, seed: seed)
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
  ///   - communicator: what connects ranks that divide the examples among each other, ask for the same, and get the
  ///     numbers that one rank with as many threads would come to.
  ///   - progress: is given the fraction done; false ends the work, on all ranks, and the result is nil.
  /// - Throws: `MetricError` where one of them is not there, or cannot be measured, `DataError` where the
  ///   split does not say of each what the model is told, `CommunicationError`.
  public func evaluate(
    _ split: DataSplit, metrics: [String]?, importanceSamples: Int? = nil,
    network: FrozenNetworkFile? = nil, seed: Int = 0,
    among communicator: any Communicator = SoloCommunicator(),
    progress: (Double) -> Bool = { _ in true }
  ) throws -> Evaluator.Result? {
    var question: JSON.Object {
      let network = network.map { ([$0.sha256] + $0.layers).joined(separator: ",") }
      return [
        "split": .text(split.name), "metrics": .text(metrics?.joined(separator: ",") ?? "all"),
        "importance_samples": .integer(importanceSamples ?? 0), "seed": .integer(seed),
        "network": .text(network ?? "none"),
      ]
    }
    return try together(communicator, [split], question) {
      try evaluator(split, network, seed: seed).run(
        metrics: metrics, importanceSamples: importanceSamples, among: $0, progress: progress)
    }
  }

  private func evaluator(
    _ split: DataSplit, _ network: FrozenNetworkFile?, seed: Int
  ) throws(DataError) -> Evaluator {
    var evaluator = Evaluator(model: model, examples: try examples(split), seed: seed)
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

  /// The mean images of draws from the prior, or draws of p(x|z) at these, `[count, height, width,
  /// channels]`; of a model of a table rows like those of the table, `[count, 1, columns, 1]`: always draws, in
  /// its own units.
  ///
  /// - Parameters:
  ///   - count: the number of images.
  ///   - seed: of everything random.
  ///   - temperature: a factor for the prior's standard deviations.
  ///   - drawing: whether images are draws of p(x|z), with its noise, in place of its means.
  ///   - condition: what a conditional model is told, `[count, width]`, or `[1, width]` for all; nil
  ///     for a model of p(x), and for classes in turn, 0, 1, …, where it is told a label.
  ///   - progress: told the fraction done before each part; what it throws ends the work.
  /// - Throws: `RecipeError` where the condition does not fit or is missing.
  public func sample(
    count: Int, seed: Int = 0, temperature: Float = 1, drawing: Bool = false,
    condition: Tensor? = nil, progress: (Double) throws -> Void = { _ in }
  ) throws -> Tensor {
    try madeSamples(
      count: count, seed: seed, temperature: temperature, drawing: drawing, condition: condition,
      progress: progress
    ).tensor
  }

  /// The same, of which rows of a table can be had with all their digits.
  public func madeSamples(
    count: Int, seed: Int = 0, temperature: Float = 1, drawing: Bool = false,
    condition: Tensor? = nil, progress: (Double) throws -> Void = { _ in }
  ) throws -> MadeExamples {
    let condition = try conditions(condition, count: count, inTurn: true)
    let seen = try inParts(count, progress) { range in
      model.sample(
        temperature: temperature, drawing: drawing || columns != nil,
        context(seed, "sample", range, condition?.rows(range)))
    }
    return made(seen, condition, rounding: true)
  }

  /// The columns, where the model is one of a table.
  public var columns: TableColumns? { recipe.data?.columns }

  /// What the model has made of rows that are told a condition.
  func made(_ seen: Tensor, _ condition: Tensor?, rounding: Bool) -> MadeExamples {
    var made = MadeExamples(seen, columns: columns, rounding: rounding)
    if let column = recipe.data?.labelColumn, let condition, let space = model.condition,
      space.kind == .label
    {
      let shares = condition.floats
      let words = (0..<condition.shape[0]).map { row in
        let own = shares[row * space.width..<(row + 1) * space.width]
        let best = own.indices.max { own[$0] < own[$1] } ?? own.startIndex
        return space.name(best - own.startIndex)
      }
      made.labels = (column, words)
    }
    return made
  }

  package func context(
    _ seed: Int, _ name: String, _ indices: some Sequence<Int>, _ condition: Tensor? = nil
  ) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: UInt64(bitPattern: Int64(seed))).child(name),
      examples: indices.map(UInt64.init), condition: condition)
  }

  /// Images made a few at a time, so that memory does not grow with their number but for the
  /// result. They lie where data lie: the mean of a density need not.
  func inParts(
    _ count: Int, _ progress: (Double) throws -> Void, _ body: (Range<Int>) -> Tensor
  ) rethrows -> Tensor {
    var made: [Tensor] = []
    for range in parts(of: count) {
      try progress(Double(range.lowerBound) / Double(count))
      made.append(whereDataLie(body(range)))
    }
    return Tensor.concatenated(made, axis: 0)
  }

  /// Images brought to where data lie. What is not finite stays so, for whoever looks.
  func whereDataLie(_ images: Tensor) -> Tensor {
    recipe.data?.range == .unit && images.isFinite ? images.clamped(to: 0...1) : images
  }

  /// Rows that one forward pass may have, part by part: 250, fewer of large images.
  func parts(of count: Int) -> [Range<Int>] {
    let pixels = recipe.data.map { $0.height * $0.width } ?? 1
    let size = max(1, min(250, (1 << 21) / max(1, pixels)))
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }
}
