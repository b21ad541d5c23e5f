import VAEZoo
import XCTest

/// The warm-up of the rate's weight: linear in updates, with one weight for all layers.
final class WarmupTests: XCTestCase {
  func testTheWeightRisesLinearlyAndStays() {
    let objective = EvidenceLowerBound(beta: 4, warmUpEpochs: 2)
    XCTAssertEqual([0, 0.5, 1, 2, 9].map(objective.weight(epochs:)), [0, 1, 2, 4, 4])
    XCTAssertEqual(EvidenceLowerBound(beta: 4).weight(epochs: 0), 4)
  }

  func testTheWeightRisesWithEveryUpdateOfTraining() throws {
    // Four updates an epoch, so that eight updates pass before the weight is 3.
    let updates = try RecordedObjective.updates(
      of: EvidenceLowerBound(beta: 3, warmUpEpochs: 2), epochs: 3)
    XCTAssertEqual(updates.map(\.step), Array(0..<12))
    for update in updates {
      XCTAssertGreaterThan(update.rate, 0.001, "the weight of no rate cannot be seen")
      let weight = (update.loss - update.distortion) / update.rate
      XCTAssertEqual(
        weight, 3 * min(1, Double(update.step) / 8), accuracy: 1e-3 + 1e-4 / update.rate)
    }
  }

  func testTheFirstUpdateIsMadeAtWeightZero() throws {
    let rate = Parameter(Tensor([2, 4]))
    let evaluation = Evaluation.given(distortion: [1, 3], rates: [rate.tensor])
    let objective = EvidenceLowerBound(beta: 3, warmUpEpochs: 2)
    let loss = objective.phases[0].loss(
      .given(evaluation, SmallModels.context(2, .training))
    ).value
    XCTAssertEqual(loss.item, 2)
    for slope in loss.backward()[rate]?.floats ?? [0, 0] { XCTAssertEqual(slope, 0) }
  }

  func testOneWeightServesAllLayers() throws {
    let layers = [[1, 3], [10, 30], [0.5, 0.7]].map { Parameter(Tensor($0)) }
    let objective = EvidenceLowerBound(beta: 2, warmUpEpochs: 4)
    var context = SmallModels.context(2, .training)
    context.epochs = 1
    let evaluation = Evaluation.given(distortion: [0, 0], rates: layers.map(\.tensor))
    let gradients = objective.phases[0].loss(.given(evaluation, context)).value.backward()
    for layer in layers {
      XCTAssertEqual(try XCTUnwrap(gradients[layer]).floats, [0.25, 0.25])
    }
  }
}
