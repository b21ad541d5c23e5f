import BetaVAE
import Foundation
import VAEZoo
import XCTest

final class CapacityObjectiveTests: XCTestCase {
  private func model(_ objective: any Objective) -> Model {
    let random = RandomSource(seed: 6)
    return Model(
      encoder: MLPEncoder(inputs: 6, hidden: [5], latent: 3, random: random.child("encoder")),
      prior: StandardNormalPrior(units: 3),
      decoder: MLPDecoder(
        latent: 3, hidden: [5], outputShape: [2, 3, 1], random: random.child("decoder")),
      likelihood: BernoulliLikelihood(), objective: objective)
  }

  private func terms(
    _ objective: any Objective, step: Int = 0, epochs: Double = 0
  ) -> (loss: Double, distortion: Double, rate: Double) {
    let model = model(objective)
    var context = SmallModels.context(5, .training)
    (context.step, context.epochs) = (step, epochs)
    let x = RandomSource(seed: 2).stream("x").uniform([5, 2, 3, 1]).isAbove(0.5)
    return withoutTape {
      let evaluation = model.evaluate(x, objective.requirements.draw, context)
      return (
        Double(objective.phases[0].loss(evaluation, context).value.item),
        Double(evaluation.distortion.mean().item), Double(evaluation.rate.mean().item)
      )
    }
  }

  func testTheCapacityRisesWithEveryUpdateUntilItsEnd() {
    let objective = CapacityObjective(capacity: 25, steps: 100, gamma: 10)
    XCTAssertEqual(
      [0, 1, 50, 100, 1000].map(objective.capacity(step:)), [0, 0.25, 12.5, 25, 25])
    XCTAssertEqual(CapacityObjective(capacity: 25, steps: 0, gamma: 1).capacity(step: 0), 25)
  }

  func testTheLossIsDistortionAndTheWeightedDistanceOfTheMeanRateFromTheCapacity() {
    for (capacity, step) in [(0.01, 100), (40, 50), (40, 0)] as [(Float, Int)] {
      let objective = CapacityObjective(capacity: capacity, steps: 100, gamma: 10)
      let (loss, distortion, rate) = terms(objective, step: step)
      let target = Double(objective.capacity(step: step))
      XCTAssertEqual(loss, distortion + 10 * abs(rate - target), accuracy: 1e-4)
    }
  }

  func testTrainingBringsTheRateToTheCapacity() throws {
    let data = SmallModels.data()
    let recipe = try SmallModels.recipe(
      "beta-vae", data: data,
      [
        (key: "objective.name", value: "capacity"), (key: "capacity", value: "1.5"),
        (key: "objective.capacity_steps", value: "100"), (key: "hidden", value: "32"),
      ])
    let model = try SmallModels.trained(recipe, data: data, epochs: 150)
    let result = try XCTUnwrap(
      Evaluator(model: model, examples: Examples(data.train), seed: 0).run())
    XCTAssertEqual(result.rate.mean, 1.5, accuracy: 0.3)
  }

  func testTheWarmUpRaisesTheWeightWithEveryUpdate() {
    let objective = EvidenceLowerBound(beta: 4, warmUpEpochs: 2)
    XCTAssertEqual([0, 0.5, 1, 2, 9].map(objective.weight(epochs:)), [0, 1, 2, 4, 4])
    let (loss, distortion, rate) = terms(objective, epochs: 0.5)
    XCTAssertEqual(loss, distortion + rate, accuracy: 1e-4)
  }
}
