import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEData
import VAEEvaluation
import VAERecipes
import VAETraining
import VAEZoo
import VQVAE
import XCTest

final class VQVAETests: XCTestCase {
  private let registry = Registry.builtIn

  private func trained(
    _ data: DataSource, _ settings: [(key: String, value: String)] = [], epochs: Int = 2,
    batchSize: Int = 16, learningRate: Double = 0.003, observe: (TrainingEvent) -> Void = { _ in }
  ) throws -> Model {
    let model = try registry.model(try Support.recipe(data, settings), seed: 3)
    let options = Support.options(
      epochs: epochs, batchSize: batchSize, learningRate: learningRate)
    _ = try Trainer(model: model, data: data, options: options).train(observe: observe)
    return model
  }

  private func refusal(_ data: DataSource, _ settings: [(key: String, value: String)]) -> String {
    do {
      _ = try registry.model(try Support.recipe(data, settings), seed: 3)
      return "not refused"
    } catch {
      return "\(error)"
    }
  }

  // MARK: Composition

  func testDefaultsAreTheReferenceWorkload() throws {
    let data = Support.blobs(height: 32, width: 32, channels: 3)
    let model = try registry.model(try Support.recipe(data, small: false), seed: 3)
    XCTAssertEqual(
      model.prior.latents,
      .codes(CodeGrid(height: 8, width: 8, codeCount: 512, vectorSize: 64)))
    let shapes = model.parameters.filter { $0.path.hasSuffix("weights") }.map {
      ($0.path, $0.parameter.shape.dimensions)
    }
    let encoder: [[Int]] = [
      [64, 3, 4, 4], [128, 64, 4, 4], [128, 128, 3, 3], [32, 128, 3, 3], [128, 32, 1, 1],
      [32, 128, 3, 3], [128, 32, 1, 1], [64, 128, 1, 1],
    ]
    let decoder: [[Int]] = [
      [128, 64, 3, 3], [32, 128, 3, 3], [128, 32, 1, 1], [32, 128, 3, 3], [128, 32, 1, 1],
      [128, 64, 4, 4], [64, 3, 4, 4],
    ]
    XCTAssertEqual(shapes.filter { $0.0.hasPrefix("encoder.") }.map(\.1), encoder)
    XCTAssertEqual(shapes.filter { $0.0.hasPrefix("decoder.") }.map(\.1), decoder)
    XCTAssertEqual(
      model.buffers.map(\.path),
      [
        "encoder.input.mean", "prior.codebook.vectors", "prior.codebook.counts",
        "prior.codebook.sums",
        "likelihood.variance",
      ])
  }

  func testARecipeGivesTheCodebookItsSizesAndHowItLearns() throws {
    let data = Support.blobs(height: 7, width: 5, channels: 2)
    for (update, kind) in [("gradient", Codebook.Update.gradient), ("ema", .ema)] {
      let recipe = try Support.recipe(
        data,
        [
          (key: "codes", value: "6"), (key: "code_size", value: "3"),
          (key: "levels", value: "1"), (key: "commitment", value: "0.5"),
          (key: "decay", value: "0.75"), (key: "restart_threshold", value: "0.125"),
          (key: "update", value: update),
        ])
      let quantizer = try XCTUnwrap(
        registry.model(recipe, seed: 3).prior as? UniformCodePrior
      ).quantizer
      XCTAssertEqual(
        quantizer.grid, CodeGrid(height: 4, width: 3, codeCount: 6, vectorSize: 3))
      XCTAssertEqual(quantizer.codebook.vectors.shape, [6, 3])
      XCTAssertEqual(quantizer.commitment, 0.5)
      XCTAssertEqual(quantizer.dataElements, 70)
      XCTAssertEqual(quantizer.codebook.decay, 0.75)
      XCTAssertEqual(quantizer.codebook.restartThreshold, 0.125)
      XCTAssertEqual(quantizer.codebook.update, kind)
    }
  }

