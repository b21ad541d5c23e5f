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
}
