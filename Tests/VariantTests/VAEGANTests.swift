import Foundation
import NeuralNetworks
import Tensors
import VAEGAN
import VAEZoo
import XCTest

/// The VAE-GAN held to gradients that are computed by hand: numbers in place of networks.
final class VAEGANTests: XCTestCase {
  /// x ↦ (m, s) of images of one pixel.
  private final class NumberEncoder: Encoder {
    let layer: Dense

    init(_ random: RandomSource) { layer = Dense(inputs: 1, outputs: 2, random: random) }

    var members: Members { ["layer": .module(layer)] }

    func encode(_ x: Tensor, _ context: Context) -> any Posterior {
      let halves = layer(x.flattened(), context).split(sizes: [1, 1])
      return DiagonalGaussian(mean: halves[0], logVariance: halves[1])
    }
  }

  /// Features w y, and the logit u w y + v of an image of one pixel.
  private final class LinearDiscriminator: ImageDiscriminator {
    let scale = Parameter(Tensor([0.8]))
    let slope = Parameter(Tensor([-1.3]))
    let shift = Parameter(Tensor([0.2]))

    var members: Members {
      ["scale": .parameter(scale), "slope": .parameter(slope), "shift": .parameter(shift)]
    }

    var featureCount: Int { 1 }

    func judge(_ images: Tensor, _ context: Context) -> DiscriminatorJudgement {
      let features = images.flattened() * scale.tensor
      return DiscriminatorJudgement(
        features: [features], logits: features * slope.tensor + shift.tensor)
    }
  }

  private let x: Float = 0.7
  private let (gamma, beta): (Float, Float) = (0.5, 2)
  private let discriminator = LinearDiscriminator()

  private func model(_ loss: AdversarialLoss) -> (model: Model, encoder: Dense, decoder: Dense) {
    let random = RandomSource(seed: 4)
    let encoder = NumberEncoder(random.child("encoder"))
    let decoder = MLPDecoder(
      latent: 1, hidden: [], outputShape: [1, 1, 1], random: random.child("decoder"))
    var weights = LearnedSimilarity.Weights()
    (weights.similarity, weights.rate) = (gamma, beta)
    let model = Model(
      encoder: encoder, prior: StandardNormalPrior(units: 1), decoder: decoder,
      likelihood: GaussianLikelihood(.fixed(1)),
      objective: LearnedSimilarity(
        discriminator: discriminator, layer: 0, loss: loss, weights: weights, equilibrium: nil))
    let head = decoder.members.entries.compactMap { entry -> Dense? in
      if case .module(let module) = entry.member { module as? Dense } else { nil }
    }
    return (model, encoder.layer, head[0])
  }

  private func pass(_ model: Model) -> ForwardPass {
    ForwardPass(
      model, Tensor([x], shape: [1, 1, 1, 1]), model.objective.requirements.draw,
      SmallModels.context(1, .training))
  }

  /// The gradients of a phase as in training: what lies outside of its group is constant.
  private func gradients(_ phase: Phase, _ model: Model) -> Gradients {
    let others = model.parameters.filter { !phase.group.contains($0.path) }
    for (_, parameter) in others { parameter.isTrainable = false }
    defer { for (_, parameter) in others { parameter.isTrainable = true } }
    return phase.loss(pass(model)).value.backward()
  }

