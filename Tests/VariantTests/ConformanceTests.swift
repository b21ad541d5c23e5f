import Foundation
import MSSSIMVAE
import VAEZoo
import XCTest

/// What every registered variant must do, whatever it is made of. A new variant is tested here by
/// being registered.
final class ConformanceTests: XCTestCase {
  private let registry = SmallModels.registry

  private func forEachVariant(
    data: DataSource = SmallModels.data(), epochs: Int? = nil, batchSize: Int = 16,
    _ body: (_ name: String, _ recipe: Recipe, _ model: Model) throws -> Void
  ) throws {
    XCTAssertGreaterThanOrEqual(registry.entries.count, 7)
    for name in registry.entries.map(\.variant.name) {
      let recipe = try SmallModels.recipe(name, data: data)
      let model =
        try epochs.map {
          try SmallModels.trained(recipe, data: data, epochs: $0, batchSize: batchSize)
        } ?? registry.model(recipe, seed: 3)
      try body(name, recipe, model)
    }
  }

  private func images(_ data: DataSource, _ count: Int) -> Tensor {
    Examples(data.train).batch(Array(0..<count), SmallModels.context(count))
  }

  // MARK: Shapes

  func testEveryTermHasOneValueForEachDrawAndExample() throws {
    let data = SmallModels.data()
    try forEachVariant(data: data, epochs: 1) { name, _, model in
      for (count, samples) in [(1, 1), (5, 1), (5, 3)] {
        var request = DrawRequest()
        request.samples = samples
        request.usesSampledRate = samples > 1
        let evaluation = withoutTape {
          model.evaluate(images(data, count), request, SmallModels.context(count))
        }
        XCTAssertEqual(evaluation.rate.shape, [samples, count], name)
        XCTAssertEqual(evaluation.distortion.shape, [samples, count], name)
        XCTAssertTrue(evaluation.logWeights.floats.allSatisfy(\.isFinite), name)
        XCTAssertEqual(evaluation.draw.rowCount, samples * count, name)
      }
    }
  }

  func testImagesOfAnySizeAndChannelCountAreTrainedAndDrawn() throws {
    for (height, width, channels) in [(7, 5, 1), (5, 9, 3), (8, 12, 2)] {
      let data = SmallModels.data(
        height: height, width: width, channels: channels, isBinary: false, train: 32, test: 6)
      try forEachVariant(data: data, epochs: 1) { name, _, model in
        let shape: Shape = [3, height, width, channels]
        let drawn = model.sample(SmallModels.context(3))
        XCTAssertEqual(drawn.shape, shape, name)
        XCTAssertEqual(
          model.reconstruct(images(data, 3), SmallModels.context(3)).shape, shape, name)
        XCTAssertTrue(drawn.floats.allSatisfy(\.isFinite), name)
      }
    }
  }

  func testABatchOfOneIsTrainedOrRefusedAndMeasured() throws {
    let data = SmallModels.data(train: 6, test: 1)
    try forEachVariant(data: data) { name, recipe, _ in
      var model: Model
      do {
        model = try SmallModels.trained(recipe, data: data, epochs: 1, batchSize: 1)
      } catch let error as TrainingError {
        // One normalises dense layers, the other tells draws of a batch from their permutation.
        let reasons = [
          "ladder-vae": "batch normalisation leaves only a constant",
          "factor-vae": "compares the examples of a batch",
        ]
        XCTAssertTrue("\(error)".contains(reasons[name] ?? "no reason"), "\(name): \(error)")
        model = try SmallModels.trained(recipe, data: data, epochs: 1, batchSize: 2)
      }
      let result = try XCTUnwrap(
        Evaluator(model: model, examples: Examples(data.train, condition: model.condition), seed: 0)
          .run())
      XCTAssertTrue(result.elbo.mean.isFinite, name)
      let one = withoutTape {
        model.evaluate(images(data, 1), DrawRequest(), SmallModels.context(1))
      }
      XCTAssertTrue(one.logWeights.item.isFinite, name)
    }
  }