  func testEveryArchitectureTrainsOnOddSizesAndAsFewExamplesAsNormalizationAllows() throws {
    for architecture in ["resnet", "conv", "mlp"] {
      for (height, width, channels) in [(7, 5, 1), (9, 13, 3), (1, 1, 2)] {
        let data = Support.blobs(height: height, width: width, channels: channels, train: 6)
        let settings = [
          (key: "architecture", value: architecture), (key: "codes", value: "4"),
          (key: "code_size", value: "3"),
        ]
        let model = try registry.model(
          try Support.recipe(data, settings, small: false), seed: 3)
        // Over the one pixel of a single example there is nothing to normalise.
        let options = Support.options(epochs: 1, batchSize: height * width == 1 ? 2 : 1)
        _ = try Trainer(model: model, data: data, options: options).train()
        let x = data.train.batch([0, 1, 2])
        let shape: Shape = [3, height, width, channels]
        XCTAssertEqual(model.reconstruct(x, Support.context(3)).shape, shape, architecture)
        XCTAssertEqual(model.sample(Support.context(3)).shape, shape, architecture)
        XCTAssertTrue(model.sample(Support.context(3)).isFinite, architecture)
      }
    }
  }

  func testPlainResidualNetworksServeCodesToo() throws {
    let model = try trained(
      Support.blobs(height: 9, width: 7),
      [
        (key: "encoder.name", value: "resnet"), (key: "decoder.name", value: "resnet"),
        (key: "encoder.channels", value: "4,6,8"), (key: "decoder.channels", value: "8,6,4"),
      ], epochs: 1)
    XCTAssertEqual(
      model.prior.latents, .codes(CodeGrid(height: 3, width: 2, codeCount: 8, vectorSize: 4)))
  }

  func testGridFollowsTheNumberOfLevels() throws {
    for (levels, height, width) in [(0, 9, 6), (1, 5, 3), (2, 3, 2), (3, 2, 1), (6, 1, 1)] {
      let data = Support.blobs(height: 9, width: 6, train: 4)
      let model = try trained(
        data, [(key: "levels", value: "\(levels)")], epochs: 1, batchSize: 4)
      XCTAssertEqual(
        model.codes(data.train.batch([0, 1]), Support.context(2))?.shape, [2, height, width])
      XCTAssertEqual(model.sample(Support.context(2)).shape, [2, 9, 6, 1])
    }
  }

  func testConvolutionsThatCannotReachTheGridAreRefusedWithTheReason() {
    let settings = [
      (key: "encoder.name", value: "conv"), (key: "encoder.channels", value: "8"),
      (key: "decoder.name", value: "conv"),
    ]
    let error = refusal(Support.blobs(), settings)
    XCTAssertTrue(error.contains("2×2 codes"), error)
    XCTAssertTrue(error.contains("encoder.channels"), error)
  }

  func testPartsForCodesAreRefusedBesideOtherPriors() {
    for (role, other) in [("encoder", "decoder"), ("decoder", "encoder")] {
      let error = refusal(
        Support.blobs(),
        [
          (key: "prior.name", value: "standard-normal"), (key: "\(other).name", value: "mlp"),
          (key: "\(other).hidden", value: "4"),
        ])
      XCTAssertTrue(error.contains("\(role) vq-resnet is made for a grid of codes"), error)
    }
  }

  func testACodebookLargerThanMemoryIsRefusedByName() {
    let error = refusal(
      Support.blobs(), [(key: "codes", value: "16777216"), (key: "code_size", value: "65536")])
    XCTAssertTrue(error.contains("prior uniform-codes of 2199040032768 parameters"), error)
  }

  func testFewerThanTwoCodesAreRefused() {
    let error = refusal(Support.blobs(), [(key: "codes", value: "1")])
    XCTAssertTrue(error.contains("codes cannot be 1"), error)
  }

  func testAPriorNetworkWhoseKernelHasNoCentreIsRefused() {
    let error = refusal(
      Support.blobs(),
      [(key: "prior.name", value: "pixelcnn-codes"), (key: "prior.kernel", value: "4")])
    XCTAssertTrue(error.contains("prior.kernel cannot be 4: it must be odd"), error)
  }

