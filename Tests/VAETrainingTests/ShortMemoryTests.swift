import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEFiles
import VAERecipes
import VAETraining
import XCTest

/// A training that runs out of memory at some request: what it did is stored, and goes on as if nothing
/// had been.
final class ShortMemoryTests: XCTestCase {
  private func trainer(_ options: TrainingOptions, convolutional: Bool) throws -> Trainer {
    try Trainer(
      model: TrainingSupport.model(convolutional: convolutional),
      data: TrainingSupport.stripes(train: 32, test: 8), options: options)
  }

  /// Goes on with a run to its end.
  private func finish(
    _ path: String, _ options: TrainingOptions, convolutional: Bool
  ) throws -> Model {
    let run = try RunFolder.create(at: path, resume: true)
    let last = try trainer(options, convolutional: convolutional)
    let checkpoint = try run.storedCheckpoint()
    if let checkpoint { try last.restore(checkpoint) }
    try run.cutMetrics(toStep: last.step)
    try run.cutRecords(toStep: last.step, where: last.recordingSchedule.contains)
    XCTAssertEqual(try last.train(run: run), .finished)
    return last.model
  }

  private func epochs(_ path: String) throws -> Int {
    try DurableFiles.read("\(path)/metrics.jsonl").split(separator: UInt8(ascii: "\n")).count
  }

  private func check(convolutional: Bool, every step: Int, averaged: Bool = false) throws {
    var options = TrainingSupport.options(epochs: 2)
    if averaged { options.averageDecay = 0.9 }
    let whole = TrainingSupport.temporaryFolder(self)
    let expected = TrainingSupport.weights(
      try finish(whole, options, convolutional: convolutional))
    var (request, errors, stored) = (1, 0, 0)
    while true {
      let path = TrainingSupport.temporaryFolder(self)
      let part = try trainer(options, convolutional: convolutional)
      var wasReached = false
      do {
        let run = try RunFolder.create(at: path)
        do {
          (_, wasReached) = try Memory.refusing(request: request) { try part.train(run: run) }
          XCTAssertFalse(wasReached, "request \(request) was refused without a word")
        } catch let error as MemoryError {
          wasReached = true
          errors += 1
          let outcome = try XCTUnwrap(error.outcome ?? (part.step == 0 ? "" : nil))
          if outcome.contains("stored at step \(part.step) ") { stored += 1 }
        }
      }
      guard wasReached else { break }
      let found = try finish(path, options, convolutional: convolutional)
      XCTAssertEqual(TrainingSupport.weights(found), expected, "request \(request)")
      XCTAssertEqual(try epochs(path), 2, "request \(request)")
      request += step
    }
    XCTAssertGreaterThan(errors, 10)
    XCTAssertGreaterThan(stored, errors / 3, "of \(errors)")
  }

  func testNoStepIsLostWhicheverRequestIsRefused() throws {
    try check(convolutional: false, every: 17)
  }

  func testNorOfAveragedConvolutionsWithStatistics() throws {
    try check(convolutional: true, every: 97, averaged: true)
  }

  func testTheReserveForSavingIsAskedForBeforeEachStep() throws {
    let part = try trainer(TrainingSupport.options(epochs: 1), convolutional: false)
    _ = try part.advance()
    let before = TrainingSupport.weights(part.model)
    let reserve = Memory.Reserve(bytes: 1 << 50)
    XCTAssertThrowsError(try part.advance()) { XCTAssertTrue($0 is MemoryError, "\($0)") }
    withExtendedLifetime(reserve) {}
    XCTAssertEqual(TrainingSupport.weights(part.model), before)
    XCTAssertEqual(part.step, 1)
  }
}
