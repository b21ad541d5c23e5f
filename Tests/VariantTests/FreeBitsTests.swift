import Foundation
import VAEZoo
import XCTest

/// Free bits as Kingma et al. (2016) define them: Σ over layers of max(λ, mean rate of the batch).
final class FreeBitsTests: XCTestCase {
  private func loss(
    _ objective: EvidenceLowerBound, distortion: [Float], rates: [Tensor], epochs: Double = 0
  ) -> Tensor {
    var context = SmallModels.context(distortion.count, .training)
    context.epochs = epochs
    let evaluation = Evaluation.given(distortion: distortion, rates: rates)
    return objective.phases[0].loss(.given(evaluation, context)).value
  }

  // MARK: The order of mean, floor and sum

  func testTheMeanOverTheBatchIsTakenBeforeTheFloor() {
    // A floor under each example would give (3 + 4) / 2.
    let loss = loss(
      EvidenceLowerBound(freeBits: 1.5), distortion: [2, 4], rates: [Tensor([0, 4])])
    XCTAssertEqual(loss.item, 3 + 2, accuracy: 1e-6)
  }

  func testEachLayerHasAFloorOfItsOwn() {
    // A floor under the sum would give 5.2.
    let rates = [Tensor([0.1, 0.3]), Tensor([4, 6])]
    let loss = loss(EvidenceLowerBound(freeBits: 1), distortion: [0, 0], rates: rates)
    XCTAssertEqual(loss.item, 1 + 5, accuracy: 1e-6)
  }

  func testAFloorBelowEveryLayerChangesNothing() {
    let rates = [Tensor([2, 3]), Tensor([4, 7])]
    XCTAssertEqual(
      loss(EvidenceLowerBound(beta: 3, freeBits: 0.5), distortion: [1, 2], rates: rates).item,
      loss(EvidenceLowerBound(beta: 3), distortion: [1, 2], rates: rates).item, accuracy: 1e-5)
  }

  func testTheWeightOfTheRateAppliesToTheFlooredRate() {
    let objective = EvidenceLowerBound(beta: 4, warmUpEpochs: 2, freeBits: 3)
    let loss = loss(objective, distortion: [1], rates: [Tensor([2])], epochs: 1)
    XCTAssertEqual(loss.item, 1 + 2 * 3, accuracy: 1e-6)
  }

  // MARK: Gradients

  func testOnlyLayersAboveTheirFloorGetAGradientFromTheirRate() throws {
    let under = Parameter(Tensor([0.2, 0.6]))
    let above = Parameter(Tensor([0, 8]))
    let gradients = loss(
      EvidenceLowerBound(beta: 2, freeBits: 1), distortion: [1, 1],
      rates: [under.tensor, above.tensor]
    ).backward()
    for slope in gradients[under]?.floats ?? [0, 0] { XCTAssertEqual(slope, 0) }
    // The example without a rate is pressed like the other: what counts is the layer's mean.
    XCTAssertEqual(try XCTUnwrap(gradients[above]).floats, [1, 1])
  }

  func testInALadderTheFloorsArePassedLevelByLevel() throws {
    let data = SmallModels.data(height: 4, width: 4)
    let model = try SmallModels.registry.model(
      SmallModels.recipe(
        "ladder-vae", data: data, [(key: "latent", value: "5,4,3"), (key: "hidden", value: "9")]),
      seed: 3)
    let context = SmallModels.context(6, .training)
    let x = Examples(data.train).batch(Array(0..<6), context)
    let first = model.evaluate(x, DrawRequest(), context)
    let means = first.draw.layers.map { $0.rate.mean().item }
    let floor = means.sorted()[1] + 0.01
    XCTAssertEqual(means.filter { $0 > floor }.count, 1)

    let objective = EvidenceLowerBound(freeBits: floor)
    let loss = objective.phases[0].loss(ForwardPass(model, first, context)).value
    XCTAssertEqual(
      loss.item, means.reduce(first.distortion.mean().item) { $0 + max($1, floor) },
      accuracy: 1e-3)

    let second = model.evaluate(x, DrawRequest(), context)
    let counted = zip(second.draw.layers, means).filter { $0.1 > floor }.map { $0.0.rate.mean() }
    let expected = counted.reduce(second.distortion.mean()) { $0 + $1 }.backward()
    let found = loss.backward()
    for (path, parameter) in model.parameters {
      let gradients = try (
        XCTUnwrap(found[parameter], path).floats, XCTUnwrap(expected[parameter], path).floats
      )
      for (a, b) in zip(gradients.0, gradients.1) { XCTAssertEqual(a, b, accuracy: 1e-5, path) }
    }
  }

  // MARK: Records

  func testTheRecordHoldsTheRateItselfNotTheFlooredOne() throws {
    let updates = try RecordedObjective.updates(
      of: EvidenceLowerBound(freeBits: 500), epochs: 1)
    XCTAssertEqual(updates.count, 4)
    for update in updates {
      XCTAssertLessThan(update.rate, 100)
      XCTAssertEqual(update.loss, update.distortion + 500, accuracy: 1e-3)
    }
  }
}
