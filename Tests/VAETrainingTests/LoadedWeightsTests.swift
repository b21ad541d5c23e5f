import Tensors
import VAETraining
import XCTest

/// Weights that one model takes from another are its own from then on.
final class LoadedWeightsTests: XCTestCase {
  func testTrainingEitherOfTwoModelsLeavesTheOtherOnesWeightsAsTheyWere() throws {
    let (one, two) = (TrainingSupport.model(seed: 1), TrainingSupport.model(seed: 2))
    try two.load(one, except: { _ in false }, source: "the first model")
    let taken = TrainingSupport.weights(one)
    XCTAssertEqual(TrainingSupport.weights(two), taken)
    for (trained, other) in [(one, two), (two, one)] {
      let (before, kept) = (TrainingSupport.weights(trained), TrainingSupport.weights(other))
      let trainer = try Trainer(
        model: trained, data: TrainingSupport.stripes(), options: TrainingSupport.options())
      for _ in 0..<2 { _ = try trainer.update() }
      XCTAssertNotEqual(TrainingSupport.weights(trained), before)
      XCTAssertEqual(TrainingSupport.weights(other), kept)
    }
  }
}
