import Foundation
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes
import VAETraining
import XCTest

/// Updates whose gradients are larger than `training.skip_norm`.
final class SkippedUpdateTests: XCTestCase {
  private func options(skipNorm: Double) -> TrainingOptions {
    var options = TrainingSupport.options(epochs: 2)
    options.skipNorm = skipNorm
    options.averageDecay = 0.9
    return options
  }

  private func trainer(skipNorm: Double) throws -> Trainer {
    try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(),
      options: options(skipNorm: skipNorm))
  }

  private func averages(_ trainer: Trainer) -> [[Float]] {
    trainer.withAveragedWeights { trainer.model.parameters.map { $0.parameter.value.floats } }
  }

  /// Two epochs of four updates, of which none is made.
  func testAnUpdateThatIsLeftOutTouchesNeitherWeightsNorTheirAverageNorTheOptimizer() throws {
    let run = try RunFolder.create(
      at: TrainingSupport.temporaryFolder(self), force: false, resume: false)
    let trainer = try trainer(skipNorm: 1e-6)
    let model = trainer.model
    // What parts make of the first batches comes before the first update.
    var (before, averages): ([String: [Float]], [[Float]]) = ([:], [])
    var (records, notices): ([EpochRecord], [String]) = ([], [])
    let outcome = try trainer.train(run: run) { event in
      if case .started = event {
        (before, averages) = (TrainingSupport.weights(model), self.averages(trainer))
      }
      if case .epoch(let record) = event { records.append(record) }
      if case .notice(let notice) = event { notices.append("\(notice)") }
    }
    XCTAssertEqual(outcome, .finished)
    XCTAssertEqual(trainer.step, 8)
    XCTAssertEqual(TrainingSupport.weights(model), before)
    XCTAssertEqual(self.averages(trainer), averages)
    let checkpoint = try XCTUnwrap(run.latestCheckpoint())
    let state = try String(contentsOfFile: "\(checkpoint.folder)/state.json", encoding: .utf8)
    XCTAssertNotNil(
      state.range(of: #""updates":\s*\{\s*"model":\s*0\s*\}"#, options: .regularExpression), state)
    for record in records {
      XCTAssertEqual(record.terms.map(\.name), ["skipped_updates"])
      XCTAssertEqual(record.terms[0].value, 1)
    }
    XCTAssertEqual(notices.filter { $0.contains("100 % of the updates of epoch 1") }.count, 1)
  }

  /// Some updates are left out and some are made: resuming between them gives the same bits, and a limit that
  /// nothing reaches those of none.
  func testATrainingThatLeavesSomeUpdatesOutResumesBitForBitAndCountsThem() throws {
    var norms: [Double] = []
    let free = try trainer(skipNorm: 1e8)
    while !free.isFinished {
      _ = try free.advance { event in
        guard case .epoch(let record) = event else { return }
        norms += record.terms.filter { $0.name == "gradient_norm" }.map(\.value)
      }
    }
    let plain = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(), options: options(skipNorm: 0)
    )
    _ = try plain.train()
    XCTAssertEqual(TrainingSupport.weights(free.model), TrainingSupport.weights(plain.model))

    // About the mean of the norms there are updates on both sides.
    let limit = norms.reduce(0, +) / Double(norms.count)
    var shares: [Double] = []
    let whole = try trainer(skipNorm: limit)
    _ = try whole.train { event in
      guard case .epoch(let record) = event else { return }
      shares += record.terms.filter { $0.name == "skipped_updates" }.map(\.value)
    }
    let share = shares.reduce(0, +) / 2
    XCTAssertGreaterThan(share, 0)
    XCTAssertLessThan(share, 1)

    let run = try RunFolder.create(
      at: TrainingSupport.temporaryFolder(self), force: false, resume: false)
    let first = try trainer(skipNorm: limit)
    for _ in 0..<3 { _ = try first.advance() }
    try first.writeCheckpoint(to: run)
    let second = try trainer(skipNorm: limit)
    try second.restore(try XCTUnwrap(run.storedCheckpoint()))
    _ = try second.train()
    XCTAssertEqual(TrainingSupport.weights(second.model), TrainingSupport.weights(whole.model))
    XCTAssertEqual(averages(second), averages(whole))
  }

  /// A trainer whose limit leaves out some updates of an epoch of four.
  private func trainerThatLeavesSomeOut() throws -> Trainer {
    let free = try trainer(skipNorm: 1e8)
    var norms: [Double] = []
    while !free.isFinished {
      _ = try free.advance {
        guard case .epoch(let record) = $0 else { return }
        norms += record.terms.filter { $0.name == "gradient_norm" }.map(\.value)
      }
    }
    return try trainer(skipNorm: norms.reduce(0, +) / Double(norms.count))
  }

  /// One batch whose bound is beyond all reason would hide those of all others.
  func testTheBoundOfAnUpdateThatIsLeftOutIsNoPartOfTheMeanOfItsEpoch() throws {
    let trainer = try trainerThatLeavesSomeOut()
    let run = try RunFolder.create(
      at: TrainingSupport.temporaryFolder(self), force: false, resume: false)
    let other = try trainerThatLeavesSomeOut()
    var records: [EpochRecord] = []
    func note(_ event: TrainingEvent) {
      if case .epoch(let record) = event { records.append(record) }
    }
    var (made, leftOut): ([BoundTerms], Int) = ([], 0)
    var epochs: [(made: [BoundTerms], leftOut: Int)] = []
    while !trainer.isFinished {
      let before = TrainingSupport.weights(trainer.model)
      let bound = try trainer.advance(observe: note)
      if TrainingSupport.weights(trainer.model) == before {
        leftOut += 1
      } else {
        made.append(bound)
      }
      // In the middle of an epoch another trainer goes on from here.
      if trainer.step == 2 {
        try trainer.writeCheckpoint(to: run)
        try other.restore(try XCTUnwrap(run.storedCheckpoint()))
      }
      if trainer.step % 4 == 0 {
        epochs.append((made, leftOut))
        (made, leftOut) = ([], 0)
      }
    }
    XCTAssertTrue(epochs.contains { !$0.made.isEmpty && $0.leftOut > 0 }, "\(epochs)")
    for (record, epoch) in zip(records, epochs) where !epoch.made.isEmpty {
      let count = Double(epoch.made.count)
      XCTAssertEqual(
        record.train.distortion, epoch.made.reduce(0) { $0 + $1.distortion } / count,
        accuracy: 1e-9)
      XCTAssertEqual(
        record.train.rate, epoch.made.reduce(0) { $0 + $1.rate } / count, accuracy: 1e-9)
    }
    let whole = records.map(\.train)
    records = []
    while !other.isFinished { _ = try other.advance(observe: note) }
    XCTAssertEqual(records.map(\.train), whole)
  }

  /// An encoder that counts what becomes of updates.
  private final class WatchedEncoder: Encoder {
    let base: any Encoder
    private(set) var (taken, dropped) = (0, 0)

    init(_ base: any Encoder) { self.base = base }

    var members: Members { ["base": .module(base)] }
    var posteriorTraits: PosteriorTraits { base.posteriorTraits }
    func encode(_ x: Tensor, _ context: Context) -> any Posterior { base.encode(x, context) }
    func afterUpdate(_ context: Context) { taken += 1 }
    func dropUpdate() { dropped += 1 }
  }

  /// The bound, whose gradients are tiny in even updates and huge in odd ones, and a number that goes down.
  private final class Game: Objective {
    let counter = Parameter(Tensor([0]))

    var members: Members { ["counter": .parameter(counter)] }
    var requirements: ObjectiveRequirements { ObjectiveRequirements() }
    var phases: [Phase] {
      [
        Phase(name: "model") { pass in
          Loss(pass.evaluation.distortion.mean() * (pass.context.step % 2 == 0 ? 1e-3 : 1e6))
        },
        Phase(name: "counter", group: .objective, rule: .sgd()) { [counter] _ in
          Loss(counter.tensor.sum())
        },
      ]
    }
  }

  func testAPhaseOfAGameThatIsLeftOutIsLeftOutWholeAndTheOtherSideIsMade() throws {
    let plain = TrainingSupport.model()
    let (encoder, game) = (WatchedEncoder(plain.encoder), Game())
    let model = Model(
      encoder: encoder, prior: plain.prior, decoder: plain.decoder, likelihood: plain.likelihood,
      objective: game)
    let trainer = try Trainer(
      model: model, data: TrainingSupport.stripes(), options: options(skipNorm: 100))
    func state() -> (weights: [String: [Float]], averages: [String: [Float]], counter: [Float]) {
      let averages = trainer.withAveragedWeights { TrainingSupport.weights(model) }
      let ofGame = averages["objective.counter"] ?? []
      let keep = { (all: [String: [Float]]) in all.filter { $0.key != "objective.counter" } }
      return (
        keep(TrainingSupport.weights(model)), keep(averages), game.counter.value.floats + ofGame
      )
    }
    _ = try trainer.advance()
    XCTAssertEqual([encoder.taken, encoder.dropped], [1, 0])
    let made = state()
    XCTAssertNotEqual(made.weights, made.averages)
    _ = try trainer.advance()
    XCTAssertEqual([encoder.taken, encoder.dropped], [1, 1])
    let left = state()
    XCTAssertEqual(left.weights, made.weights)
    XCTAssertEqual(left.averages, made.averages)
    XCTAssertTrue(zip(left.counter, made.counter).allSatisfy { $0 < $1 })
    _ = try trainer.advance()
    XCTAssertEqual([encoder.taken, encoder.dropped], [2, 1])
    XCTAssertNotEqual(state().averages, left.averages)
  }

  /// An infinite norm is beyond every limit: what would end a training elsewhere is left out here.
  func testGradientsThatAreNotFiniteAreLeftOutWhereThereIsALimit() throws {
    let trainer = try trainer(skipNorm: 1e9)
    _ = try trainer.advance()
    let parameter = trainer.model.parameters[2].parameter
    trainer.reduceGradients = {
      $0[parameter] = Tensor(repeating: .infinity, shape: parameter.shape)
    }
    let before = TrainingSupport.weights(trainer.model)
    _ = try trainer.advance()
    XCTAssertEqual(TrainingSupport.weights(trainer.model), before)
  }

  /// What never ends is no rare update: it is said of the first epoch, by its own name, and then it is an error.
  func testGradientsThatStayNotFiniteAreSaidAndThenAreADivergence() throws {
    var options = options(skipNorm: 1e9)
    options.epochs = 40
    let trainer = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(), options: options)
    let (path, parameter) = trainer.model.parameters[2]
    trainer.reduceGradients = { $0[parameter] = Tensor(repeating: .nan, shape: parameter.shape) }
    var notices: [String] = []
    XCTAssertThrowsError(
      try trainer.train { if case .notice(let notice) = $0 { notices.append("\(notice)") } }
    ) { error in
      XCTAssertEqual((error as? TrainingError)?.kind, .diverged, "\(error)")
      XCTAssertTrue("\(error)".contains("the gradient of \(path) in phase model"), "\(error)")
      XCTAssertTrue("\(error)".contains("100 updates"), "\(error)")
    }
    let found = notices.filter { $0.contains("100 % of the updates of epoch 1") }
    XCTAssertEqual(found.count, 1, "\(notices)")
    XCTAssertTrue(found[0].contains("not finite, the last time that of \(path)"), found[0])
    XCTAssertFalse(found[0].contains("skip_norm"), found[0])
  }
}
