import Foundation
import VAEZoo
import VeryDeepVAE
import XCTest

/// The paths up and down of a very deep VAE, held to quadrature, finite differences and their definitions.
final class VeryDeepVAETests: XCTestCase {
  private func model(
    height: Int, width: Int, _ settings: [(key: String, value: String)] = [], isBinary: Bool = true
  ) throws -> (model: Model, data: DataSource) {
    let data = SmallModels.data(
      height: height, width: width, channels: isBinary ? 1 : 3, isBinary: isBinary)
    let recipe = try SmallModels.recipe("very-deep-vae", data: data, settings)
    return (try SmallModels.registry.model(recipe, seed: 3), data)
  }

  /// Other weights than the first ones, at which priors are standard normal and blocks add little.
  private func disturb(_ model: Model, by bound: Float) {
    for (number, (_, parameter)) in model.parameters.enumerated() {
      parameter.value =
        parameter.value
        + RandomSource(seed: UInt64(number)).stream("test").uniform(parameter.shape)
        .scaled(by: 2 * bound, shift: -bound)
    }
  }

  private func images(_ data: DataSource, _ count: Int) -> Tensor {
    Examples(data.train).batch(Array(0..<count), SmallModels.context(count))
  }

  func testTheLimitsOfTheGradientsNormGrowWithTheNumbersOfAnImageUnlessSomebodyHasChosenThem()
    throws
  {
    for (side, said, limits) in [
      (8, [], (12_800.0, 25_600.0)), (32, [], (204_800, 409_600)),
      (8, [(key: "training.skip_norm", value: "7")], (12_800, 7)),
    ] as [(Int, [(key: String, value: String)], (Double, Double))] {
      var recipe = try SmallModels.recipe(
        "very-deep-vae", data: SmallModels.data(height: side, width: side), said)
      let notices = recipe.chooseTraining(examples: 64, isTable: false)
      let options = TrainingOptions(recipe.training)
      XCTAssertEqual(options.clipNorm, limits.0)
      XCTAssertEqual(options.skipNorm, limits.1)
      XCTAssertTrue("\(notices)".contains("clip_norm"), "\(notices)")
      // Afterwards they are values like any other.
      XCTAssertTrue(recipe.chooseTraining(examples: 64, isTable: false).isEmpty)
    }
  }

  /// log p(x) by quadrature over the standard normal numbers that the path down is a function of, in which no
  /// posterior has a part, and by importance sampling from the posteriors.
  func testAnImportanceEstimateIsTheExactLikelihoodAndTheBoundLiesBelowIt() throws {
    let (model, data) = try model(height: 2, width: 1, [("latent", "1")])
    disturb(model, by: 0.4)
    let prior = try XCTUnwrap(model.prior as? TopDownPrior)
    XCTAssertEqual(prior.latents.layerShapes, [[2, 1, 1], [1, 1, 1]])
    let x = images(data, 1)
    let grid = (-12...12).map { Float($0) * 0.4 }
    var (lower, upper, logWeights): ([Float], [Float], [Double]) = ([], [], [])
    for top in grid {
      for first in grid {
        for second in grid {
          upper.append(top)
          lower += [first, second]
          let squares = [top, first, second].reduce(0) { $0 + Double($1 * $1) }
          logWeights.append(3 * log(0.4 / (2 * Double.pi).squareRoot()) - squares / 2)
        }
      }
    }
    let rows = upper.count
    let context = SmallModels.context(1)
    let exact = withoutTape {
      let draw = prior.draw(
        noise: [Tensor(lower, shape: [rows, 2, 1, 1]), Tensor(upper, shape: [rows, 1, 1, 1])],
        context)
      let densities = model.likelihood.logDensity(
        x, parameters: model.decoder.decode(draw, target: nil, context), context)
      return log(zip(densities.floats, logWeights).reduce(0) { $0 + exp(Double($1.0) + $1.1) })
    }

    func weights(sampled: Bool) -> [Double] {
      var request = DrawRequest()
      request.samples = 20_000
      request.usesSampledRate = sampled
      return withoutTape { model.evaluate(x, request, context).logWeights.floats.map(Double.init) }
    }
    let sampled = weights(sampled: true)
    let ratio = Estimate(of: sampled.map { exp($0 - exact) })
    let error = try XCTUnwrap(ratio.standardError)
    XCTAssertLessThan(error, 0.02)
    XCTAssertEqual(ratio.mean, 1, accuracy: 4 * error)
    let (bound, closed) = (Estimate(of: sampled), Estimate(of: weights(sampled: false)))
    XCTAssertLessThan(bound.mean, exact - 0.01)
    XCTAssertEqual(
      bound.mean, closed.mean,
      accuracy: 5 * (try XCTUnwrap(bound.standardError)) + 5 * (try XCTUnwrap(closed.standardError))
    )
  }

