import CVAE
import VAEZoo

/// A model as C holds it.
///
/// What never changes, and the recipe's text, may be read from any thread. Calls that compute with the model
/// and leave it as it is may overlap each other, by `read`; those that change it have it to themselves.
final class ModelObject: HandleObject {
  static let kind = HandleKind.model

  /// What may be read at any time.
  let info: vae_model_info
  /// Parameters and buffers by name, in the order of files.
  let tensorNames: [String]
  /// The recipe as JSON.
  let recipeText: Lock<String>

  private let exclusion: Exclusion
  private var trained: TrainedModel
  /// Whether its weights are as they were drawn.
  private(set) var isFresh: Bool

  init(_ trained: TrainedModel, isFresh: Bool) throws(CallError) {
    guard let data = trained.recipe.data else {
      throw CallError(VAE_ERR_FORMAT, "\(trained.source): the recipe has no data part")
    }
    self.trained = trained
    self.isFresh = isFresh
    let model = trained.model
    // Objects of plug-ins are promised one call at a time, and keep the fault of the last one.
    exclusion = Exclusion(readsOverlap: !model.hasFallibleParts)
    tensorNames = model.storedTensors.map(\.path)
    recipeText = Lock(trained.recipe.json.line)
    var info = vae_model_info()
    info.range = ValueKind.code(trained.inputRange, rule: data.rule)
    info.height = Int64(data.height)
    info.width = Int64(data.columns?.count ?? data.width)
    info.channels = Int64(data.channels)
    info.parameter_count = Int64(model.parameterCount)
    info.tensor_count = Int64(tensorNames.count)
    info.latent_layers = Int64(model.prior.latents.layerShapes.count)
    if let grid = model.prior.latents.codes { info.code_count = Int64(grid.codeCount) }
    info.condition = ConditionSpace.code(model.condition)
    info.condition_width = Int64(model.condition?.width ?? 0)
    self.info = info
  }

  /// Runs a call that only reads the model.
  ///
  /// - Throws: `CallError` of status `VAE_ERR_BUSY` where a call is under way that changes it; where a part
  ///   of it is of a plug-in, where any is.
  func read<Result>(_ body: (TrainedModel) throws -> Result) throws -> Result {
    try exclusion.run("model", .reading) { try checked { try body(trained) } }
  }

  /// Runs a call that changes the model's tensors.
  func change<Result>(_ body: (TrainedModel) throws -> Result) throws -> Result {
    try exclusion.run("model", .changing) {
      isFresh = false
      return try checked { try body(trained) }
    }
  }

  /// Runs a body; where a part of the model fails in it, that is the error.
  private func checked<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      let result = try body()
      try trained.model.checkParts()
      return result
    } catch {
      try trained.model.checkParts()
      throw error
    }
  }

  /// Runs a call that prepares a training, and takes over the recipe that holds from then on.
  func prepareTraining(
    _ body: (_ model: TrainedModel, _ start: Trainer.Start) throws -> TrainingSession
  ) throws {
    try exclusion.run("model", .changing) {
      let session = try body(trained, isFresh ? .fresh : .asIs)
      // A resumed run has put its weights into the model.
      if session.isResumed { isFresh = false }
      trained = trained.trained(by: session)
      recipeText.withLock { $0 = session.recipe.json.line }
    }
  }

  /// Runs a callback of the call that is under way.
  func runCallback<Result>(_ body: () throws(CallError) -> Result) throws(CallError) -> Result {
    try exclusion.runCallback(body)
  }
}

extension TrainedModel {
  /// Where the values of the images lie that the model takes, before they are made binary.
  var inputRange: ValueRange {
    guard options.binarize == .none else { return .unit }
    return switch recipe.data?.range {
    case .binary: .binary
    case .unit: .unit
    case .real, nil: .real
    }
  }

  /// The size of the images as a caller has them: rows of a table in its own units.
  var imageShape: ImageShape {
    ImageShape(
      height: recipe.data?.height ?? 0, width: columns?.count ?? recipe.data?.width ?? 0,
      channels: recipe.data?.channels ?? 0)
  }

  /// A caller's images, checked against what the model takes, and read in place.
  ///
  /// - Parameter condition: what is known of them.
  func images(
    _ tensor: UnsafePointer<vae_tensor>?, _ name: String, condition: TensorView? = nil
  ) throws -> DataSplit {
    try split(name, memoryImages(tensor, name).images, condition)
  }

  private func split(
    _ name: String, _ images: MemoryImages, _ condition: TensorView?
  ) throws -> DataSplit {
    let store: any ExampleStore = columns.map { TableStore(images, columns: $0) } ?? images
    let split = DataSplit(
      name: name, store: store, given: try conditions(condition, count: images.count))
    if let space = model.condition { _ = try KnownConditions(of: split, space) }
    return split
  }

  /// The same for images that get a probability: where the model is one of bytes, these must be
  /// some.
  ///
  /// - Parameters:
  ///   - condition: what is known of them.
  ///   - options: what becomes of values first; nil for what the recipe says.
  func pricedImages(
    _ tensor: UnsafePointer<vae_tensor>?, _ name: String, condition: TensorView? = nil,
    options: TrainingOptions? = nil
  ) throws -> DataSplit {
    let (images, unquantized) = try memoryImages(tensor, name)
    let areBytes = takesLevels || (options ?? self.options).dequantize != .none
    if areBytes, let unquantized {
      throw CallError(
        VAE_ERR_DATA,
        "\(unquantized), but the model takes bytes, or floats that are all multiples of 1/255")
    }
    return try split(name, images, condition)
  }

  private func memoryImages(
    _ tensor: UnsafePointer<vae_tensor>?, _ name: String
  ) throws -> (images: MemoryImages, unquantized: String?) {
    var images = try TensorView(tensor, name).images(of: imageShape)
    images.divisor = recipe.data?.rule == "binary" ? 1 : 255
    try MemoryNeed.check(rows: 1, of: images.shape)
    if let columns {
      // Bytes of a table are numbers as they are.
      images.divisor = 1
      let missing = try columns.check(images, name: name)
      if let missing, !model.takesMasks { throw DataError.missing(missing) }
      return (images, nil)
    }
    let found = try images.values(name: name, rule: recipe.data?.rule)
    if let missing = found.missing, !model.takesMasks { throw DataError.missing(missing) }
    guard inputRange.holds(found.range) else {
      throw CallError(
        VAE_ERR_DATA,
        "\(name) hold \(found.range.phrase), but the model takes \(inputRange.phrase)"
          + found.range.remedy(for: inputRange)
      )
    }
    return (images, found.unquantized)
  }
}
