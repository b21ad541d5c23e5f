import Foundation
import VAEZoo
import XCTest

/// Images held in memory: blobs whose place, size and brightness vary, binary or of 256 levels.
struct BlobStore: ExampleStore {
  let count: Int
  let shape: ImageShape
  let isBinary: Bool

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    for (row, index) in indices.enumerated() {
      let place = (y: index % 5, x: index / 5 % 4)
      for pixel in 0..<shape.count {
        let channel = pixel % shape.channels
        let (y, x) = (
          pixel / shape.channels / shape.width, pixel / shape.channels % shape.width
        )
        let distance = abs(y - place.y) + abs(x - place.x)
        let level = max(0, 200 - 60 * distance) + (index * 7 + channel * 20 + pixel * 3) % 40
        destination[row * shape.count + pixel] =
          isBinary ? (distance < 2 + index % 2 ? 1 : 0) : Float(level) / 255
      }
    }
  }
}

/// Rows of a table held in memory.
struct RowStore: ExampleStore {
  static let columns = TableColumns([
    TableColumn(name: "real", kind: .real, centre: 2, scale: 3, points: [0]),
    TableColumn(name: "positive", kind: .positive, centre: 1, scale: 0.5),
    TableColumn(name: "count", kind: .count, centre: 1, scale: 0.7),
    TableColumn(name: "category", kind: .category, names: ["a", "b", "c"]),
    TableColumn(name: "flag", kind: .yesNo, names: ["no", "yes"]),
  ])

  let count: Int
  var shape: ImageShape { ImageShape(height: 1, width: Self.columns.count, channels: 1) }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    for (row, index) in indices.enumerated() {
      let kind = index % 3
      let values = [
        kind == 0 ? 0 : Float(index % 7) - 1.5, Float(1 + index % 5 + kind),
        Float(index % 4 * kind),
        Float(kind), Float(index % 2),
      ]
      for (column, value) in values.enumerated() {
        destination[row * values.count + column] = value
      }
    }
  }
}

/// Rows of counts held in memory.
struct CountStore: ExampleStore {
  static let columns = TableColumns(
    (0..<6).map { TableColumn(name: "gene \($0)", kind: .count, centre: 1, scale: 0.8) })

  let count: Int
  var shape: ImageShape { ImageShape(height: 1, width: Self.columns.count, channels: 1) }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    for (row, index) in indices.enumerated() {
      for column in 0..<shape.count {
        destination[row * shape.count + column] = Float((index * 7 + column * 3) % 5 * column)
      }
    }
  }
}

/// Every component made small, so that all of them can be trained in a test.
enum SmallModels {
  static let registry = Registry.builtIn
  /// What conditional models are told: the labels of the data below.
  static let condition = ConditionSpace(classes: 3)

  private static func labels(_ count: Int) -> [Int32] {
    (0..<count).map { Int32($0 % condition.width) }
  }

  static func data(
    height: Int = 8, width: Int = 8, channels: Int = 1, isBinary: Bool = true, train: Int = 64,
    test: Int = 40
  ) -> DataSource {
    func split(_ name: String, _ count: Int) -> DataSplit {
      DataSplit(
        name: name,
        store: BlobStore(
          count: count, shape: ImageShape(height: height, width: width, channels: channels),
          isBinary: isBinary), labels: labels(count))
    }
    return DataSource(
      name: "blobs", valueRange: isBinary ? .binary : .unit,
      rule: isBinary ? "binary" : "bytes/255", isDiscrete: true, train: split("train", train),
      test: split("test", test))
  }

  /// A table of the same rows as often: a real, a positive and a counted column, a category and yes or no.
  static func table(train: Int = 64, test: Int = 40) -> DataSource {
    rows(train: train, test: test) { TableStore(RowStore(count: $0), columns: RowStore.columns) }
  }

  /// A table of counts.
  static func counts(train: Int = 64, test: Int = 40) -> DataSource {
    rows(train: train, test: test) {
      TableStore(CountStore(count: $0), columns: CountStore.columns)
    }
  }

  private static func rows(train: Int, test: Int, _ store: (Int) -> TableStore) -> DataSource {
    func split(_ name: String, _ count: Int) -> DataSplit {
      DataSplit(name: name, store: store(count), labels: labels(count))
    }
    return DataSource(
      name: "rows", valueRange: .real, rule: "table", isDiscrete: false,
      train: split("train", train), test: split("test", test))
  }