  func testEachNetworkHasTheGradientOfTheAlgorithmAndNoOther() throws {
    for loss in [.minimax, .nonSaturating] as [AdversarialLoss] {
      let (model, encoder, decoder) = model(loss)
      let (w, u, v) = (
        discriminator.scale.value.item, discriminator.slope.value.item,
        discriminator.shift.value.item
      )
      let (a, b) = (decoder.weights.value.item, decoder.bias.value.item)
      let known = pass(model)
      let posterior = try XCTUnwrap(known.posterior as? DiagonalGaussian)
      let (m, s) = try (
        XCTUnwrap(posterior.mean).item, XCTUnwrap(posterior.logVariance).item
      )
      let z = known.draw.decoderInput.item
      let drawn = try XCTUnwrap(known.priorSamples).draw.decoderInput.item
      XCTAssertNotEqual(z, drawn)
      let noise = (z - m) / exp(s / 2)
      let (made, other) = (a * z + b, a * drawn + b)
      func d(_ y: Float) -> Float { 1 / (1 + exp(-(u * w * y + v))) }
      // ∂ L_llike / ∂ x̃, and ∂ G(y) / ∂ y.
      let pull = w * w * (made - x)
      func push(_ y: Float) -> Float {
        loss == .minimax ? -d(y) * u * w : -(1 - d(y)) * u * w
      }
      let phases = model.objective.phases
      XCTAssertEqual(phases.map(\.name), ["encoder", "decoder", "discriminator"])

      let forEncoder = gradients(phases[0], model)
      XCTAssertEqual(forEncoder.count, 2)
      let bias = try XCTUnwrap(forEncoder[encoder.bias]).floats
      XCTAssertEqual(bias[0], beta * m + pull * a, accuracy: 1e-5, "∂ Enc / ∂ m")
      XCTAssertEqual(
        bias[1], beta * (exp(s) - 1) / 2 + pull * a * noise * exp(s / 2) / 2, accuracy: 1e-5,
        "∂ Enc / ∂ s")

      let forDecoder = gradients(phases[1], model)
      XCTAssertEqual(forDecoder.count, 2)
      XCTAssertEqual(
        try XCTUnwrap(forDecoder[decoder.weights]).item,
        gamma * pull * z + push(made) * z + push(other) * drawn, accuracy: 1e-5, "∂ Dec / ∂ a")
      XCTAssertEqual(
        try XCTUnwrap(forDecoder[decoder.bias]).item, gamma * pull + push(made) + push(other),
        accuracy: 1e-5, "∂ Dec / ∂ b")

      let forDiscriminator = gradients(phases[2], model)
      XCTAssertEqual(forDiscriminator.count, 3)
      XCTAssertEqual(
        try XCTUnwrap(forDiscriminator[discriminator.slope]).item,
        w * (d(made) * made + d(other) * other - (1 - d(x)) * x), accuracy: 1e-5, "∂ Dis / ∂ u")
      XCTAssertEqual(
        try XCTUnwrap(forDiscriminator[discriminator.scale]).item,
        u * (d(made) * made + d(other) * other - (1 - d(x)) * x), accuracy: 1e-5,
        "∂ Dis / ∂ w: none of L_llike")
    }
  }

  func testASideThatIsAheadIsLeftOutUnlessBothWouldBe() {
    let rule = LearnedSimilarity.Equilibrium()
    func expect(_ data: Float, _ made: Float, decoder: Bool, discriminator: Bool) {
      let found = rule.takesPart(ofData: data, ofGenerated: made)
      XCTAssertEqual(found.decoder, decoder, "\(data), \(made)")
      XCTAssertEqual(found.discriminator, discriminator, "\(data), \(made)")
    }
    expect(0.69, 0.69, decoder: true, discriminator: true)
    expect(0.3, 0.7, decoder: true, discriminator: false)
    expect(0.7, 0.3, decoder: true, discriminator: false)
    expect(1.1, 0.7, decoder: false, discriminator: true)
    expect(1.1, 0.2, decoder: true, discriminator: true)
  }

  func testCostsAreHeldToTheEquilibriumWithItsMargin() {
    // 0.68 ± 0.35: from 0.33 to 1.03.
    let rule = LearnedSimilarity.Equilibrium()
    for (data, made, decoder, discriminator) in [
      (1.02, 0.34, true, true), (1.04, 0.34, false, true), (1.02, 0.32, true, false),
      (0.34, 1.02, true, true), (0.34, 1.04, false, true), (0.32, 1.02, true, false),
    ] as [(Float, Float, Bool, Bool)] {
      let found = rule.takesPart(ofData: data, ofGenerated: made)
      XCTAssertEqual(found.decoder, decoder, "\(data), \(made)")
      XCTAssertEqual(found.discriminator, discriminator, "\(data), \(made)")
    }
  }

