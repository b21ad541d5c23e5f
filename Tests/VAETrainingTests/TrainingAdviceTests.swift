import Foundation
import Tensors
import VAERecipes
import VAETraining
import XCTest

/// What a training that diverges advises depends on the weights that it leaves.
final class TrainingAdviceTests: XCTestCase {
  private func advice(
    _ options: TrainingOptions = TrainingSupport.options(), updatesBefore count: (Trainer) -> Int
  ) throws -> (text: String, run: String) {
    let path = NSTemporaryDirectory() + "advice-\(UUID().uuidString)"
    addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
    let run = try RunFolder.create(at: path)
    let trainer = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(), options: options)
    for _ in 0..<count(trainer) { try trainer.advance(run: run) }
    let bad = Tensor([Float](repeating: .infinity, count: 16 * 30), shape: [16, 6, 5, 1])
    var text = ""
    XCTAssertThrowsError(try trainer.advance(on: bad, run: run)) { error in
      XCTAssertEqual((error as? TrainingError)?.kind, .diverged)
      text = "\(error)"
    }
    return (text, path)
  }

  func testGoodWeightsOfACheckpointAreAdvised() throws {
    let (text, run) = try advice { $0.updatesPerEpoch + 1 }
    XCTAssertTrue(text.contains("its weights and a smaller training.learning_rate"), text)
    XCTAssertTrue(text.contains(": from_weights=\(run) and training.learning_rate="), text)
  }

  func testWeightsThatDivergedThemselvesAreNotAdvised() throws {
    let (text, _) = try advice { $0.updatesPerEpoch }
    XCTAssertFalse(text.contains("from_weights"), text)
    XCTAssertTrue(text.contains("existing_run=replace"), text)
  }

  func testTheRateThatIsAdvisedIsATenthOrTheUsualOneAndClippingIsWhereItIsNotUsed() throws {
    for (rate, advised, clipNorm, namesClipping) in [
      (0.05, "0.001", 0, true), (0.002, "0.0002", 100, false), (0.01, "0.001", 101, true),
    ] as [(Double, String, Double, Bool)] {
      var options = TrainingSupport.options()
      (options.learningRate, options.clipNorm) = (rate, clipNorm)
      let (text, _) = try advice(options) { _ in 1 }
      XCTAssertTrue(text.contains("and training.learning_rate=\(advised)"), text)
      XCTAssertEqual(text.contains(" or training.clip_norm=100"), namesClipping, text)
      XCTAssertTrue(text.contains("training diverged at step 2"), text)
    }
  }

  func testWithoutACheckpointNoneIsAdvised() throws {
    let (text, _) = try advice { _ in 1 }
    XCTAssertTrue(text.contains("no checkpoint had been written; begin again"), text)
  }
}