  func testWhatIsSaidOfAnExampleDoesNotDependOnItsNeighbours() throws {
    let data = SmallModels.data()
    try forEachVariant(data: data, epochs: 2) { name, _, model in
      let context = SmallModels.context(7)
      let all = withoutTape { model.evaluate(images(data, 7), DrawRequest(), context) }
      let alone = withoutTape {
        model.evaluate(images(data, 1), DrawRequest(), SmallModels.context(1))
      }
      XCTAssertEqual(
        all.logWeights.floats[0], alone.logWeights.floats[0],
        accuracy: 1e-4 * abs(alone.logWeights.floats[0]), name)
    }
  }

  // MARK: Learning

  func testEveryParameterHasAFiniteGradient() throws {
    let data = SmallModels.data()
    try forEachVariant(data: data, epochs: 1) { name, _, model in
      XCTAssertFalse(model.parameters.isEmpty, name)
      for phase in model.objective.phases {
        let pass = pass(model, data, SmallModels.context(16, .training))
        let gradients = phase.loss(pass).value.backward()
        for (path, parameter) in model.parameters where phase.group.contains(path) {
          guard let gradient = gradients[parameter] else {
            XCTFail("\(name): \(path) has no gradient")
            continue
          }
          XCTAssertEqual(gradient.shape, parameter.shape, "\(name): \(path)")
          XCTAssertTrue(gradient.floats.allSatisfy(\.isFinite), "\(name): \(path)")
        }
      }
    }
  }

  /// Variants whose losses are those of a game: they rise and fall with the other side, and none is a bound. What
  /// these learn is tested beside their objectives.
  private static let games: Set = [
    "vae-gan", "vqgan", "wae-gan", "adversarial-autoencoder",
  ]

  func testAFewUpdatesLowerTheLossAndRaiseTheBound() throws {
    let data = SmallModels.data()
    try forEachVariant(data: data) { name, recipe, model in
      if Self.games.contains(name) { return }
      let options = SmallModels.options(epochs: 40)
      let trainer = try Trainer(model: model, data: data, options: options)
      let before = loss(of: model, data)
      var bounds: [Double] = []
      _ = try trainer.train { event in
        if case .step(_, _, _, let terms) = event { bounds.append(terms.elbo) }
      }
      XCTAssertLessThan(loss(of: model, data), before, name)
      let mean = { (part: ArraySlice<Double>) in part.reduce(0, +) / Double(part.count) }
      // Distances between pictures are no bound, and lower ones may cost one.
      if model.objective is PictureLoss { return }
      XCTAssertGreaterThan(mean(bounds.suffix(8)), mean(bounds.prefix(4)), name)
    }
  }

  /// What the objective minimises, of the same examples with the same draws, after any warm-up.
  private func loss(of model: Model, _ data: DataSource) -> Float {
    withoutTape {
      model.objective.phases.reduce(0) { sum, phase in
        var context = SmallModels.context(16, .training)
        context.epochs = 1000
        return sum + phase.loss(pass(model, data, context)).value.item
      }
    }
  }

  /// A pass over the first examples, with the last ones as a second batch.
  private func pass(_ model: Model, _ data: DataSource, _ context: Context) -> ForwardPass {
    var other = context
    other.random = context.random.child("second")
    let all = images(data, 32)
    return ForwardPass(
      model, all.rows(0..<16), second: (all.rows(16..<32), other),
      model.objective.requirements.draw, context)
  }

  func testTheSameSeedGivesTheSameWeights() throws {
    let data = SmallModels.data()
    try forEachVariant(data: data, epochs: 2) { name, recipe, model in
      let again = try SmallModels.trained(recipe, data: data, epochs: 2)
      XCTAssertEqual(model.weights.map(\.name), again.weights.map(\.name), name)
      for (first, second) in zip(model.weights, again.weights) {
        XCTAssertEqual(first.values.floats, second.values.floats, "\(name): \(first.name)")
      }
    }
  }