  /// Whether decoder and discriminator sit out is decided once for an update, and anew after it and after one that was
  /// refused.
  func testADecisionHoldsForItsUpdateAlone() throws {
    let (model, _, decoder) = model(.minimax)
    // Everything that is made is 0, which costs log 2.
    for parameter in [decoder.weights, decoder.bias] { parameter.value = .zeros(parameter.shape) }
    discriminator.shift.value = Tensor([0])
    discriminator.scale.value = Tensor([1])
    let objective = LearnedSimilarity(discriminator: discriminator, layer: 0)
    func sitOut(step: Int = 0) throws -> [Bool] {
      try objective.phases.dropFirst().map { phase in
        var context = SmallModels.context(1, .training)
        context.step = step
        let pass = ForwardPass(
          model, Tensor([x], shape: [1, 1, 1, 1]), DrawRequest(), context)
        return try XCTUnwrap(phase.skips)(pass)
      }
    }
    XCTAssertNil(objective.phases[0].skips)
    // Logits of data of 2 cost 0.13 nats, those of −2 cost 2.13.
    discriminator.slope.value = Tensor([2 / x])
    XCTAssertEqual(try sitOut(), [false, true])
    discriminator.slope.value = Tensor([-2 / x])
    XCTAssertEqual(try sitOut(), [false, true], "decided already")
    XCTAssertEqual(try sitOut(step: 1), [true, false])
    discriminator.slope.value = Tensor([2 / x])
    XCTAssertEqual(try sitOut(step: 1), [true, false], "decided already")
    objective.dropUpdate()
    XCTAssertEqual(try sitOut(step: 1), [false, true])
    discriminator.slope.value = Tensor([-2 / x])
    objective.afterUpdate(SmallModels.context(1, .training))
    XCTAssertEqual(try sitOut(step: 1), [true, false])
  }

  func testTheTermsThatAreReportedAreMeansOfWhatTheSidesPay() throws {
    for loss in [.minimax, .nonSaturating] as [AdversarialLoss] {
      let (model, _, decoder) = model(loss)
      let known = pass(model)
      let (a, b) = (decoder.weights.value.item, decoder.bias.value.item)
      let made = a * known.draw.decoderInput.item + b
      let drawn = a * (try XCTUnwrap(known.priorSamples).draw.decoderInput.item) + b
      func d(_ y: Float) -> Float { 1 / (1 + exp(-(-1.3 * 0.8 * y + 0.2))) }
      func pays(_ y: Float) -> Float { loss == .minimax ? log(1 - d(y)) : -log(d(y)) }
      let phases = model.objective.phases
      let distance = 0.5 * 0.64 * (made - x) * (made - x)
      let evaluation = known.evaluation

      let first = phases[0].loss(pass(model))
      XCTAssertEqual(first.terms.map(\.name), ["feature_distance"])
      XCTAssertEqual(first.terms[0].value.item, distance, accuracy: 1e-5)
      XCTAssertEqual(
        first.value.item, beta * evaluation.rate.mean().item + distance, accuracy: 1e-5)

      let second = phases[1].loss(pass(model))
      XCTAssertEqual(second.terms.map(\.name), ["generator_loss"])
      XCTAssertEqual(
        second.terms[0].value.item, (pays(made) + pays(drawn)) / 2, accuracy: 1e-5)
      XCTAssertEqual(
        second.value.item, gamma * distance + pays(made) + pays(drawn), accuracy: 1e-5)

      let third = phases[2].loss(pass(model))
      let (real, fake) = (-log(d(x)), -(log(1 - d(made)) + log(1 - d(drawn))))
      XCTAssertEqual(third.terms.map(\.name), ["discriminator_loss"])
      XCTAssertEqual(third.terms[0].value.item, (real + fake / 2) / 2, accuracy: 1e-5)
      XCTAssertEqual(third.value.item, real + fake, accuracy: 1e-5)
    }
  }

  func testALearntDeviationIsFittedWithTheDecoder() throws {
    let data = SmallModels.data(height: 6, width: 5, isBinary: false)
    let model = try SmallModels.registry.model(
      SmallModels.recipe("vae-gan", data: data, [(key: "sigma", value: "learnt")]), seed: 3)
    let deviation = try XCTUnwrap(model.likelihood.parameters.first?.parameter)
    let context = SmallModels.context(6, .training)
    let batch = Examples(data.train).batch(Array(0..<6), context)
    func pass() -> ForwardPass { ForwardPass(model, batch, DrawRequest(), context) }
    let own = try XCTUnwrap(
      pass().evaluation.distortion.mean().backward()[deviation]
    ).item
    let phases = model.objective.phases
    XCTAssertTrue(phases[1].group.contains("likelihood.x"))
    XCTAssertFalse(phases[0].group.contains("likelihood.x"))
    XCTAssertEqual(
      try XCTUnwrap(phases[1].loss(pass()).value.backward()[deviation]).item, own,
      accuracy: 1e-3 * abs(own))
  }

