import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles
import VAERecipes
import VAETraining
import XCTest

/// Numbers of a training by their formulas: means of epochs, limits of gradients, when it stops, and what is written of it.
final class TrainingFigureTests: XCTestCase {
  private func trainer(_ options: TrainingOptions) throws -> Trainer {
    try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(), options: options)
  }

  // MARK: Epochs

  func testAnEpochIsTheMeanOfItsUpdatesTheShortOneCountingAsTheOthers() throws {
    var options = TrainingSupport.options(epochs: 2, batchSize: 16)
    options.dropLast = false
    var steps: [(number: Int, total: Int, epoch: Int, terms: BoundTerms)] = []
    var records: [EpochRecord] = []
    _ = try trainer(options).train {
      if case .step(let number, let total, let epoch, let terms) = $0 {
        steps.append((number, total, epoch, terms))
      }
      if case .epoch(let record) = $0 { records.append(record) }
    }
    // Four batches of 16 examples, and one of 6.
    XCTAssertEqual(steps.map(\.number), Array(1...10))
    XCTAssertEqual(steps.map(\.epoch), [1, 1, 1, 1, 1, 2, 2, 2, 2, 2])
    XCTAssertEqual(Set(steps.map(\.total)), [10])
    for (number, record) in records.enumerated() {
      let own = steps[5 * number..<5 * number + 5].map(\.terms)
      XCTAssertEqual(
        record.train.distortion, own.reduce(0) { $0 + $1.distortion } / 5, accuracy: 1e-9)
      XCTAssertEqual(record.train.rate, own.reduce(0) { $0 + $1.rate } / 5, accuracy: 1e-9)
      XCTAssertEqual(record.train.elbo, -(record.train.rate + record.train.distortion))
      XCTAssertEqual([record.epoch, record.step], [number + 1, 5 * number + 5])
    }
  }

  func testARecordIsWrittenByItsNames() throws {
    let record = EpochRecord(
      epoch: 3, step: 17, train: BoundTerms(distortion: 5.5, rate: 2.25),
      valid: BoundTerms(distortion: 6, rate: .nan), terms: [("game", 0.5), ("norm", -3)],
      seconds: 1.234_56)
    let object = try XCTUnwrap(record.json.object)
    XCTAssertEqual(
      object.members.map(\.name), ["epoch", "step", "train", "valid", "terms", "seconds"])
    XCTAssertEqual([object["epoch"]?.integer, object["step"]?.integer], [3, 17])
    let train = try XCTUnwrap(object["train"]?.object)
    XCTAssertEqual(train["elbo"]?.double, -7.75)
    XCTAssertEqual([train["rate"]?.double, train["distortion"]?.double], [2.25, 5.5])
    XCTAssertEqual(object["valid"]?.object?["rate"], .null)
    XCTAssertEqual(object["valid"]?.object?["distortion"]?.double, 6)
    XCTAssertEqual(object["terms"]?.object?["game"]?.double, 0.5)
    XCTAssertEqual(object["terms"]?.object?["norm"]?.double, -3)
    XCTAssertEqual(object["seconds"]?.double, 1.2346)
    let bare = EpochRecord(
      epoch: 1, step: 1, train: BoundTerms(distortion: 1, rate: 1), terms: [])
    XCTAssertEqual(
      bare.json.object?.members.map(\.name), ["epoch", "step", "train", "seconds"])
  }

  // MARK: Limits of gradients

  /// A trainer in which the gradients of sixteen numbers are one and all others zero: their norm is four.
  private func trainer(
    clipNorm: Double = 0, skipNorm: Double = 0
  ) throws -> (Trainer, Parameter) {
    var options = TrainingSupport.options(epochs: 1)
    (options.learningRate, options.optimizer) = (0.5, .sgd)
    (options.clipNorm, options.skipNorm) = (clipNorm, skipNorm)
    let trainer = try trainer(options)
    let parameter = trainer.model.parameters[1].parameter
    XCTAssertEqual(parameter.shape.count, 16)
    trainer.reduceGradients = { gradients in
      for (_, other) in trainer.model.parameters { gradients[other] = .zeros(other.shape) }
      gradients[parameter] = .ones(parameter.shape)
    }
    return (trainer, parameter)
  }

  func testGradientsAreBroughtDownToTheLimitOfTheirNormAndNeverUp() throws {
    for (limit, factor) in [(0.0, 1.0), (1, 0.25), (3, 0.75), (4, 1), (8, 1)] {
      let (trainer, parameter) = try trainer(clipNorm: limit)
      let before = parameter.value.floats
      _ = try trainer.update()
      for (old, new) in zip(before, parameter.value.floats) {
        XCTAssertEqual(Double(old - new), 0.5 * factor, accuracy: 1e-6, "\(limit)")
      }
    }
  }

  func testUpdatesBeyondTheLimitOfTheirNormAreLeftOutAndCounted() throws {
    for (limit, isMade) in [(4.0, true), (3.99, false), (1000, true)] {
      let (trainer, parameter) = try trainer(skipNorm: limit)
      let before = parameter.value.floats
      var terms: [String: Double] = [:]
      _ = try trainer.train {
        if case .epoch(let record) = $0 {
          for (name, value) in record.terms { terms[name] = value }
        }
      }
      XCTAssertEqual(parameter.value.floats != before, isMade, "\(limit)")
      XCTAssertEqual(terms["skipped_updates"], isMade ? 0 : 1, "\(limit)")
      XCTAssertEqual(terms["gradient_norm"], isMade ? 4 : nil, "\(limit)")
    }
  }

  // MARK: When it ends

  /// A trainer whose weights stay as they are, so that no epoch is better than the first.
  private func idleTrainer(patience: Int, keepBest: Bool = true) throws -> Trainer {
    var options = TrainingSupport.options(epochs: 5)
    (options.patience, options.keepBest) = (patience, keepBest)
    options.optimizer = .sgd
    let trainer = try trainer(options)
    trainer.reduceGradients = { gradients in
      for (_, other) in trainer.model.parameters { gradients[other] = .zeros(other.shape) }
    }
    return trainer
  }

  func testTrainingStopsAfterItsPatienceAndTheFirstOfEqualEpochsIsTheBest() throws {
    for (patience, epochs) in [(1, 2), (2, 3), (4, 5), (0, 5)] {
      let trainer = try idleTrainer(patience: patience)
      var found: [Int] = []
      var notices: [String] = []
      let outcome = try trainer.train {
        if case .epoch(let record) = $0 { found.append(record.epoch) }
        if case .notice(let notice) = $0 { notices.append("\(notice)") }
      }
      guard case .finished = outcome else { return XCTFail("\(outcome)") }
      XCTAssertEqual(found, Array(1...epochs), "\(patience)")
      XCTAssertEqual(trainer.best?.step, 4)
      XCTAssertEqual(trainer.hasStoppedEarly, patience > 0, "\(patience)")
      XCTAssertTrue(trainer.isFinished)
      let word = patience == 1 ? "epoch" : "epochs"
      XCTAssertEqual(
        notices.contains {
          $0.hasPrefix(
            "stopped after epoch \(epochs), \(patience) \(word) without a better held-out bound: ")
            && $0.hasSuffix("nats, was that of epoch 1")
        }, patience > 0, "\(notices)")
    }
  }

  func testTheBestCheckpointIsKeptWhereItIsAskedForAndSaidToBe() throws {
    for keepBest in [true, false] {
      let trainer = try idleTrainer(patience: 3, keepBest: keepBest)
      let run = try RunFolder.create(at: TrainingSupport.temporaryFolder(self))
      var notices: [String] = []
      _ = try trainer.train(run: run) {
        if case .notice(let notice) = $0 { notices.append("\(notice)") }
      }
      XCTAssertEqual(run.bestStep, keepBest ? 4 : nil)
      XCTAssertEqual(try run.checkpointSteps(), keepBest ? [4, 12, 16] : [12, 16])
      XCTAssertEqual(
        notices.contains { $0.contains("was that of epoch 1; checkpoint=best uses its weights") },
        keepBest, "\(notices)")
      let stored = try XCTUnwrap(try run.storedCheckpoint())
      XCTAssertEqual([stored.step, stored.epoch, stored.best?.step], [16, 4, 4])
      XCTAssertEqual(stored.best?.cost, trainer.best?.cost)
      XCTAssertTrue(stored.isFinished)
      XCTAssertNil(try run.unfinishedNotice(epochs: 5, of: stored))
    }
  }

  // MARK: Which checkpoint

  func testACheckpointIsChosenByWordOrStepAndThoseThatAreThereAreNamed() throws {
    for (text, choice) in [
      ("last", CheckpointChoice.last), ("best", .best), ("0", .step(0)), ("17", .step(17)),
    ] {
      XCTAssertEqual(try CheckpointChoice(parsing: text), choice)
      XCTAssertEqual(choice.text, text)
    }
    for text in ["-1", "first", "", "1.5", "Last"] {
      XCTAssertThrowsError(try CheckpointChoice(parsing: text), text)
    }
    let path = TrainingSupport.temporaryFolder(self)
    let run = try RunFolder.create(at: path)
    let trainer = try trainer(TrainingSupport.options(epochs: 3))
    for _ in 0..<6 { try trainer.advance(run: run) }
    try trainer.writeCheckpoint(to: run)
    for (choice, step, epoch) in [
      (CheckpointChoice.last, 6, 1), (.best, 4, 1), (.step(4), 4, 1), (.step(6), 6, 1),
    ] {
      let found = try XCTUnwrap(try run.storedCheckpoint(choice))
      XCTAssertEqual([found.step, found.epoch], [step, epoch], choice.text)
      XCTAssertFalse(found.isFinished)
      XCTAssertEqual(
        try run.unfinishedNotice(epochs: 3, of: found).map { "\($0)" },
        "\(path) is not finished: these are the weights of step \(step), after 1 of 3 epochs")
    }
    XCTAssertThrowsError(try run.storedCheckpoint(.step(5))) {
      XCTAssertEqual(($0 as? FileError)?.kind, .missing)
      XCTAssertTrue("\($0)".contains("no checkpoint of step 5"), "\($0)")
      XCTAssertTrue("\($0)".contains("of the steps 4 (best), 6, and checkpoint=last"), "\($0)")
    }
  }

  // MARK: Stops

  func testAStopOfAWholeIsOneOfItsPartsAndNotTheOtherWayRound() {
    let whole = CancelToken()
    let (one, other) = (CancelToken(partOf: whole), CancelToken(partOf: whole))
    one.cancel()
    XCTAssertEqual([one, other, whole].map(\.isCancelled), [true, false, false])
    one.reset()
    XCTAssertFalse(one.isCancelled)
    whole.cancel()
    XCTAssertEqual([one, other, whole].map(\.isCancelled), [true, true, true])
    one.reset()
    XCTAssertTrue(one.isCancelled, "the whole has been stopped")
    whole.reset()
    XCTAssertEqual([one, other, whole].map(\.isCancelled), [false, false, false])
  }

  func testACancelledTrainingStopsAtTheNextUpdateWithACheckpointOfIt() throws {
    let run = try RunFolder.create(at: TrainingSupport.temporaryFolder(self))
    let trainer = try trainer(TrainingSupport.options(epochs: 3))
    let token = CancelToken()
    var stored: [Int] = []
    let outcome = try trainer.train(run: run, cancel: token) {
      if case .step(6, _, _, _) = $0 { token.cancel() }
      if case .stored(let step) = $0 { stored.append(step) }
    }
    guard case .cancelled = outcome else { return XCTFail("\(outcome)") }
    XCTAssertEqual(stored, [4, 6])
    XCTAssertEqual(try run.storedCheckpoint()?.step, 6)
    XCTAssertEqual(trainer.epoch, 2)
  }
}
