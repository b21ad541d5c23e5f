import Foundation
import VAEZoo
import XCTest

/// Networks that grow while they are trained.
final class ProgressiveVAETests: XCTestCase {
  private func recipe(_ data: DataSource, _ settings: [(key: String, value: String)] = []) throws
    -> Recipe
  {
    try SmallModels.recipe(
      "progressive-vae", data: data,
      [("stage_epochs", "0.5"), ("fade_epochs", "1"), ("channels", "5,4,3")] + settings)
  }

  private func grow(_ model: Model, to extent: Float) {
    for (path, buffer) in model.buffers where path.hasSuffix("growth.extent") {
      buffer.value = Tensor(extent)
    }
  }

  private func mean(_ model: Model, _ x: Tensor) throws -> Tensor {
    let context = SmallModels.context(x.shape[0])
    return try XCTUnwrap(withoutTape { model.encoder.encode(x, context).mean })
  }

  private func decoded(_ model: Model, _ z: Tensor) -> Tensor {
    withoutTape {
      let context = SmallModels.context(z.shape[0])
      return model.decoder.decode(model.prior.draw(of: [z], context), target: nil, context)
    }
  }

  func testAtBothEndsOfAFadeTheNetworkIsExactlyTheOldAndTheNewOneAndBetweenThemTheirBlend() throws {
    let (large, small) = (
      SmallModels.data(height: 7, width: 8, isBinary: false),
      SmallModels.data(height: 4, width: 4, isBinary: false)
    )
    let model = try SmallModels.registry.model(recipe(large), seed: 3)
    // The network before the new size, with the same weights under the same names.
    let old = try SmallModels.registry.model(recipe(small), seed: 9)
    let weights = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.path, $0.parameter) })
    for (path, parameter) in old.parameters {
      parameter.value = try XCTUnwrap(weights[path]?.value, path).copied()
    }
    let x = Examples(large.train).batch([0, 1, 2], SmallModels.context(3))
    let z = Tensor([0.3, -1, 2, 0.5], shape: [2, 2])
    let (before, image) = (
      try mean(old, x.averaged(to: (4, 4))), decoded(old, z).repeated(to: (7, 8))
    )
    XCTAssertEqual(image.shape, [2, 7, 8, 1])
    grow(model, to: 0)
    XCTAssertEqual(try mean(model, x).floats, before.floats)
    XCTAssertEqual(decoded(model, z).floats, image.floats)

    // At the end of the fade nothing is left of the old entry and exit.
    grow(model, to: 1)
    let (grown, after) = (try mean(model, x), decoded(model, z))
    XCTAssertNotEqual(after.floats, image.floats)
    grow(model, to: 0.25)
    for (blend, (a, b)) in zip(decoded(model, z).floats, zip(image.floats, after.floats)) {
      XCTAssertEqual(blend, 0.75 * a + 0.25 * b, accuracy: 1e-5)
    }
    grow(model, to: .ulpOfOne)
    for (a, b) in zip(decoded(model, z).floats, image.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
    for (a, b) in zip(try mean(model, x).floats, before.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
    for path in ["encoder.entries.0.weights", "decoder.exits.0.weights"] {
      let parameter = try XCTUnwrap(weights[path])
      parameter.value = parameter.value + 1
    }
    XCTAssertNotEqual(decoded(model, z).floats, image.floats)
    grow(model, to: 1)
    XCTAssertEqual(try mean(model, x).floats, grown.floats)
    XCTAssertEqual(decoded(model, z).floats, after.floats)
  }

  /// Four updates an epoch: two at the first size, four of a fade, two at the second one, and so on.
  func testANetworkGrowsByTheEpochsAndResumesWithinAFadeBitForBitWithTheMomentsOfItsOldParts()
    throws
  {
    let data = SmallModels.data(height: 16, width: 10)
    let recipe = try recipe(data)
    func trainer() throws -> Trainer {
      try Trainer(
        model: SmallModels.registry.model(recipe, seed: 3), data: data,
        options: SmallModels.options(epochs: 5))
    }
    func extent(_ trainer: Trainer) throws -> [Float] {
      trainer.model.buffers.filter { $0.path.hasSuffix("growth.extent") }.map(\.buffer.value.item)
    }
    func moments(_ path: String, _ trainer: Trainer, in run: RunFolder) throws -> [Float]? {
      try trainer.writeCheckpoint(to: run)
      let state = try XCTUnwrap(run.storedCheckpoint()).optimizer
      return try state.entry("model.second.\(path)").map { try state.convertedFloats($0) }
    }
    let path = NSTemporaryDirectory() + "progressive-" + UUID().uuidString
    addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
    let run = try RunFolder.create(at: path, force: false, resume: false)

    let whole = try trainer()
    var extents: [Float] = []
    var kept: [Float] = []
    let (old, new) = ("decoder.steps.0.0.weights", "decoder.steps.1.0.weights")
    while !whole.isFinished {
      _ = try whole.advance()
      let found = try extent(whole)
      XCTAssertEqual(found, [found[0], found[0]])
      extents.append(found[0])
      switch whole.step {
      case 4:
        kept = try XCTUnwrap(moments(old, whole, in: run))
        XCTAssertTrue(kept.contains { $0 > 0 })
        XCTAssertNil(try moments(new, whole, in: run))
      case 5:  // The first one with the new size.
        let next = try XCTUnwrap(moments(old, whole, in: run))
        // v ← 0.999 v + 0.001 g²
        XCTAssertTrue(zip(next, kept).allSatisfy { $0 >= 0.998 * $1 })
        XCTAssertNotNil(try moments(new, whole, in: run))
      default: break
      }
    }
    XCTAssertEqual(
      extents.prefix(15),
      [0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1.25, 1.5, 1.75, 2, 2, 2])

    let resumed = try trainer()
    try resumed.restore(try XCTUnwrap(run.storedCheckpoint()))
    XCTAssertEqual(resumed.step, 5)
    XCTAssertEqual(try extent(resumed), [0.5, 0.5])
    _ = try resumed.train()
    XCTAssertEqual(
      resumed.model.weights.map(\.values.floats), whole.model.weights.map(\.values.floats))
  }

  func testATrainingFromTrainedWeightsOrOfTheDecoderAloneNeverShrinksTheNetwork() throws {
    let data = SmallModels.data(height: 16, width: 10)
    let recipe = try recipe(data, [("training.epochs", "1"), ("training.batch_size", "16")])
    let first = TrainedModel(
      model: try SmallModels.trained(recipe, data: data, epochs: 3), recipe: recipe,
      source: "memory")
    func extents(_ model: Model) -> [Float] {
      model.buffers.filter { $0.path.hasSuffix("growth.extent") }.map(\.buffer.value.item)
    }
    let grown = extents(first.model)
    XCTAssertEqual(grown, [1.75, 1.75])
    let fresh = TrainedModel(
      model: try SmallModels.registry.model(recipe, seed: 7), recipe: recipe, source: "fresh")
    for next in [
      try fresh.withWeights(of: first, as: "memory"),
      try first.stage("decoder", registry: SmallModels.registry),
    ] {
      let session = try TrainingSession(
        model: next.model, recipe: next.recipe, data: data, run: nil, existing: .refuse,
        start: .asIs)
      _ = try session.train()
      XCTAssertEqual(extents(next.model), grown, next.recipe.stage.name)
    }
  }

  func testLatentsThatAreNoUnitsAreRefused() throws {
    let recipe = try recipe(SmallModels.data(), [("prior.name", "uniform-codes")])
    XCTAssertThrowsError(try SmallModels.registry.plan(recipe)) {
      XCTAssertTrue("\($0)".contains("works with one layer of latent units"), "\($0)")
      XCTAssertTrue("\($0)".contains("discrete codes"), "\($0)")
    }
  }

  /// How far a network has grown after some epochs.
  private func extents(
    _ settings: [(key: String, value: String)], after epochs: [Double]
  ) throws -> [Float] {
    try epochs.map { epochs in
      let model = try SmallModels.registry.plan(
        recipe(SmallModels.data(height: 16, width: 10), settings))
      var context = SmallModels.context(1, .training)
      context.epochs = epochs
      model.encoder.afterUpdate(context)
      return try XCTUnwrap(
        model.buffers.first { $0.path == "encoder.growth.extent" }?.buffer.value.item)
    }
  }

  func testAnExtentBeyondTheSizesIsThatOfTheLastOrTheFirst() throws {
    let data = SmallModels.data(height: 7, width: 8, isBinary: false)
    let model = try SmallModels.registry.model(recipe(data), seed: 3)
    let z = Tensor([0.3, -1, 2, 0.5], shape: [2, 2])
    func images(_ extent: Float) -> [Float] {
      grow(model, to: extent)
      return decoded(model, z).floats
    }
    XCTAssertNotEqual(images(0), images(1))
    XCTAssertEqual(images(9), images(1))
    XCTAssertEqual(images(-3), images(0))
  }

  func testAStageAndAFadeByTurnsUntilTheLargestSize() throws {
    // A stage of 3 epochs, fades of 2: the second size is whole at 5, and the third, the last, at 10.
    XCTAssertEqual(
      try extents(
        [("stage_epochs", "3"), ("fade_epochs", "2")], after: [2.5, 3, 3.5, 5, 8, 9, 10, 14]),
      [0, 0, 0.25, 1, 1, 1.5, 2, 2])
  }

  func testWithoutAFadeASizeIsWholeAtOnceAndWithoutStagesTheNextOneFollows() throws {
    XCTAssertEqual(
      try extents([("stage_epochs", "3"), ("fade_epochs", "0")], after: [2.9, 3, 5.9, 6, 9]),
      [0, 1, 1, 2, 2])
    XCTAssertEqual(
      try extents([("stage_epochs", "0"), ("fade_epochs", "2")], after: [0, 1, 2, 3, 5]),
      [0, 0.5, 1, 1.5, 2])
    XCTAssertEqual(
      try extents([("stage_epochs", "0"), ("fade_epochs", "0")], after: [0, 0.25]), [2, 2])
  }

  func testItBeginsAtTheFirstSizeThatIsSmallEnoughAndTheLastChannelsServeAllLargerOnes() throws {
    // 16×10, 8×5, 4×3, 2×2, 1×1.
    for (first, sizes) in [("16", 1), ("15", 2), ("8", 2), ("7", 3), ("1", 5)] {
      let model = try SmallModels.registry.plan(
        recipe(SmallModels.data(height: 16, width: 10), [("first_size", first)]))
      let weights = model.parameters.filter { $0.path.hasSuffix("weights") }
      let shapes = Dictionary(
        uniqueKeysWithValues: weights.map { ($0.path, $0.parameter.shape.dimensions) })
      let channels = Array([5, 4, 3, 3, 3].prefix(sizes))
      XCTAssertNil(shapes["encoder.entries.\(sizes).weights"])
      for size in 0..<sizes {
        let (own, below) = (channels[size], channels[max(0, size - 1)])
        XCTAssertEqual(shapes["encoder.entries.\(size).weights"], [own, 1, 1, 1])
        XCTAssertEqual(shapes["encoder.steps.\(size).0.weights"], [below, own, 3, 3])
        XCTAssertEqual(shapes["decoder.steps.\(size).0.weights"], [own, below, 3, 3])
        XCTAssertEqual(shapes["decoder.exits.\(size).weights"], [1, own, 1, 1])
      }
      let places = [160, 40, 12, 4, 1][sizes - 1]
      XCTAssertEqual(shapes["encoder.head.weights"], [places * 5, 4])
      XCTAssertEqual(shapes["decoder.entry.weights"], [2, places * 5])
    }
  }

  func testConvolutionsHaveABiasWhereNoNormalizationFollows() throws {
    for (normalization, hasBias) in [("none", true), ("group", false), ("batch", false)] {
      let model = try SmallModels.registry.plan(
        recipe(
          SmallModels.data(height: 8, width: 6),
          [
            (key: "encoder.normalization", value: normalization),
            (key: "decoder.normalization", value: normalization),
          ]))
      let paths = Set(model.parameters.map(\.path))
      for half in ["encoder", "decoder"] {
        XCTAssertEqual(paths.contains("\(half).steps.0.0.bias"), hasBias)
        XCTAssertEqual(paths.contains("\(half).steps.0.1.scale"), !hasBias)
        XCTAssertEqual(paths.contains("\(half).steps.0.3.scale"), !hasBias)
      }
    }
  }

  /// A normalised step whose scales are zero gives its shifts, through the activation.
  func testTheActivationFollowsTheNormalization() throws {
    let data = SmallModels.data(height: 4, width: 3, isBinary: false)
    let model = try SmallModels.registry.model(
      recipe(data, [("channels", "2"), ("likelihood", "gaussian")]), seed: 3)
    for (path, parameter) in model.decoder.parameters {
      switch path {
      case "steps.0.3.scale": parameter.value = .zeros(parameter.shape)
      case "steps.0.3.shift": parameter.value = Tensor([-1, 2])
      case "exits.0.weights": parameter.value = Tensor([3, 5], shape: parameter.shape)
      case "exits.0.bias": parameter.value = Tensor([0.5])
      default: break
      }
    }
    // 3 · (−0.1) + 5 · 2 + 0.5
    for value in decoded(model, Tensor([0.3, -1], shape: [1, 2])).floats {
      XCTAssertEqual(value, 10.2, accuracy: 1e-5)
    }
  }
}
