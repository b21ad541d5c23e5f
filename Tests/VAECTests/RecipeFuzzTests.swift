import CVAE
import VAEFiles
import VAEZoo
import XCTest

/// Models of random recipes: made, trained for a step, used and stored, or refused in words.
final class RecipeFuzzTests: CTestCase {
  /// The same recipes every time; `VAE_FUZZ_CALLS` asks for more. `VAE_FUZZ_LOG` names a file for the
  /// recipe under way, which a crash leaves there.
  func testNoRecipeStopsTheProcess() throws {
    let asked = ProcessInfo.processInfo.environment["VAE_FUZZ_CALLS"].flatMap { Int($0) } ?? 0
    var fuzzer = RecipeFuzzer(seed: 1)
    let bytes = MemoryPool.shared.statistics.bytesInUse
    var made = 0
    for number in 0..<max(1500, asked / 500) {
      let recipe = fuzzer.recipe().line
      let images = fuzzer.images()
      FuzzLog.write("\(images)\n\(recipe)")
      switch ModelTrial.run(recipe: Array(recipe.utf8), images) {
      case .works: made += 1
      case .refused: break
      case .broken(let fault):
        XCTFail("recipe \(number): \(fault)\n\(images)\n\(recipe)")
        return
      }
    }
    XCTAssertGreaterThan(made, 100, "some must be right, or nothing behind the checks is reached")
    XCTAssertEqual(MemoryPool.shared.statistics.bytesInUse, bytes, "tensors outlive their handles")
  }
}

/// Where a fuzzer says what it is about to do, so that a crash can be told from.
enum FuzzLog {
  private static let path = ProcessInfo.processInfo.environment["VAE_FUZZ_LOG"]

  static func write(_ text: @autoclosure () -> String) {
    guard let path else { return }
    try? (text() + "\n").write(toFile: path, atomically: false, encoding: .utf8)
  }
}

/// Recipes of the built-in parts with values that are right, small, wrong or of another type.
struct RecipeFuzzer {
  private var random: CounterGenerator
  private let recipes: [JSON.Object]
  private let parts: [(role: Role, components: [Registry.ComponentDescription])]

  init(seed: UInt64) {
    random = RandomSource(seed: seed).stream("recipes").generator()
    let registry = Registry.builtIn
    recipes = registry.entries.compactMap {
      try? registry.recipe(for: $0.variant.name).json.object
    }
    parts = Role.allCases.map { ($0, registry.components($0)) }
  }

  /// Images that a model is to be made for.
  mutating func images() -> ModelTrial.Images {
    let (height, width, channels) = [(4, 4, 1), (5, 3, 2), (8, 8, 3)][below(3)]
    return ModelTrial.Images(
      height: height, width: width, channels: channels, range: Int32(1 + below(4)))
  }

  mutating func recipe() -> JSON {
    var recipe = recipes[below(recipes.count)]
    for (role, components) in parts where chance(4) {
      recipe[role.rawValue] = .object(part(components[below(components.count)]))
    }
    for _ in 0..<below(4) { mutate(&recipe) }
    for name in ["encoder", "prior", "decoder", "objective"] {
      recipe[name] = recipe[name].map(smaller)
    }
    return .object(recipe)
  }

  private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

  private mutating func chance(_ part: Int) -> Bool { below(part) == 0 }

  /// A component with some of its hyper-parameters.
  private mutating func part(_ component: Registry.ComponentDescription) -> JSON.Object {
    var part: JSON.Object = ["name": .text(component.name)]
    for hyperparameter in component.hyperparameters where chance(2) {
      part[hyperparameter.name] = chance(8) ? hostile() : suitable(hyperparameter.kind)
    }
    return part
  }

  /// A value of a kind, small where there is a choice.
  private mutating func suitable(_ kind: Hyperparameter.Kind) -> JSON {
    switch kind {
    case .integer(let range): .integer(integer(range))
    case .number(let range): .number(number(range))
    case .choice(let words): .text(words[below(words.count)])
    case .numberOrChoice(let range, let words):
      chance(2) ? .number(number(range)) : .text(words[below(words.count)])
    case .integers(let count, let each):
      .array((0..<integer(count.clamped(to: 0...4))).map { _ in .integer(integer(each)) })
    case .flag: .bool(chance(2))
    case .text: .text("a")
    }
  }

