import Foundation
import VAEZoo
import XCTest

final class TrainedModelTests: XCTestCase {
  private let registry = Registry.builtIn

  private func makeModel(
    _ settings: [(key: String, value: String)] = [], range: ValueRange = .binary
  ) throws -> TrainedModel {
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = DataDescription(
      height: 7, width: 5, channels: 1, range: range, rule: range == .binary ? "binary" : "floats")
    try registry.apply(
      [(key: "latent", value: "3"), (key: "training.seed", value: "4")] + settings, to: &recipe)
    return TrainedModel(
      model: try registry.model(recipe, seed: 4), recipe: recipe, source: "memory")
  }

  private func images(_ count: Int) -> Tensor {
    RandomSource(seed: 1).stream("images").uniform([count, 7, 5, 1]).isAbove(0.5)
  }

  func testAFileOfAVersionWithoutATensorMeansWhatItMeant() throws {
    let model = try makeModel()
    let path = try makeTemporaryFolder() + "/model.safetensors"
    try model.save(to: path)
    let whole = try Safetensors(parsing: DurableFiles.read(path), path: path)
    func file(without names: [String]) throws -> [UInt8] {
      var old = Safetensors(
        tensors: model.model.weights.filter { !names.contains($0.name) })
      old.metadata = whole.metadata
      return old.encoded()
    }
    let old = try TrainedModel.open(
      bytes: file(without: ["encoder.input.mean", "encoder.input.scale"]), source: "old",
      registry: registry)
    XCTAssertEqual(
      try old.encode(split(images(3))).mean?.floats, try model.encode(split(images(3))).mean?.floats
    )
    XCTAssertThrowsError(
      try TrainedModel.open(
        bytes: file(without: ["encoder.head.bias"]), source: "broken", registry: registry))
  }