  func testThePathUpSeesImagesWithTheMeanZeroAndTheDeviationOneOfTheFirstBatches() throws {
    let (model, data) = try model(height: 4, width: 4, [("latent", "2")], isBinary: false)
    disturb(model, by: 0.3)
    let x = images(data, 8)
    let context = SmallModels.context(8)
    func draws(_ x: Tensor) -> [Float] {
      withoutTape {
        let posterior = model.encoder.encode(x, context)
        return model.prior.draw(from: posterior, DrawRequest(), context).layers
          .flatMap { $0.sample.floats }
      }
    }
    let centred = x - x.mean()
    let expected = draws(centred / centred.squared().mean().squareRoot())
    try model.encoder.prepare(firstBatches: [x], context: context)
    let found = draws(x)
    XCTAssertEqual(found.count, expected.count)
    for (a, b) in zip(found, expected) { XCTAssertEqual(a, b, accuracy: 1e-3 * max(1, abs(b))) }
  }

  func testAllNumbersOfTheFirstBatchesCountAlikeAndEqualOnesAreNotDivided() throws {
    let (model, _) = try model(height: 2, width: 1)
    func buffers() -> [String: Float] {
      Dictionary(
        uniqueKeysWithValues: model.encoder.buffers.map { ($0.path, $0.buffer.value.item) })
    }
    XCTAssertEqual(buffers(), ["standardization.mean": 0, "standardization.scale": 1])
    let context = SmallModels.context(3)
    try model.encoder.prepare(
      firstBatches: [.ones([2, 2, 1, 1]) * 3], context: SmallModels.context(2))
    XCTAssertEqual(buffers(), ["standardization.mean": 3, "standardization.scale": 1])
    // 1, 1, 1, 5 and 3, 7: the mean is 3, and the variance (4 + 4 + 4 + 4 + 0 + 16) / 6.
    try model.encoder.prepare(
      firstBatches: [
        Tensor([1, 1, 1, 5], shape: [2, 2, 1, 1]), Tensor([3, 7], shape: [1, 2, 1, 1]),
      ], context: context)
    XCTAssertEqual(try XCTUnwrap(buffers()["standardization.mean"]), 3, accuracy: 1e-6)
    XCTAssertEqual(
      try XCTUnwrap(buffers()["standardization.scale"]), (6.0 / 32).squareRoot(), accuracy: 1e-6)
  }

  func testTheTemperatureMultipliesTheNoiseOfEveryLayer() throws {
    let (model, _) = try model(height: 5, width: 4, [("prior.blocks_per_size", "2,1")])
    disturb(model, by: 0.3)
    let prior = try XCTUnwrap(model.prior as? TopDownPrior)
    let context = SmallModels.context(3)
    withoutTape {
      let noise = prior.latents.layerShapes.enumerated().map { level, shape in
        context.normalNoise("prior\(level + 1)", samples: 1, shape: shape) * 0.25
      }
      let (expected, found) = (
        prior.draw(noise: noise, context), prior.draw(temperature: 0.25, context)
      )
      XCTAssertEqual(found.layers.map(\.sample.floats), expected.layers.map(\.sample.floats))
      XCTAssertEqual(found.features?.floats, expected.features?.floats)
    }
  }

  /// Of the bound, for every parameter, along the sign of its gradient.
  func testGradientsAreThoseOfFiniteDifferences() throws {
    let (model, data) = try model(
      height: 5, width: 4,
      [("prior.blocks_per_size", "1,2"), ("channels", "3,4"), ("latent", "1,2")])
    disturb(model, by: 0.3)
    let x = images(data, 3)
    try assertGradientsAreSlopes(of: model, step: 0.004, accuracy: 0.01) {
      let evaluation = model.evaluate(x, DrawRequest(), SmallModels.context(3, .training))
      return (evaluation.distortion + evaluation.rate).mean()
    }
  }

