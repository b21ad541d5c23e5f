import AutoencoderTiny
import Foundation
import VAEZoo
import XCTest

/// TAESD as a variational autoencoder: its sizes, its bound, and what recipes can change.
final class AutoencoderTinyTests: XCTestCase {
  private let registry = SmallModels.registry

  private func recipe(
    _ settings: [(key: String, value: String)] = [], height: Int = 8, width: Int = 8,
    channels: Int = 3
  ) throws -> Recipe {
    try SmallModels.recipe(
      "autoencoder-tiny",
      data: SmallModels.data(height: height, width: width, channels: channels, isBinary: false),
      settings)
  }

  func testThePublishedNetworksHaveTheirNumberOfParameters() throws {
    for (latents, mixing, encoder, decoder) in [
      (4, 0, 1_222_532, 1_222_531), (16, 0, 1_229_456, 1_229_443),
      (32, 256, 1_338_528, 1_338_499),
    ] {
      var recipe = try registry.recipe(for: "autoencoder-tiny")
      recipe.data = DataDescription(
        height: 64, width: 64, channels: 3, range: .unit, rule: "bytes/255")
      try registry.apply(
        [
          (key: "latent_channels", value: "\(latents)"),
          (key: "encoder.mixing_channels", value: "\(mixing)"),
          (key: "decoder.mixing_channels", value: "\(mixing)"),
        ], to: &recipe)
      let model = try registry.model(recipe, seed: 1)
      // The spread of each channel is the zoo's own.
      XCTAssertEqual(model.encoder.parameterCount, encoder + latents)
      XCTAssertEqual(model.decoder.parameterCount, decoder)
    }
  }

  func testTheRateIsTheDivergenceOfTheNoisyEncoder() throws {
    let data = SmallModels.data(channels: 3, isBinary: false)
    let model = try registry.model(
      recipe([(key: "encoder.deviation", value: "0.25")]), seed: 2)
    let context = SmallModels.context(3)
    let x = Examples(data.train).batch([0, 1, 2], context)
    let posterior = model.encoder.encode(x, context)
    let evaluation = withoutTape { model.evaluate(x, DrawRequest(), context) }
    let means = try XCTUnwrap(posterior.mean)
    let units = means.shape[1]
    XCTAssertEqual(units, model.prior.latents.unitCount)
    for (row, rate) in evaluation.rate.floats.enumerated() {
      let own = means.rows(row..<row + 1).floats
      let expected = own.reduce(0.0) {
        $0 + 0.5 * (Double($1 * $1) + 0.0625 - 1 - 2 * log(0.25))
      }
      XCTAssertEqual(Double(rate), expected, accuracy: 1e-4 * expected)
    }
    // Draws differ from the mean by that noise.
    let draws = evaluation.draw.decoderInput - means
    let deviation = (draws.doubleSumOfSquares / Double(draws.count)).squareRoot()
    XCTAssertEqual(deviation, 0.25, accuracy: 0.1)
  }

  func testTheClosedFormRateIsThatOfManyDraws() throws {
    let data = SmallModels.data(channels: 3, isBinary: false)
    let model = try registry.model(recipe([(key: "encoder.deviation", value: "0.5")]), seed: 3)
    let context = SmallModels.context(1)
    let x = Examples(data.train).batch([0], context)
    let closed = withoutTape { model.evaluate(x, DrawRequest(), context) }.rate.floats[0]
    var request = DrawRequest()
    (request.samples, request.usesSampledRate) = (4000, true)
    let draw = withoutTape {
      model.prior.draw(from: model.encoder.encode(x, context), request, context)
    }
    let rates = draw.rate.floats.map { Double($0) }
    let count = Double(rates.count)
    let mean = rates.reduce(0, +) / count
    let squares = rates.map { ($0 - mean) * ($0 - mean) }
    let variance = squares.reduce(0, +) / (count - 1)
    let error = (variance / count).squareRoot()
    XCTAssertLessThan(abs(mean - Double(closed)), 4 * error)
  }

  func testTrainingRaisesTheBoundWithEveryObjective() throws {
    let data = SmallModels.data(channels: 3, isBinary: false)
    for objective in registry.components(.objective).map(\.name) {
      let recipe = try recipe([(key: "objective.name", value: objective)])
      func bound(_ model: Model) throws -> Double {
        try XCTUnwrap(
          Evaluator(model: model, examples: Examples(XCTUnwrap(data.test)), seed: 0).run()
        )
        .elbo.mean
      }
      let fresh = try registry.model(recipe, seed: 3)
      let trained = try SmallModels.trained(recipe, data: data, epochs: 4)
      XCTAssertGreaterThan(try bound(trained), try bound(fresh), objective)
    }
  }