  private func split(_ images: Tensor) -> DataSplit {
    struct Store: ExampleStore {
      let values: [Float]
      var count: Int { values.count / 35 }
      let shape = ImageShape(height: 7, width: 5, channels: 1)
      func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
        for (row, index) in indices.enumerated() {
          for place in 0..<35 { destination[row * 35 + place] = values[index * 35 + place] }
        }
      }
    }
    return DataSplit(name: "given", store: Store(values: images.floats))
  }

  func testASavedModelOpensWithTheSameRecipeAndWeights() throws {
    let path = try makeTemporaryFolder() + "/model.safetensors"
    let compositions: [[(key: String, value: String)]] = [
      [], [(key: "architecture", value: "conv"), (key: "channels", value: "4,8")],
      [(key: "likelihood", value: "gaussian"), (key: "sigma", value: "optimal")],
    ]
    for settings in compositions {
      let model = try makeModel(settings)
      try model.save(to: path)
      let opened = try TrainedModel.open(path, registry: registry)
      XCTAssertEqual(opened.recipe, model.recipe)
      XCTAssertEqual(opened.source, path)
      XCTAssertEqual(opened.options, model.options)
      XCTAssertEqual(opened.model.weights.map(\.name), model.model.weights.map(\.name))
      for (a, b) in zip(opened.model.weights, model.model.weights) {
        XCTAssertEqual(a.values.shape, b.values.shape, a.name)
        XCTAssertEqual(a.values.floats, b.values.floats, a.name)
      }
      XCTAssertEqual(
        try opened.sample(count: 5, seed: 2).floats, try model.sample(count: 5, seed: 2).floats)
    }
  }

  func testSavingTwiceGivesTheSameBytes() throws {
    let folder = try makeTemporaryFolder()
    let model = try makeModel()
    let files = try ["a", "b"].map { name in
      try model.save(to: "\(folder)/\(name).safetensors")
      return try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).safetensors"))
    }
    XCTAssertEqual(files[0], files[1])
  }

  func testARunWithoutACheckpointIsRefused() throws {
    let folder = try makeTemporaryFolder()
    let run = try RunFolder.create(at: folder + "/run", force: false, resume: false)
    try run.writeRecipe(Array(try makeModel().recipe.json.document.utf8))
    XCTAssertThrowsError(try TrainedModel.open(folder + "/run", registry: registry)) { error in
      XCTAssertEqual((error as? TrainingError)?.kind, .unsuitable)
      XCTAssertTrue("\(error)".contains("existing_run=resume"), "\(error)")
    }
  }

  func testSamplesDoNotDependOnHowManyAreDrawn() throws {
    let model = try makeModel()
    let few = try model.sample(count: 3, seed: 9)
    let many = try model.sample(count: 260, seed: 9)
    XCTAssertEqual(many.shape, [260, 7, 5, 1])
    for (a, b) in zip(few.floats, many.floats) { XCTAssertEqual(a, b, accuracy: 1e-5) }
  }

  func testReconstructionsComeWithTheirOriginals() throws {
    let model = try makeModel()
    let images = images(6)
    let path = try write(images, "images.npy", in: try makeTemporaryFolder())
    let split = try model.data(path).train
    let (originals, reconstructions) = try model.reconstruct(split, count: 4)
    // The seed chooses which images are shown, each at most once.
    let rows = { (tensor: Tensor) in
      (0..<tensor.shape[0]).map { Array(tensor.floats[$0 * 35..<($0 + 1) * 35]) }
    }
    XCTAssertEqual(Set(rows(originals)).count, 4)
    XCTAssertTrue(Set(rows(originals)).isSubset(of: rows(images)))
    XCTAssertEqual(originals.floats, try model.reconstruct(split, count: 4).originals.floats)
    let others = try (1...20).map {
      try model.reconstruct(split, count: 4, seed: $0).originals.floats
    }
    XCTAssertGreaterThan(Set(others).count, 1)
    XCTAssertEqual(reconstructions.shape, [4, 7, 5, 1])
    XCTAssertTrue(reconstructions.floats.allSatisfy { $0 > 0 && $0 < 1 })
    XCTAssertEqual(try model.reconstruct(split, count: 100).originals.shape[0], 6)
  }

  func testEvaluationThatIsToldToStopGivesNothing() throws {
    let model = try makeModel()
    let path = try write(images(6), "images.npy", in: try makeTemporaryFolder())
    let split = try model.data(path).train
    XCTAssertNil(try model.evaluate(split) { _ in false })
    let result = try XCTUnwrap(model.evaluate(split, importanceSamples: 2))
    XCTAssertEqual(result.examples, 6)
    XCTAssertEqual(result.nll?.samples, 2)
  }

  func testResultsAreWrittenByTheirDocumentedNames() throws {
    let model = try makeModel()
    let path = try write(images(6), "images.npy", in: try makeTemporaryFolder())
    let result = try XCTUnwrap(model.evaluate(try model.data(path).train, importanceSamples: 2))
    let object = try XCTUnwrap(result.json(variant: "gaussian-vae", split: "train").object)
    XCTAssertEqual(
      object.members.map(\.name),
      [
        "variant", "split", "examples", "elbo", "elbo_stderr", "rate", "rate_stderr", "distortion",
        "distortion_stderr", "nll", "nll_stderr", "nll_samples", "bits_per_dim",
        "bits_per_dim_stderr", "bits_per_dim_bound", "active_units", "active_units_stderr",
        "rate_per_unit", "aggregate_posterior", "rate_decomposition",
      ])
    XCTAssertEqual(object["bits_per_dim_bound"]?.text, "nll")
    let bound = try XCTUnwrap(model.evaluate(try model.data(path).train))
    XCTAssertEqual(
      bound.json(variant: "gaussian-vae", split: "train").object?["bits_per_dim_bound"]?.text,
      "elbo")
    let aggregate = try XCTUnwrap(object["aggregate_posterior"]?.object)
    XCTAssertEqual(aggregate.members.map(\.name), ["mean_norm", "kl"])
    XCTAssertEqual(
      aggregate["kl"]?.double, result.metrics[AggregatePosteriorMetric.self]?.divergence)
    XCTAssertEqual(object["elbo"]?.double, result.elbo.mean)
    XCTAssertEqual(object["nll_samples"]?.integer, 2)
  }
}
