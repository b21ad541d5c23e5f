import BetaVAE
import Foundation
import VAEZoo
import XCTest

/// The capacity objective of Burgess et al. (2018, equation 8): distortion + γ |KL − C|, C rising
/// linearly over updates; to 25 nats over 100,000 updates with γ = 1000, among others, in Locatello
/// et al. (2019).
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
    _ objective: any Objective, step: Int
  ) -> (loss: Double, distortion: Double, rate: Double) {
    let model = model(objective)
    var context = SmallModels.context(5, .training)
    context.step = step
    let x = RandomSource(seed: 2).stream("x").uniform([5, 2, 3, 1]).isAbove(0.5)
    return withoutTape {
      let evaluation = model.evaluate(x, objective.requirements.draw, context)
      return (
        Double(objective.phases[0].loss(ForwardPass(model, evaluation, context)).value.item),
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

  func testThePublishedScheduleRisesByAQuarterOfAThousandthOfANatAnUpdate() {
    let objective = CapacityObjective(capacity: 25, steps: 100_000, gamma: 1000)
    for step in [1, 777, 40_000, 99_999] {
      XCTAssertEqual(objective.capacity(step: step), Float(step) * 0.00025, accuracy: 1e-5)
    }
    XCTAssertEqual(objective.capacity(step: 300_000), 25)
  }

  func testTrainingRaisesTheCapacityWithEveryUpdateWhateverTheEpoch() throws {
    // Four updates an epoch.
    let updates = try RecordedObjective.updates(
      of: CapacityObjective(capacity: 6, steps: 6, gamma: 10), epochs: 2)
    XCTAssertEqual(updates.count, 8)
    for (number, update) in updates.enumerated() {
      let target = Double(min(number, 6))
      XCTAssertEqual(
        update.loss, update.distortion + 10 * abs(update.rate - target), accuracy: 1e-3)
    }
  }

  // MARK: The distance

  private func loss(rates: Tensor, capacity: Float) -> Tensor {
    let evaluation = Evaluation.given(distortion: [2, 4], rates: [rates])
    return CapacityObjective(capacity: capacity, steps: 0, gamma: 10).phases[0].loss(
      .given(evaluation, SmallModels.context(2, .training))
    ).value
  }

  func testTheRateIsAveragedOverTheBatchBeforeItIsCompared() {
    // Example by example the distances would be 2 and 2.
    XCTAssertEqual(loss(rates: Tensor([1, 5]), capacity: 3).item, 3, accuracy: 1e-6)
  }

  func testTheRateIsPressedUpBelowTheCapacityAndDownAboveIt() throws {
    let rates = Parameter(Tensor([1, 5]))
    for (capacity, slope) in [(4, -5), (2, 5)] as [(Float, Float)] {
      let gradients = loss(rates: rates.tensor, capacity: capacity).backward()
      XCTAssertEqual(try XCTUnwrap(gradients[rates]).floats, [slope, slope])
    }
  }

  func testTheRateOfAllLayersTogetherIsHeldToTheCapacity() {
    let evaluation = Evaluation.given(
      distortion: [2, 4], rates: [Tensor([1, 2]), Tensor([3, 6])])
    let loss = CapacityObjective(capacity: 1, steps: 0, gamma: 10).phases[0].loss(
      .given(evaluation, SmallModels.context(2, .training)))
    XCTAssertEqual(loss.value.item, 3 + 10 * 5, accuracy: 1e-4)
  }

  func testTheLossIsDistortionAndTheWeightedDistanceOfTheMeanRateFromTheCapacity() {
    for (capacity, step) in [(0.01, 100), (40, 50), (40, 0)] as [(Float, Int)] {
      let objective = CapacityObjective(capacity: capacity, steps: 100, gamma: 10)
      let (loss, distortion, rate) = terms(objective, step: step)
      let target = Double(objective.capacity(step: step))
      XCTAssertEqual(loss, distortion + 10 * abs(rate - target), accuracy: 1e-4)
    }
  }

  func testARateThatTrainingCannotChangeIsRefused() throws {
    for (variant, word) in [("vq-vae", "discrete codes"), ("pixelcnn", "no latents")] {
      let recipe = try SmallModels.recipe(
        variant, data: SmallModels.data(), [(key: "objective.name", value: "capacity")])
      XCTAssertThrowsError(try SmallModels.registry.model(recipe, seed: 1)) { error in
        XCTAssertEqual((error as? RecipeError)?.kind, .invalid)
        XCTAssertTrue("\(error)".contains(word), "\(error)")
      }
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

  func testTheCapacityOfTheUpdateIsReportedAndComparedWith() {
    let evaluation = Evaluation.given(distortion: [2, 4], rates: [Tensor([1, 5])])
    var context = SmallModels.context(2, .training)
    context.step = 25
    let loss = CapacityObjective(capacity: 8, steps: 100, gamma: 10).phases[0].loss(
      .given(evaluation, context))
    XCTAssertEqual(loss.terms.map(\.name), ["capacity"])
    XCTAssertEqual(loss.terms[0].value.item, 2)
    XCTAssertEqual(loss.value.item, 3 + 10 * 1, accuracy: 1e-5)
  }

  func testARecipeGivesTheCapacityItsRiseAndItsWeight() throws {
    let recipe = try SmallModels.recipe(
      "beta-vae", data: SmallModels.data(),
      [
        (key: "objective.name", value: "capacity"), (key: "capacity", value: "7"),
        (key: "objective.capacity_steps", value: "30"), (key: "objective.gamma", value: "4"),
      ])
    let objective = try XCTUnwrap(
      SmallModels.registry.model(recipe, seed: 1).objective as? CapacityObjective)
    XCTAssertEqual([objective.capacity, objective.gamma], [7, 4])
    XCTAssertEqual(objective.steps, 30)
  }

  func testUntilTheCapacityHasRisenTheAdviceIsToWait() {
    let objective = CapacityObjective(capacity: 8, steps: 100, gamma: 10)
    for (step, waits) in [(0, true), (99, true), (100, false), (101, false)] {
      var isWaiting = false
      if case .wait = objective.latentAdvice(step: step, epochs: 3) { isWaiting = true }
      XCTAssertEqual(isWaiting, waits, "\(step)")
    }
  }
}