  func testSizesThatDoNotFitEachOtherAreRefusedByName() throws {
    func message(_ settings: [(key: String, value: String)]) throws -> String {
      var found = ""
      XCTAssertThrowsError(try registry.model(recipe(settings), seed: 1)) { found = "\($0)" }
      return found
    }
    let levels = try message([(key: "prior.levels", value: "2")])
    XCTAssertTrue(levels.contains("encoder.blocks have one number more than prior.levels"), levels)
    let decoder = try message([(key: "decoder.blocks", value: "1,1")])
    XCTAssertTrue(decoder.contains("decoder tiny halves images of 8×8 1 time,"), decoder)
    let prior = try message([(key: "prior.name", value: "standard-normal")])
    XCTAssertTrue(prior.contains("made for a map of latents"), prior)
    let groups = try message([
      (key: "encoder.mixing_channels", value: "6"), (key: "encoder.mixing_groups", value: "4"),
    ])
    XCTAssertTrue(groups.contains("does not divide mixing_channels, 6"), groups)
  }

  func testOtherEncodersAndDecodersWorkAroundAMap() throws {
    for architecture in ["conv", "mlp"] {
      let model = try registry.model(
        recipe([(key: "encoder.name", value: architecture), (key: "decoder.name", value: "tiny")]),
        seed: 1)
      XCTAssertEqual(model.sample(SmallModels.context(2)).shape, [2, 8, 8, 3])
    }
  }

  func testBlocksOfTheMapMixChannelsAndAllOfItIsTrained() throws {
    let recipe = try recipe([
      (key: "encoder.mixing_channels", value: "8"), (key: "decoder.mixing_channels", value: "8"),
    ])
    let model = try registry.model(recipe, seed: 4)
    let data = SmallModels.data(channels: 3, isBinary: false)
    let context = SmallModels.context(4, .training)
    let x = Examples(data.train).batch([0, 1, 2, 3], context)
    let pass = ForwardPass(model, x, model.objective.requirements.draw, context)
    let gradients = try XCTUnwrap(model.objective.phases.first).loss(pass).value.backward()
    let mixing = model.parameters.filter { $0.path.contains(".mixing.") }
    // Three blocks a half, with two convolutions and a normalisation of two parameters.
    XCTAssertEqual(mixing.count, 2 * 3 * 4)
    for (path, parameter) in mixing {
      XCTAssertTrue(
        try XCTUnwrap(gradients[parameter], path).floats.contains { $0 != 0 }, path)
    }
  }

  func testEveryChannelHasItsOwnSpreadWhichIsLimited() throws {
    let model = try registry.model(
      recipe([
        (key: "encoder.deviation", value: "0.5"), (key: "latent_channels", value: "3"),
        (key: "prior.levels", value: "1"), (key: "encoder.blocks", value: "1,0"),
        (key: "decoder.blocks", value: "0,1"),
      ]), seed: 2)
    let spread = try XCTUnwrap(
      model.encoder.parameters.first { $0.path == "log_variance" }?.parameter)
    for value in spread.value.floats { XCTAssertEqual(value, -1.3862944, accuracy: 1e-6) }
    XCTAssertFalse(spread.isDecayed)
    spread.value = Tensor([30, -40, 1.5])
    let x = RandomSource(seed: 3).stream("x").uniform([1, 8, 8, 3])
    let posterior = try XCTUnwrap(
      withoutTape { model.encoder.encode(x, SmallModels.context(1)) } as? DiagonalGaussian)
    XCTAssertEqual(posterior.logVariance.shape, [1, 48])
    for (place, value) in posterior.logVariance.floats.enumerated() {
      XCTAssertEqual(value, [20, -20, 1.5][place % 3])
    }
  }

  func testTheDecoderClampsLatentsSoftlyAtItsMagnitude() throws {
    func decoded(_ magnitude: Float?, _ z: Float) throws -> [Float] {
      let settings = magnitude.map { [(key: "decoder.latent_magnitude", value: "\($0)")] } ?? []
      let model = try registry.model(recipe(settings), seed: 2)
      XCTAssertEqual((model.decoder as? any MapDecoder)?.latentMagnitude, magnitude ?? 3)
      let context = SmallModels.context(1)
      let shape = Shape([1] + model.prior.latents.decoderInputShape.dimensions)
      return withoutTape {
        let draw = model.prior.draw(of: [Tensor(repeating: z, shape: shape)], context)
        return model.decoder.decode(draw, target: nil, context)
      }.floats
    }
    // 1.5 tanh(1 / 1.5) = 3 tanh(z / 3) for this z.
    let same = 3 * atanh(0.5 * tanh(Float(1) / 1.5))
    for (a, b) in zip(try decoded(1.5, 1), try decoded(nil, same)) {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
    XCTAssertNotEqual(try decoded(1.5, 1), try decoded(nil, 1))
    XCTAssertEqual(try decoded(nil, 60), try decoded(nil, 90), "both are the magnitude")
  }
}
