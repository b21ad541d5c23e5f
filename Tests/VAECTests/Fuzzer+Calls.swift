import CDLPack
import CVAE
import VAEZoo
import XCTest

/// One call of a function after the other.
extension Fuzzer {
  func free(_ handle: OpaquePointer?, _ kind: Kind) {
    switch kind {
    case .error: vae_error_free(handle)
    case .token: vae_cancel_token_free(handle)
    case .array: vae_array_free(handle)
    case .data: vae_data_free(handle)
    case .model: vae_model_free(handle)
    case .trainer: vae_trainer_free(handle)
    case .metrics: vae_metrics_free(handle)
    case .encoding: vae_encoding_free(handle)
    case .classifier: vae_classifier_free(handle)
    }
  }

  mutating func release(_ kind: Kind) {
    guard let index = pool[kind.rawValue].indices.randomElement(using: &random) else { return }
    let handle = pool[kind.rawValue].remove(at: index)
    free(handle, kind)
    freed.append(handle)
    if freed.count > 100 { freed.removeFirst(50) }
  }

  /// A call that gives a status, with all that is promised of it.
  mutating func check(
    _ name: String, makes kind: Kind? = nil,
    _ body: (
      _ out: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
    ) -> vae_status
  ) -> String? {
    var out: OpaquePointer? = OpaquePointer(bitPattern: 0x10)
    var error: OpaquePointer? = OpaquePointer(bitPattern: 0x10)
    let (hasOut, wantsError) = (!chance(60), !chance(3))
    let status = withUnsafeMutablePointer(to: &out) { out in
      withUnsafeMutablePointer(to: &error) { error in
        body(hasOut ? out : nil, wantsError ? error : nil)
      }
    }
    if status == VAE_OK {
      reached.insert(name)
      if wantsError && error != nil { return "\(name) succeeds with an error" }
      if let kind {
        guard let out else { return "\(name) succeeds with nothing" }
        pool[kind.rawValue].append(out)
        if pool[kind.rawValue].count > 12 { release(kind) }
      }
      return nil
    }
    if String(cString: vae_status_name(status)) == "unknown status" {
      return "\(name) answers \(status)"
    }
    if status == VAE_ERR_INTERNAL {
      return "\(name): \(wantsError ? String(cString: vae_error_message(error)) : "a defect")"
    }
    if kind != nil && hasOut && out != nil { return "\(name) fails with a result" }
    guard wantsError else { return nil }
    guard let error else { return "\(name) fails without an error" }
    if vae_error_status(error) != status { return "\(name) has an error of another status" }
    if strlen(vae_error_message(error)) == 0 { return "\(name) fails without a word" }
    pool[Kind.error.rawValue].append(error)
    if pool[Kind.error.rawValue].count > 12 { release(.error) }
    return nil
  }

  /// A call that gives text.
  mutating func checkText(
    _ name: String,
    _ body: (
      UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>?,
      UnsafeMutablePointer<OpaquePointer?>?
    ) -> vae_status
  ) -> String? {
    let capacity = pick([0, 1, 10, 200, 1 << 16])
    let buffer = keep([UInt8](repeating: 0x55, count: capacity + 8)).assumingMemoryBound(
      to: CChar.self)
    let (hasBuffer, hasNeeded) = (!chance(5), !chance(20))
    var needed = 77
    let fault = check(name) { _, error in
      withUnsafeMutablePointer(to: &needed) { needed in
        body(hasBuffer ? buffer : nil, capacity, hasNeeded ? needed : nil, error)
      }
    }
    if buffer[capacity] != 0x55 { return "\(name) writes behind its buffer" }
    return fault
  }

