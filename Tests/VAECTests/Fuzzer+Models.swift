import CDLPack
import CVAE
import VAEZoo
import XCTest

/// Calls that make models, trainers and classifiers, and that use them.
extension Fuzzer {
  mutating func createModel(_ variants: [String], _ keys: [String]) -> String? {
    var options = vae_model_options()
    options.variant = chance(15) ? nil : text(variants)
    let recipe =
      #"{"format": 1, "variant": "gaussian-vae", "encoder": {"hidden": [4]}, "prior": {"latent": 2}}"#
    options.recipe_json = chance(15) ? text([recipe, "{}", "[1", recipe + "}"]) : nil
    let (settings, count) = settings(keys)
    options.settings = settings
    options.setting_count = UInt64(UInt(bitPattern: count))
    options.range = chance(10) ? Int32(truncatingIfNeeded: integer()) : pick([1, 1, 2, 3, 4])
    let size: [Int64] = [4, 4, 1]
    (options.height, options.width, options.channels) = (size[0], size[1], size[2])
    if chance(10) { options.height = integer() }
    if chance(10) { options.width = integer() }
    if chance(10) { options.channels = integer() }
    options.seed = UInt64(bitPattern: integer())
    if chance(10) { options.data = handle(.data) }
    let pointer = chance(40) ? nil : kept(options)
    return check("vae_model_create", makes: .model) { vae_model_create(pointer, $0, $1) }
  }