  func testBinaryImagesMayHaveABernoulliLikelihood() throws {
    let data = Support.blobs(isBinary: true)
    let model = try trained(data, [(key: "likelihood", value: "bernoulli")])
    let result = try XCTUnwrap(
      Evaluator(model: model, examples: Examples(data.train), seed: 0).run())
    let bits = try XCTUnwrap(result.metrics[BitsPerDimMetric.self]).estimate
    XCTAssertEqual(bits.mean, -result.elbo.mean / (64 * log(2)), accuracy: 1e-9)
  }

  // MARK: Sigma of the data

  func testSigmaIsThatOfTheTrainingPixelsAndStored() throws {
    let data = Support.blobs()
    let likelihood = try XCTUnwrap(try trained(data, epochs: 1).likelihood as? GaussianLikelihood)
    let pixels = data.train.batch(Array(0..<64)).floats.map(Double.init)
    let mean = pixels.reduce(0, +) / Double(pixels.count)
    let variance =
      pixels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(pixels.count)
    XCTAssertEqual(Double(likelihood.currentDeviation), variance.squareRoot(), accuracy: 1e-5)
    XCTAssertEqual(likelihood.buffers.map(\.path), ["variance"])
    XCTAssertTrue(likelihood.parameters.isEmpty)
    XCTAssertFalse(likelihood.usesCalibration)
  }

  func testDistortionIsHalfTheScaledErrorAndItsConstant() {
    let likelihood = GaussianLikelihood(.data)
    let x = Tensor([0, 2, 4, 6], shape: [2, 1, 2, 1])
    let context = Support.context(2)
    likelihood.prepare(firstBatches: [x.rows(0..<1), x.rows(1..<2)], context: context)
    // Mean 3, variance (9 + 1 + 1 + 9) / 4 = 5; squared errors of a mean of 1 are 2 and 34.
    let density = likelihood.logDensity(x, parameters: .ones([2, 1, 2, 1]), context).floats
    let constant = log(2 * Float.pi * 5)
    assertEqual(density, [-constant - 2 / 10, -constant - 34 / 10], accuracy: 1e-5)
  }

  func testConstantDataHaveAFiniteSigma() {
    let likelihood = GaussianLikelihood(.data)
    likelihood.prepare(firstBatches: [.ones([2, 2, 2, 1])], context: Support.context(2))
    XCTAssertGreaterThan(likelihood.currentDeviation, 0)
  }

  // MARK: Learning

  func testTrainingOnShapesLowersTheLoss() throws {
    let data = try DataSource.open("shapes:32")
    let model = try registry.model(try Support.recipe(data), seed: 3)
    let options = Support.options(epochs: 1)
    let cancel = CancelToken()
    var distortions: [Double] = []
    _ = try Trainer(model: model, data: data, options: options).train(cancel: cancel) { event in
      guard case .step(let step, _, _, let terms) = event else { return }
      distortions.append(terms.distortion)
      if step == 120 { cancel.cancel() }
    }
    XCTAssertEqual(distortions.count, 120)
    let mean = { (part: ArraySlice<Double>) in part.reduce(0, +) / Double(part.count) }
    // An element's half error, in units of the variance, begins at a half.
    XCTAssertLessThan(
      mean(distortions.suffix(20)), mean(distortions.prefix(5)) - 0.1 * Double(data.shape.count))
  }

  func testCodebookByGradientLearnsToo() throws {
    var bounds: [Double] = []
    let data = Support.blobs()
    let model = try trained(data, [(key: "update", value: "gradient")], epochs: 40) { event in
      if case .step(_, _, _, let terms) = event { bounds.append(terms.elbo) }
    }
    let mean = { (part: ArraySlice<Double>) in part.reduce(0, +) / Double(part.count) }
    XCTAssertGreaterThan(mean(bounds.suffix(8)), mean(bounds.prefix(4)) + 5)
    XCTAssertTrue(model.parameters.map(\.path).contains("prior.codebook.vectors"))
  }

