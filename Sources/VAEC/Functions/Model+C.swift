// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Messages
import Tensors
import VAEZoo

extension ModelObject {
  static func object(_ handle: OpaquePointer?) throws(CallError) -> ModelObject {
    try Handles.object(handle, ModelObject.self, "model")
  }
}

@c @implementation
public func vae_model_create(
  _ options: UnsafePointer<vae_model_options>?, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(model, "model")
    let options = try value(of: options, "options")
    let registry = Known.registry
    let (made, data) = try TrainedModel.fresh(
      givenRecipe(options, registry),
      settings: settings(options.settings, options.setting_count) + seedSetting(options.seed),
      fromWeights: options.from_weights.map { try path($0, "options->from_weights") },
      takesSizes: options.variant != nil,
      source: "the model", registry: registry
    ) { try StatedData(options, recipe: $0) }
    for notice in made.notices + data.notices { try Log.say(notice.description) }
    let stage = made.recipe.stage
    result.pointee = try Handles.make(
      try ModelObject(made, isFresh: !stage.isWhole || stage.origin == nil))
  }
}

@c @implementation
public func vae_model_create_stage(
  _ model: OpaquePointer?, _ stage: UnsafePointer<CChar>?, _ list: UnsafePointer<vae_setting>?,
  _ count: Int, _ next: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  vae_model_create_stage_on(model, stage, nil, list, count, next, error)
}

@c @implementation
public func vae_model_create_stage_on(
  _ model: OpaquePointer?, _ stage: UnsafePointer<CChar>?, _ data: OpaquePointer?,
  _ list: UnsafePointer<vae_setting>?, _ count: Int,
  _ next: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(next, "next")
    let stage = try text(stage, "stage")
    let source = try data.map { try Handles.object($0, DataObject.self, "data").source }
    let settings = try settings(list, UInt64(UInt(bitPattern: count)))
    result.pointee = try Handles.make(
      try ModelObject.object(model).read {
        try ModelObject(
          $0.stage(stage, on: source, settings: settings, registry: Known.registry), isFresh: true)
      })
  }
}

/// The recipe that options name or hold, with nothing set.
private func givenRecipe(_ options: vae_model_options, _ registry: Registry) throws -> Recipe {
  let variant = try text(optional: options.variant, "options->variant")
  let json = try text(optional: options.recipe_json, "options->recipe_json")
  switch (variant, json) {
  case (let variant?, nil): return try registry.recipe(for: variant)
  case (nil, let json?):
    return try registry.recipe(parsing: Array(json.utf8), source: "options->recipe_json")
  default:
    throw CallError(
      VAE_ERR_INVALID_ARGUMENT, "options must name a variant or hold a recipe_json, and not both")
  }
}

/// A seed as a setting; none where it is zero.
func seedSetting(_ seed: UInt64) -> [(key: String, value: String)] {
  seed == 0 ? [] : [(key: "training.seed", value: "\(seed)")]
}

/// What options say about the images that a model is for, or the recipe where they say nothing.
private struct StatedData: DescribedData {
  private enum Images {
    /// Data, or an empty source that stands for those to come.
    case source(DataSource)
    case ofRecipe(DataDescription)
  }

  private var images: Images
  private let stated: ConditionSpace?
  private let isOpen: Bool
  /// What is to be said of the data beyond what was when they were made.
  private(set) var notices: [Message] = []

