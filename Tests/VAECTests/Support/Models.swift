import CVAE
import XCTest

/// Settings as C holds them, freed with this object.
final class CSettings {
  private var texts: [UnsafeMutablePointer<CChar>] = []
  let pointer: UnsafeMutablePointer<vae_setting>
  let count: Int

  init(_ settings: [(String, String)]) {
    count = settings.count
    pointer = .allocate(capacity: max(1, settings.count))
    for (index, (key, value)) in settings.enumerated() {
      let (key, value) = (strdup(key), strdup(value))
      texts += [key, value].compactMap { $0 }
      pointer[index] = vae_setting(key: key, value: value)
    }
    Kept.keep(self)
  }

  deinit {
    for text in texts { free(text) }
    pointer.deallocate()
  }
}

extension CTestCase {
  /// Options for a small model of 4x4 images.
  func modelOptions(range: Int32 = VAE_RANGE_BINARY) -> vae_model_options {
    var options = vae_model_options()
    options.struct_size = UInt32(MemoryLayout<vae_model_options>.size)
    options.range = range
    options.height = 4
    options.width = 4
    options.channels = 1
    options.seed = 3
    return options
  }

  /// Settings that make a variant small.
  static let small: [(String, String)] = [("hidden", "8"), ("latent", "2")]

  /// A small model, freed after the test.
  func makeModel(
    _ variant: String = "gaussian-vae", _ settings: [(String, String)] = small,
    range: Int32 = VAE_RANGE_BINARY
  ) throws -> OpaquePointer {
    try makeModel(variant, settings, options: modelOptions(range: range))
  }

  /// A small model by options of which variant and settings are still open, freed after the test.
  func makeModel(
    _ variant: String = "gaussian-vae", _ settings: [(String, String)] = small,
    options: vae_model_options
  ) throws -> OpaquePointer {
    var options = options
    let settings = CSettings(settings)
    options.settings = UnsafePointer(settings.pointer)
    options.setting_count = UInt64(settings.count)
    return try variant.withCString { name in
      options.variant = name
      return try made(freedBy: vae_model_free) { vae_model_create(&options, $0, $1) }
    }
  }

  /// What a model is like.
  func info(of model: OpaquePointer) throws -> vae_model_info {
    var info = vae_model_info()
    info.struct_size = UInt32(MemoryLayout<vae_model_info>.size)
    try succeed { vae_model_describe(model, &info, $0) }
    return info
  }

  /// The means of the posteriors of images.
  func means(of images: CTensor, by model: OpaquePointer) throws -> [Float] {
    let encoding = try made(freedBy: vae_encoding_free) {
      vae_encode(model, images.pointer, 0, $0, $1)
    }
    return try contents(
      of: made(freedBy: vae_array_free) {
        vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, $0, $1)
      }
    ).floats
  }

  /// The floats of binary 4x4 images.
  static func pixels(_ count: Int, seed: Int = 1) -> [Float] {
    (0..<count * 16).map { ((($0 + seed) * 2_654_435_761) >> 7) % 3 == 0 ? 1 : 0 }
  }

  /// Binary images.
  func images(_ count: Int, seed: Int = 1) -> CTensor {
    CTensor(Self.pixels(count, seed: seed), [count, 4, 4, 1])
  }

  /// Images in memory as data, freed after the test.
  func makeData(train: CTensor, test: CTensor? = nil, range: Int32 = VAE_RANGE_AUTO) throws
    -> OpaquePointer
  {
    try made(freedBy: vae_data_free) {
      vae_data_from_tensors(train.pointer, test?.pointer, range, $0, $1)
    }
  }

  /// Options for a short training.
  func trainerOptions(epochs: Int64 = 2, batchSize: Int64 = 8) -> vae_trainer_options {
    var options = vae_trainer_options()
    options.struct_size = UInt32(MemoryLayout<vae_trainer_options>.size)
    options.epochs = epochs
    options.batch_size = batchSize
    options.seed = 5
    return options
  }

  /// A trainer of a model on data, freed after the test.
  func makeTrainer(
    _ model: OpaquePointer, _ data: OpaquePointer, _ options: vae_trainer_options? = nil
  ) throws -> OpaquePointer {
    var options = options ?? trainerOptions()
    return try made(freedBy: vae_trainer_free) {
      vae_trainer_create(model, data, &options, $0, $1)
    }
  }

  /// A tensor of a model by name.
  func tensor(_ name: String, of model: OpaquePointer) throws -> ArrayContents {
    let array = try made(freedBy: vae_array_free) { vae_model_get_tensor(model, name, $0, $1) }
    return try contents(of: array)
  }

  /// All tensors of a model by name.
  func tensors(of model: OpaquePointer) throws -> [String: ArrayContents] {
    var info = vae_model_info()
    info.struct_size = UInt32(MemoryLayout<vae_model_info>.size)
    try succeed { vae_model_describe(model, &info, $0) }
    var found: [String: ArrayContents] = [:]
    for index in 0..<info.tensor_count {
      let name = try text { vae_model_tensor_name(model, index, $0, $1, $2, $3) }
      found[name] = try tensor(name, of: model)
    }
    return found
  }

  /// A metric.
  func metric(_ name: String, of metrics: OpaquePointer) throws -> Double {
    var value = 0.0
    try succeed { vae_metrics_get(metrics, name, &value, $0) }
    return value
  }

  /// A number of a trainer.
  func metric(_ name: String, ofTrainer trainer: OpaquePointer) throws -> Double {
    var value = 0.0
    try succeed { vae_trainer_metric(trainer, name, &value, $0) }
    return value
  }

  /// A JSON text as Foundation reads it.
  func json(_ text: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
  }
}
