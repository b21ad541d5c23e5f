import CDLPack
import CVAE
import VAEZoo
import XCTest

/// Random and hostile arguments to every function of the interface.
final class FuzzTests: XCTestCase {
  /// The same calls every time; `VAE_FUZZ_CALLS` asks for more, from further seeds. `VAE_FUZZ_LOG`
  /// names a file for the seed and number of the call under way, which a crash leaves there.
  func testNoArgumentCrashesTheLibraryOrLeaksATensor() throws {
    let asked = ProcessInfo.processInfo.environment["VAE_FUZZ_CALLS"].flatMap { Int($0) }
    let callsASeed = 20_000
    var unreached = try exportedFunctions()
    let before = MemoryPool.shared.statistics.bytesInUse
    for seed in 0..<UInt64(max(1, (asked ?? 120_000) / callsASeed)) {
      var fuzzer = Fuzzer(seed: seed)
      defer { fuzzer.finish() }
      for number in 0..<callsASeed {
        FuzzLog.write("seed \(seed), call \(number)")
        if let fault = fuzzer.call() {
          XCTFail("seed \(seed), call \(number): \(fault)")
          return
        }
      }
      unreached.subtract(fuzzer.reached)
    }
    XCTAssertEqual(unreached, [], "these functions never came to their end")
    XCTAssertEqual(MemoryPool.shared.statistics.bytesInUse, before, "tensors outlive their handles")
  }
}

/// The functions of the interface.
private func exportedFunctions() throws -> Set<String> {
  let map = try String(contentsOfFile: Repository.path("include/abi/exports.map"), encoding: .utf8)
  let names = map.split(whereSeparator: { " \n;".contains($0) }).map(String.init)
  return Set(names.filter { $0.hasPrefix("vae_") })
}

/// Makes one call after another and looks whether the library keeps its promises.
struct Fuzzer {
  private var random: CounterGenerator
  private var pool: [[OpaquePointer]] = Array(repeating: [], count: 9)
  private var freed: [OpaquePointer] = []
  /// The functions that came to their end at least once; those that never can count as such.
  private(set) var reached: Set<String> = []
  /// Texts and numbers of the call under way, freed after it.
  private var memory: [UnsafeMutableRawPointer] = []
  /// Numbers that tensors point at: large enough for every shape that is taken.
  private let numbers: UnsafeMutableRawPointer
  /// The memory that they are in the middle of.
  private let block: UnsafeMutableRawPointer
  /// Where everything is written that can be; removed at the end.
  private let folder = NSTemporaryDirectory() + "vae-fuzz-\(UUID().uuidString)"

  /// The kinds of handles, as positions in the pool.
  private enum Kind: Int {
    case error, token, array, data, model, trainer, metrics, encoding, classifier
  }

  init(seed: UInt64) {
    random = RandomSource(seed: seed).stream("fuzz").generator()
    // Negative strides lead to what lies before the first number.
    block = .allocate(byteCount: 1 << 17, alignment: 64)
    numbers = block + (1 << 16)
    let floats = block.assumingMemoryBound(to: Float.self)
    for index in 0..<1 << 15 { floats[index] = Float(index % 2) }
  }

  mutating func finish() {
    for (kind, handles) in pool.enumerated() {
      for handle in handles { free(handle, Kind(rawValue: kind) ?? .error) }
    }
    pool = []
    block.deallocate()
    try? FileManager.default.removeItem(atPath: folder)
  }

  // MARK: Arguments

  private mutating func chance(_ part: Int) -> Bool {
    Int.random(in: 0..<part, using: &random) == 0
  }