  func testEvaluationAndForwardPassesLeaveAllBuffersAlone() throws {
    let data = Support.blobs()
    let model = try trained(data)
    let before = Support.weights(model)
    let x = data.train.batch(Array(0..<16))
    _ = Evaluator(model: model, examples: Examples(data.train), seed: 0).run(importanceSamples: 2)
    for mode in [Context.Mode.training, .evaluation, .calibration] {
      _ = model.evaluate(x, DrawRequest(), Support.context(16, mode, step: 9))
    }
    XCTAssertEqual(Support.weights(model), before)
  }

  func testEveryUpdateMovesTheCodebookOnce() throws {
    let data = Support.blobs()
    let model = try registry.model(try Support.recipe(data), seed: 3)
    let prior = try XCTUnwrap(model.prior as? UniformCodePrior)
    let counts = prior.quantizer.codebook.counts
    let trainer = try Trainer(model: model, data: data, options: Support.options(epochs: 1))
    let before = counts.value.doubleSum
    _ = try trainer.update()
    // 16 examples of 2×2 codes.
    XCTAssertEqual(counts.value.doubleSum, 0.99 * before + 0.01 * 64, accuracy: 1e-4)
  }

  func testTheSameSeedGivesTheSameModel() throws {
    let data = Support.blobs()
    XCTAssertEqual(
      Support.weights(try trained(data, epochs: 3)), Support.weights(try trained(data, epochs: 3)))
  }

