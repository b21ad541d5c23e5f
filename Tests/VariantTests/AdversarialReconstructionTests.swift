import Foundation
import NeuralNetworks
import Tensors
import VAEZoo
import XCTest

/// A discriminator of patches against a reconstruction loss, as in `vqgan`.
final class AdversarialReconstructionTests: XCTestCase {
  private let data = SmallModels.data(height: 6, width: 5, isBinary: false)

  private func model(
    _ settings: [(String, String)] = [], variant: String = "vqgan", seed: Int = 3
  ) throws -> Model {
    let recipe = try SmallModels.recipe(
      variant, data: data, settings.map { (key: $0.0, value: $0.1) })
    return try SmallModels.registry.model(recipe, seed: seed)
  }

  private func pass(_ model: Model, step: Int = 0) -> ForwardPass {
    var context = SmallModels.context(6, .training)
    context.step = step
    return ForwardPass(
      model, Examples(data.train).batch(Array(0..<6), context), model.objective.requirements.draw,
      context)
  }

  // MARK: The discriminator

  func testADiscriminatorGivesAMapForImagesOfEverySizeThatItSays() throws {
    let sizes: [(side: Int, logits: Int, features: Int)] = [
      (3, 1, 1), (5, 3, 1), (6, 1, 2), (28, 1, 4), (32, 2, 4), (64, 6, 4),
    ]
    for (side, logits, features) in sizes {
      let discriminator = PatchDiscriminator(
        image: [side, side, 3], channels: [2, 4, 4], normalization: .none, isCentred: true,
        random: RandomSource(seed: 1))
      var trace = ShapeTrace()
      let rule = try discriminator.outputShape(for: [side, side, 3], &trace)
      XCTAssertEqual(rule, [logits, logits, 1], "\(side)")
      XCTAssertEqual(discriminator.featureCount, features, "\(side)")
      let context = SmallModels.context(2, .training)
      let judged = discriminator.judge(.zeros([2, side, side, 3]), context)
      XCTAssertEqual(judged.logits.shape, [2, logits, logits, 1])
      let first = discriminator.features(of: .zeros([2, side, side, 3]), at: 0, context)
      XCTAssertEqual(first.floats, judged.features[0].floats)
    }
  }