  func testARecipeGivesLayerWeightsGameEquilibriumAndRate() throws {
    let data = SmallModels.data(height: 12, width: 13, isBinary: false)
    func objective(
      _ settings: [(key: String, value: String)]
    ) throws -> LearnedSimilarity {
      try XCTUnwrap(
        SmallModels.registry.model(
          SmallModels.recipe("vae-gan", data: data, settings), seed: 3
        ).objective as? LearnedSimilarity)
    }
    let plain = try objective([])
    XCTAssertEqual([plain.weights.similarity, plain.weights.rate], [1e-3, 1])
    XCTAssertEqual(plain.loss, .minimax)
    XCTAssertEqual(plain.equilibrium?.cost, 0.68)
    XCTAssertEqual(plain.equilibrium?.margin, 0.35)
    let other = try objective([
      (key: "gamma", value: "0.25"), (key: "objective.rate_weight", value: "3"),
      (key: "objective.feature_layer", value: "0"),
      (key: "objective.adversarial_loss", value: "non_saturating"),
      (key: "objective.equilibrium", value: "false"),
      (key: "objective.discriminator_rate", value: "0.5"),
      (key: "objective.discriminator_channels", value: "3,4"),
    ])
    XCTAssertEqual([other.weights.similarity, other.weights.rate], [0.25, 3])
    XCTAssertEqual(other.layer, 0)
    XCTAssertEqual(other.loss, .nonSaturating)
    XCTAssertNil(other.equilibrium)
    XCTAssertEqual(other.phases.map(\.rateFactor), [1, 1, 0.5])
    XCTAssertEqual(other.phases.map(\.rule), [nil, nil, .adam(beta1: 0.5, beta2: 0.9)])
    // Where there are fewer layers the last one's features are compared.
    let last = try objective([(key: "objective.feature_layer", value: "9")])
    XCTAssertEqual(last.layer, last.discriminator.featureCount - 1)
  }

  func testTheTermsOfACodebookAreTheEncoders() throws {
    let data = SmallModels.data(height: 6, width: 8, isBinary: false)
    let model = try SmallModels.registry.model(
      SmallModels.recipe(
        "vq-vae", data: data,
        [
          (key: "objective.name", value: "vae-gan"), (key: "levels", value: "1"),
          (key: "objective.rate_weight", value: "3"),
        ]), seed: 3)
    let context = SmallModels.context(4, .training)
    let batch = Examples(data.train).batch(Array(0..<4), context)
    let pass = ForwardPass(model, batch, DrawRequest(), context)
    let (encoder, decoder) = (
      model.objective.phases[0].loss(pass), model.objective.phases[1].loss(pass)
    )
    XCTAssertEqual(encoder.terms.map(\.name), ["commitment", "feature_distance"])
    XCTAssertEqual(decoder.terms.map(\.name), ["generator_loss"])
    let rate = pass.evaluation.rate.mean().item
    let sum = encoder.terms.reduce(3 * rate) { $0 + $1.value.item }
    XCTAssertGreaterThan(encoder.terms[0].value.item, 0)
    XCTAssertEqual(encoder.value.item, sum, accuracy: 1e-4 * sum)
  }

  func testTheDiscriminatorLearnsOfTheEndOfAnUpdateAndOfOneThatWasRefused() {
    final class NotingDiscriminator: ImageDiscriminator {
      var heard: [String] = []
      var members: Members { [:] }
      var featureCount: Int { 1 }
      func judge(_ images: Tensor, _ context: Context) -> DiscriminatorJudgement {
        DiscriminatorJudgement(features: [images], logits: images)
      }
      func afterUpdate(_ context: Context) { heard.append("after \(context.step)") }
      func dropUpdate() { heard.append("dropped") }
    }
    let discriminator = NotingDiscriminator()
    let objective = LearnedSimilarity(discriminator: discriminator, layer: 0)
    var context = SmallModels.context(1, .training)
    context.step = 3
    objective.afterUpdate(context)
    objective.dropUpdate()
    XCTAssertEqual(discriminator.heard, ["after 3", "dropped"])
  }