  /// The first priors are N(0, I), whatever was drawn above; numbers are recovered from latents; and a layer is
  /// reached by what is above it alone.
  func testThePathBeginsWithStandardNormalPriorsAndGoesDownOnly() throws {
    let (model, _) = try model(height: 5, width: 4, [("prior.blocks_per_size", "2,1")])
    let prior = try XCTUnwrap(model.prior as? TopDownPrior)
    let context = SmallModels.context(3)
    let shapes = prior.latents.layerShapes
    XCTAssertEqual(shapes, [[5, 4, 2], [5, 4, 2], [3, 2, 2]])
    let noise = shapes.enumerated().map {
      context.normalNoise("test\($0)", samples: 1, shape: $1)
    }
    withoutTape {
      XCTAssertEqual(
        prior.draw(noise: noise, context).layers.map(\.sample.floats), noise.map(\.floats))
      disturb(model, by: 0.3)
      let draw = prior.draw(noise: noise, context)
      let found = prior.noise(of: draw.layers.map(\.sample), context)
      for (a, b) in zip(found, noise) {
        for (a, b) in zip(a.floats, b.floats) { XCTAssertEqual(a, b, accuracy: 1e-3) }
      }
      var other = noise
      other[1] = noise[1] + 1
      let second = prior.draw(noise: other, context)
      XCTAssertEqual(second.layers[2].sample.floats, draw.layers[2].sample.floats)
      XCTAssertNotEqual(second.layers[0].sample.floats, draw.layers[0].sample.floats)
      // With the temperature zero every draw is the mean, and examples are alike.
      let still = prior.draw(temperature: 0, context)
      XCTAssertEqual(still.layers.map(\.rate.floats), [[0, 0, 0], [0, 0, 0], [0, 0, 0]])
      let rows = (0..<2).map { still.layers[0].sample.rows($0..<$0 + 1).floats }
      XCTAssertEqual(rows[0], rows[1])
    }
  }

  /// The last convolutions of what is added to a path are divided by the square root of the number of blocks.
  func testWhatBlocksAddToAPathBeginsSmallerTheMoreThereAre() throws {
    func largest(_ path: String, blocks: String) throws -> Float {
      let (model, _) = try model(
        height: 4, width: 4,
        [
          ("prior.blocks_per_size", blocks), ("encoder.blocks_per_size", blocks),
          ("channels", "24"), ("prior.bottleneck", "1"), ("latent", "24"),
        ])
      let parameter = try XCTUnwrap(model.parameters.first { $0.path == path }?.parameter)
      return try XCTUnwrap(parameter.value.magnitude().floats.max())
    }
    for path in [
      "prior.sizes.0.blocks.0.residual.3.weights", "prior.sizes.0.blocks.0.projection.weights",
      "encoder.sizes.0.0.3.weights",
    ] {
      XCTAssertEqual(
        try largest(path, blocks: "7,1,1") * 3, try largest(path, blocks: "1"), accuracy: 0.02)
      XCTAssertEqual(try largest(path, blocks: "1"), 1 / Float(24).squareRoot(), accuracy: 0.01)
    }
  }

  func testPartsThatDoNotBelongTogetherAndPathsThatCannotBeAreRefused() throws {
    let data = SmallModels.data()
    for (variant, settings, words) in [
      (
        "very-deep-vae", [("encoder.name", "ladder-conv")],
        "works with the ladder-conv prior alone, but the prior has a hierarchy of 2 layers of maps"
      ),
      (
        "ladder-vae", [("prior.name", "ladder-conv"), ("encoder.name", "very-deep")],
        "; choose prior.name=very-deep or another encoder and decoder"
      ),
      (
        "very-deep-vae", [("decoder.name", "ladder-conv")],
        "; choose prior.name=ladder-conv or another encoder and decoder"
      ),
      ("very-deep-vae", [("prior.blocks_per_size", "2,0")], "prior.blocks_per_size ends with 0"),
      ("very-deep-vae", [("prior.channels", "6,4")], "prior.channels become fewer"),
      ("very-deep-vae", [("prior.latent", "1,2,3")], "prior.latent has 3 numbers"),
      ("very-deep-vae", [("encoder.blocks_per_size", "1,1,1")], "encoder.blocks_per_size has 3"),
    ] as [(String, [(key: String, value: String)], String)] {
      XCTAssertThrowsError(
        try SmallModels.registry.plan(SmallModels.recipe(variant, data: data, settings)), words
      ) {
        XCTAssertTrue("\($0)".contains(words), "\($0)")
      }
    }
  }

  /// A decoder that takes any map takes the end of the path.
  func testOtherDecodersMayStandAtTheEndOfThePath() throws {
    let (model, _) = try model(height: 4, width: 4, [("decoder.name", "mlp")])
    XCTAssertEqual(model.sample(SmallModels.context(2)).shape, [2, 4, 4, 1])
  }

  func testBytesAreExplainedByAMixtureOfLogisticsAndOtherDataAsEverywhere() throws {
    func likelihood(isBinary: Bool) throws -> String {
      let data = SmallModels.data(isBinary: isBinary)
      return try SmallModels.recipe("very-deep-vae", data: data).part(.likelihood).name
    }
    XCTAssertEqual(try likelihood(isBinary: true), "bernoulli")
    XCTAssertEqual(try likelihood(isBinary: false), "logistic-mixture")
    // A setting of the likelihood that is to come is known before the data are.
    let bytes = SmallModels.data(isBinary: false)
    let (recipe, _) = try SmallModels.registry.settled(
      SmallModels.registry.recipe(for: "very-deep-vae"), [("likelihood.components", "3")]
    ) { _ in bytes }
    XCTAssertEqual(recipe.part(.likelihood).values["components"], .integer(3))
  }
}