  /// Makes one call; what is wrong with it, if anything.
  mutating func call() -> String? {
    defer {
      for pointer in memory { pointer.deallocate() }
      memory = []
    }
    // Something of every kind to work with.
    let variants = [
      "gaussian-vae", "beta-vae", "iwae", "vq-vae", "pixelcnn", "ladder-vae", "none",
      "conditional-vae", "missing-vae",
    ]
    let keys = [
      "latent", "hidden", "beta", "prior.latent", "training.epochs", "training.batch_size",
      "likelihood", "architecture", "codes", "channels", "layers", "x",
    ]
    switch Int.random(in: 0..<64, using: &random) {
    case 0:
      return check("vae_set_threads") { [count = chance(2) ? 1 : 2] in
        vae_set_threads(Int32(count), $1)
      }
    case 1:
      let count = Int32(truncatingIfNeeded: integer())
      guard !(3...256).contains(count) else { return nil }
      return check("vae_set_threads") { vae_set_threads(count, $1) }
    case 2: return checkText("vae_build_info_json") { vae_build_info_json($0, $1, $2, $3) }
    case 3:
      return check("vae_cancel_token_create", makes: .token) { vae_cancel_token_create($0, $1) }
    case 4:
      vae_cancel_token_cancel(handle(.token))
      reached.insert("vae_cancel_token_cancel")
      return nil
    case 5, 6:
      vae_cancel_token_reset(handle(.token))
      reached.insert("vae_cancel_token_reset")
      return nil
    case 7:
      let (array, view) = (handle(.array), kept(vae_tensor()))
      return check("vae_array_view") { vae_array_view(array, view, $1) }
    case 8: return callDLPack(versioned: false)
    case 9: return callDLPack(versioned: true)
    case 10: return checkText("vae_list_variants_json") { vae_list_variants_json($0, $1, $2, $3) }
    case 11 where chance(2):
      return checkText("vae_list_metrics_json") { vae_list_metrics_json($0, $1, $2, $3) }
    case 11:
      let role = text(["encoder", "prior", "decoder", "likelihood", "objective", "x"])
      return checkText("vae_list_components_json") {
        vae_list_components_json(role, $0, $1, $2, $3)
      }
    case 12 where chance(2): return callClassifier()
    case 12:
      let variant = text(variants)
      return checkText("vae_describe_json") { vae_describe_json(variant, $0, $1, $2, $3) }
    case 13 where chance(2):
      let path = text(["nothing", "/dev/null", "/", "", Repository.path("include/vae.h")])
      return checkText("vae_check_json") { vae_check_json(path, $0, $1, $2, $3) }
    case 13:
      let (variant, (settings, count)) = (text(variants), settings(keys))
      return checkText("vae_recipe_json") {
        vae_recipe_json(variant, settings, count, $0, $1, $2, $3)
      }
    case 14:
      let source = text(["shapes", "shapes:32", "nothing", "/dev/null", "/", "", "x.npy"])
      guard chance(20) else { return nil }
      if chance(2) {
        return check("vae_data_open", makes: .data) { vae_data_open(source, $0, $1) }
      }
      let options = callOptions()
      return check("vae_data_open_with", makes: .data) {
        vae_data_open_with(source, options, $0, $1)
      }
    case 15, 16:
      let (train, test) = (images(), chance(2) ? images() : nil)
      let range = chance(10) ? Int32(truncatingIfNeeded: integer()) : pick([0, 0, 1, 2, 3, 4])
      reached.formUnion(["vae_data_from_tensors", "vae_data_from_tensors_with"])
      guard chance(2) else {
        return check("vae_data_from_tensors", makes: .data) {
          vae_data_from_tensors(train, test, range, $0, $1)
        }
      }
      var given = vae_data_options()
      given.range = range
      given.train_condition = conditions()
      given.test_condition = conditions()
      if chance(3) {
        given.class_names = names(["cat", "dog", "owl", "cow", ""])
        given.class_name_count = pick([0, 1, 2, 3, 5, 1 << 17, UInt64.max])
      }
      if chance(3) {
        given.columns_json = text([
          "[]", "x", "[{\"name\":\"a\"}]", "[{\"name\":\"a\",\"type\":\"count\"}]",
          "[{\"name\":\"a\"},{\"name\":\"b\",\"names\":[\"x\",\"y\",\"z\"]}]",
          "[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"d\"}]",
        ])
      }
      let options = chance(20) ? nil : kept(given)
      return check("vae_data_from_tensors_with", makes: .data) {
        vae_data_from_tensors_with(train, test, options, $0, $1)
      }
    case 17:
      let (data, info) = (handle(.data), kept(vae_data_info()))
      return check("vae_data_describe") { vae_data_describe(data, info, $1) }
    case 18:
      let (data, split) = (handle(.data), text(["train", "test", "valid", "x"]))
      let (first, count) = (integer(), integer())
      reached.formUnion(["vae_data_images", "vae_data_conditions"])
      if chance(2) {
        return check("vae_data_conditions", makes: .array) {
          vae_data_conditions(data, split, first, count, $0, $1)
        }
      }
      return check("vae_data_images", makes: .array) {
        vae_data_images(data, split, first, count, $0, $1)
      }
    case 19, 20: return createModel(variants, keys)
    case 21:
      let (model, stage) = (handle(.model), text(["prior", "", "no"]))
      let (settings, count) = settings(keys)
      return check("vae_model_create_stage", makes: .model) {
        vae_model_create_stage(model, stage, settings, count, $0, $1)
      }
    case 63:
      let (model, stage) = (handle(.model), text(["class-mixture", "prior", "", "no"]))
      let data = chance(4) ? nil : handle(.data)
      let (settings, count) = settings(keys)
      return check("vae_model_create_stage_on", makes: .model) {
        vae_model_create_stage_on(model, stage, data, settings, count, $0, $1)
      }
    case 22 where chance(2), 62: return callPictures()
    case 22:
      let path = text([
        "\(folder)/model.safetensors", "\(folder)/run", "/nowhere/model.safetensors", "/", "",
        "/dev/null", "x",
      ])
      let options = callOptions()
      reached.formUnion(["vae_model_load", "vae_model_load_with"])
      if chance(2) {
        return check("vae_model_load", makes: .model) { vae_model_load(path, $0, $1) }
      }
      return check("vae_model_load_with", makes: .model) {
        vae_model_load_with(path, options, $0, $1)
      }
    case 23: return loadMemory()
    case 24:
      let (model, path) = (handle(.model), outputPath())
      reached.insert("vae_model_save")
      return check("vae_model_save") { vae_model_save(model, path, $1) }
    case 25:
      let model = handle(.model)
      return check("vae_model_save_memory", makes: .array) { vae_model_save_memory(model, $0, $1) }
    case 26:
      let (model, info) = (handle(.model), kept(vae_model_info()))
      return check("vae_model_describe") { vae_model_describe(model, info, $1) }
    case 27:
      let model = handle(.model)
      return checkText("vae_model_recipe_json") { vae_model_recipe_json(model, $0, $1, $2, $3) }
    case 28:
      let (model, index) = (handle(.model), integer())
      return checkText("vae_model_tensor_name") {
        vae_model_tensor_name(model, index, $0, $1, $2, $3)
      }
    case 29:
      let (model, name) = (handle(.model), text(["decoder.head.bias", "encoder.head.bias", "x"]))
      return check("vae_model_get_tensor", makes: .array) {
        vae_model_get_tensor(model, name, $0, $1)
      }
    case 30:
      let (model, name) = (handle(.model), text(["decoder.head.bias", "encoder.head.bias", "x"]))
      let values = tensor([[16], [4], [2, 2], []])
      return check("vae_model_set_tensor") { vae_model_set_tensor(model, name, values, $1) }
    case 31, 32, 33: return createTrainer()
    case 34:
      let (trainer, bound) = (handle(.trainer), chance(2) ? kept(vae_bound()) : nil)
      return check("vae_trainer_step") { vae_trainer_step(trainer, bound, $1) }
    case 35:
      let (trainer, batch) = (handle(.trainer), images())
      let bound = chance(2) ? kept(vae_bound()) : nil
      reached.formUnion(["vae_trainer_step_on", "vae_trainer_step_on_with"])
      if chance(2) {
        let options = callOptions()
        return check("vae_trainer_step_on_with") {
          vae_trainer_step_on_with(trainer, batch, options, bound, $1)
        }
      }
      return check("vae_trainer_step_on") { vae_trainer_step_on(trainer, batch, bound, $1) }
    case 36:
      let (trainer, token) = (handle(.trainer), chance(2) ? handle(.token) : nil)
      let callback: vae_progress_callback? = chance(2) ? { _, _ in 1 } : nil
      return check("vae_trainer_fit") { vae_trainer_fit(trainer, callback, nil, token, $1) }
    case 37:
      let (trainer, name) = (handle(.trainer), text(["step", "train.elbo", "x", ""]))
      var value = 0.0
      return check("vae_trainer_metric") { _, error in
        withUnsafeMutablePointer(to: &value) { vae_trainer_metric(trainer, name, $0, error) }
      }
    case 38:
      let trainer = handle(.trainer)
      return checkText("vae_trainer_record_json") {
        vae_trainer_record_json(trainer, $0, $1, $2, $3)
      }
    case 39: return evaluate()
    case 40:
      let (metrics, name) = (handle(.metrics), text(["elbo", "rate", "nll", "x", ""]))
      var value = 0.0
      return check("vae_metrics_get") { _, error in
        withUnsafeMutablePointer(to: &value) { vae_metrics_get(metrics, name, $0, error) }
      }
    case 41:
      let metrics = handle(.metrics)
      return checkText("vae_metrics_json") { vae_metrics_json(metrics, $0, $1, $2, $3) }
    case 42, 43:
      let (model, batch, seed) = (handle(.model), images(), UInt64(bitPattern: integer()))
      if chance(2) {
        return check("vae_encode", makes: .encoding) { vae_encode(model, batch, seed, $0, $1) }
      }
      let options = callOptions()
      return check("vae_encode_with", makes: .encoding) {
        vae_encode_with(model, batch, seed, options, $0, $1)
      }
    case 44:
      let (encoding, part, layer) = (
        handle(.encoding), Int32(truncatingIfNeeded: integer()), integer()
      )
      return check("vae_encoding_get", makes: .array) {
        vae_encoding_get(encoding, part, layer, $0, $1)
      }
    case 45, 46: return decode()
    case 47:
      let (model, batch, seed) = (handle(.model), images(), UInt64(bitPattern: integer()))
      if chance(2) {
        return check("vae_reconstruct", makes: .array) {
          vae_reconstruct(model, batch, seed, $0, $1)
        }
      }
      let options = callOptions()
      return check("vae_reconstruct_with", makes: .array) {
        vae_reconstruct_with(model, batch, seed, options, $0, $1)
      }
    case 48:
      let (model, count, temperature) = (handle(.model), integer(), number())
      let seed = UInt64(bitPattern: count)
      if chance(2) {
        return check("vae_sample", makes: .array) {
          vae_sample(model, count, temperature, seed, $0, $1)
        }
      }
      let options = callOptions()
      return check("vae_sample_with", makes: .array) {
        vae_sample_with(model, count, temperature, seed, options, $0, $1)
      }
    case 49:
      let (model, batch) = (handle(.model), images())
      let samples = Int32(truncatingIfNeeded: integer())
      guard samples < 100 || samples > 10_000_000 else { return nil }
      if chance(2) {
        let token = chance(2) ? handle(.token) : nil
        return check("vae_log_likelihood", makes: .array) {
          vae_log_likelihood(model, batch, samples, 7, token, $0, $1)
        }
      }
      let options = callOptions()
      return check("vae_log_likelihood_with", makes: .array) {
        vae_log_likelihood_with(model, batch, samples, 7, options, $0, $1)
      }
    case 50:
      let workload = text(["", "x", "mlp "])
      reached.insert("vae_bench")
      return check("vae_bench", makes: .metrics) { vae_bench(workload, nil, $0, $1) }
    case 51:
      let status = Int32(truncatingIfNeeded: integer())
      reached.formUnion(["vae_status_name", "vae_threads", "vae_version", "vae_abi_version"])
      guard vae_threads() > 0, vae_abi_version() > 0, vae_version() != nil else {
        return "a fact is missing"
      }
      return vae_status_name(status) == nil ? "vae_status_name gives NULL" : nil
    case 56:
      // None that would refuse what is read later.
      let name = text([
        "archive_members", "picture_bytes", "text_bytes", "inflation_ratio", "x", "",
      ])
      let value: Int64 = pick([1 << 28, 0, -1, .max, .min])
      return check("vae_set_limit") { vae_set_limit(name, value, $1) }
    case 57: return checkText("vae_limits_json") { vae_limits_json($0, $1, $2, $3) }
    case 61:
      let table = kept(vae_communicator())
      return check("vae_communicator_mpi") { vae_communicator_mpi(table, $1) }
    case 58:
      let (model, batch, options) = (handle(.model), images(), callOptions())
      var asked = vae_score_options()
      asked.method =
        chance(8)
        ? nil
        : text([
          "nll", "elbo", "regret", "ratio", "typicality", "x", "",
        ])
      asked.importance_samples = pick([0, 0, 1, 3, -1, -2, 20_000_000])
      asked.background = chance(4) ? handle(.model) : nil
      asked.seed = UInt64(bitPattern: integer())
      asked.steps = pick([0, 0, 0, 0, 1, 2, -1, 200_000])
      asked.reserved = chance(20) ? 1 : 0
      asked.reference = chance(4) ? images() : nil
      asked.reference_condition = chance(16) ? images() : nil
      asked.group = pick([0, 0, 0, 0, 1, 3, -1, .max])
      let given = UnsafePointer(kept(asked))
      return check("vae_score", makes: .array) {
        vae_score(model, batch, given, options, $0, $1)
      }
    case 60:
      let (model, batch, options) = (handle(.model), images(), callOptions())
      var asked = vae_imputation_options()
      asked.importance_samples = pick([0, 1, 3, -1, 20_000_000])
      asked.seed = UInt64(bitPattern: integer())
      asked.truth = chance(3) ? images() : nil
      let given = chance(8) ? nil : UnsafePointer(kept(asked))
      let wantsMetrics = chance(2)
      var metrics: OpaquePointer?
      defer { vae_metrics_free(metrics) }
      return check("vae_impute", makes: .array) { out, error in
        wantsMetrics
          ? vae_impute(model, batch, given, options, out, &metrics, error)
          : vae_impute(model, batch, given, options, out, nil, error)
      }
    case 54:
      let path = text(["/nowhere/x.so", "/dev/null", "", "/", "libc.so.6"])
      reached.insert("vae_load_plugin")
      return check("vae_load_plugin") { vae_load_plugin(path, $1) }
    case 55:
      let name = text([InProcessPlugin.origin, "", "built-in"])
      let isMissing = chance(10)
      return check("vae_register_plugin") { [hasDescription = !chance(10)] in
        hasDescription
          ? vae_register_plugin(isMissing ? nil : { _ in InProcessPlugin.description }, name, $1)
          : vae_register_plugin({ _ in nil }, name, $1)
      }
    case 52:
      let error = handle(.error)
      reached.formUnion(["vae_error_status", "vae_error_message"])
      _ = vae_error_status(error)
      return vae_error_message(error) == nil ? "vae_error_message gives NULL" : nil
    case 53:
      vae_set_log_callback(chance(2) ? { _, _ in } : nil, nil)
      reached.insert("vae_set_log_callback")
      return nil
    default:
      // A handle freed by the function of its kind, or by another one, which must not touch it.
      let kinds = [
        Kind.error, .token, .array, .data, .model, .trainer, .metrics, .encoding, .classifier,
      ]
      let kind = pick(kinds)
      reached.insert(kind == .token ? "vae_cancel_token_free" : "vae_\(kind)_free")
      if chance(3) {
        let other = pick(kinds)
        if other != kind { free(pool[kind.rawValue].randomElement(using: &random), other) }
        free(freed.randomElement(using: &random), freed.isEmpty ? other : kind)
        pruneFreed()
        return nil
      }
      release(kind)
      return nil
    }
  }

