import Communication
import Foundation
import Synchronization
import VAEZoo
import XCTest

/// Stages that learn from latents alone, which a variant need not know of.
final class LatentStageTests: XCTestCase {
  private let data = SmallModels.data(train: 90)

  private func trained(_ name: String, epochs: Int = 4) throws -> TrainedModel {
    let recipe = try SmallModels.recipe(name, data: data)
    return TrainedModel(
      model: try SmallModels.trained(recipe, data: data, epochs: epochs), recipe: recipe,
      source: "memory")
  }

  private func train(
    _ next: TrainedModel, run: String? = nil, existing: TrainingRequest.Existing = .refuse,
    cancel: CancelToken = CancelToken(), stoppingAfter last: Int = .max
  ) throws -> (outcome: Trainer.Outcome, records: [EpochRecord], notices: [String]) {
    let session = try TrainingSession(
      model: next.model, recipe: next.recipe, data: data, run: run, existing: existing,
      start: .asIs)
    var (records, notices): ([EpochRecord], [String]) = ([], [])
    let outcome = try session.train(cancel: cancel) { event in
      switch event {
      case .epoch(let record):
        records.append(record)
        if record.epoch == last { cancel.cancel() }
      case .notice(let notice): notices.append("\(notice)")
      default: break
      }
    }
    return (outcome, records, notices)
  }

  /// Trains models in two processes, here threads, of which the first alone has the run folder.
  ///
  /// - Parameter cancelled: the rank whose token asks for a stop before anything is done.
  /// - Returns: how each of them ended.
  private static func trainTogether(
    _ models: [TrainedModel], run: String? = nil, cancelled: Int? = nil
  ) -> [String] {
    nonisolated(unsafe) let models = models
    return Ranks.run(2) { communicator in
      let model = models[communicator.rank]
      let session = try TrainingSession.together(communicator) {
        try TrainingSession(
          model: model.model, recipe: model.recipe, data: SmallModels.data(train: 90), run: run,
          existing: .resume, start: .asIs, communicator: communicator)
      }
      let cancel = CancelToken()
      if communicator.rank == cancelled { cancel.cancel() }
      return "\(try session.train(cancel: cancel)), resumed: \(session.isResumed)"
    }.map { end in
      switch end {
      case .success(let text): text
      case .failure(let error): "\(error)"
      }
    }
  }

  /// The mean rate and distortion of the training examples, by the same draws for every model.
  private func terms(_ model: Model) throws -> (rate: Double, distortion: Double) {
    let examples = try Examples(data.train, condition: model.condition)
    let result = try XCTUnwrap(Evaluator(model: model, examples: examples, seed: 3).run())
    return (result.rate.mean, result.distortion.mean)
  }

  func testEveryVariantWithOneLayerOfUnitsHasTheStageAndTheOthersAreToldWhy() throws {
    var fitted = 0
    for name in SmallModels.registry.entries.map(\.variant.name) {
      let first = try trained(name, epochs: 1)
      let stage = {
        try first.stage(
          "mixture", settings: [(key: "prior.components", value: "2")],
          registry: SmallModels.registry)
      }
      let latents = first.model.prior.latents
      guard latents.map == nil, let units = latents.units else {
        XCTAssertThrowsError(try stage(), name) { error in
          let message = "\((error as? RecipeError)?.message ?? "")"
          XCTAssertTrue(
            message.contains("stage mixture is for one layer of real units"), message)
        }
        continue
      }
      let next = try stage()
      XCTAssertEqual(next.model.prior.latents.units, units, name)
      XCTAssertEqual(try train(next).outcome, .finished, name)
      let (before, after) = try (terms(first.model), terms(next.model))
      XCTAssertEqual(after.distortion, before.distortion, name)
      XCTAssertTrue(after.rate.isFinite, name)
      let images = try next.sample(count: 3)
      XCTAssertEqual(images.shape, [3, 8, 8, 1], name)
      XCTAssertTrue(images.isFinite, name)
      fitted += 1
    }
    XCTAssertGreaterThanOrEqual(fitted, 6)
  }