  func testFeaturesOfTheLayerThatIsChosenAreCompared() {
    final class TwoLayers: ImageDiscriminator {
      var members: Members { [:] }
      var featureCount: Int { 2 }
      func judge(_ images: Tensor, _ context: Context) -> DiscriminatorJudgement {
        let flat = images.flattened()
        return DiscriminatorJudgement(features: [flat, flat * 3], logits: flat)
      }
    }
    let (model, _, _) = model(.minimax)
    let known = pass(model)
    let distance = (known.decodedMean - x).squared().sum().item / 2
    let rate = known.evaluation.rate.mean().item
    for (layer, factor) in [(0, 1), (1, 9)] as [(Int, Float)] {
      let phases = LearnedSimilarity(discriminator: TwoLayers(), layer: layer).phases
      let (encoder, decoder) = (phases[0].loss(pass(model)), phases[1].loss(pass(model)))
      XCTAssertEqual(encoder.terms[0].value.item, factor * distance, accuracy: 1e-5)
      XCTAssertEqual(encoder.value.item, rate + factor * distance, accuracy: 1e-5)
      // What it plays for is the sum of reconstructions and draws, and reported as their mean.
      XCTAssertEqual(
        decoder.value.item, factor * distance + 2 * decoder.terms[0].value.item, accuracy: 1e-5)
    }
  }

  func testTheGameTeachesReconstructionsThatTheDiscriminatorTakesForData() throws {
    let data = SmallModels.data(isBinary: false)
    let model = try SmallModels.registry.model(
      SmallModels.recipe(
        "vae-gan", data: data,
        [
          ("architecture", "mlp"), ("hidden", "24"), ("latent", "4"), ("gamma", "0.1"),
          ("objective.discriminator_channels", "16"), ("objective.rate_weight", "0.1"),
        ].map { (key: $0.0, value: $0.1) }), seed: 3)
    let context = SmallModels.context(64)
    let batch = Examples(data.train).batch(Array(0..<64), context)
    func error() -> Double { (model.reconstruct(batch, context) - batch).doubleSumOfSquares }
    let trainer = try Trainer(
      model: model, data: data, options: SmallModels.options(epochs: 60))
    _ = try trainer.advance()
    let before = error()
    var records: [EpochRecord] = []
    _ = try trainer.train { if case .epoch(let record) = $0 { records.append(record) } }
    // Pixels have no part in the loss of any network.
    XCTAssertLessThan(error(), 0.5 * before)
    // Neither side has won: in the end the discriminator still learns, and pays less than one that knows nothing.
    let losses = records.suffix(10).flatMap(\.terms).filter { $0.name == "discriminator_loss" }
    let mean = losses.map(\.value).reduce(0, +) / Double(losses.count)
    XCTAssertGreaterThan(mean, 0.1)
    XCTAssertLessThan(mean, log(2))
  }

  func testTheRuleIsAskedOnceForAnUpdate() throws {
    let data = SmallModels.data(height: 6, width: 5, isBinary: false)
    let model = try SmallModels.registry.model(SmallModels.recipe("vae-gan", data: data), seed: 3)
    let trainer = try Trainer(
      model: model, data: data, options: SmallModels.options(epochs: 1))
    func weights(_ part: String) -> [[Float]] {
      model.parameters.filter { $0.path.hasPrefix(part) }.map(\.parameter.value.floats)
    }
    // A discriminator that takes everything for data.
    for (path, parameter) in model.parameters where path == "objective.discriminator.head.bias" {
      parameter.value = Tensor([4])
    }
    var before = (weights("decoder."), weights("objective."))
    _ = try trainer.update()
    // What was made costs it too much, data next to nothing: both would be left out, and neither is.
    XCTAssertTrue(weights("decoder.") != before.0)
    XCTAssertTrue(weights("objective.") != before.1)
    for (path, parameter) in model.parameters where path == "objective.discriminator.head.bias" {
      parameter.value = Tensor([-0.8])
    }
    before = (weights("decoder."), weights("objective."))
    _ = try trainer.update()
    XCTAssertTrue(weights("decoder.") == before.0, "data cost 1.2 nats, what was made 0.4")
    XCTAssertTrue(weights("objective.") != before.1)
  }
}
