import CVAE
import VAERecipes

/// A hyper-parameter of a plug-in's component: as recipes know it, and as the factory receives it.
struct PluginHyperparameter: Sendable {
  /// The types that a factory can receive.
  enum Kind: Int32, Sendable {
    case int32 = 1, int64, uint64, float, double, flag, text, integers

    /// What stands in a C signature for it.
    var arguments: [CType] {
      switch self {
      case .int32, .flag: [.int32]
      case .int64: [.int64]
      case .uint64: [.uint64]
      case .float: [.float]
      case .double: [.double]
      case .text: [.pointer]
      case .integers: [.pointer, .uint64]
      }
    }
  }

  let kind: Kind
  let declaration: Hyperparameter

  /// - Throws: `Misfit` where the type is unknown, a range is empty, or the default outside of it.
  init(_ source: vae_hyperparameter, of component: String) throws(Misfit) {
    let name = try pluginName(
      source.name, "a hyper-parameter's name of \(component)", separator: "_")
    guard name != "name" else {
      throw Misfit("a hyper-parameter of \(component) is called name, which is the component's")
    }
    let place = "hyper-parameter \(name) of \(component)"
    guard let kind = Kind(rawValue: source.type) else {
      throw Misfit("\(place) has the type \(source.type), which is none of VAE_TYPE_…")
    }
    self.kind = kind
    let (allowed, value) = try Self.values(kind, source, place)
    declaration = Hyperparameter(
      name, allowed, default: value,
      help: try pluginText(source.help, "the help of \(place)", mayBeEmpty: true))
    do {
      _ = try declaration.value(of: value.json, path: place)
    } catch {
      throw Misfit("the default of \(place) does not fit: \(error.message)")
    }
  }

  private static func values(
    _ kind: Kind, _ source: vae_hyperparameter, _ place: String
  ) throws(Misfit) -> (Hyperparameter.Kind, HyperparameterValue) {
    switch kind {
    case .int32, .int64, .uint64:
      let range = try integers(kind, source, place)
      return (.integer(range), .integer(Int(source.default_integer)))
    case .float, .double:
      return (.number(try numbers(kind, source, place)), .number(source.default_number))
    case .flag:
      guard (0...1).contains(source.default_integer) else {
        throw Misfit("the default of \(place) is \(source.default_integer), but must be 0 or 1")
      }
      return (.flag, .flag(source.default_integer == 1))
    case .text: return try texts(source, place)
    case .integers: return try lists(source, place)
    }
  }

  private static func integers(
    _ kind: Kind, _ source: vae_hyperparameter, _ place: String
  ) throws(Misfit) -> ClosedRange<Int> {
    let widest: ClosedRange<Int64> =
      switch kind {
      case .int32: Int64(Int32.min)...Int64(Int32.max)
      case .uint64: 0...Int64.max
      default: Int64.min...Int64.max
      }
    let (least, most) = (source.minimum_integer, source.maximum_integer)
    if least == 0 && most == 0 { return Int(widest.lowerBound)...Int(widest.upperBound) }
    guard least <= most, widest.contains(least), widest.contains(most) else {
      throw Misfit("the range of \(place), \(least)…\(most), is empty or beyond its type")
    }
    return Int(least)...Int(most)
  }

  private static func numbers(
    _ kind: Kind, _ source: vae_hyperparameter, _ place: String
  ) throws(Misfit) -> ClosedRange<Double> {
    let widest =
      kind == .float
      ? Double(Float.greatestFiniteMagnitude) : Double.greatestFiniteMagnitude
    let (least, most) = (source.minimum_number, source.maximum_number)
    if least == 0 && most == 0 { return -widest...widest }
    guard least <= most, least >= -widest, most <= widest else {
      throw Misfit("the range of \(place), \(least)…\(most), is empty or beyond its type")
    }
    return least...most
  }

