import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles
import VAERecipes
import VAETraining
import XCTest

final class TrainerTests: XCTestCase {
  func testTrainingLowersTheHeldOutBoundAndReportsEveryEpoch() throws {
    let trainer = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(),
      options: TrainingSupport.options(epochs: 40))
    var records: [EpochRecord] = []
    let outcome = try trainer.train { if case .epoch(let record) = $0 { records.append(record) } }
    guard case .finished = outcome else { return XCTFail("\(outcome)") }
    XCTAssertEqual(records.map(\.epoch), Array(1...40))
    XCTAssertEqual(records.map(\.step), (1...40).map { $0 * 4 })
    let first = try XCTUnwrap(records.first?.valid)
    let last = try XCTUnwrap(records.last?.valid)
    XCTAssertLessThan(-last.elbo, -first.elbo - 3)
    XCTAssertEqual(last.elbo, -(last.rate + last.distortion))
  }

  func testAnEpochVisitsEveryExampleOnceAndTheNextInAnotherOrder() {
    let random = RandomSource(seed: 1)
    let first = EpochOrder(epoch: 0, count: 1000, random: random)
    let second = EpochOrder(epoch: 1, count: 1000, random: random)
    XCTAssertEqual(first.indices.sorted(), Array(0..<1000))
    XCTAssertNotEqual(first.indices, second.indices)
    XCTAssertEqual(first.indices, EpochOrder(epoch: 0, count: 1000, random: random).indices)
    XCTAssertEqual(first.batch(3, size: 300), Array(first.indices[900..<1000]))
  }

  func testTheLastShortBatchIsDroppedOrKeptAsAsked() throws {
    var options = TrainingSupport.options()
    XCTAssertEqual(
      try Trainer(model: TrainingSupport.model(), data: TrainingSupport.stripes(), options: options)
        .updatesPerEpoch, 4)
    options.dropLast = false
    XCTAssertEqual(
      try Trainer(model: TrainingSupport.model(), data: TrainingSupport.stripes(), options: options)
        .updatesPerEpoch, 5)
    options.dropLast = true
    options.batchSize = 71
    XCTAssertThrowsError(
      try Trainer(model: TrainingSupport.model(), data: TrainingSupport.stripes(), options: options)
    ) { XCTAssertTrue("\($0)".contains("70 training examples, fewer than a batch of 71"), "\($0)") }
  }

  func testFromTheThirdStepOnNoTensorStorageIsTakenFromTheSystem() throws {
    for convolutional in [false, true] {
      let trainer = try Trainer(
        model: TrainingSupport.model(convolutional: convolutional), data: TrainingSupport.stripes(),
        options: TrainingSupport.options(epochs: 100))
      for _ in 0..<2 { _ = try trainer.update() }
      let before = MemoryPool.shared.statistics.systemAllocations
      for _ in 0..<20 { _ = try trainer.update() }
      XCTAssertEqual(MemoryPool.shared.statistics.systemAllocations, before)
    }
  }

  func testBackwardLeavesNoTensorOfTheTapeAlive() throws {
    let trainer = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(),
      options: TrainingSupport.options(epochs: 100))
    for _ in 0..<2 { _ = try trainer.update() }
    let before = MemoryPool.shared.statistics.bytesInUse
    for _ in 0..<5 { _ = try trainer.update() }
    XCTAssertEqual(MemoryPool.shared.statistics.bytesInUse, before)
  }

  func testSameSeedAndThreadsGiveIdenticalWeights() throws {
    func train() throws -> [String: [Float]] {
      let trainer = try Trainer(
        model: TrainingSupport.model(convolutional: true), data: TrainingSupport.stripes(),
        options: TrainingSupport.options())
      _ = try trainer.train()
      return TrainingSupport.weights(trainer.model)
    }
    XCTAssertEqual(try train(), try train())
  }

  func testOneAndTwoThreadsAgreeOverTheFirstTwentySteps() throws {
    func losses(threads: Int) throws -> [Double] {
      let before = Engine.threads
      Engine.threads = threads
      defer { Engine.threads = before }
      let trainer = try Trainer(
        model: TrainingSupport.model(), data: TrainingSupport.stripes(),
        options: TrainingSupport.options(epochs: 10))
      return try (0..<20).map { _ in -(try trainer.update().elbo) }
    }
    for (one, two) in zip(try losses(threads: 1), try losses(threads: 2)) {
      XCTAssertEqual(one, two, accuracy: 1e-4 * abs(one))
    }
  }

  func testWhereTheEndOfAnEpochFailsTheBuffersAreWhatTheyWere() throws {
    /// Images that cannot be read while they are damaged.
    final class DamagedStore: ExampleStore {
      private let images = StripeStore(count: 20)
      private let state = Lock((isDamaged: true, isRead: false))
      var count: Int { images.count }
      var shape: ImageShape { images.shape }

      func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
        images.write(indices, into: destination)
        state.withLock { $0.isRead = true }
      }

      func takeFault() -> DataError? {
        state.withLock { state in
          defer { state.isRead = false }
          return state.isDamaged && state.isRead ? DataError(.unusable, "the images are gone") : nil
        }
      }

      func repair() { state.withLock { $0.isDamaged = false } }
    }
    let store = DamagedStore()
    let data = DataSource(
      name: "stripes", valueRange: .binary, rule: "binary", isDiscrete: true,
      train: TrainingSupport.stripes().train, validation: nil,
      test: DataSplit(name: "test", store: store))
    let model = TrainingSupport.model(convolutional: true)
    let trainer = try Trainer(model: model, data: data, options: TrainingSupport.options())
    func buffers() -> [[Float]] { model.buffers.map { $0.buffer.value.floats } }
    for _ in 0..<3 { try trainer.advance() }
    let before = buffers()
    XCTAssertFalse(before.isEmpty)
    XCTAssertThrowsError(try trainer.advance()) {
      XCTAssertTrue("\($0)".contains("the images are gone"), "\($0)")
    }
    XCTAssertEqual(buffers(), before)
    // The epoch is still open, and ends where the training goes on.
    store.repair()
    var epochs: [Int] = []
    try trainer.advance { if case .epoch(let record) = $0 { epochs.append(record.epoch) } }
    XCTAssertEqual(epochs, [1])
    XCTAssertNotEqual(buffers(), before)
  }

  func testAnUpdateOnAGivenBatchKnowsHowManyEpochsHavePassed() throws {
    final class Listener: Objective {
      var heard: [Double] = []
      var members: Members { [:] }
      var requirements: ObjectiveRequirements { ObjectiveRequirements() }
      var phases: [Phase] {
        [
          Phase(name: "model") { [self] pass in
            heard.append(pass.context.epochs)
            return Loss((pass.evaluation.distortion + pass.evaluation.rate).mean())
          }
        ]
      }
    }
    let listener = Listener()
    let data = TrainingSupport.stripes()
    let trainer = try Trainer(
      model: TrainingSupport.model(objective: listener), data: data,
      options: TrainingSupport.options())
    let batch = data.train.batch(Array(0..<16))
    for step in 0..<6 { try trainer.advance(on: step.isMultiple(of: 3) ? nil : batch) }
    XCTAssertEqual(listener.heard, [0, 0.25, 0.5, 0.75, 1, 1.25])
  }

  func testAnInterruptedAndResumedTrainingEndsBitForBitLikeAnUninterruptedOne() throws {
    for averageDecay in [0, 0.9] {
      for convolutional in [false, true] {
        var options = TrainingSupport.options()
        options.averageDecay = averageDecay
        options.clipNorm = 20
        options.schedule = .cosine
        let data = TrainingSupport.stripes()
        let whole = try Trainer(
          model: TrainingSupport.model(convolutional: convolutional), data: data, options: options)
        let wholeRun = try RunFolder.create(
          at: TrainingSupport.temporaryFolder(self), force: false, resume: false)
        _ = try whole.train(run: wholeRun)

        // Stopped in the middle of the second epoch, by a token; the next trainer knows only the
        // files.
        let path = TrainingSupport.temporaryFolder(self)
        let part = try Trainer(
          model: TrainingSupport.model(convolutional: convolutional), data: data, options: options)
        let cancel = CancelToken()
        let outcome = try part.train(
          run: try RunFolder.create(at: path, force: false, resume: false), cancel: cancel
        ) { if case .step(6, _, _, _) = $0 { cancel.cancel() } }
        guard case .cancelled = outcome else { return XCTFail("\(outcome)") }
        let rest = try Trainer(
          model: TrainingSupport.model(seed: 99, convolutional: convolutional), data: data,
          options: options)
        let run = try RunFolder.create(at: path, force: false, resume: true)
        try rest.restore(try XCTUnwrap(try run.storedCheckpoint()))
        XCTAssertEqual(rest.step, 6)
        _ = try rest.train(run: run)

        let weights = TrainingSupport.weights(rest.model)
        XCTAssertEqual(weights, TrainingSupport.weights(whole.model))
        let stored = try XCTUnwrap(try run.storedCheckpoint())
        let wholeStored = try XCTUnwrap(try wholeRun.storedCheckpoint())
        XCTAssertEqual(stored.weights.encoded(), wholeStored.weights.encoded())
        XCTAssertEqual(stored.optimizer.encoded(), wholeStored.optimizer.encoded())
      }
    }
  }

  func testWeightsStoredWithinAnEpochComeWithStatisticsThatSuitThem() throws {
    let trainer = try Trainer(
      model: TrainingSupport.model(convolutional: true), data: TrainingSupport.stripes(),
      options: TrainingSupport.options(epochs: 2))
    XCTAssertTrue(trainer.model.usesCalibration)
    let own = trainer.model.buffers.map { $0.buffer.value.floats }
    let run = try RunFolder.create(
      at: TrainingSupport.temporaryFolder(self), force: false, resume: false)
    let cancel = CancelToken()
    _ = try trainer.train(run: run, cancel: cancel) {
      if case .step(2, _, _, _) = $0 { cancel.cancel() }
    }
    XCTAssertEqual(trainer.model.buffers.map { $0.buffer.value.floats }, own)
    let opened = TrainingSupport.model(convolutional: true)
    try opened.load(XCTUnwrap(run.storedCheckpoint()).weights)
    for (stored, before) in zip(opened.buffers, own) {
      XCTAssertNotEqual(stored.buffer.value.floats, before, stored.path)
    }
  }

  func testATwoPhaseObjectiveTrainsItsOwnGroupsAndResumesThroughTheOrdinaryTrainer() throws {
    func make(_ seed: UInt64) throws -> (Trainer, AdversarialObjective) {
      let objective = AdversarialObjective(units: 3, random: RandomSource(seed: seed).child("d"))
      let model = TrainingSupport.model(seed: seed, objective: objective)
      return (
        try Trainer(
          model: model, data: TrainingSupport.stripes(), options: TrainingSupport.options(epochs: 4)
        ),
        objective
      )
    }
    let (whole, objective) = try make(3)
    let before = objective.discriminator.parameters.map { $0.parameter.value.floats }
    var terms: Set<String> = []
    _ = try whole.train {
      if case .epoch(let record) = $0 { terms.formUnion(record.terms.map(\.name)) }
    }
    XCTAssertEqual(terms, ["density_ratio", "discriminator_loss"])
    XCTAssertNotEqual(objective.discriminator.parameters.map { $0.parameter.value.floats }, before)
    XCTAssertTrue(whole.model.parameters.allSatisfy(\.parameter.isTrainable))

    let path = TrainingSupport.temporaryFolder(self)
    let (part, _) = try make(3)
    let cancel = CancelToken()
    _ = try part.train(
      run: try RunFolder.create(at: path, force: false, resume: false), cancel: cancel
    ) { if case .step(7, _, _, _) = $0 { cancel.cancel() } }
    let (rest, _) = try make(41)
    let run = try RunFolder.create(at: path, force: false, resume: true)
    try rest.restore(try XCTUnwrap(try run.storedCheckpoint()))
    _ = try rest.train(run: run)
    XCTAssertEqual(TrainingSupport.weights(rest.model), TrainingSupport.weights(whole.model))
  }

  func testAPhaseChangesTheParametersOfItsGroupOnly() throws {
    let objective = AdversarialObjective(units: 3, random: RandomSource(seed: 1))
    let model = TrainingSupport.model(objective: objective)
    let context = Context(mode: .training, random: RandomSource(seed: 0), examples: Array(0..<8))
    let batch = Examples(TrainingSupport.stripes().train).batch(Array(0..<8), context)
    for (path, parameter) in model.parameters {
      parameter.isTrainable = ParameterGroup.objective.contains(path)
    }
    let pass = ForwardPass(model, batch, second: (batch, context), DrawRequest(), context)
    let gradients = objective.phases[1].loss(pass).value.backward()
    for (path, parameter) in model.parameters {
      XCTAssertEqual(gradients[parameter] != nil, path.hasPrefix("objective."), path)
    }
  }

  func testAModelThatDivergesStopsWithStepAndTermAndKeepsTheLastGoodCheckpoint() throws {
    let path = TrainingSupport.temporaryFolder(self)
    let run = try RunFolder.create(at: path, force: false, resume: false)
    let trainer = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(),
      options: TrainingSupport.options(epochs: 5))
    var poisoned = false
    XCTAssertThrowsError(
      try trainer.train(run: run) { event in
        if case .step(6, _, _, _) = event {
          trainer.model.parameters[0].parameter.value = Tensor(
            repeating: .nan, shape: trainer.model.parameters[0].parameter.shape)
          poisoned = true
        }
      }
    ) { error in
      XCTAssertEqual((error as? TrainingError)?.kind, .diverged)
      XCTAssertTrue("\(error)".contains("step 7: the distortion"), "\(error)")
    }
    XCTAssertTrue(poisoned)
    let stored = try XCTUnwrap(try run.storedCheckpoint())
    XCTAssertEqual(stored.step, 4)
    try TrainingSupport.model().load(stored.weights)
  }

  func testAGradientThatIsNotFiniteStopsTheUpdateNamingItsParameterAndChangesNothing() throws {
    for clipNorm in [0, 10.0] {
      for value in [Float.nan, .infinity, -.infinity, 3e38] {
        var options = TrainingSupport.options()
        options.clipNorm = clipNorm
        let trainer = try Trainer(
          model: TrainingSupport.model(), data: TrainingSupport.stripes(), options: options)
        _ = try trainer.update()
        let (path, parameter) = trainer.model.parameters[2]
        trainer.reduceGradients = { gradients in
          var values = gradients[parameter]?.floats ?? []
          values[values.count - 1] = value
          gradients[parameter] = Tensor(values).reshaped(to: parameter.shape)
        }
        let weights = TrainingSupport.weights(trainer.model)
        // What is clipped may be as large as it likes.
        guard value.isFinite && clipNorm > 0 else {
          XCTAssertThrowsError(try trainer.update(), "\(value) at \(clipNorm)") { error in
            XCTAssertEqual((error as? TrainingError)?.kind, .diverged)
            XCTAssertTrue("\(error)".contains("step 2: the gradient of \(path)"), "\(error)")
          }
          XCTAssertEqual(TrainingSupport.weights(trainer.model), weights)
          XCTAssertEqual(trainer.step, 1)
          trainer.reduceGradients = { _ in }
          _ = try trainer.update()
          XCTAssertTrue(trainer.model.parameters.allSatisfy(\.parameter.value.isFinite))
          continue
        }
        _ = try trainer.update()
        XCTAssertTrue(trainer.model.parameters.allSatisfy(\.parameter.value.isFinite))
      }
    }
  }

  func testWhatACallerHasFrozenStaysFrozenInEveryPhaseAndStage() throws {
    let objective = AdversarialObjective(units: 3, random: RandomSource(seed: 1))
    let whole = try Trainer(
      model: TrainingSupport.model(objective: objective), data: TrainingSupport.stripes(),
      options: TrainingSupport.options())
    let stage = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(),
      options: TrainingSupport.options(), stage: Stage(name: "decoder", trains: ["decoder."]))
    for trainer in [whole, stage] {
      let parameters = trainer.model.parameters
      let chosen = parameters.filter {
        $0.path.hasSuffix("layers.0.weights") || $0.path.hasPrefix("encoder.")
      }
      XCTAssertGreaterThan(chosen.count, 3)
      for (_, parameter) in chosen { parameter.isTrainable = false }
      let before = TrainingSupport.weights(trainer.model)
      for _ in 0..<2 { _ = try trainer.update() }
      let after = TrainingSupport.weights(trainer.model)
      for (path, parameter) in parameters {
        let isFrozen = chosen.contains { $0.path == path }
        XCTAssertEqual(parameter.isTrainable, !isFrozen, path)
        XCTAssertEqual(after[path] == before[path], isFrozen, path)
      }
    }
  }

  func testWeightsThatAreNotFiniteAreNeverWritten() throws {
    let run = try RunFolder.create(
      at: TrainingSupport.temporaryFolder(self), force: false, resume: false)
    let trainer = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(),
      options: TrainingSupport.options())
    trainer.model.parameters[1].parameter.value = Tensor(
      repeating: .infinity, shape: trainer.model.parameters[1].parameter.shape)
    XCTAssertThrowsError(try trainer.writeCheckpoint(to: run)) {
      XCTAssertTrue("\($0)".contains(trainer.model.parameters[1].path), "\($0)")
    }
    XCTAssertNil(try run.storedCheckpoint())
  }

  func testARefusedCheckpointLeavesTheModelAsItWas() throws {
    var options = TrainingSupport.options()
    options.averageDecay = 0.9
    let run = try RunFolder.create(
      at: TrainingSupport.temporaryFolder(self), force: false, resume: false)
    let data = TrainingSupport.stripes()
    _ = try Trainer(model: TrainingSupport.model(), data: data, options: options).train(run: run)
    let good = try XCTUnwrap(try run.readLatestCheckpoint())
    let optimizer = try Safetensors(
      parsing: XCTUnwrap(good.files[CheckpointFile.optimizer]), path: "optimizer")
    for name in ["model.first.encoder.head.bias", "plain.decoder.head.bias"] {
      for value in [Float.nan, .infinity] {
        var tensors: [(name: String, values: Tensor)] = []
        for entry in optimizer.entries {
          var values = try optimizer.floats(entry.name, shape: entry.shape)
          if entry.name == name { values[0] = value }
          tensors.append((entry.name, Tensor(values).reshaped(to: Shape(entry.shape))))
        }
        var files = good.files
        files[CheckpointFile.optimizer] = Safetensors(tensors: tensors).sealed()
        let checkpoint = try StoredCheckpoint(files: files, step: good.step, source: "checkpoint")
        let model = TrainingSupport.model(seed: 99)
        let before = TrainingSupport.weights(model)
        let trainer = try Trainer(model: model, data: data, options: options)
        XCTAssertThrowsError(try trainer.restore(checkpoint)) {
          XCTAssertTrue("\($0)".contains("optimizer.safetensors: \(name)"), "\($0)")
        }
        XCTAssertEqual(TrainingSupport.weights(model), before)
        XCTAssertEqual(trainer.step, 0)
      }
    }
  }

  func testACheckpointOfAnotherDataSizeIsRefused() throws {
    let path = TrainingSupport.temporaryFolder(self)
    let run = try RunFolder.create(at: path, force: false, resume: false)
    _ = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(),
      options: TrainingSupport.options(epochs: 1)
    ).train(run: run)
    let other = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(train: 140),
      options: TrainingSupport.options(epochs: 1))
    XCTAssertThrowsError(try other.restore(try XCTUnwrap(try run.storedCheckpoint()))) {
      XCTAssertTrue("\($0)".contains("4 updates an epoch"), "\($0)")
    }
  }

  func testDynamicBinarizationIsDrawnAnewAtEveryStepAndFixedForEvaluation() {
    struct Grey: ExampleStore {
      let count = 4
      let shape = ImageShape(height: 20, width: 20, channels: 1)
      func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
        for (row, index) in indices.enumerated() {
          for pixel in 0..<400 { destination[row * 400 + pixel] = [0, 0.25, 0.5, 1][index] }
        }
      }
    }
    let examples = Examples(DataSplit(name: "train", store: Grey()), binarization: .dynamic)
    func batch(_ step: Int, _ indices: [Int]) -> [Float] {
      examples.batch(
        indices,
        Context(
          mode: .training, step: step, random: RandomSource(seed: 2),
          examples: indices.map(UInt64.init))
      ).floats
    }
    let values = batch(0, [0, 1, 2, 3])
    XCTAssertEqual(Set(values), [0, 1])
    XCTAssertTrue(values[0..<400].allSatisfy { $0 == 0 })
    XCTAssertTrue(values[1200..<1600].allSatisfy { $0 == 1 })
    XCTAssertEqual(values[400..<800].reduce(0, +) / 400, 0.25, accuracy: 0.09)
    XCTAssertEqual(values, batch(0, [0, 1, 2, 3]))
    XCTAssertNotEqual(values, batch(1, [0, 1, 2, 3]))
    XCTAssertEqual(Array(values[800..<1200]), batch(0, [2]))
  }
}