  // MARK: Likelihood

  /// −ELBO and NLL(K) of every example, from draws of their own.
  private func bounds(
    _ model: Model, _ x: Tensor, samples: Int, firstDraw: Int
  ) -> (bound: [Double], nll: [Double]) {
    let count = x.shape[0]
    var context = SmallModels.context(count)
    return withoutTape {
      let bound = model.evaluate(x, DrawRequest(), context).logWeights
      context.firstDraw = firstDraw
      var request = DrawRequest()
      request.samples = samples
      request.usesSampledRate = true
      let weights = model.evaluate(x, request, context).logWeights.transposed()
      return (
        bound.floats.map { -Double($0) },
        weights.logSumExp().floats.map { log(Double(samples)) - Double($0) }
      )
    }
  }

  private func difference(_ a: [Double], _ b: [Double]) -> Estimate {
    Estimate(of: zip(a, b).map { $0 - $1 })
  }

  func testTheBoundIsNoBetterThanTheLikelihoodAndMoreSamplesTightenIt() throws {
    let data = SmallModels.data(train: 320)
    try forEachVariant(data: data, epochs: 3) { name, _, model in
      let x = images(data, 320)
      let one = bounds(model, x, samples: 1, firstDraw: 1)
      let some = bounds(model, x, samples: 4, firstDraw: 2)
      let many = bounds(model, x, samples: 32, firstDraw: 6)
      for (looser, tighter, what) in [
        (one.bound, one.nll, "-ELBO and NLL(1)"), (one.nll, some.nll, "NLL(1) and NLL(4)"),
        (some.nll, many.nll, "NLL(4) and NLL(32)"),
      ] {
        let gap = difference(looser, tighter)
        // Without latents all are equal but for rounding.
        XCTAssertGreaterThanOrEqual(
          gap.mean, -3 * (try XCTUnwrap(gap.standardError)) - 1e-4, "\(name): \(what)")
      }
    }
  }

  // MARK: Drawing and storing

  func testDrawsFromThePriorDependOnTheSeedAlone() throws {
    let data = SmallModels.data()
    try forEachVariant(data: data, epochs: 3) { name, _, model in
      let first = model.sample(drawing: true, SmallModels.context(6))
      XCTAssertEqual(first.shape, [6, 8, 8, 1], name)
      XCTAssertTrue(first.floats.allSatisfy(\.isFinite), name)
      XCTAssertEqual(
        first.floats, model.sample(drawing: true, SmallModels.context(6)).floats, name)
      XCTAssertNotEqual(
        first.floats, model.sample(drawing: true, SmallModels.context(6, seed: 2)).floats, name)
    }
  }

  func testAStoredModelSaysTheSame() throws {
    let data = SmallModels.data()
    let folder = NSTemporaryDirectory() + "vae-conformance-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    addTeardownBlock { try? FileManager.default.removeItem(atPath: folder) }
    try forEachVariant(data: data, epochs: 2) { name, recipe, model in
      let path = "\(folder)/\(name).safetensors"
      try TrainedModel(model: model, recipe: recipe, source: "memory").save(to: path)
      let opened = try TrainedModel.open(path, registry: registry)
      XCTAssertEqual(opened.recipe, recipe, name)
      for part in [data.train, data.test].compactMap({ $0 }) {
        let (before, after) = try (
          XCTUnwrap(
            Evaluator(
              model: model, examples: Examples(part, condition: model.condition), seed: 4
            ).run()),
          XCTUnwrap(
            Evaluator(
              model: opened.model, examples: Examples(part, condition: opened.model.condition),
              seed: 4
            ).run())
        )
        XCTAssertEqual(before.elbo, after.elbo, name)
        XCTAssertEqual(
          before.metrics[RatePerUnitMetric.self], after.metrics[RatePerUnitMetric.self], name)
      }
      XCTAssertEqual(
        model.sample(SmallModels.context(4)).floats,
        opened.model.sample(SmallModels.context(4)).floats, name)
    }
  }
}