  func testAStoredModelSaysTheSame() throws {
    let data = Support.blobs()
    let folder = NSTemporaryDirectory() + "vq-vae-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for update in ["ema", "gradient"] {
      let settings = [(key: "update", value: update)]
      let model = try trained(data, settings)
      let path = "\(folder)/\(update).safetensors"
      let recipe = try Support.recipe(data, settings)
      try TrainedModel(model: model, recipe: recipe, source: "memory").save(to: path)
      let read = try TrainedModel.open(path, registry: registry)
      XCTAssertEqual(Support.weights(read.model), Support.weights(model))
      let x = data.train.batch(Array(0..<5))
      XCTAssertEqual(
        read.model.codes(x, Support.context(5))?.indices,
        model.codes(x, Support.context(5))?.indices)
      XCTAssertEqual(
        read.model.reconstruct(x, Support.context(5)).floats,
        model.reconstruct(x, Support.context(5)).floats)
    }
  }

  func testDecodingTheCodesOfAnImageIsItsReconstruction() throws {
    let data = Support.blobs()
    let model = try trained(data)
    let x = data.train.batch(Array(0..<4))
    let codes = try XCTUnwrap(model.codes(x, Support.context(4)))
    let draw = model.prior.draw(of: [codes], Support.context(4))
    let decoded = model.likelihood.mean(model.decoder.decode(draw, target: nil, Support.context(4)))
    XCTAssertEqual(decoded.floats, model.reconstruct(x, Support.context(4)).floats)
  }

  // MARK: What is reported

  func testRecordsHavePerplexityAndUsageOfBatchesAndOfTheWholeSet() throws {
    let data = Support.blobs()
    var record: EpochRecord?
    let model = try trained(data, epochs: 2) { event in
      if case .epoch(let epoch) = event { record = epoch }
    }
    let json = try XCTUnwrap(record?.json.object)
    let terms = try XCTUnwrap(json["terms"]?.object)
    for object in [json, terms] {
      let perplexity = try XCTUnwrap(object["codebook_perplexity"]?.double)
      let usage = try XCTUnwrap(object["codebook_usage"]?.double)
      XCTAssertTrue((1...8).contains(perplexity) && (0.125...1).contains(usage))
      XCTAssertLessThanOrEqual(perplexity, 8 * usage + 1e-9)
    }
    XCTAssertNotNil(terms["commitment"]?.double)
    let test = try XCTUnwrap(data.test)
    let result = try XCTUnwrap(Evaluator(model: model, examples: Examples(test), seed: 0).run())
    let evaluation = try XCTUnwrap(result.json(variant: "vq-vae", split: "test").object)
    var known = CodeUsage(codeCount: 8)
    known.add(try XCTUnwrap(model.codes(test.batch(Array(0..<24)), Support.context(24))))
    XCTAssertEqual(known.total, 24 * 4)
    XCTAssertEqual(
      try XCTUnwrap(evaluation["codebook_perplexity"]?.double), known.perplexity, accuracy: 1e-9)
    XCTAssertEqual(
      try XCTUnwrap(evaluation["codebook_usage"]?.double), known.share, accuracy: 1e-12)
  }

  func testModelsWithoutCodesReportNoCodebook() throws {
    let data = Support.blobs(train: 16)
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = try data.description(binarization: .none)
    try registry.apply([(key: "hidden", value: "4")], to: &recipe)
    let model = try registry.model(recipe, seed: 1)
    let result = try XCTUnwrap(
      Evaluator(model: model, examples: Examples(data.train), seed: 0).run())
    XCTAssertNil(result.metrics[CodebookUsageMetric.self])
  }

  func testPerplexityOfKnownCodes() {
    var usage = CodeUsage(codeCount: 4)
    XCTAssertEqual(usage.perplexity, 1)
    usage.add(Tensor(indices: [2, 2, 2], shape: [1, 1, 3]))
    XCTAssertEqual(usage.perplexity, 1, accuracy: 1e-12)
    XCTAssertEqual(usage.share, 0.25)
    usage.add(Tensor(indices: [0, 0, 0], shape: [3]))
    XCTAssertEqual(usage.perplexity, 2, accuracy: 1e-12)
    usage.add(Tensor(indices: [1, 1], shape: [2]))
    // Shares 3/8, 3/8, 1/4.
    let entropy = -2 * 0.375 * log(0.375) - 0.25 * log(0.25)
    XCTAssertEqual(usage.perplexity, exp(entropy), accuracy: 1e-12)
    XCTAssertEqual(usage.used, 3)
    XCTAssertEqual(usage.share, 0.75)
  }

  func testADeadCodebookIsSaidInPlainWordsWithARemedy() throws {
    let data = Support.blobs()
    let model = try registry.model(
      try Support.recipe(data, [(key: "restart_threshold", value: "0")]), seed: 3)
    let prior = try XCTUnwrap(model.prior as? UniformCodePrior)
    var notices: [String] = []
    var (step, toldAt) = (0, 0)
    let trainer = try Trainer(model: model, data: data, options: Support.options(epochs: 60))
    _ = try trainer.train { event in
      switch event {
      case .step(let number, _, _, _):
        step = number
        // All codes but one out of reach.
        var vectors = [Float](repeating: 1e6, count: 32)
        vectors.replaceSubrange(0..<4, with: [0, 0, 0, 0])
        prior.quantizer.codebook.vectors = Tensor(vectors, shape: [8, 4])
      case .notice(let text):
        notices.append(text.description)
        toldAt = step
      default: break
      }
    }
    XCTAssertEqual(notices.count, 1)
    XCTAssertGreaterThanOrEqual(toldAt, 200, "a codebook takes a while to come into use")
    XCTAssertTrue(notices.first?.contains("only 1 of 8 codes") ?? false, "\(notices)")
    XCTAssertTrue(notices.first?.contains("prior.restart_threshold=0.1") ?? false, "\(notices)")
  }

  func testAHealthyCodebookIsNotComplainedOf() throws {
    var notices: [String] = []
    _ = try trained(Support.blobs(), epochs: 2, learningRate: 3e-4) { event in
      if case .notice(let text) = event { notices.append(text.description) }
    }
    XCTAssertEqual(notices, [])
  }

  func testTheConstantRateOfCodesSaysNothingOfTheValues() throws {
    // 36 places of 8 codes cost 75 nats before the first update, as they do after the last one.
    let data = Support.blobs(height: 24, width: 24)
    let model = try registry.model(try Support.recipe(data), seed: 3)
    let trainer = try Trainer(model: model, data: data, options: Support.options(epochs: 1))
    var notices: [String] = []
    _ = try trainer.train { event in
      if case .notice(let text) = event { notices.append(text.description) }
    }
    XCTAssertEqual(notices.filter { $0.contains("before the first update") }, [])
  }
}
