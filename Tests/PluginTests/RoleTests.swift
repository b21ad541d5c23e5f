import VAEZoo
import XCTest

/// Each role's adapter, against built-in parts with the same numbers.
final class RoleTests: PluginTestCase {
  private func registry() throws -> Registry {
    try registry(compile(["Tests/PluginTests/parts.c"], "parts.so"))
  }

  private func small(_ settings: [(key: String, value: String)]) -> [(key: String, value: String)] {
    settings + [(key: "prior.latent", value: "3")]
  }

  // MARK: Encoders

  func testAnEncoderProposesTheGaussianOfItsNumbers() throws {
    let model = try model(small([(key: "encoder.name", value: "linear")]), registry())
    let posterior = model.encoder.encode(images(5), context(5))
    let gaussian = try XCTUnwrap(posterior as? DiagonalGaussian)
    let parameters = model.encoder.parameters.map(\.parameter)
    let head = images(5).flattened().dense(
      weights: parameters[0].value, bias: parameters[1].value)
    XCTAssertEqual(gaussian.means.floats, head.slice(axis: 1, 0..<3).floats)
    XCTAssertEqual(gaussian.logVariance.floats, head.slice(axis: 1, 3..<6).floats)
  }

  func testAPosteriorOfItsOwnAgreesWithTheBuiltInOneOfTheSameNumbers() throws {
    let registry = try registry()
    let own = try model(small([(key: "encoder.name", value: "linear-own")]), registry)
    let builtIn = try model(small([(key: "encoder.name", value: "linear")]), registry)
    for (a, b) in zip(own.parameters, builtIn.parameters) { b.parameter.value = a.parameter.value }
    let posterior = try XCTUnwrap(
      own.encoder.encode(images(4), context(4)) as? any Distribution)
    let gaussian = try XCTUnwrap(
      builtIn.encoder.encode(images(4), context(4)) as? any Distribution)
    let z = RandomSource(seed: 1).stream("z").normal([8, 3])
    let densities = try (
      XCTUnwrap(posterior.logDensity(of: z)), XCTUnwrap(gaussian.logDensity(of: z))
    )
    for (a, b) in zip(densities.0.floats, densities.1.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
    XCTAssertEqual(posterior.mean?.floats, gaussian.mean?.floats)
    XCTAssertEqual(posterior.variance?.floats, gaussian.variance?.floats)
    // The rate is log q − log p at the draw.
    let draw = own.prior.draw(from: posterior, DrawRequest(), context(4))
    let layer = draw.layers[0]
    let prior = try XCTUnwrap(own.prior as? any DensityPrior)
    let logPosterior = try XCTUnwrap(gaussian.logDensity(of: layer.sample))
    let expected = logPosterior - prior.logDensity(of: layer.sample, context(4))
    for (a, b) in zip(layer.rate.floats, expected.floats) { XCTAssertEqual(a, b, accuracy: 1e-5) }
    XCTAssertNoThrow(try own.checkParts())
    // Draws of one example differ, and gradients flow through them.
    var request = DrawRequest()
    request.samples = 2
    let sample = posterior.draw(2, from: "posterior", context(4)).value
    XCTAssertEqual(sample.shape, [8, 3])
    XCTAssertNotEqual(sample.rows(0..<4).floats, sample.rows(4..<8).floats)
    let gradients = own.evaluate(images(4), request, context(4, mode: .training))
      .logWeights.mean().backward()
    for (path, parameter) in own.encoder.parameters {
      XCTAssertNotNil(gradients[parameter], path)
    }
  }

  func testAnEncoderGivesThePointsOfCodes() throws {
    let registry = try registry()
    let data = DataDescription(height: 8, width: 8, channels: 1, range: .binary, rule: "binary")
    let model = try model(
      [
        (key: "encoder.name", value: "linear"), (key: "decoder.name", value: "linear"),
        (key: "prior.codes", value: "8"), (key: "prior.code_size", value: "4"),
      ], registry, data: data, variant: "vq-vae")
    let x = RandomSource(seed: 3).stream("x").uniform([3, 8, 8, 1]).isAbove(0.5)
    let evaluation = model.evaluate(x, DrawRequest(), context(3))
    try model.checkParts()
    XCTAssertTrue(evaluation.posterior is PointPosterior)
    XCTAssertNotNil(evaluation.draw.layers[0].codes)
  }

  func testAnEncoderIsRefusedWhereItCannotPropose() throws {
    let registry = try registry()
    for (encoder, variant, words) in [
      ("linear", "ladder-vae", "hierarchy"), ("linear", "pixelcnn", "no latents"),
      ("linear-own", "vq-vae", "discrete codes"),
    ] {
      let data = DataDescription(height: 8, width: 8, channels: 1, range: .binary, rule: "binary")
      let message = message {
        _ = try model(
          [(key: "encoder.name", value: encoder)], registry, data: data, variant: variant)
      }
      assert(message, names: "encoder \(encoder)", words)
    }
  }

  // MARK: Decoders

  func testADecoderMapsDrawsAndBeginsAtTheMeanOfTheData() throws {
    let model = try model(small([(key: "decoder.name", value: "linear")]), registry())
    let x = images(30)
    try model.prepare(firstBatches: [x], context: context(30, mode: .training))
    let wanted = try XCTUnwrap(model.likelihood.parameters(withMean: x.mean(axis: 0))).floats
    XCTAssertEqual(model.decoder.parameters[1].parameter.value.floats, wanted)
    let draw = model.prior.draw(temperature: 0, context(2))
    let output = model.decoder.decode(draw, target: nil, context(2))
    XCTAssertEqual(output.shape, [2, 4, 4, 1])
    XCTAssertEqual(output.floats, wanted + wanted)
  }

  // MARK: Objectives

  func testAnObjectiveWeighsTheTermsOfKDraws() throws {
    let model = try model(
      small([(key: "objective.name", value: "weighted"), (key: "objective.beta", value: "4")]),
      registry())
    XCTAssertEqual(model.objective.requirements.draw.samples, 3)
    XCTAssertEqual(model.objective.phases.map(\.name), ["model"])
    let context = context(5, mode: .training)
    let evaluation = model.evaluate(images(5), model.objective.requirements.draw, context)
    let loss = model.objective.phases[0].loss(ForwardPass(model, evaluation, context))
    try model.checkParts()
    let expected = EvidenceLowerBound(beta: 4).phases[0].loss(
      ForwardPass(model, evaluation, context))
    XCTAssertEqual(loss.value.item, expected.value.item, accuracy: 1e-3)
    XCTAssertEqual(loss.terms.map(\.name), ["weighted_rate", "layers"])
    XCTAssertEqual(loss.terms[0].value.item, evaluation.rate.mean().item * 4, accuracy: 1e-4)
    XCTAssertEqual(loss.terms[1].value.item, evaluation.rate.sum().item, accuracy: 1e-3)
    let gradients = loss.value.backward()
    let reference = model.objective.phases[0].loss(
      ForwardPass(model, images(5), model.objective.requirements.draw, context))
    XCTAssertEqual(reference.value.item, loss.value.item)
    XCTAssertEqual(gradients.count, model.parameters.count)
  }

  func testASecondPhaseTrainsTheObjectivesOwnParameters() throws {
    let registry = try registry()
    let data = try DataSource.open("shapes:32")
    let settings = [
      ("objective.name", "weighted"), ("objective.phases", "2"), ("encoder.name", "linear"),
      ("decoder.name", "linear"), ("training.binarize", "threshold"),
      ("training.learning_rate", "0.1"),
    ].map { (key: $0.0, value: $0.1) }
    let recipe = try recipe(
      settings, registry, data: data.description(binarization: .threshold))
    let trainer = try Trainer(
      model: registry.model(recipe, seed: 1), data: data, options: TrainingOptions(recipe.training))
    XCTAssertEqual(trainer.model.objective.phases.map(\.group), [.model, .objective])
    for _ in 0..<5 { _ = try trainer.update() }
    let critic = try XCTUnwrap(trainer.model.objective.parameters.first).parameter.value.item
    XCTAssertEqual(critic, 1.5, accuracy: 0.01, "five steps of Adam towards zero")
    let updates = trainer.model.encoder.buffers.first { $0.path == "updates" }
    XCTAssertEqual(updates?.buffer.value.item, 5, "after_update once per update")
  }

  func testPhasesThatCannotBeAreRefused() throws {
    let registry = try registry()
    assert(
      message {
        _ = try model(
          small([
            (key: "objective.name", value: "weighted"), (key: "objective.phases", value: "3"),
          ]), registry)
      }, names: "objective weighted", "3 phases")
  }

  // MARK: What factories learn

  func testEveryPartIsStoredAndLoaded() throws {
    let registry = try registry()
    let recipe = try recipe(
      small([
        (key: "encoder.name", value: "linear"), (key: "decoder.name", value: "linear"),
      ]), registry)
    let model = try registry.model(recipe, seed: 1)
    let path = "\(folder)/model.safetensors"
    try TrainedModel(model: model, recipe: recipe, source: "test").save(to: path)
    let loaded = try TrainedModel.open(path, registry: registry)
    for (a, b) in zip(model.parameters, loaded.model.parameters) {
      XCTAssertEqual(a.parameter.value.floats, b.parameter.value.floats, a.path)
    }
  }
}