  /// - Parameter recipe: what the recipe says of its data.
  init(_ options: vae_model_options, recipe: DataDescription?) throws {
    guard options.reserved == 0 else {
      throw CallError(
        VAE_ERR_UNSUPPORTED,
        "options->reserved is \(options.reserved), which this version of the library does not know")
    }
    stated = try ConditionSpace.of(code: options.condition, width: options.condition_width)
    isOpen = options.data != nil
    let sizes = [options.height, options.width, options.channels]
    if isOpen {
      guard sizes == [0, 0, 0], options.range == 0 else {
        throw CallError(
          VAE_ERR_INVALID_ARGUMENT,
          "options give data, and sizes or a range as well; leave these zero")
      }
      guard stated == nil else {
        throw CallError(
          VAE_ERR_INVALID_ARGUMENT,
          "options give data, and a condition as well; leave condition and condition_width zero")
      }
      images = .source(
        try Handles.object(options.data, DataObject.self, "options->data").source)
      return
    }
    if let recipe, sizes == [0, 0, 0], options.range == 0 {
      images = .ofRecipe(recipe)
      return
    }
    guard sizes.allSatisfy({ (1...1 << 20).contains($0) }),
      sizes[0] * sizes[1] <= 1 << 26, sizes[0] * sizes[1] * sizes[2] <= 1 << 26
    else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "options->height, width and channels are \(sizes), but must be above zero, with a product of "
          + "at most \(1 << 26)")
    }
    let kind = try ValueKind(code: options.range)
    let shape = ImageShape(height: Int(sizes[0]), width: Int(sizes[1]), channels: Int(sizes[2]))
    images = .source(
      DataSource(
        name: "options->range", valueRange: kind.range, rule: kind.rule,
        isDiscrete: kind.rule != "floats",
        train: DataSplit(name: "train", store: NoImages(shape: shape))))
  }

  func standardized(
    by recorded: TableColumns?, _ options: TrainingOptions
  ) throws -> StatedData {
    guard case .source(let source) = images else { return self }
    var seen = self
    let standardized = try source.standardized(by: recorded, options)
    seen.images = .source(standardized)
    seen.notices = standardized.notices.filter { !source.notices.contains($0) }
    return seen
  }

  func asVectors(in range: ValueRange) -> StatedData {
    guard case .source(let source) = images else { return self }
    var seen = self
    seen.images = .source(source.asVectors(in: range))
    return seen
  }

  func counted() throws -> StatedData {
    guard case .source(let source) = images else { return self }
    var seen = self
    seen.images = .source(try source.counted())
    return seen
  }

  func description(_ options: TrainingOptions) throws -> DataDescription {
    switch images {
    case .source(let source): try source.description(options)
    case .ofRecipe(let description): description
    }
  }

  func condition(
    of recipe: Recipe, isTold: Bool, known: ConditionSpace?
  ) throws -> ConditionSpace? {
    guard isOpen, case .source(let source) = images else {
      // What options state has no names.
      let isKnown = known.map { $0.kind == stated?.kind && $0.width == stated?.width } ?? false
      return isKnown ? known : stated ?? known
    }
    return try source.condition(of: recipe, isTold: isTold, known: known)
  }
}

/// Images of a size, of which there are none.
private struct NoImages: ExampleStore {
  let shape: ImageShape
  var count: Int { 0 }
  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {}
}

// MARK: - Files

/// Runs a reading of a stored model, whose faults are those of a file.
private func reading(_ body: () throws -> TrainedModel) throws -> ModelObject {
  do {
    let model = try body()
    for notice in model.notices { try Log.say(notice.description) }
    return try ModelObject(model, isFresh: false)
  } catch let error as TrainingError where error.kind == .unsuitable {
    throw CallError(VAE_ERR_FORMAT, CallError(error).message)
  }
}

@c @implementation
public func vae_model_load(
  _ path: UnsafePointer<CChar>?, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  vae_model_load_with(path, nil, model, error)
}

@c @implementation
public func vae_model_load_with(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<vae_call_options>?,
  _ model: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(model, "model")
    let path = try VAEC.path(path, "path")
    let watch = try CallWatch(options, "options", takesCheckpoint: true)
    result.pointee = try Handles.make(
      try reading {
        try TrainedModel.open(path, checkpoint: watch.checkpoint, registry: Known.registry) {
          try watch.proceed(nil)
        }
      })
  }
}

@c @implementation
public func vae_model_load_memory(
  _ bytes: UnsafeRawPointer?, _ size: Int, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(model, "model")
    let bytes = try required(bytes, "bytes")
    guard size > 0 && size <= 1 << 48 else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "size is \(UInt(bitPattern: size)), which is no file's")
    }
    try Memory.require(bytes: size, for: "a copy of the file")
    let copy = Array(UnsafeRawBufferPointer(start: bytes, count: size))
    result.pointee = try Handles.make(
      try reading {
        try TrainedModel.open(bytes: copy, source: "bytes", registry: Known.registry)
      })
  }
}

@c @implementation
public func vae_model_save(
  _ model: OpaquePointer?, _ path: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let path = try VAEC.path(path, "path")
    try ModelObject.object(model).read { try $0.save(to: path) }
  }
}

