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
}
