import Tensors
import VAEZoo
import XCTest

final class AggregateMomentsTests: XCTestCase {
  private func context(_ count: Int) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 5), examples: (0..<count).map(UInt64.init))
  }

  private func layer(_ sample: Tensor) -> LatentDraw {
    LatentDraw(
      layers: [LatentLayer(sample: sample, rate: .zeros([sample.shape[0]]))],
      rowCount: sample.shape[0])
  }

  func testTheDistanceIsTheDivergenceOfTheGaussianWithTheirMomentsInAnyBatches() throws {
    // Unit 0 is 3 ± 0.5, unit 1 is 0 ± 2.
    var values = RandomSource(seed: 1).stream("draws").normal([4000, 2]).floats
    for row in 0..<4000 {
      values[2 * row] = 3 + 0.5 * values[2 * row]
      values[2 * row + 1] *= 2
    }
    let all = Tensor(values, shape: [4000, 2])
    let prior = StandardNormalPrior(units: 2)
    var moments = AggregateMoments()
    for range in [0..<1, 1..<1500, 1500..<4000] {
      moments.add(layer(all.rows(range)), of: prior, context(range.count))
    }
    let distance = try XCTUnwrap(moments.distance)
    XCTAssertEqual(distance.meanNorm, 3, accuracy: 0.05)
    let expected = (9 + 0.25 - 1 - log(0.25)) / 2 + (4 - 1 - log(4.0)) / 2
    XCTAssertEqual(distance.divergence, expected, accuracy: 0.15)
    XCTAssertEqual(distance.examples, 4000)
    let notice = try XCTUnwrap(distance.notice(of: prior.latents, rateWeight: "objective.beta"))
    XCTAssertTrue("\(notice)".contains("3.0 from zero"), "\(notice)")
    XCTAssertTrue("\(notice)".contains("objective.beta"), "\(notice)")
    XCTAssertTrue("\(notice)".contains("the stage mixture"), "\(notice)")
    let ladder = try XCTUnwrap(distance.notice(of: .hierarchy([[2], [1]]), rateWeight: nil))
    XCTAssertFalse("\(ladder)".contains("the stage"), "\(ladder)")
    XCTAssertFalse("\(ladder)".contains("a larger"), "\(ladder)")
  }

  func testDrawsOfThePriorLieAtNoDistanceInEveryLayer() throws {
    let data = DataDescription(height: 4, width: 4, channels: 1, range: .binary, rule: "binary")
    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: "ladder-vae")
    recipe.data = data
    try registry.apply([("hidden", "8,6"), ("latent", "3,2")], to: &recipe)
    let model = try registry.model(recipe, seed: 1)
    var moments = AggregateMoments()
    withoutTape {
      let context = context(3000)
      moments.add(model.prior.draw(temperature: 1, context), of: model.prior, context)
    }
    let distance = try XCTUnwrap(moments.distance)
    XCTAssertEqual(distance.layers.count, 2)
    for layer in distance.layers {
      XCTAssertLessThan(layer.divergence, 0.02)
      XCTAssertLessThan(layer.meanNorm, 0.1)
    }
    XCTAssertNil(distance.notice(of: model.prior.latents, rateWeight: nil))
  }

  func testFewExamplesAreNoReasonForANoticeAndOneHasNoDistance() throws {
    let prior = StandardNormalPrior(units: 20)
    var moments = AggregateMoments()
    moments.add(
      layer(RandomSource(seed: 2).stream("one").normal([1, 20])), of: prior, context(1))
    XCTAssertNil(moments.distance)
    moments.add(
      layer(RandomSource(seed: 2).stream("more").normal([9, 20])), of: prior, context(9))
    XCTAssertNil(try XCTUnwrap(moments.distance).notice(of: prior.latents, rateWeight: nil))
  }

  func testTheWeightOfTheRateIsThatOfTheObjectiveWhichHasOne() throws {
    for (variant, expected) in [
      ("gaussian-vae", "objective.beta"), ("ms-ssim-vae", "objective.rate_weight"),
      ("vae-gan", "objective.rate_weight"), ("iwae", nil),
    ] {
      XCTAssertEqual(try Registry.builtIn.recipe(for: variant).rateWeight, expected, variant)
    }
  }
}