  private static func texts(
    _ source: vae_hyperparameter, _ place: String
  ) throws(Misfit) -> (Hyperparameter.Kind, HyperparameterValue) {
    let limit = 4096
    guard source.choice_count > 0 else {
      let text = try pluginText(
        source.default_text, "the default of \(place)", mayBeEmpty: true, limit: limit)
      return (.text(limit: limit), .text(text))
    }
    guard source.choice_count <= 1000, let choices = source.choices else {
      throw Misfit("\(place) has \(source.choice_count) choices at NULL, or more than 1000")
    }
    var words: [String] = []
    for index in 0..<Int(source.choice_count) {
      words.append(try pluginText(choices[index], "choice \(index) of \(place)"))
    }
    let value =
      source.default_text == nil
      ? words[0] : try pluginText(source.default_text, "the default of \(place)")
    return (.choice(words), .text(value))
  }

  private static func lists(
    _ source: vae_hyperparameter, _ place: String
  ) throws(Misfit) -> (Hyperparameter.Kind, HyperparameterValue) {
    let most = source.maximum_count == 0 ? 64 : source.maximum_count
    guard most <= 4096, source.minimum_count <= most, source.default_count <= most else {
      throw Misfit("\(place) takes \(source.minimum_count) to \(most) numbers; the limit is 4096")
    }
    var values: [Int] = []
    if source.default_count > 0 {
      guard let list = source.default_values else {
        throw Misfit("the \(source.default_count) default numbers of \(place) stand at NULL")
      }
      values = (0..<Int(source.default_count)).map { Int(list[$0]) }
    }
    let each = try integers(.int64, source, place)
    return (.integers(count: Int(source.minimum_count)...Int(most), each: each), .integers(values))
  }
}

/// The values of hyper-parameters as C reads them, while a factory runs.
final class CArguments {
  private(set) var natural: [CValue] = []
  private(set) var packed: [vae_argument] = []
  private var texts: [UnsafeMutablePointer<CChar>] = []
  private var lists: [UnsafeMutablePointer<Int64>] = []

  init(_ values: HyperparameterValues, of hyperparameters: [PluginHyperparameter]) {
    for hyperparameter in hyperparameters {
      add(values[hyperparameter.declaration.name], hyperparameter.kind)
    }
  }

  deinit {
    for text in texts { text.deallocate() }
    for list in lists { list.deallocate() }
  }

  private func add(_ value: HyperparameterValue, _ kind: PluginHyperparameter.Kind) {
    var argument = vae_argument()
    argument.type = kind.rawValue
    switch (kind, value) {
    case (.int32, .integer(let number)):
      argument.integer = Int64(number)
      natural.append(.int32(Int32(truncatingIfNeeded: number)))
    case (.int64, .integer(let number)):
      argument.integer = Int64(number)
      natural.append(.int64(Int64(number)))
    case (.uint64, .integer(let number)):
      argument.integer = Int64(number)
      natural.append(.uint64(UInt64(bitPattern: Int64(number))))
    case (.float, .number(let number)):
      argument.number = number
      natural.append(.float(Float(number)))
    case (.double, .number(let number)):
      argument.number = number
      natural.append(.double(number))
    case (.flag, .flag(let flag)):
      argument.integer = flag ? 1 : 0
      natural.append(.int32(flag ? 1 : 0))
    case (.text, .text(let text)):
      let copy = copied(text)
      argument.text = UnsafePointer(copy)
      natural.append(.pointer(copy))
    case (.integers, .integers(let numbers)):
      let copy = UnsafeMutablePointer<Int64>.allocate(capacity: max(1, numbers.count))
      for (index, number) in numbers.enumerated() {
        (copy + index).initialize(to: Int64(number))
      }
      lists.append(copy)
      argument.values = UnsafePointer(copy)
      argument.count = UInt64(numbers.count)
      natural += [.pointer(copy), .uint64(UInt64(numbers.count))]
    default:
      fatalError("a hyper-parameter has the value \(value), which was not declared")
    }
    packed.append(argument)
  }

  private func copied(_ text: String) -> UnsafeMutablePointer<CChar> {
    let bytes = Array(text.utf8)
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
    for (index, byte) in bytes.enumerated() {
      (copy + index).initialize(to: CChar(bitPattern: byte))
    }
    (copy + bytes.count).initialize(to: 0)
    texts.append(copy)
    return copy
  }
}