  func testImagesThatAreTooSmallForADiscriminatorAreRefusedBeforeAWeightIsMade() throws {
    let tiny = SmallModels.data(height: 2, width: 9, isBinary: false)
    XCTAssertThrowsError(
      try SmallModels.registry.plan(SmallModels.recipe("vqgan", data: tiny))
    ) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .invalid)
      XCTAssertTrue("\(error)".contains("3×3 pixels and more"), "\(error)")
      XCTAssertTrue("\(error)".contains("objective.name=elbo"), "\(error)")
    }
  }

  func testADiscriminatorOfWhatIsDrawnPixelByPixelIsRefused() throws {
    XCTAssertThrowsError(
      try model([("objective.name", "adversarial")], variant: "pixelcnn-vae")
    ) { error in
      XCTAssertTrue("\(error)".contains("autoregressive"), "\(error)")
    }
  }

  // MARK: The phases

  func testTheGradientsOfBothPhasesAreThoseOfFiniteDifferences() throws {
    // Squares in place of magnitudes, which have a kink; a fixed weight, which carries no gradient otherwise; a game
    // without kinks; and no codes, which jump.
    let model = try model(
      [
        ("objective.name", "adversarial"), ("objective.adaptive_weight", "false"),
        ("objective.adversarial_loss", "non_saturating"), ("objective.adversarial_weight", "3"),
        ("objective.discriminator_start", "0"), ("objective.discriminator_channels", "3"),
        ("hidden", "5"), ("activation", "tanh"),
      ], variant: "gaussian-vae")
    // Larger than at first, so that both see the discriminator.
    for (path, parameter) in model.parameters where path.contains("discriminator") {
      parameter.value = parameter.value * 4
    }
    try assertPhaseGradientsAreSlopes(of: model, { pass(model) })
  }

  func testTheAdaptiveWeightMakesBothPullEquallyAtTheLastLayer() throws {
    let model = try model([("objective.discriminator_start", "0")])
    let objective = try XCTUnwrap(model.objective as? AdversarialReconstruction)
    let last = try XCTUnwrap(model.decoder.lastWeights)
    let pass = pass(model)
    let terms = Dictionary(
      uniqueKeysWithValues: objective.phases[0].loss(pass).terms.map { ($0.name, $0.value) })
    let error = (pass.batch - pass.decodedMean).magnitude().sum() / 6
    XCTAssertEqual(try XCTUnwrap(terms["reconstruction"]).item, error.item, accuracy: 1e-4)
    let judged = -objective.discriminator(pass.decodedMean, pass.context).mean()
    XCTAssertEqual(try XCTUnwrap(terms["generator_loss"]).item, judged.item, accuracy: 1e-6)
    func norm(_ loss: Tensor) throws -> Double {
      try XCTUnwrap(loss.gradient(at: last)).doubleSumOfSquares.squareRoot()
    }
    let expected = try norm(error) / (norm(judged) + 1e-4)
    XCTAssertGreaterThan(expected, 1)
    XCTAssertEqual(
      Double(try XCTUnwrap(terms["adversarial_weight"]).item), min(1e4, expected),
      accuracy: 1e-3 * expected)
  }

  func testFeaturesJoinTheReconstructionAgainstWhichTheDiscriminatorIsWeighed() throws {
    let network = try SmallModels.network(channels: 1)
    let named = [
      ("network", network.path), ("objective.network_sha256", network.sha256),
      ("objective.comparison", "lpips"), ("feature_weight", "1.5"),
    ]
    let model = try model(named + [("objective.discriminator_start", "0")])
    let objective = try XCTUnwrap(model.objective as? AdversarialReconstruction)
    let file = try XCTUnwrap(objective.requirements.networks.first)
    try file.open()
    XCTAssertEqual(file.layers, ["relu1_1", "relu2_2", "relu3_2"])
    let last = try XCTUnwrap(model.decoder.lastWeights)
    let pass = pass(model)
    let loss = objective.phases[0].loss(pass)
    let terms = Dictionary(uniqueKeysWithValues: loss.terms.map { ($0.name, $0.value) })
    let error = (pass.batch - pass.decodedMean).magnitude().sum() / 6
    let distance = try file.perceptualDistance(of: pass.batch, from: pass.decodedMean).mean()
    XCTAssertEqual(try XCTUnwrap(terms["reconstruction"]).item, error.item, accuracy: 1e-4)
    XCTAssertEqual(try XCTUnwrap(terms["feature_distance"]).item, distance.item, accuracy: 1e-6)
    XCTAssertGreaterThan(distance.item, 0)
    // λ is of the whole reconstruction, 30 numbers an image.
    let judged = -objective.discriminator(pass.decodedMean, pass.context).mean()
    func norm(_ loss: Tensor) throws -> Double {
      try XCTUnwrap(loss.gradient(at: last)).doubleSumOfSquares.squareRoot()
    }
    let (whole, pixels) = try (norm(error + distance * (1.5 * 30)), norm(error))
    XCTAssertGreaterThan(abs(whole / pixels - 1), 0.01)
    let expected = try whole / (norm(judged) + 1e-4)
    XCTAssertEqual(
      Double(try XCTUnwrap(terms["adversarial_weight"]).item), min(1e4, expected),
      accuracy: 1e-3 * expected)
    // Both pull at the decoder, and nothing of the network is a parameter.
    let gradient = try XCTUnwrap(loss.value.backward()[last])
    XCTAssertTrue(gradient.isFinite)
    XCTAssertFalse(model.parameters.contains { $0.path.contains("network") })
    // What only a network has is no setting without one.
    XCTAssertThrowsError(try self.model([("feature_weight", "2")])) { error in
      XCTAssertTrue("\(error)".contains("objective.network=FILE"), "\(error)")
      XCTAssertTrue("\(error)".contains("objective.feature_weight"), "\(error)")
    }
  }

  func testBeforeItsStartTheDiscriminatorNeitherTeachesNorLearns() throws {
    let model = try model([("objective.discriminator_start", "3")])
    let trainer = try Trainer(
      model: model, data: data, options: SmallModels.options(epochs: 2))
    var changed: [Bool] = []
    for step in 0..<5 {
      let names = Set(model.objective.phases[0].loss(pass(model, step: step)).terms.map(\.name))
      XCTAssertEqual(names.contains("generator_loss"), step >= 3, "\(step)")
      let before = model.objective.parameters.map(\.parameter.value.floats)
      _ = try trainer.update()
      changed.append(model.objective.parameters.map(\.parameter.value.floats) != before)
    }
    XCTAssertEqual(changed, [false, false, false, true, true])
  }

  func testEverySixteenthUpdateOfTheDiscriminatorHasThePenaltySixteenTimes() throws {
    let model = try model([
      ("objective.discriminator_start", "3"), ("objective.gradient_penalty", "5"),
    ])
    for step in [3, 4, 18, 19, 20, 35] {
      let loss = model.objective.phases[1].loss(pass(model, step: step))
      let terms = Dictionary(uniqueKeysWithValues: loss.terms.map { ($0.name, $0.value.item) })
      let plain = try XCTUnwrap(terms["discriminator_loss"])
      guard (step - 3) % 16 == 0 else {
        XCTAssertNil(terms["squared_gradient"], "\(step)")
        XCTAssertEqual(loss.value.item, plain)
        continue
      }
      let penalty = try XCTUnwrap(terms["squared_gradient"])
      XCTAssertGreaterThan(penalty, 0)
      XCTAssertEqual(
        loss.value.item, plain + 16 * 5 / 2 * penalty, accuracy: 1e-4 * (plain + 40 * penalty))
    }
  }

  func testALearntDeviationIsFittedToTheDecoderAsItIs() throws {
    let model = try model([("sigma", "learnt"), ("objective.discriminator_start", "9")])
    let deviation = try XCTUnwrap(model.likelihood.parameters.first?.parameter)
    let own = model.objective.phases[0].loss(pass(model)).value.backward()
    let plain = pass(model).evaluation.distortion.mean().backward()
    XCTAssertEqual(
      try XCTUnwrap(own[deviation]).item, try XCTUnwrap(plain[deviation]).item, accuracy: 1e-3)
    // Of the bound nothing else comes to the decoder: its gradient does not know σ.
    let last = try XCTUnwrap(model.decoder.lastWeights)
    deviation.value = deviation.value + 1
    let other = model.objective.phases[0].loss(pass(model)).value.backward()
    XCTAssertEqual(try XCTUnwrap(own[last]).floats, try XCTUnwrap(other[last]).floats)
  }

  func testItResumesBitForBitOnBothSidesOfTheStartWithAllBuffers() throws {
    for variant in ["vqgan", "vae-gan"] {
      func trainer(seed: Int) throws -> Trainer {
        // Four updates an epoch: the start is in the middle of the second.
        let settings =
          variant == "vqgan"
          ? [("objective.discriminator_start", "6")]
          : [("objective.discriminator_normalization", "spectral")]
        return try Trainer(
          model: try model(settings, variant: variant, seed: seed), data: data,
          options: SmallModels.options(epochs: 3))
      }
      let whole = try trainer(seed: 3)
      _ = try whole.train()
      for stop in [5, 7] {
        let path = NSTemporaryDirectory() + "adversarial-" + UUID().uuidString
        addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
        let part = try trainer(seed: 3)
        let cancel = CancelToken()
        _ = try part.train(
          run: try RunFolder.create(at: path, force: false, resume: false), cancel: cancel
        ) { if case .step(stop, _, _, _) = $0 { cancel.cancel() } }
        let run = try RunFolder.create(at: path, force: false, resume: true)
        let rest = try trainer(seed: 8)
        try rest.restore(try XCTUnwrap(try run.storedCheckpoint()))
        XCTAssertEqual(rest.step, stop)
        _ = try rest.train()
        let wanted = whole.model.storedTensors
        XCTAssertTrue(wanted.contains { $0.path.hasSuffix("spectral.direction") }, variant)
        for (one, other) in zip(wanted, rest.model.storedTensors) {
          XCTAssertEqual(
            one.tensor.value.floats, other.tensor.value.floats, "\(variant), \(one.path)")
        }
      }
    }
  }

  func testReconstructionsOfVQGANComeNearerToTheImages() throws {
    let examples = Examples(data.train).batch(Array(0..<32), SmallModels.context(32))
    let model = try model(variant: "vqgan")
    func error() -> Double {
      (model.reconstruct(examples, SmallModels.context(32)) - examples).magnitude().doubleSum
    }
    let trainer = try Trainer(
      model: model, data: data, options: SmallModels.options(epochs: 40))
    _ = try trainer.advance()
    let before = error()
    _ = try trainer.train()
    XCTAssertLessThan(error(), 0.9 * before)
  }

  // MARK: The notice

  func testADiscriminatorThatHasWonIsNoticedOnceWithARemedy() throws {
    // Reconstructions that stay grey, and a discriminator that learns fast, from binary images.
    let binary = SmallModels.data(height: 6, width: 5)
    let recipe = try SmallModels.recipe(
      "vqgan", data: binary,
      [
        ("objective.discriminator_start", "0"), ("objective.discriminator_normalization", "none"),
        ("objective.discriminator_rate", "1000"), ("objective.discriminator_channels", "16"),
      ].map { (key: $0.0, value: $0.1) })
    var options = SmallModels.options(epochs: 60)
    options.learningRate = 1e-5
    let trainer = try Trainer(
      model: try SmallModels.registry.model(recipe, seed: 3), data: binary, options: options)
    var notices: [String] = []
    _ = try trainer.train { event in
      if case .notice(let notice) = event { notices.append("\(notice)") }
    }
    let won = notices.filter { $0.contains("the discriminator has won") }
    XCTAssertEqual(won.count, 1, "\(notices)")
    XCTAssertTrue(won.first?.contains("objective.gradient_penalty=10") == true, "\(won)")
    // One that knows nothing, or has not begun, is no concern.
    let objective = trainer.model.objective
    XCTAssertNil(
      objective.concern(about: [("discriminator_loss", 0.9), ("generator_loss", 0.1)]))
    XCTAssertNil(objective.concern(about: [("reconstruction", 0.1)]))
  }
}