  private mutating func integer(_ range: ClosedRange<Int>) -> Int {
    let top = range.upperBound - range.lowerBound > 6 ? range.lowerBound + 6 : range.upperBound
    return Int.random(in: range.lowerBound...top, using: &random)
  }

  private mutating func number(_ range: ClosedRange<Double>) -> Double {
    chance(4)
      ? (chance(2) ? range.lowerBound : range.upperBound)
      : Double.random(
        in: range.lowerBound...min(range.upperBound, range.lowerBound + 2), using: &random)
  }

  /// What no hyper-parameter, or hardly any, can be.
  private mutating func hostile() -> JSON {
    switch below(9) {
    case 0: .null
    case 1: .text(["", "x", "auto", "nan", "\u{0}", "données", "optimal"][below(7)])
    case 2: .integer([-1, 0, 1, 1 << 31, .max, .min][below(6)])
    case 3: .number([1e308, -1e308, .leastNonzeroMagnitude, 0.5, -0.0][below(5)])
    case 4: .array((0..<below(6)).map { _ in .integer(below(9)) })
    case 5: .object(["a": .integer(1)])
    case 6: .bool(chance(2))
    case 7: .array([.array([.integer(1)])])
    default: .integer(below(9))
    }
  }

  private mutating func mutate(_ recipe: inout JSON.Object) {
    let name = recipe.members[below(recipe.members.count)].name
    guard var part = recipe[name]?.object, !part.members.isEmpty, !chance(8) else {
      if chance(3) { recipe[name] = chance(4) ? nil : hostile() }
      return
    }
    let key = part.members[below(part.members.count)].name
    switch below(10) {
    case 0: part[key] = nil
    case 1: part["more"] = hostile()
    default: part[key] = hostile()
    }
    recipe[name] = .object(part)
  }

  /// The same with sizes that are soon computed. What no part can be stays.
  private func smaller(_ json: JSON) -> JSON {
    switch json {
    case .integer(let value): .integer(value > 16 && value < 1 << 31 ? 1 + value % 8 : value)
    case .array(let values): .array(values.map(smaller))
    case .object(let object):
      .object(
        object.members.reduce(into: JSON.Object()) { $0[$1.name] = smaller($1.value) })
    default: json
    }
  }
}

/// Everything that is done with a model, by the interface.
enum ModelTrial {
  /// What images a model is made for.
  struct Images: CustomStringConvertible {
    var height = 4
    var width = 4
    var channels = 1
    /// VAE_RANGE_BINARY to VAE_RANGE_BYTES.
    var range = VAE_RANGE_BINARY

    var description: String { "\(height)x\(width)x\(channels), range \(range)" }
  }

  enum Outcome {
    case works
    case refused
    /// A promise of the interface that was broken.
    case broken(String)
  }

  /// Models with more numbers than that are made and stored, but not used.
  private static let limit = 200_000

  /// A failure with a status that is none, or without a line that says why.
  private struct Fault: Error {
    let message: String
  }

  /// A call that may fail.
  ///
  /// - Returns: whether it succeeds.
  @discardableResult
  private static func call(
    _ name: String, _ body: (UnsafeMutablePointer<OpaquePointer?>) -> vae_status
  ) throws -> Bool {
    var error: OpaquePointer?
    let status = body(&error)
    defer { vae_error_free(error) }
    let message = String(cString: vae_error_message(error))
    guard status != VAE_OK else { return true }
    if status == VAE_ERR_INTERNAL || message.isEmpty || message.contains("\n")
      || String(cString: vae_status_name(status)) == "unknown status"
    {
      throw Fault(message: "\(name) answers \(status): \(message)")
    }
    return false
  }

  private static func make(
    _ name: String,
    _ body: (UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<OpaquePointer?>)
      -> vae_status
  ) throws -> OpaquePointer? {
    var handle: OpaquePointer?
    let succeeds = try call(name) { body(&handle, $0) }
    guard succeeds == (handle != nil) else {
      throw Fault(message: "\(name) \(succeeds ? "succeeds without" : "fails with") a result")
    }
    return handle
  }

