import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAERecipes
import VAETraining
import VAEZoo
import VQVAE
import XCTest

/// Images held in memory: blobs whose place, size and brightness vary.
struct BlobStore: ExampleStore {
  let count: Int
  let shape: ImageShape
  var isBinary = false

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    for (row, index) in indices.enumerated() {
      let place = (y: index % shape.height, x: index / shape.height % shape.width)
      for pixel in 0..<shape.count {
        let position = pixel / shape.channels
        let distance =
          abs(position / shape.width - place.y) + abs(position % shape.width - place.x)
        let level = max(0, 200 - 50 * distance) + (index * 7 + pixel * 3) % 40
        destination[row * shape.count + pixel] =
          isBinary ? (distance < 2 + index % 2 ? 1 : 0) : Float(level) / 255
      }
    }
  }
}

enum Support {
  static func blobs(
    height: Int = 8, width: Int = 8, channels: Int = 1, isBinary: Bool = false, train: Int = 64,
    test: Int = 24
  ) -> DataSource {
    func split(_ name: String, _ count: Int) -> DataSplit {
      let shape = ImageShape(height: height, width: width, channels: channels)
      return DataSplit(
        name: name, store: BlobStore(count: count, shape: shape, isBinary: isBinary))
    }
    return DataSource(
      name: "blobs", valueRange: isBinary ? .binary : .unit,
      rule: isBinary ? "binary" : "bytes/255", isDiscrete: true, train: split("train", train),
      validation: nil, test: split("test", test))
  }

  static let small: [(key: String, value: String)] = [
    (key: "codes", value: "8"), (key: "code_size", value: "4"),
    (key: "encoder.channels", value: "8"), (key: "encoder.residual_channels", value: "4"),
    (key: "decoder.channels", value: "8"), (key: "decoder.residual_channels", value: "4"),
  ]

  /// A recipe of `vq-vae` for some data, its sizes made small where the settings say nothing else.
  static func recipe(
    _ data: DataSource, _ settings: [(key: String, value: String)] = [], small: Bool = true
  ) throws -> Recipe {
    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: "vq-vae")
    recipe.data = try data.description(binarization: .none)
    let choices = settings.filter { $0.key.hasSuffix(".name") || $0.key == "architecture" }
    try registry.apply(choices, to: &recipe)
    let valid = Set(registry.validKeys(in: recipe))
    let sizes = small ? Self.small.filter { valid.contains($0.key) } : []
    try registry.apply(sizes + settings, to: &recipe)
    return recipe
  }

  static func options(
    epochs: Int, batchSize: Int = 16, learningRate: Double = 0.003
  ) -> TrainingOptions {
    var options = TrainingOptions()
    options.epochs = epochs
    options.batchSize = batchSize
    options.learningRate = learningRate
    options.seed = 5
    return options
  }

  static func context(
    _ count: Int, _ mode: Context.Mode = .evaluation, step: Int = 0, seed: UInt64 = 1
  ) -> Context {
    Context(
      mode: mode, step: step, random: RandomSource(seed: seed),
      examples: (0..<count).map(UInt64.init))
  }

  /// A codebook with the given vectors, one a row.
  static func codebook(
    _ vectors: [[Float]], update: Codebook.Update = .ema, decay: Float = 0.9,
    restartThreshold: Float = 0
  ) -> Codebook {
    let codebook = Codebook(
      codeCount: vectors.count, vectorSize: vectors[0].count, update: update, decay: decay,
      restartThreshold: restartThreshold, random: RandomSource(seed: 2))
    codebook.vectors = Tensor(vectors.flatMap { $0 }, shape: [vectors.count, vectors[0].count])
    return codebook
  }

  static func weights(_ model: Model) -> [String: [Float]] {
    Dictionary(uniqueKeysWithValues: model.weights.map { ($0.name, $0.values.floats) })
  }
}

func assertEqual(
  _ values: [Float], _ expected: [Float], accuracy: Float, _ message: String = "",
  file: StaticString = #filePath, line: UInt = #line
) {
  XCTAssertEqual(values.count, expected.count, message, file: file, line: line)
  for (position, (value, wanted)) in zip(values, expected).enumerated() {
    XCTAssertEqual(
      value, wanted, accuracy: accuracy, "\(message) [\(position)]", file: file, line: line)
  }
}
