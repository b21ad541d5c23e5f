import Tensors
import VAEZoo

/// What a plug-in is tried with: small recipes, images and values of hyper-parameters.
extension PluginCheck {
  /// The sizes of the images that models are made for.
  private static let side = 8
  private static let exampleCount = 64

  /// What parts are told that listen to a condition.
  private static let condition = ConditionSpace(classes: 3)

  /// Images of a range, the same every time.
  private static func data(_ range: ValueRange, channels: Int) throws -> DataSource {
    let shape = ImageShape(height: side, width: side, channels: channels)
    let numbers = RandomSource(seed: 1).stream("plugin check").uniform([exampleCount, shape.count])
    let values =
      switch range {
      case .binary: numbers.isAbove(0.5)
      case .unit: numbers
      case .real: numbers.scaled(by: 4, shift: -2)
      }
    let labels = (0..<exampleCount).map { Int32($0 % condition.width) }
    let split = {
      DataSplit(name: $0, store: TensorStore(shape: shape, images: values), labels: labels)
    }
    return DataSource(
      name: "images of the check", valueRange: range,
      rule: range == .binary ? "binary" : "floats", isDiscrete: false, train: split("train"),
      test: split("test"))
  }

  /// Settings that make training short.
  static let shortTraining = [
    (key: "training.epochs", value: "1"), (key: "training.batch_size", value: "16"),
    (key: "training.learning_rate", value: "0.001"),
  ]

  /// Settings that make the networks of built-in parts small.
  private static let smallNetworks = [
    (key: "encoder.hidden", value: "16"), (key: "decoder.hidden", value: "16"),
  ]

  /// A recipe of small built-in parts, with one in a role of which everything else follows.
  func recipe(
    _ part: Part, _ settings: [(key: String, value: String)], _ registry: Registry,
    _ data: DataDescription
  ) throws -> Recipe {
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = data
    let choice = (key: "\(part.role).name", value: part.name)
    try registry.apply([choice], to: &recipe)
    let small = Self.smallNetworks.filter { !$0.key.hasPrefix("\(part.role).") }
    try registry.apply(Self.shortTraining + small + settings, to: &recipe)
    if data.range != .binary, recipe.part(.likelihood).name == "bernoulli" {
      try registry.apply([(key: "likelihood", value: "gaussian")], to: &recipe)
    }
    Self.tellCondition(&recipe, registry)
    return recipe
  }

  /// Names the condition of the check's data in a recipe of which a part listens to one.
  static func tellCondition(_ recipe: inout Recipe, _ registry: Registry) {
    let isTold = registry.usesCondition(recipe)
    recipe.data?.condition = isTold ? condition : nil
  }

  /// Runs a body with data that a component takes: binary ones if it can, else others, in colour
  /// where none in grey will do.
  func withSuitableData<Result>(_ body: (DataSource) throws -> Result) throws -> Result {
    var last: any Error = Fault("there are no data")
    for channels in [1, 3] {
      for range in [ValueRange.binary, .unit, .real] {
        do {
          return try body(Self.data(range, channels: channels))
        } catch let error as RecipeError where error.kind == .unsuitableData {
          last = error
        }
      }
    }
    throw last
  }

  /// Each hyper-parameter's least and largest values, as after `--set`.
  static func bounds(of hyperparameters: [Hyperparameter]) -> [(String, String)] {
    hyperparameters.flatMap { hyperparameter -> [(String, String)] in
      let values: [String] =
        switch hyperparameter.kind {
        case .integer(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
        case .number(let range), .numberOrChoice(let range, _):
          ["\(range.lowerBound)", "\(range.upperBound)"]
        case .choice(let words): words
        case .flag: ["false", "true"]
        case .integers(let count, let each):
          [
            Array(repeating: each.lowerBound, count: count.lowerBound),
            Array(repeating: each.lowerBound, count: min(count.upperBound, 64)),
            Array(repeating: each.upperBound, count: max(1, count.lowerBound)),
          ].map { $0.map(String.init).joined(separator: ",") }
        case .text(let limit): ["", String(repeating: "x", count: min(limit, 200))]
        }
      return values.map { (hyperparameter.name, $0) }
    }
  }
}