  func testAMixtureLowersTheRateAndLeavesEverythingElseAsItIs() throws {
    let first = try trained("gaussian-vae", epochs: 200)
    let next = try first.stage("mixture", registry: SmallModels.registry)
    let (outcome, records, notices) = try train(next)
    XCTAssertEqual(outcome, .finished)
    // The whole fit is one update.
    XCTAssertEqual(records.map(\.step), [1])
    XCTAssertTrue(records[0].train.distortion.isNaN)
    XCTAssertTrue(notices.contains { $0.contains("the mixture has ") }, "\(notices)")
    let (before, after) = try (terms(first.model), terms(next.model))
    XCTAssertEqual(after.distortion, before.distortion)
    XCTAssertLessThan(after.rate, before.rate)
    // What the fit says of its own draws is the rate of the same examples, but for other draws.
    XCTAssertEqual(records[0].train.rate, after.rate, accuracy: 0.5)
    for (name, values) in first.model.weights where !name.hasPrefix("prior.") {
      let own = next.model.weights.first { $0.name == name }
      XCTAssertEqual(own?.values.floats, values.floats, name)
    }
    // Another stage may follow, and a stored model is one like any other.
    let copy = try TrainedModel.open(
      bytes: next.encoded(), source: "copy", registry: SmallModels.registry)
    XCTAssertEqual(try terms(copy.model).rate, after.rate)
    let third = try copy.stage("mixture", registry: SmallModels.registry)
    XCTAssertEqual(third.recipe.stages.map(\.name), ["model", "mixture", "mixture"])
  }

  func testAClassMixtureMakesAModelOfThePlainOneThatIsToldTheClass() throws {
    let first = try trained("gaussian-vae", epochs: 20)
    let next = try first.stage(
      "class-mixture", on: data, settings: [(key: "prior.components", value: "1")],
      registry: SmallModels.registry)
    let told = try XCTUnwrap(next.model.condition)
    XCTAssertEqual(told.kind, .label)
    let (_, _, notices) = try train(next)
    XCTAssertTrue(notices.contains { $0.contains("the mixtures of ") }, "\(notices)")
    let prior = try XCTUnwrap(next.model.prior as? FittedClassMixturePrior)
    // One Gaussian of a class is that of its draws: the means differ from class to class, and are those of the latents.
    let encoding = try first.encode(data.train, seed: 0)
    let (latents, labels) = try (
      XCTUnwrap(encoding.mean), XCTUnwrap(data.train.labels)
    )
    for index in 0..<told.width {
      let rows = labels.indices.filter { Int(labels[$0]) == index }.map(Int32.init)
      let mean = latents.gathering(Tensor(indices: rows)).mean(axis: 0).floats
      for (a, b) in zip(prior.classes[index].means.value.floats, mean) {
        XCTAssertEqual(a, b, accuracy: 0.5)
      }
    }
    XCTAssertTrue(try terms(next.model).rate.isFinite)
    XCTAssertEqual(try terms(next.model).distortion, try terms(first.model).distortion)
    let copy = try TrainedModel.open(
      bytes: next.encoded(), source: "copy", registry: SmallModels.registry)
    XCTAssertEqual(
      try copy.sample(count: 4, condition: told.rows(labels: [1])).floats,
      try next.sample(count: 4, condition: told.rows(labels: [1])).floats)
  }

  // MARK: Priors that gradients train

  /// Settings under which a flow learns quickly, and then the examples by heart.
  private let fast = [
    (key: "training.batch_size", value: "9"), (key: "training.learning_rate", value: "0.02"),
    (key: "prior.flow_hidden", value: "12"), (key: "prior.flow_steps", value: "2"),
    (key: "training.patience", value: "3"), (key: "training.epochs", value: "60"),
  ]