  /// Makes a model of a recipe and uses it.
  static func run(recipe: [UInt8], _ images: Images) -> Outcome {
    trial(images) { _, data in
      (recipe + [0]).withUnsafeBufferPointer { text in
        text.withMemoryRebound(to: CChar.self) { text in
          var options = vae_model_options()
          options.struct_size = UInt32(MemoryLayout<vae_model_options>.size)
          options.recipe_json = text.baseAddress
          options.data = data
          return Result { try make("vae_model_create") { vae_model_create(&options, $0, $1) } }
        }
      }
    }
  }

  /// Loads a model from bytes and uses it.
  static func run(model bytes: [UInt8], _ images: Images) -> Outcome {
    trial(images) { _, _ in
      Result {
        try make("vae_model_load_memory") {
          vae_model_load_memory(bytes, bytes.count, $0, $1)
        }
      }
    }
  }

  private static func trial(
    _ images: Images,
    _ made: (UnsafePointer<vae_tensor>, OpaquePointer?) -> Result<OpaquePointer?, any Error>
  ) -> Outcome {
    let count = 8
    let shape = [count, images.height, images.width, images.channels].map(Int64.init)
    let numbers = (0..<Int(shape.reduce(1, *))).map { index -> Float in
      let byte = ((index &* 2_654_435_761) >> 9) & 255
      switch images.range {
      case VAE_RANGE_BINARY: return Float(byte & 1)
      case VAE_RANGE_REAL: return Float(byte) / 32 - 4
      default: return Float(byte) / 255
      }
    }
    return shape.withUnsafeBufferPointer { shape in
      var numbers = numbers
      return numbers.withUnsafeMutableBytes { numbers in
        var view = vae_tensor()
        view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
        view.dtype = VAE_FLOAT32
        view.device = VAE_DEVICE_CPU
        view.rank = 4
        view.shape = shape.baseAddress
        view.data = numbers.baseAddress
        do {
          let data = try make("vae_data_from_tensors") {
            vae_data_from_tensors(&view, &view, images.range, $0, $1)
          }
          defer { vae_data_free(data) }
          guard let model = try made(&view, data).get() else { return .refused }
          defer { vae_model_free(model) }
          try use(model, data, &view)
          return .works
        } catch {
          return .broken((error as? Fault)?.message ?? "\(error)")
        }
      }
    }
  }

  /// One step of training, and every other use.
  private static func use(
    _ model: OpaquePointer, _ data: OpaquePointer?, _ images: UnsafePointer<vae_tensor>
  ) throws {
    var info = vae_model_info()
    info.struct_size = UInt32(MemoryLayout<vae_model_info>.size)
    try call("vae_model_describe") { vae_model_describe(model, &info, $0) }
    let bytes = try make("vae_model_save_memory") { vae_model_save_memory(model, $0, $1) }
    vae_array_free(bytes)
    guard info.parameter_count < limit else { return }
    var options = vae_trainer_options()
    options.struct_size = UInt32(MemoryLayout<vae_trainer_options>.size)
    (options.epochs, options.batch_size) = (1, 4)
    let trainer = try make("vae_trainer_create") {
      vae_trainer_create(model, data, &options, $0, $1)
    }
    if let trainer {
      try call("vae_trainer_step") { vae_trainer_step(trainer, nil, $0) }
      vae_trainer_free(trainer)
    }
    var arrays: [OpaquePointer?] = []
    defer { for array in arrays { vae_array_free(array) } }
    arrays.append(try make("vae_sample") { vae_sample(model, 2, 1, 1, $0, $1) })
    arrays.append(try make("vae_reconstruct") { vae_reconstruct(model, images, 1, $0, $1) })
    arrays.append(
      try make("vae_log_likelihood") { vae_log_likelihood(model, images, 2, 1, nil, $0, $1) })
    let encoding = try make("vae_encode") { vae_encode(model, images, 1, $0, $1) }
    vae_encoding_free(encoding)
  }
}