  mutating func loadMemory() -> String? {
    guard let model = pool[Kind.model.rawValue].randomElement(using: &random) else { return nil }
    var array: OpaquePointer?
    guard vae_model_save_memory(model, &array, nil) == VAE_OK else { return nil }
    defer { vae_array_free(array) }
    var view = vae_tensor()
    view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    guard vae_array_view(array, &view, nil) == VAE_OK else { return "an array has no view" }
    let count = Int(view.shape[0])
    guard let bytes = view.data?.assumingMemoryBound(to: UInt8.self) else { return nil }
    if chance(2) {
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<min(count, 3000), using: &random)] = .random(
          in: 0...255, using: &random)
      }
    }
    let size = chance(4) ? Int.random(in: 0...count, using: &random) : chance(20) ? -1 : count
    return check("vae_model_load_memory", makes: .model) {
      vae_model_load_memory(bytes, size, $0, $1)
    }
  }

  mutating func createTrainer() -> String? {
    var options = vae_trainer_options()
    options.existing_run = chance(10) ? Int32(truncatingIfNeeded: integer()) : 0
    let (settings, count) = settings(["training.optimizer", "training.clip_norm", "latent"])
    if chance(3) {
      options.settings = settings
      options.setting_count = UInt64(UInt(bitPattern: count))
    }
    options.epochs = chance(4) ? integer() : 3
    options.batch_size = chance(4) ? integer() : 2
    options.learning_rate = chance(4) ? number() : 0
    options.seed = chance(4) ? UInt64(bitPattern: integer()) : 1
    options.run = chance(20) ? outputPath() : nil
    if options.epochs > 10 && options.epochs <= 1_000_000 { options.epochs = 10 }
    let (model, data) = (handle(.model), handle(.data))
    let pointer = kept(options)
    // Without options the recipe's own number of epochs and examples in a batch hold.
    return check("vae_trainer_create", makes: .trainer) {
      vae_trainer_create(model, data, pointer, $0, $1)
    }
  }

  /// One of the functions about classifiers.
  mutating func callClassifier() -> String? {
    let classifier = handle(.classifier)
    switch Int.random(in: 0..<5, using: &random) {
    case 0 where chance(4): return trainOnLabels()
    case 0:
      let data = handle(.data)
      if let data, pool[Kind.data.rawValue].contains(data) {
        var info = vae_data_info()
        info.struct_size = UInt32(MemoryLayout<vae_data_info>.size)
        // The built-in sets take their time.
        guard vae_data_describe(data, &info, nil) == VAE_OK, info.train_count < 100 else {
          return nil
        }
      }
      let (settings, count) = settings(["epochs", "width", "features", "shift", "seed", "x"])
      let call = callOptions()
      return check("vae_classifier_train", makes: .classifier) {
        vae_classifier_train(data, settings, count, call, $0, $1)
      }
    case 1:
      let path = text(["\(folder)/classifier.safetensors", "/dev/null", "/", "", "x"])
      return check("vae_classifier_open", makes: .classifier) { vae_classifier_open(path, $0, $1) }
    case 2:
      let path = text(["classifier.safetensors", "x/y", ""], prefix: "\(folder)/")
      return check("vae_classifier_save") { vae_classifier_save(classifier, path, $1) }
    case 3:
      let (batch, call) = (images(), callOptions())
      return check("vae_classifier_probabilities", makes: .array) {
        vae_classifier_probabilities(classifier, batch, call, $0, $1)
      }
    default:
      return checkText("vae_classifier_json") { vae_classifier_json(classifier, $0, $1, $2, $3) }
    }
  }

  /// Trains on what can be trained on, so that there are classifiers to work with.
  mutating func trainOnLabels() -> String? {
    let pixels = CTensor((0..<640).map { Float($0 % 7) / 7 }, [40, 4, 4, 1])
    let labels = CTensor((0..<40).map { Int32($0 % 2) }, VAE_INT32, shape: [40])
    var options = vae_data_options()
    options.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
    options.train_condition = UnsafePointer(labels.pointer)
    var data: OpaquePointer?
    guard vae_data_from_tensors_with(pixels.pointer, nil, &options, &data, nil) == VAE_OK else {
      return "labelled data are refused"
    }
    defer { vae_data_free(data) }
    let settings = CSettings([("epochs", "1"), ("width", "2"), ("features", "2")])
    return withExtendedLifetime((pixels, labels)) {
      check("vae_classifier_train", makes: .classifier) {
        vae_classifier_train(data, settings.pointer, settings.count, nil, $0, $1)
      }
    }
  }

  mutating func evaluate() -> String? {
    var options = vae_evaluation_options()
    options.importance_samples = Int32(truncatingIfNeeded: integer())
    guard options.importance_samples < 100 || options.importance_samples > 10_000_000 else {
      return nil
    }
    options.split = chance(10) ? text(["valid", "x"]) : text(["train", "train", "test"])
    options.seed = UInt64(bitPattern: integer())
    options.metrics =
      chance(2) ? text(["elbo", "nll,elbo", "mig", "codebook_usage", "", ",", "x"]) : nil
    options.network = chance(4) ? text(["\(folder)/classifier.safetensors", "/", "x"]) : nil
    options.network_layer = chance(8) ? text(["features", "relu1_1", "", "x"]) : nil
    let (model, data) = (handle(.model), handle(.data))
    if let data, pool[Kind.data.rawValue].contains(data) {
      var info = vae_data_info()
      info.struct_size = UInt32(MemoryLayout<vae_data_info>.size)
      // The built-in sets take their time.
      guard vae_data_describe(data, &info, nil) == VAE_OK, info.train_count < 100 else {
        return nil
      }
    }
    let pointer = kept(options)
    if chance(2) {
      let token = chance(2) ? handle(.token) : nil
      return check("vae_evaluate", makes: .metrics) {
        vae_evaluate(model, data, pointer, token, $0, $1)
      }
    }
    let call = callOptions()
    return check("vae_evaluate_with", makes: .metrics) {
      vae_evaluate_with(model, data, pointer, call, $0, $1)
    }
  }

  /// Weights of other programs, and pictures through models whose latents are a map.
  mutating func callPictures() -> String? {
    let (model, options) = (handle(.model), callOptions())
    let scaled = chance(10) ? Int32(truncatingIfNeeded: integer()) : pick([0, 1])
    switch Int.random(in: 0..<7, using: &random) {
    case 0, 1:
      let size = chance(4) ? integer() : 8
      let reference = Repository.path("Tests/VAEZooTests/Reference/tiny-diffusers")
      let path = text([reference, reference, "/dev/null", "/", "x"])
      let (settings, count) = chance(4) ? settings(["prior.scaling_factor", "beta"]) : (nil, 0)
      return check("vae_model_import", makes: .model) {
        vae_model_import(path, size, settings, count, options, $0, $1)
      }
    case 2:
      let (path, form) = (outputPath(), text(["diffusers", "ldm", "taesd", "x", ""]))
      reached.insert("vae_model_export")
      return check("vae_model_export") { vae_model_export(model, path, form, $1) }
    case 3, 4:
      let batch = tensor([[1, 4, 4, 3], [2, 3, 5, 3], [1, 3, 4, 4], [1, 4, 4], [0, 4, 4, 3]])
      let seed = UInt64(bitPattern: integer())
      return check("vae_encode_pictures", makes: .encoding) {
        vae_encode_pictures(model, batch, scaled, seed, options, $0, $1)
      }
    default:
      let latents = tensor([[1, 1, 2, 3], [2, 1, 1, 3], [1, 3, 1, 2], [1, 1, 3]])
      let size: (Int64, Int64) = chance(2) ? (0, 0) : (integer(), integer())
      let dtype = chance(10) ? Int32(truncatingIfNeeded: integer()) : pick([1, 2])
      return check("vae_decode_pictures", makes: .array) {
        vae_decode_pictures(model, latents, scaled, size.0, size.1, dtype, options, $0, $1)
      }
    }
  }

  mutating func decode() -> String? {
    let pointers = keep([UInt8](repeating: 0, count: 64 * 8)).assumingMemoryBound(
      to: UnsafePointer<vae_tensor>?.self)
    var layers = Int64.random(in: 1...3, using: &random)
    for layer in 0..<Int(layers) {
      pointers[layer] = tensor([[1, 20], [2, 2], [1, 1], [1, 1, 1], [1, 1, 1, 3], [2, 3]])
    }
    if chance(2) { layers = 1 }
    // The pointers that are not set are NULL.
    if chance(20) { layers = integer() }
    let model = handle(.model)
    let isMissing = chance(30)
    if chance(2) {
      return check("vae_decode", makes: .array) {
        vae_decode(model, isMissing ? nil : pointers, layers, 3, $0, $1)
      }
    }
    let options = callOptions()
    return check("vae_decode_with", makes: .array) {
      vae_decode_with(model, isMissing ? nil : pointers, layers, 3, options, $0, $1)
    }
  }
}