  func testAFlowAndASecondAutoencoderLearnTheLatentsOfModelsOfEveryKind() throws {
    for name in ["gaussian-vae", "flow-vae", "conditional-vae", "vampprior-vae", "pixelcnn-vae"] {
      let first = try trained(name, epochs: name == "gaussian-vae" ? 60 : 4)
      for stage in ["flow", "two-stage"] {
        let sizes = fast.filter { stage == "flow" || !$0.key.hasPrefix("prior.") }
        let next = try first.stage(
          stage,
          settings: sizes + (stage == "flow" ? [] : [(key: "prior.stage_hidden", value: "9")]),
          registry: SmallModels.registry)
        let records = try train(next).records
        let (before, after) = try (terms(first.model), terms(next.model))
        XCTAssertEqual(after.distortion, before.distortion, "\(name), \(stage)")
        XCTAssertTrue(after.rate.isFinite, "\(name), \(stage)")
        if name == "gaussian-vae", stage == "flow" { XCTAssertLessThan(after.rate, before.rate) }
        // It learns, and ends with the best of what it came to.
        let costs = records.compactMap { $0.valid.map { -$0.elbo } }
        XCTAssertLessThan(costs.min() ?? .nan, costs[0], "\(name), \(stage)")
        XCTAssertTrue(try next.sample(count: 3).isFinite, "\(name), \(stage)")
        // A tenth of the examples was held out of the stage.
        XCTAssertEqual(records[0].step, 9, "\(name), \(stage)")
        for (path, values) in first.model.weights where !path.hasPrefix("prior.") {
          let own = next.model.weights.first { $0.name == path }
          XCTAssertEqual(own?.values.floats, values.floats, path)
        }
      }
    }
    let ladder = try trained("ladder-vae", epochs: 1)
    for stage in ["flow", "two-stage"] {
      XCTAssertThrowsError(try ladder.stage(stage, registry: SmallModels.registry)) { error in
        let message = "\((error as? RecipeError)?.message ?? "")"
        XCTAssertTrue(message.contains("stage \(stage) is for one layer of real units"), message)
      }
    }
  }

