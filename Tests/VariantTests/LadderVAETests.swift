import Foundation
import LadderVAE
import VAEZoo
import XCTest

final class LadderVAETests: XCTestCase {
  private let data = SmallModels.data(height: 4, width: 4)

  private func recipe(
    _ settings: [(key: String, value: String)] = []
  ) throws -> Recipe {
    try SmallModels.recipe(
      "ladder-vae", data: data,
      [(key: "latent", value: "5,4,3"), (key: "hidden", value: "9,8,7")] + settings)
  }

  private func model(_ settings: [(key: String, value: String)] = []) throws -> Model {
    try SmallModels.registry.model(try recipe(settings), seed: 3)
  }

  private let convolutional = ["encoder", "prior", "decoder"].map {
    (key: "\($0).name", value: "ladder-conv")
  }

  private func evaluate(
    _ model: Model, count: Int = 6, samples: Int = 1, sampled: Bool = false, seed: UInt64 = 1,
    mode: Context.Mode = .training
  ) -> Evaluation {
    var request = DrawRequest()
    request.samples = samples
    request.usesSampledRate = sampled
    let context = SmallModels.context(count, mode, seed: seed)
    let x = Examples(data.train).batch(Array(0..<count), context)
    return withoutTape { model.evaluate(x, request, context) }
  }

  // MARK: Rate

  func testTheRateIsThatOfEveryLevelTheTopIncluded() throws {
    let evaluation = evaluate(try model())
    XCTAssertEqual(evaluation.draw.layers.map(\.sample.shape), [[6, 5], [6, 4], [6, 3]])
    for layer in evaluation.draw.layers {
      XCTAssertGreaterThan(layer.rate.floats.min() ?? 0, 0)
    }
    let sums = (0..<6).map { row in
      evaluation.draw.layers.reduce(0) { $0 + $1.rate.floats[row] }
    }
    for (a, b) in zip(evaluation.rate.floats, sums) { XCTAssertEqual(a, b, accuracy: 1e-4) }
  }

  func testTheTopLevelPaysItsDivergenceFromTheStandardNormal() throws {
    let model = try model()
    let evaluation = evaluate(model)
    let messages = try XCTUnwrap(evaluation.posterior as? LadderPosterior).messages
    let top = try XCTUnwrap(messages.last)
    let (means, logs) = (
      top.means.floats.map(Double.init), top.logVariance.floats.map(Double.init)
    )
    for row in 0..<6 {
      var expected = 0.0
      for index in row * 3..<row * 3 + 3 {
        let (mean, log) = (means[index], logs[index])
        expected += 0.5 * (mean * mean + exp(log) - 1 - log)
      }
      XCTAssertEqual(
        Double(evaluation.draw.layers[2].rate.floats[row]), expected, accuracy: 1e-4)
    }
  }

  /// Given what was drawn above, a level's closed form is the mean of log q − log p of its draws.
  func testClosedFormRatesAreTheMeansOfSampledOnes() throws {
    let model = try model()
    var gaps = [[Double]](repeating: [], count: 3)
    for seed in 0..<600 {
      // The same seed draws the same latents, so that both rates of a level are given the same
      // above.
      let closed = evaluate(model, seed: UInt64(seed))
      let sampled = evaluate(model, sampled: true, seed: UInt64(seed))
      for level in 0..<3 {
        XCTAssertEqual(
          closed.draw.layers[level].sample.floats, sampled.draw.layers[level].sample.floats)
        gaps[level].append(
          closed.draw.layers[level].rate.doubleSum - sampled.draw.layers[level].rate.doubleSum)
      }
    }
    for level in 0..<3 {
      let gap = Estimate(of: gaps[level])
      let error = try XCTUnwrap(gap.standardError)
      XCTAssertEqual(gap.mean, 0, accuracy: 4 * error, "level \(level + 1)")
      XCTAssertGreaterThan(error, 0)
    }
  }

