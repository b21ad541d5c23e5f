import AutoencoderKL
import VAEZoo
import XCTest

/// Stable Diffusion's VAE as a variational autoencoder: its sizes, its gradients, and what recipes can
/// change.
final class AutoencoderKLTests: XCTestCase {
  private let registry = SmallModels.registry

  private func recipe(_ settings: [(key: String, value: String)] = []) throws -> Recipe {
    try SmallModels.recipe(
      "autoencoder-kl", data: SmallModels.data(channels: 3, isBinary: false), settings)
  }

  /// As many numbers as the layers of the published network have, by the list of them.
  func testTheSmallNetworkHasTheParametersOfItsLayers() throws {
    // The decoder's list begins at the map.
    let model = try registry.model(
      recipe([(key: "decoder.level_channels", value: "6,6,4,4")]), seed: 1)
    func convolution(_ inputs: Int, _ outputs: Int, _ kernel: Int = 3) -> Int {
      (inputs * kernel * kernel + 1) * outputs
    }
    func block(_ inputs: Int, _ outputs: Int) -> Int {
      2 * inputs + 2 * outputs + convolution(inputs, outputs) + convolution(outputs, outputs)
        + (inputs == outputs ? 0 : convolution(inputs, outputs, 1))
    }
    let attention = 2 * 6 + 4 * convolution(6, 6, 1)
    let middle = 2 * block(6, 6) + attention
    // Levels of 4, 4, 6, 6 channels, two blocks down and three up, and 4 latent channels.
    let down = 4 * block(4, 4) + block(4, 6) + 3 * block(6, 6) + 2 * convolution(4, 4)
    let encoder =
      convolution(3, 4) + down + convolution(6, 6) + middle + 12 + convolution(6, 8)
      + convolution(8, 8, 1)
    XCTAssertEqual(model.encoder.parameterCount, encoder)
    let up = 6 * block(6, 6) + block(6, 4) + 5 * block(4, 4) + 2 * convolution(6, 6)
    let decoder =
      convolution(4, 4, 1) + convolution(4, 6) + middle + up + convolution(4, 4) + 8
      + convolution(4, 3)
    XCTAssertEqual(model.decoder.parameterCount, decoder)
  }

  func testTheImagesOfTheRecipeAreTheirOwnScale() throws {
    // The encoder sees 2x − 1: shifting data of no fixed range by hand is the same.
    let recipe = try recipe()
    var real = recipe
    real.data = DataDescription(height: 8, width: 8, channels: 3, range: .real, rule: "floats")
    let (unit, free) = (try registry.model(recipe, seed: 2), try registry.model(real, seed: 2))
    let x = RandomSource(seed: 3).stream("x").uniform([2, 8, 8, 3])
    let context = SmallModels.context(2)
    let a = try XCTUnwrap(unit.encoder.encode(x, context).mean)
    let b = try XCTUnwrap(free.encoder.encode(x.scaled(by: 2, shift: -1), context).mean)
    XCTAssertEqual(a.floats, b.floats)
    let draw = unit.prior.draw(temperature: 1, context)
    let y = free.decoder.decode(draw, target: nil, context).scaled(by: 0.5, shift: 0.5)
    XCTAssertEqual(unit.decoder.decode(draw, target: nil, context).floats, y.floats)
  }

  func testTheDecoderBeginsAtTheMeanImageThatItIsGiven() throws {
    let recipe = try recipe()
    var real = recipe
    real.data = DataDescription(height: 8, width: 8, channels: 3, range: .real, rule: "floats")
    for recipe in [recipe, real] {
      let model = try registry.model(recipe, seed: 2)
      let context = SmallModels.context(2)
      // Without the weights of the last layer its bias is left.
      let last = try XCTUnwrap(model.decoder.lastWeights)
      last.value = .zeros(last.shape)
      let mean = Tensor([0.2, 0.5, 0.9], shape: [1, 1, 3]).broadcast(to: [8, 8, 3])
      model.decoder.begin(at: mean)
      let found = withoutTape {
        model.decoder.decode(
          model.prior.draw(temperature: 1, context), target: nil, context)
      }
      XCTAssertEqual(found.shape, [2, 8, 8, 3])
      for (place, value) in found.floats.enumerated() {
        XCTAssertEqual(value, [0.2, 0.5, 0.9][place % 3], accuracy: 1e-6)
      }
    }
  }