  /// Freed cells serve again in time: those that now hold something else are forgotten.
  mutating func pruneFreed() {
    let live = Set(pool.joined())
    freed.removeAll { live.contains($0) }
  }

  mutating func callDLPack(versioned: Bool) -> String? {
    if chance(2) {
      let array = handle(.array)
      var tensor: OpaquePointer?
      let name = versioned ? "vae_array_to_dlpack_versioned" : "vae_array_to_dlpack"
      let fault = check(name) { _, error in
        withUnsafeMutablePointer(to: &tensor) {
          versioned
            ? vae_array_to_dlpack_versioned(array, $0, error)
            : vae_array_to_dlpack(array, $0, error)
        }
      }
      guard let tensor else { return fault }
      if versioned {
        let managed = UnsafeMutablePointer<dlpack_managed_versioned>(tensor)
        managed.pointee.deleter(managed)
      } else {
        let managed = UnsafeMutablePointer<dlpack_managed>(tensor)
        managed.pointee.deleter(managed)
      }
      return fault
    }
    var described = dlpack_tensor()
    described.data = numbers
    described.device.type = chance(4) ? Int32(truncatingIfNeeded: integer()) : 1
    described.type =
      chance(4)
      ? dlpack_type(code: .random(in: 0...20, using: &random), bits: 32, lanes: 1)
      : dlpack_type(code: 2, bits: 32, lanes: 1)
    described.rank = Int32(truncatingIfNeeded: integer())
    let view = kept(vae_tensor())
    let isMissing = chance(10)
    if versioned {
      var managed = dlpack_managed_versioned()
      managed.major = chance(3) ? 2 : 1
      managed.tensor = described
      return withUnsafeMutablePointer(to: &managed) { managed in
        check("vae_tensor_from_dlpack_versioned") {
          vae_tensor_from_dlpack_versioned(isMissing ? nil : OpaquePointer(managed), view, $1)
        }
      }
    }
    var managed = dlpack_managed()
    managed.tensor = described
    return withUnsafeMutablePointer(to: &managed) { managed in
      check("vae_tensor_from_dlpack") {
        vae_tensor_from_dlpack(isMissing ? nil : OpaquePointer(managed), view, $1)
      }
    }
  }
}