  func testDrawsLieSampleBySample() throws {
    // In training the batch norm on the way down would look at all draws together.
    let model = try SmallModels.trained(try recipe(), data: data, epochs: 1)
    let many = evaluate(model, samples: 3, mode: .evaluation)
    let one = evaluate(model, mode: .evaluation)
    for (a, b) in zip(many.draw.layers, one.draw.layers) {
      XCTAssertEqual(a.sample.shape[0], 18)
      for (x, y) in zip(a.sample.rows(0..<6).floats, b.sample.floats) {
        XCTAssertEqual(x, y, accuracy: 1e-5)
      }
    }
    XCTAssertEqual(many.rate.shape, [3, 6])
    // The top's closed form does not depend on the draw; the others' do, through what was drawn
    // above.
    let top = many.draw.layers[2].rate.floats
    XCTAssertEqual(Array(top[0..<6]), Array(top[6..<12]))
    let bottom = many.draw.layers[0].rate.floats
    XCTAssertNotEqual(Array(bottom[0..<6]), Array(bottom[6..<12]))
  }

  // MARK: Sharing

  func testInferenceWalksTheGenerativePathUnlessItHasItsOwn() throws {
    let (shared, separate) = (
      try model(), try model([(key: "prior.shares_parameters", value: "false")])
    )
    let paths = { (model: Model) in Set(model.parameters.map(\.path)) }
    XCTAssertTrue(paths(shared).isStrictSubset(of: paths(separate)))
    XCTAssertTrue(paths(shared).allSatisfy { !$0.contains("inference") })
    // With a path of its own a level's posterior no longer follows the prior's parameters.
    for (model, depends) in [(shared, true), (separate, false)] {
      let before = evaluate(model).draw.layers[1].sample.floats
      for (path, parameter) in model.parameters
      where path.hasPrefix("prior.1.head") && path.hasSuffix("bias") {
        parameter.value = parameter.value + 1
      }
      XCTAssertEqual(evaluate(model).draw.layers[1].sample.floats != before, depends)
    }
  }

  func testAVagueMessageLeavesThePriorAndCostsNothing() throws {
    let model = try model()
    for (path, parameter) in model.parameters where path.hasPrefix("encoder.heads.0.") {
      // Means of zero and log-variances of 15.
      let isBias = parameter.shape.rank == 1
      parameter.value =
        isBias
        ? Tensor([Float](repeating: 0, count: 5) + [Float](repeating: 15, count: 5))
        : .zeros(parameter.shape)
    }
    for rate in evaluate(model).draw.layers[0].rate.floats {
      XCTAssertEqual(rate, 0, accuracy: 1e-4)
    }
  }

  // MARK: Learning

  func testTheWarmUpWeighsAllLevelsAlike() throws {
    let model = try model([(key: "warmup_epochs", value: "4")])
    var context = SmallModels.context(6, .training)
    context.epochs = 1
    let evaluation = evaluate(model)
    let loss = model.objective.phases[0].loss(ForwardPass(model, evaluation, context)).value.item
    XCTAssertEqual(
      loss, (evaluation.distortion.mean() + evaluation.rate.mean() * 0.25).item, accuracy: 1e-3)
  }

  /// The statistics for evaluation are the moments of the whole training set under the weights that
  /// the epoch ended with, here those of the first layer in double precision.
  func testEvaluationUsesMomentsOfTheTrainingSetUnderTheWeightsOfTheEpochsEnd() throws {
    let model = try SmallModels.trained(try recipe(), data: data, epochs: 3)
    let parameters = Dictionary(
      uniqueKeysWithValues: model.parameters.map { ($0.path, $0.parameter.value) })
    let buffers = Dictionary(
      uniqueKeysWithValues: model.buffers.map { ($0.path, $0.buffer.value) })
    let weights = try XCTUnwrap(parameters["encoder.blocks.0.0.weights"]).floats.map(Double.init)
    let bias = try XCTUnwrap(parameters["encoder.blocks.0.0.bias"]).floats.map(Double.init)
    let means = try XCTUnwrap(buffers["encoder.blocks.0.1.mean"]).floats
    let variances = try XCTUnwrap(buffers["encoder.blocks.0.1.variance"]).floats
    let x = Examples(data.train).batch(Array(0..<64), SmallModels.context(64)).floats
    for unit in 0..<9 {
      let sums = (0..<64).map { row in
        (0..<16).reduce(bias[unit]) { $0 + Double(x[row * 16 + $1]) * weights[$1 * 9 + unit] }
      }
      let mean = sums.reduce(0, +) / 64
      let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 64
      XCTAssertEqual(Double(means[unit]), mean, accuracy: 1e-4)
      XCTAssertEqual(Double(variances[unit]), variance, accuracy: 1e-4 * max(1, variance))
    }
    // The way down is calibrated as well.
    for (path, mean) in buffers where path.hasPrefix("prior.") && path.hasSuffix("mean") {
      XCTAssertTrue(mean.floats.contains { $0 != 0 }, path)
    }
  }