  func testTheRateOfTheTrainedLossIsNotTheReportedOne() throws {
    // −ELBO is reported with weight one, whatever the weight of the loss, 1e-6 here.
    let data = SmallModels.data(channels: 3, isBinary: false)
    let model = try registry.model(recipe(), seed: 4)
    let context = SmallModels.context(4)
    let x = Examples(data.train).batch([0, 1, 2, 3], context)
    let pass = ForwardPass(model, x, model.objective.requirements.draw, context)
    let loss = try XCTUnwrap(model.objective.phases.first).loss(pass).value.item
    let evaluation = pass.evaluation
    XCTAssertEqual(
      loss, (evaluation.distortion + evaluation.rate * 1e-6).mean().item, accuracy: abs(loss) * 1e-6
    )
    let result = try XCTUnwrap(
      Evaluator(model: model, examples: Examples(XCTUnwrap(data.test)), seed: 0).run())
    XCTAssertEqual(
      result.elbo.mean, -result.rate.mean - result.distortion.mean,
      accuracy: 1e-6 * abs(result.elbo.mean))
  }

  func testEverythingIsTrainedWithAttentionAtEverySize() throws {
    let model = try registry.model(
      recipe([
        (key: "encoder.attention", value: "1,1,1,1"), (key: "decoder.attention", value: "1,1,1,1"),
      ]), seed: 5)
    let data = SmallModels.data(channels: 3, isBinary: false)
    let context = SmallModels.context(2, .training)
    let x = Examples(data.train).batch([0, 1], context)
    let pass = ForwardPass(model, x, model.objective.requirements.draw, context)
    let gradients = try XCTUnwrap(model.objective.phases.first).loss(pass).value.backward()
    for (path, parameter) in model.parameters {
      XCTAssertTrue(
        try XCTUnwrap(gradients[parameter], path).floats.allSatisfy(\.isFinite), path)
    }
    XCTAssertEqual(model.parameters.count { $0.path.contains("attentions") }, 10 * (4 * 2 + 12))
  }

  func testSizesThatDoNotFitEachOtherAreRefusedByName() throws {
    func message(_ settings: [(key: String, value: String)]) throws -> String {
      var found = ""
      XCTAssertThrowsError(try registry.model(recipe(settings), seed: 1)) { found = "\($0)" }
      return found
    }
    let groups = try message([(key: "encoder.norm_groups", value: "4")])
    XCTAssertTrue(groups.contains("encoder.norm_groups is 4, which does not divide the 6"), groups)
    let attention = try message([(key: "decoder.attention", value: "1,0")])
    XCTAssertTrue(attention.contains("decoder.attention has 2 numbers"), attention)
    let levels = try message([(key: "prior.levels", value: "1")])
    XCTAssertTrue(levels.contains("encoder.level_channels have one number more"), levels)
  }

  func testLogVariancesAreLimitedFromMinus30To20() throws {
    let model = try registry.model(
      recipe([(key: "encoder.latent_convolution", value: "false")]), seed: 2)
    let parameters = Dictionary(
      uniqueKeysWithValues: model.encoder.parameters.map { ($0.path, $0.parameter) })
    let (weights, bias) = (
      try XCTUnwrap(parameters["layers.4.weights"]), try XCTUnwrap(parameters["layers.4.bias"])
    )
    weights.value = .zeros(weights.shape)
    bias.value = Tensor([40, -40, 3, -3, 40, -40, -25, 7])
    let x = RandomSource(seed: 3).stream("x").uniform([1, 8, 8, 3])
    let posterior = try XCTUnwrap(
      withoutTape { model.encoder.encode(x, SmallModels.context(1)) } as? DiagonalGaussian)
    XCTAssertEqual(posterior.means.floats, [40, -40, 3, -3])
    XCTAssertEqual(posterior.logVariance.floats, [20, -30, -25, 7])
  }

  func testSizesOfDifferentNumbersAreExplainedTogether() throws {
    var found = ""
    XCTAssertThrowsError(
      try registry.model(recipe([(key: "encoder.level_channels", value: "4,6")]), seed: 1)
    ) { found = "\($0)" }
    for words in [
      "encoder.attention has 4 numbers, but encoder.level_channels 2",
      "for 2 sizes choose prior.levels=1, and give level_channels and attention 2 numbers each",
    ] { XCTAssertTrue(found.contains(words), found) }
  }
}