@c @implementation
public func vae_model_save_memory(
  _ model: OpaquePointer?, _ bytes: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(bytes, "bytes")
    result.pointee = try Handles.make(
      try ModelObject.object(model).read { ArrayObject($0.encoded()) })
  }
}

@c @implementation
public func vae_model_import(
  _ path: UnsafePointer<CChar>?, _ size: Int64, _ list: UnsafePointer<vae_setting>?, _ count: Int,
  _ options: UnsafePointer<vae_call_options>?, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(model, "model")
    let path = try VAEC.path(path, "path")
    guard (0...32768).contains(size) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "size is \(size), but must be in 1...32768, or 0 for what the files say")
    }
    let settings = try settings(list, UInt64(UInt(bitPattern: count)))
    let watch = try CallWatch(options, "options")
    let weights = try ForeignWeights.open(path) { try watch.proceed(nil) }
    let found = try WeightImport(
      weights, size: size == 0 ? nil : Int(size), settings: settings, registry: Known.registry
    ) { try watch.proceed($0) }
    for notice in found.notices { try Log.say(notice.description) }
    result.pointee = try Handles.make(try ModelObject(found.model, isFresh: false))
  }
}

@c @implementation
public func vae_model_export(
  _ model: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ form: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let path = try VAEC.path(path, "path")
    let form = try text(form, "form")
    try ModelObject.object(model).read {
      let files = try WeightExport($0, form: form, registry: Known.registry)
      try files.write(to: path)
      for notice in files.notices { try Log.say(notice.description) }
    }
  }
}

@c @implementation
public func vae_model_free(_ model: OpaquePointer?) {
  Handles.release(model, ModelObject.self)
}

// MARK: - Facts

@c @implementation
public func vae_model_describe(
  _ model: OpaquePointer?, _ info: UnsafeMutablePointer<vae_model_info>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try StructResult(info, "info")
    result.give(try ModelObject.object(model).info)
  }
}

@c @implementation
public func vae_model_recipe_json(
  _ model: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try TextResult(buffer, capacity, needed)
    result.give(try ModelObject.object(model).recipeText.withLock { $0 })
  }
}

@c @implementation
public func vae_model_tensor_name(
  _ model: OpaquePointer?, _ index: Int64, _ buffer: UnsafeMutablePointer<CChar>?,
  _ capacity: Int, _ needed: UnsafeMutablePointer<Int>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try TextResult(buffer, capacity, needed)
    let names = try ModelObject.object(model).tensorNames
    guard index >= 0, index < names.count else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "index is \(index), but the model has \(Count.of(names.count, "tensor"))")
    }
    result.give(names[Int(index)])
  }
}

// MARK: - Tensors by name

extension Model {
  /// - Throws: `CallError` where there is none of the name.
  fileprivate func storedTensor(_ name: String) throws(CallError) -> StoredTensor {
    guard let found = storedTensors.first(where: { $0.path == name }) else {
      throw CallError(
        VAE_ERR_NOT_FOUND,
        "the model has no parameter or buffer \(name); vae_model_tensor_name gives the names")
    }
    return found.tensor
  }
}

@c @implementation
public func vae_model_get_tensor(
  _ model: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ array: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(array, "array")
    let name = try text(name, "name")
    result.pointee = try Handles.make(
      try ModelObject.object(model).read {
        ArrayObject(try $0.model.storedTensor(name).value.copied())
      })
  }
}

@c @implementation
public func vae_model_set_tensor(
  _ model: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ values: UnsafePointer<vae_tensor>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let name = try text(name, "name")
    let view = try TensorView(values, "values")
    let model = try ModelObject.object(model)
    try model.change { trained in
      let place = try trained.model.storedTensor(name)
      let present = place.value
      guard Shape(view.shape) == present.shape else {
        throw CallError(
          VAE_ERR_INVALID_ARGUMENT,
          "values have the shape \(view.shape), but \(name) has \(present.shape)")
      }
      let values = try view.copied()
      guard values.elementType == present.elementType else {
        throw CallError(
          VAE_ERR_UNSUPPORTED,
          "values are \(values.elementType), but \(name) is \(present.elementType)")
      }
      guard values.elementType != .float32 || values.isFinite else {
        throw CallError(VAE_ERR_INVALID_ARGUMENT, "values hold numbers that are not finite")
      }
      place.value = values
    }
  }
}