  func testTheBoundOfABatchInEvaluationIsThatOfTheTrainingSet() throws {
    let model = try SmallModels.trained(try recipe(), data: data, epochs: 3)
    let result = try XCTUnwrap(
      Evaluator(model: model, examples: Examples(data.train), seed: 0).run())
    XCTAssertEqual(result.metrics[RatePerLayerMetric.self]?.count, 3)
    // With the statistics of the whole training set a batch of all of it says nearly the same.
    let whole = evaluate(model, count: 64)
    XCTAssertEqual(
      Double(whole.distortion.mean().item), result.distortion.mean,
      accuracy: 0.05 * result.distortion.mean)
  }

  // MARK: Levels

  func testAnyNumberOfLevelsWorks() throws {
    for levels in ["3", "4,3", "6,5,4,3,2,2"] {
      let recipe = try SmallModels.recipe(
        "ladder-vae", data: data, [(key: "latent", value: levels), (key: "hidden", value: "8")])
      let model = try SmallModels.trained(recipe, data: data, epochs: 1)
      let count = levels.split(separator: ",").count
      XCTAssertEqual(evaluate(model).draw.layers.count, count)
      XCTAssertEqual(model.sample(SmallModels.context(2)).shape, [2, 4, 4, 1])
    }
  }

  func testConvolutionalLevelsTakeOddSizes() throws {
    for (height, width, latent) in [
      (7, 5, "2,3"), (9, 7, "2,3"), (4, 4, "2,3"), (7, 5, "2,3,4"), (9, 7, "2,3,4"),
    ] {
      let data = SmallModels.data(height: height, width: width)
      let recipe = try SmallModels.recipe(
        "ladder-vae", data: data,
        convolutional + [(key: "latent", value: latent), (key: "channels", value: "6")])
      let model = try SmallModels.trained(recipe, data: data, epochs: 1)
      let images = model.sample(SmallModels.context(2))
      XCTAssertEqual(images.shape, [2, height, width, 1])
      let draw = model.prior.draw(temperature: 1, SmallModels.context(2))
      var size = (height: height, width: width)
      for (layer, channels) in zip(draw.layers, 2...4) {
        size = ((size.height + 1) / 2, (size.width + 1) / 2)
        XCTAssertEqual(layer.sample.shape, [2, size.height, size.width, channels])
      }
    }
  }

  func testGivenLatentsLeadToTheSameImages() throws {
    for names in ["ladder", "ladder-conv"] {
      var settings = ["encoder", "prior", "decoder"].map {
        (key: "\($0).name", value: names)
      }
      settings.append((key: "latent", value: "3,2"))
      let recipe = try SmallModels.recipe("ladder-vae", data: data, settings)
      let model = try SmallModels.registry.model(recipe, seed: 1)
      let context = SmallModels.context(3)
      withoutTape {
        let drawn = model.prior.draw(temperature: 1, context)
        let given = model.prior.draw(of: drawn.layers.map(\.sample), context)
        XCTAssertEqual(
          model.decoder.decode(drawn, target: nil, context).floats,
          model.decoder.decode(given, target: nil, context).floats, names)
      }
    }
  }

  func testConvolutionalInferenceMayHaveAPathOfItsOwn() throws {
    let settings = convolutional + [(key: "latent", value: "2,3")]
    let (shared, separate) = try (
      SmallModels.registry.model(
        SmallModels.recipe("ladder-vae", data: data, settings), seed: 1),
      SmallModels.registry.model(
        SmallModels.recipe(
          "ladder-vae", data: data,
          settings + [(key: "prior.shares_parameters", value: "false")]), seed: 1)
    )
    XCTAssertGreaterThan(separate.parameterCount, shared.parameterCount)
    XCTAssertTrue(evaluate(separate).logWeights.isFinite)
  }