  /// Small values for whatever a recipe's components declare.
  static func shrink(_ recipe: inout Recipe) throws {
    let sizes: [String: (one: Int, list: [Int])] = [
      "latent": (2, [2, 2]), "hidden": (10, [10]), "channels": (6, [6, 6]), "layers": (1, [1]),
      "head": (8, [8]), "condition_channels": (4, [4]), "codes": (8, [8]), "code_size": (4, [4]),
      "importance_samples": (3, [3]), "components": (2, [2]), "depth": (1, [1]),
      "discriminator_hidden": (64, [64, 64]), "discriminator_channels": (4, [4, 6]),
      "discriminator_start": (2, [2]), "feature_layer": (1, [1]),
      "pseudo_inputs": (3, [3]), "stage_hidden": (8, [8, 8]), "flow_hidden": (8, [8]),
      "flow_context": (3, [3]), "level_channels": (4, [4, 4, 6, 6]), "norm_groups": (2, [2]),
      "blocks_per_size": (1, [1, 1]),
    ]
    for role in Role.allCases {
      let part = recipe.part(role)
      guard part.name != "auto" else { continue }
      for declaration in try registry.component(role, part.name).hyperparameters {
        // The weight is for a discriminator that has seen many thousand updates.
        if part.name == "factor" && declaration.name == "gamma" {
          recipe.parts[role]?.values["gamma"] = .number(2)
        }
        // The images are smaller than a window of structural similarity.
        if part.name == "picture-loss" && declaration.name == "share" {
          recipe.parts[role]?.values["share"] = .number(0)
        }
        // After the first updates all sizes count, the newest of them in part.
        if part.name == "progressive" && declaration.name == "stage_epochs" {
          recipe.parts[role]?.values["stage_epochs"] = .number(0)
        }
        // Other objectives do without one.
        if part.name == "perceptual" && declaration.name == "network" {
          let network = try network(
            channels: recipe.data?.channels ?? 1,
            range: recipe.data?.range == .real ? "real" : "unit")
          recipe.parts[role]?.values["network"] = .text(network.path)
          recipe.parts[role]?.values["network_sha256"] = .text(network.sha256)
        }
        guard let size = sizes[declaration.name] else { continue }
        switch declaration.kind {
        case .integer: recipe.parts[role]?.values[declaration.name] = .integer(size.one)
        case .integers: recipe.parts[role]?.values[declaration.name] = .integers(size.list)
        default: break
        }
      }
    }
    // Such networks have a size more than the image is halved, whatever the prior's own default.
    let levels = [Role.encoder, .decoder].compactMap { role in
      recipe.part(role).values.values["level_channels"]
    }
    guard let first = levels.first, case .integers(let list) = first,
      recipe.part(.prior).values.values["levels"] != nil
    else { return }
    recipe.parts[.prior]?.values["levels"] = .integer(list.count - 1)
    for role in [Role.encoder, .decoder] where recipe.part(role).name == "kl" {
      recipe.parts[role]?.values["attention"] = .integers(list.map { _ in 0 })
    }
  }

  /// A frozen network for images of any size with so many channels, whose layers have the names that
  /// perceptual-vae asks for: three convolutions with ReLU, and a head of LPIPS for each.
  static func network(
    channels: Int, range: String = "unit"
  ) throws -> (path: String, sha256: String) {
    var file = Safetensors()
    var layers: [String] = []
    for (number, name) in ["1_1", "2_2", "3_2"].enumerated() {
      let inputs = number == 0 ? channels : 4
      let weights = withoutTape {
        RandomSource(seed: 8).stream(name).normal([4, inputs, 3, 3]) * 0.3
      }
      weights.withFloats { file.add("conv\(name).weight", shape: [4, inputs, 3, 3], floats: $0) }
      layers += [
        #"{"type": "conv", "name": "conv\#(name)", "padding": 1}"#,
        #"{"type": "relu", "name": "relu\#(name)"}"#,
      ]
    }
    for head in 0..<3 {
      [0.1, 0.7, 0.4, 0.2 + Float(head)].withUnsafeBufferPointer {
        file.add("lin\(head).model.1.weight", shape: [1, 4, 1, 1], floats: $0)
      }
    }
    file.metadata[FrozenNetwork.metadataName] =
      #"{"input": {"channels": \#(channels), "range": "\#(range)"}, "layers": [\#(layers.joined(separator: ", "))], "#
      + #""heads": ["relu1_1", "relu2_2", "relu3_2"]}"#
    let bytes = file.encoded()
    let path = NSTemporaryDirectory() + "small-network-\(range)-\(channels)-\(getpid()).safetensors"
    try DurableFiles.replace(path, with: bytes)
    return (path, SHA256.text(SHA256.hash(of: bytes)))
  }

  /// The small recipe of a variant for some data.
  static func recipe(
    _ variant: String, data: DataSource, _ settings: [(key: String, value: String)] = []
  ) throws -> Recipe {
    var recipe = try registry.recipe(for: variant)
    recipe.data = try data.description(binarization: .none)
    try registry.apply(
      settings.filter { $0.key.hasSuffix(".name") || $0.key == "likelihood" }, to: &recipe)
    try shrink(&recipe)
    try registry.apply(
      settings.filter { !$0.key.hasSuffix(".name") && $0.key != "likelihood" }, to: &recipe)
    if registry.usesCondition(recipe) { recipe.data?.condition = condition }
    return recipe
  }

  static func options(epochs: Int = 1, batchSize: Int = 16) -> TrainingOptions {
    var options = TrainingOptions()
    options.epochs = epochs
    options.batchSize = batchSize
    options.learningRate = 0.005
    options.seed = 5
    return options
  }

  /// A trained small model.
  static func trained(
    _ recipe: Recipe, data: DataSource, epochs: Int, batchSize: Int = 16
  ) throws -> Model {
    let model = try registry.model(recipe, seed: 3)
    let trainer = try Trainer(
      model: model, data: data, options: options(epochs: epochs, batchSize: batchSize))
    _ = try trainer.train()
    return model
  }

  /// The context of the first examples of the data, with the condition that conditional models are
  /// told of them.
  static func context(_ count: Int, _ mode: Context.Mode = .evaluation, seed: UInt64 = 1) -> Context
  {
    Context(
      mode: mode, random: RandomSource(seed: seed), examples: (0..<count).map(UInt64.init),
      condition: condition.rows(labels: labels(count)))
  }
}