  func testAStageThatStopsByHeldOutExamplesEndsWithItsBestWeightsInterruptedOrNot() throws {
    let first = try trained("gaussian-vae", epochs: 60)
    let folder = FileManager.default.temporaryDirectory.path + "/flow-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    func stage() throws -> TrainedModel {
      try first.stage(
        "flow",
        settings: fast.map {
          $0.key == "training.learning_rate" ? (key: $0.key, value: "0.1") : $0
        },
        registry: SmallModels.registry)
    }
    let whole = try stage()
    let (_, records, notices) = try train(whole, run: folder + "/whole")
    let costs = records.compactMap { $0.valid.map { -$0.elbo } }
    let best = try XCTUnwrap(costs.indices.min { costs[$0] < costs[$1] })
    XCTAssertEqual(best, costs.count - 4, "\(costs)")
    XCTAssertTrue(notices.contains { $0.contains("its weights are kept") }, "\(notices)")
    // What the stage leaves as it is, is not kept a second time.
    let kept = try XCTUnwrap(
      RunFolder.create(at: folder + "/whole", resume: true).storedCheckpoint()
    ).optimizer.entries.map(\.name).filter { $0.hasPrefix("plain.") }
    XCTAssertFalse(kept.isEmpty)
    XCTAssertEqual(kept.filter { !$0.hasPrefix("plain.prior.") }, [])
    // The run, its exported model and the model in memory have the weights of the best epoch.
    let valid = try XCTUnwrap(whole.withSplits(data).validation)
    let stored = try ["/whole", "/whole/model.safetensors"].map {
      try TrainedModel.open(folder + $0, registry: SmallModels.registry).model
    }
    for model in stored + [whole.model] {
      let seed = TrainingOptions(whole.recipe.training).seed
      let found = try XCTUnwrap(
        Evaluator(model: model, examples: whole.examples(valid), seed: seed).run())
      XCTAssertEqual(-found.elbo.mean, costs[best], accuracy: 1e-4)
    }
    // Stopped before or after the best epoch and continued, it comes to the same.
    for epoch in [best, best + 3] {
      let path = folder + "/stopped-\(epoch)"
      let stopped = try train(stage(), run: path, stoppingAfter: epoch)
      XCTAssertEqual(stopped.outcome, .cancelled)
      let shared = path + "-shared"
      try FileManager.default.copyItem(atPath: path, toPath: shared)
      let continued = try stage()
      XCTAssertEqual(try train(continued, run: path, existing: .resume).outcome, .finished)
      for (a, b) in zip(continued.model.weights, whole.model.weights) {
        XCTAssertEqual(a.values.floats, b.values.floats, "\(a.name), \(epoch)")
      }
      // After the best epoch, two processes both end with it.
      guard epoch > best else { continue }
      let models = try [stage(), stage()]
      XCTAssertEqual(
        Self.trainTogether(models, run: shared),
        [String](repeating: "finished, resumed: true", count: 2))
      for model in models {
        for (a, b) in zip(model.model.weights, whole.model.weights) {
          XCTAssertEqual(a.values.floats, b.values.floats, a.name)
        }
      }
    }
  }

  func testTheBestWeightsOfAStageAreTheAveragedOnesThatWereMeasured() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/average-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let stage = try trained("gaussian-vae", epochs: 60).stage(
      "flow",
      settings: fast.map {
        $0.key == "training.learning_rate" ? (key: $0.key, value: "0.1") : $0
      } + [(key: "training.average_decay", value: "0.9")],
      registry: SmallModels.registry)
    let (_, records, _) = try train(stage, run: folder)
    let costs = records.compactMap { $0.valid.map { -$0.elbo } }
    let best = try XCTUnwrap(costs.indices.min { costs[$0] < costs[$1] })
    XCTAssertLessThan(best, costs.count - 1, "\(costs)")
    let valid = try XCTUnwrap(stage.withSplits(data).validation)
    let found = try XCTUnwrap(
      Evaluator(
        model: stage.model, examples: stage.examples(valid),
        seed: TrainingOptions(stage.recipe.training).seed
      ).run())
    XCTAssertEqual(-found.elbo.mean, costs[best], accuracy: 1e-4)
  }

  func testATrainingEndsByNamingTheStagesWhereItsLatentsLieFarFromThePrior() throws {
    let data = SmallModels.data(train: 1040)
    for (beta, isFar) in [("0.0001", true), ("100", false)] {
      let recipe = try SmallModels.recipe(
        "beta-vae", data: data, [(key: "objective.beta", value: beta)])
      let trainer = try Trainer(
        model: SmallModels.registry.model(recipe, seed: 3), data: data,
        options: SmallModels.options(epochs: 4))
      var named = false
      _ = try trainer.train { event in
        if case .notice(let notice) = event {
          named = named || "\(notice)".contains("the stage flow")
        }
      }
      XCTAssertEqual(named, isFar, "beta \(beta)")
    }
  }

  /// Images that can be read until they are taken away, and how many of them were asked for at a time since.
  private final class VanishingStore: ExampleStore {
    let count: Int
    let shape = ImageShape(height: 28, width: 28, channels: 1)
    private let state = Mutex((isGone: false, most: 0, fault: DataError?.none))

    init(count: Int) { self.count = count }

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      destination.update(repeating: 0)
      for (row, index) in indices.enumerated() {
        for place in 0..<28 { destination[row * shape.count + index % 28 * 28 + place] = 1 }
      }
      state.withLock {
        guard $0.isGone else { return }
        $0.most = max($0.most, indices.count)
        $0.fault = DataError(.unusable, "images are gone")
      }
    }

    func takeFault() -> DataError? {
      state.withLock { state in
        defer { state.fault = nil }
        return state.fault
      }
    }

    func vanish() { state.withLock { $0.isGone = true } }
    var most: Int { state.withLock { $0.most } }
  }

  func testWhatIsLookedAtForANoticeIsNoLargerThanAPassMayBeAndCostsNothingWhereItCannotBeRead()
    throws
  {
    let store = VanishingStore(count: 1040)
    let data = DataSource(
      name: "images", valueRange: .binary, rule: "binary", isDiscrete: true,
      train: DataSplit(name: "train", store: store),
      test: DataSplit(name: "test", store: VanishingStore(count: 8)))
    let recipe = try SmallModels.recipe("gaussian-vae", data: data)
    let folder = FileManager.default.temporaryDirectory.path + "/notice-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let run = try RunFolder.create(at: folder)
    let trainer = try Trainer(
      model: SmallModels.registry.model(recipe, seed: 3), data: data,
      options: SmallModels.options(epochs: 4, batchSize: 20))
    let outcome = try trainer.train(run: run) { event in
      if case .epoch(let record) = event, record.epoch == 4 { store.vanish() }
    }
    XCTAssertEqual(outcome, .finished)
    XCTAssertEqual(try run.readMetrics().lines.count, 4)
    XCTAssertEqual(try run.latestCheckpoint()?.step, trainer.totalSteps)
    let limit = Evaluator.rowLimit(for: store.shape)
    XCTAssertLessThan(limit, 500)
    XCTAssertEqual(store.most, limit, "images at a time")
  }

  func testAFitThatIsStoppedLeavesThePriorAsItWas() throws {
    let next = try trained("gaussian-vae").stage("mixture", registry: SmallModels.registry)
    let before = next.model.weights.map(\.values.floats)
    let cancel = CancelToken()
    cancel.cancel()
    let (outcome, records, _) = try train(next, cancel: cancel)
    XCTAssertEqual(outcome, .cancelled)
    XCTAssertTrue(records.isEmpty)
    XCTAssertEqual(next.model.weights.map(\.values.floats), before)
    // Of two processes each fits the whole, and one that is asked to stop stops both in the middle.
    let first = try trained("gaussian-vae")
    let models = try (0..<2).map { _ in
      try first.stage("mixture", registry: SmallModels.registry)
    }
    func values() -> [[[Float]]] { models.map { $0.model.weights.map(\.values.floats) } }
    let unfitted = values()
    XCTAssertEqual(
      Self.trainTogether(models, cancelled: 1),
      [String](repeating: "cancelled, resumed: false", count: 2))
    XCTAssertEqual(values(), unfitted)
  }

  func testAPriorOverUnitsLearnsFromLatentsByGradientsToo() throws {
    var registry = SmallModels.registry
    registry.register(
      FurtherStage(
        name: "diagonal", summary: "a mixture that gradients train",
        latents: "one layer of real units",
        parts: { latents in
          latents.units.map {
            [
              .prior: Composition.Choice(
                "gaussian-mixture", ["latent": .integer($0), "components": .integer(4)])
            ]
          }
        }, trains: ["prior."], data: .latents))
    // Its objective looks at a second batch and has a discriminator, which a prior has no use for.
    for name in ["gaussian-vae", "factor-vae"] {
      let first = try trained(name, epochs: 8)
      let next = try first.stage(
        "diagonal",
        settings: [
          (key: "training.epochs", value: "30"), (key: "training.learning_rate", value: "0.02"),
          (key: "training.batch_size", value: "30"),
        ], registry: registry)
      let start = try terms(next.model)
      let (_, records, _) = try train(next)
      XCTAssertEqual(records.last?.step, 90)
      let end = try terms(next.model)
      XCTAssertEqual(end.distortion, start.distortion)
      XCTAssertLessThan(end.rate, start.rate, name)
      for (path, values) in first.model.weights where !path.hasPrefix("prior.") {
        let own = next.model.weights.first { $0.name == path }
        XCTAssertEqual(own?.values.floats, values.floats, path)
      }
    }
  }
}