  private mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: 0..<values.count, using: &random)]
  }

  /// A handle: mostly of its kind, at times of another, freed, missing or none at all.
  private mutating func handle(_ kind: Kind) -> OpaquePointer? {
    switch Int.random(in: 0..<40, using: &random) {
    case 0: return nil
    case 1: return freed.randomElement(using: &random)
    case 2: return pool.randomElement(using: &random)?.randomElement(using: &random)
    case 3: return OpaquePointer(numbers + Int.random(in: 0..<64, using: &random))
    default: return pool[kind.rawValue].randomElement(using: &random)
    }
  }

  private mutating func integer() -> Int64 {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: Int64(bitPattern: UInt64.random(in: .min ... .max, using: &random))
    case 1: pick([.min, .max, -1, 1 << 31, 1 << 32, -1 << 31, 1 << 62, 1 << 48])
    default: Int64.random(in: -1...5, using: &random)
    }
  }

  private mutating func number() -> Double {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: Double(bitPattern: .random(in: .min ... .max, using: &random))
    case 1: pick([.nan, .infinity, -.infinity, 0, -0.0, 1e308, -1e308, .leastNonzeroMagnitude])
    default: Double.random(in: 0...1, using: &random)
    }
  }

  private mutating func keep(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
    let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 16)
    bytes.withUnsafeBytes {
      if let base = $0.baseAddress { copy.copyMemory(from: base, byteCount: $0.count) }
    }
    memory.append(copy)
    return copy
  }

  /// A path that is written to: what is left to chance lies in a folder of the fuzzer's own, which
  /// is not there before something makes it. Outside of it are only places that nobody, the
  /// administrator included, can write to.
  private mutating func outputPath() -> UnsafePointer<CChar>? {
    if chance(4) {
      let path = pick(["/", "", "/proc/x"])
      return UnsafePointer(keep(path.utf8 + [0]).assumingMemoryBound(to: CChar.self))
    }
    return text(["run", "model.safetensors", "", "run/x"], prefix: folder + "/")
  }

  private mutating func text(_ words: [String], prefix: String = "") -> UnsafePointer<CChar>? {
    var bytes: [UInt8]
    switch Int.random(in: 0..<30, using: &random) {
    case 0: return nil
    case 1:
      bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
        UInt8.random(in: 1...255, using: &random)
      }
    case 2: bytes = Array(repeating: UInt8(ascii: "a"), count: 5000)
    case 3:
      bytes = Array(pick(words).utf8)
      if !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(
          in: 1...255, using: &random)
      }
    default: bytes = Array(pick(words).utf8)
    }
    return UnsafePointer(keep(prefix.utf8 + bytes + [0]).assumingMemoryBound(to: CChar.self))
  }

  /// Up to five texts, of which some may be missing.
  private mutating func names(
    _ words: [String]
  ) -> UnsafePointer<UnsafePointer<CChar>?>? {
    if chance(20) { return nil }
    let list = keep([UInt8](repeating: 0, count: 5 * MemoryLayout<UnsafePointer<CChar>?>.stride))
      .assumingMemoryBound(to: UnsafePointer<CChar>?.self)
    for index in 0..<5 { list[index] = text(words) }
    return UnsafePointer(list)
  }

  private mutating func settings(_ keys: [String]) -> (UnsafePointer<vae_setting>?, Int) {
    let count = Int.random(in: 0...3, using: &random)
    if chance(50) { return (nil, count) }
    if chance(100) { return (nil, Int(truncatingIfNeeded: integer())) }
    let settings = keep([UInt8](repeating: 0, count: 4 * MemoryLayout<vae_setting>.size))
      .assumingMemoryBound(to: vae_setting.self)
    for index in 0..<count {
      settings[index] = vae_setting(
        key: text(keys),
        value: text(["1", "2", "0", "-1", "3,2", "1e400", "nan", "", "mlp", "gaussian"]))
    }
    return (UnsafePointer(settings), count)
  }

  /// The bytes of a struct with a size that is at times wrong, and at times with bits of chance in
  /// fields that hold no pointer.
  private mutating func kept<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
    let known = MemoryLayout<Value>.size
    let pointer = keep([UInt8](repeating: 0, count: 8192))
    withUnsafeBytes(of: value) {
      if let base = $0.baseAddress { pointer.copyMemory(from: base, byteCount: known) }
    }
    var size = known
    switch Int.random(in: 0..<20, using: &random) {
    case 0: size = Int(truncatingIfNeeded: integer())
    case 1: size = known - 8
    case 2: size = known + 8
    case 3:
      size = known + 16
      pointer.storeBytes(
        of: UInt8.random(in: 0...1, using: &random), toByteOffset: known + 3, as: UInt8.self)
    default: break
    }
    pointer.storeBytes(of: UInt32(truncatingIfNeeded: size), as: UInt32.self)
    return pointer.assumingMemoryBound(to: Value.self)
  }

  private mutating func tensor(_ shapes: [[Int64]]) -> UnsafePointer<vae_tensor>? {
    if chance(40) { return nil }
    var shape = pick(shapes)
    var strides: [Int64] = []
    if chance(4), !shape.isEmpty {
      shape[Int.random(in: 0..<shape.count, using: &random)] = integer()
    }
    if chance(3) {
      // Small ones stay inside the numbers, whatever the shape; others must be refused.
      strides = shape.map { _ in chance(10) ? integer() : Int64.random(in: 0...40, using: &random) }
      // The stride of an axis with one element leads nowhere, however large.
      let reach = zip(shape, strides).reduce(0.0) { sum, axis in
        axis.0 > 1 ? sum + abs(Double(axis.1)) * Double(axis.0) : sum
      }
      if reach > 4000, reach < 1e15 { strides = shape.map { _ in 0 } }
    }
    let count = shape.reduce(1.0) { $0 * Double(max(0, $1)) }
    // A count that is neither small nor impossible would read memory that is not there, or read the
    // same for long.
    if count > 4000, count < 1e15 { (shape, strides) = (shapes[0], []) }
    var view = vae_tensor()
    view.dtype = chance(20) ? Int32(truncatingIfNeeded: integer()) : pick([1, 1, 1, 2, 3, 4])
    view.device = chance(30) ? Int32(truncatingIfNeeded: integer()) : 1
    view.rank = chance(40) ? -1 : Int32(shape.count)
    view.data = chance(40) ? nil : numbers + (chance(10) ? 3 : 0)
    view.byte_offset =
      chance(40) ? UInt64(bitPattern: integer() | 1 << 62) : UInt64(pick([0, 0, 0, 4, 7]))
    if !chance(40) {
      view.shape = UnsafePointer(
        keep(shape.flatMap { size in withUnsafeBytes(of: size) { Array($0) } })
          .assumingMemoryBound(to: Int64.self))
    }
    if !strides.isEmpty {
      view.strides = UnsafePointer(
        keep(strides.flatMap { size in withUnsafeBytes(of: size) { Array($0) } })
          .assumingMemoryBound(to: Int64.self))
    }
    let pointer = kept(view)
    // A struct cut short has no data, whatever its size says.
    return UnsafePointer(pointer)
  }

  /// Options of a call, of which most let it go on.
  private mutating func callOptions() -> UnsafePointer<vae_call_options>? {
    if chance(3) { return nil }
    var options = vae_call_options()
    options.reserved = chance(20) ? Int32(truncatingIfNeeded: integer()) : 0
    options.token = chance(3) ? handle(.token) : nil
    options.progress = chance(3) ? { fraction, _ in fraction > 0.5 ? 1 : 0 } : nil
    options.condition = chance(2) ? conditions() : nil
    options.draw = chance(8) ? Int32(truncatingIfNeeded: integer()) : chance(8) ? 1 : 0
    options.checkpoint = chance(4) ? text(["last", "best", "7", "x", ""]) : nil
    return UnsafePointer(kept(options))
  }

  private mutating func conditions() -> UnsafePointer<vae_tensor>? {
    tensor([[2], [3], [9], [2, 3], [1, 3], [9, 2], []])
  }

  private mutating func images() -> UnsafePointer<vae_tensor>? {
    tensor([[2, 4, 4, 1], [3, 4, 4], [2, 16], [9, 4, 4, 1], [1, 4, 5, 1], [4], []])
  }

  // MARK: Calls

  private func free(_ handle: OpaquePointer?, _ kind: Kind) {
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

  private mutating func release(_ kind: Kind) {
    guard let index = pool[kind.rawValue].indices.randomElement(using: &random) else { return }
    let handle = pool[kind.rawValue].remove(at: index)
    free(handle, kind)
    freed.append(handle)
    if freed.count > 100 { freed.removeFirst(50) }
  }

  /// A call that gives a status, with all that is promised of it.
  private mutating func check(
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
  private mutating func checkText(
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
      "conditional-vae",
    ]
    let keys = [
      "latent", "hidden", "beta", "prior.latent", "training.epochs", "training.batch_size",
      "likelihood", "architecture", "codes", "channels", "layers", "x",
    ]
    switch Int.random(in: 0..<60, using: &random) {
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
      let path = text(["nothing", "/dev/null", "/", "", "."])
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
    case 22 where chance(2): return callPictures()
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
    case 58:
      let (model, batch, options) = (handle(.model), images(), callOptions())
      var asked = vae_score_options()
      asked.method = chance(8) ? nil : text(["nll", "elbo", "regret", "ratio", "x", ""])
      asked.importance_samples = pick([0, 0, 1, 3, -1, -2, 20_000_000])
      asked.background = chance(2) ? handle(.model) : nil
      asked.seed = UInt64(bitPattern: integer())
      asked.steps = pick([1, 1, 2, -1, 200_000])
      asked.reserved = chance(20) ? 1 : 0
      let given = UnsafePointer(kept(asked))
      return check("vae_score", makes: .array) {
        vae_score(model, batch, given, options, $0, $1)
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
  private mutating func pruneFreed() {
    let live = Set(pool.joined())
    freed.removeAll { live.contains($0) }
  }

  private mutating func callDLPack(versioned: Bool) -> String? {
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

  private mutating func createModel(_ variants: [String], _ keys: [String]) -> String? {
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

  private mutating func loadMemory() -> String? {
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

  private mutating func createTrainer() -> String? {
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
  private mutating func callClassifier() -> String? {
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
      let path = text(["\(folder)/classifier.safetensors", "/nowhere/x", "/", ""])
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
  private mutating func trainOnLabels() -> String? {
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

  private mutating func evaluate() -> String? {
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
  private mutating func callPictures() -> String? {
    let (model, options) = (handle(.model), callOptions())
    let scaled = chance(10) ? Int32(truncatingIfNeeded: integer()) : pick([0, 1])
    switch Int.random(in: 0..<4, using: &random) {
    case 0:
      let size = chance(4) ? integer() : 8
      let reference = Repository.path("Tests/VAEZooTests/Reference/tiny-diffusers")
      let path = text([reference, reference, "/dev/null", "/", "x"])
      let (settings, count) = chance(4) ? settings(["prior.scaling_factor", "beta"]) : (nil, 0)
      return check("vae_model_import", makes: .model) {
        vae_model_import(path, size, settings, count, options, $0, $1)
      }
    case 1:
      let (path, form) = (outputPath(), text(["diffusers", "ldm", "taesd", "x", ""]))
      reached.insert("vae_model_export")
      return check("vae_model_export") { vae_model_export(model, path, form, $1) }
    case 2:
      let batch = tensor([[1, 4, 4, 3], [2, 3, 5, 3], [1, 3, 4, 4], [1, 4, 4], [0, 4, 4, 3]])
      let seed = UInt64(bitPattern: integer())
      return check("vae_encode_pictures", makes: .encoding) {
        vae_encode_pictures(model, batch, scaled, seed, options, $0, $1)
      }
    default:
      let latents = tensor([[1, 1, 2, 3], [2, 1, 1, 3], [1, 3, 1, 2], [1, 1, 3], [1, 0, 1, 3]])
      let size: (Int64, Int64) = chance(2) ? (0, 0) : (integer(), integer())
      let dtype = chance(10) ? Int32(truncatingIfNeeded: integer()) : pick([1, 2])
      return check("vae_decode_pictures", makes: .array) {
        vae_decode_pictures(model, latents, scaled, size.0, size.1, dtype, options, $0, $1)
      }
    }
  }

  private mutating func decode() -> String? {
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