  func testTheDecoderHasLayersOfEveryWidthGiven() throws {
    let model = try model([
      (key: "decoder.hidden", value: "7,6"), (key: "decoder.depth", value: "2"),
    ])
    let weights = model.decoder.parameters.filter { $0.path.hasSuffix("weights") }
    XCTAssertEqual(
      weights.map(\.parameter.shape), [[5, 7], [7, 7], [7, 6], [6, 6], [6, 16]])
  }

  func testALevelMayHandUpTheMeanOfItsMessageOnly() throws {
    let model = try model([(key: "encoder.handover", value: "mean")])
    let shapes = Dictionary(
      uniqueKeysWithValues: model.parameters.map { ($0.path, $0.parameter.shape) })
    XCTAssertEqual(shapes["encoder.blocks.1.0.weights"], [5, 8])
    XCTAssertTrue(evaluate(model).logWeights.floats.allSatisfy(\.isFinite))
  }

  // MARK: Storing

  func testAStoredLadderOfAnyKindSaysTheSame() throws {
    let path = NSTemporaryDirectory() + "ladder-\(UUID().uuidString).safetensors"
    addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
    let separate = (key: "prior.shares_parameters", value: "false")
    let handover = (key: "encoder.handover", value: "mean")
    for settings in [[separate, handover], convolutional + [separate], convolutional + [handover]] {
      let recipe = try SmallModels.recipe(
        "ladder-vae", data: data, settings + [(key: "latent", value: "3,2")])
      let model = try SmallModels.trained(recipe, data: data, epochs: 1)
      try TrainedModel(model: model, recipe: recipe, source: "memory").save(to: path)
      let opened = try TrainedModel.open(path, registry: SmallModels.registry)
      XCTAssertEqual(opened.recipe, recipe)
      let (before, after) = (
        evaluate(model, samples: 2, mode: .evaluation),
        evaluate(opened.model, samples: 2, mode: .evaluation)
      )
      XCTAssertEqual(before.logWeights.floats, after.logWeights.floats)
      XCTAssertEqual(
        model.sample(SmallModels.context(3)).floats,
        opened.model.sample(SmallModels.context(3)).floats)
    }
  }

  // MARK: Refusals

  func testWhatDoesNotFitIsRefusedNamingIt() {
    for (settings, words) in [
      ([(key: "hidden", value: "9,8")], ["hidden has 2 numbers", "3 levels"]),
      ([(key: "latent", value: "5,0,3")], ["latent", "1…65536"]),
      ([(key: "prior.hidden", value: "9,8,7,6")], ["prior.hidden has 4 numbers", "3 levels"]),
      ([(key: "hidden", value: "60000")], ["beyond the limit"]),
      (
        [
          (key: "latent", value: "1,20000,1"), (key: "encoder.hidden", value: "1"),
          (key: "prior.hidden", value: "20000,1,1"),
        ], ["prior ladder", "beyond the limit", "prior.hidden"]
      ),
    ] as [([(key: String, value: String)], [String])] {
      XCTAssertThrowsError(try model(settings)) { error in
        XCTAssertEqual((error as? RecipeError)?.kind, .invalid)
        for word in words { XCTAssertTrue("\(error)".contains(word), "\(error)") }
      }
    }
  }

  func testMapsBeyondMemoryAreRefused() throws {
    for setting in [
      (key: "encoder.channels", value: "4096"), (key: "prior.channels", value: "4096"),
    ] {
      let recipe = try SmallModels.recipe(
        "ladder-vae", data: data,
        convolutional + [
          (key: "latent", value: "65536"), (key: "channels", value: "6"), setting,
        ])
      XCTAssertThrowsError(try SmallModels.registry.model(recipe, seed: 1)) { error in
        XCTAssertEqual((error as? RecipeError)?.kind, .invalid)
        XCTAssertTrue("\(error)".contains("beyond the limit"), "\(error)")
      }
    }
  }
}
