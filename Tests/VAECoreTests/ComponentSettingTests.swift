import GaussianVAE
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes
import XCTest

/// Settings of the shared components, each with a value that is not its default: what is said in a recipe is what the part is
/// made with.
final class ComponentSettingTests: XCTestCase {
  private let bytes = DataDescription(
    height: 9, width: 6, channels: 3, range: .unit, rule: "bytes/255")
  private let reals = DataDescription(
    height: 9, width: 6, channels: 1, range: .real, rule: "floats")
  private let binary = DataDescription(
    height: 8, width: 5, channels: 1, range: .binary, rule: "binary")

  private var table: DataDescription {
    let columns = TableColumns([
      TableColumn(name: "a", kind: .count, centre: 1), TableColumn(name: "b", kind: .real),
    ])
    return DataDescription(
      height: 1, width: 2, channels: 1, range: .real, rule: "table", columns: columns)
  }

  private func plan(
    _ settings: [(String, String)], _ data: DataDescription? = nil
  ) throws -> Model {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = data ?? binary
    try registry.apply(settings.map { (key: $0.0, value: $0.1) }, to: &recipe)
    return try registry.plan(recipe)
  }

  private func likelihood<Part>(
    _ settings: [(String, String)], _ data: DataDescription, as type: Part.Type = Part.self
  ) throws -> Part {
    try XCTUnwrap(plan(settings, data).likelihood as? Part)
  }

  private func objective<Part>(
    _ settings: [(String, String)], _ data: DataDescription? = nil, as type: Part.Type = Part.self
  ) throws -> Part {
    try XCTUnwrap(plan(settings, data).objective as? Part)
  }

  private func shapes(_ part: some Module, _ prefix: String = "") -> [Shape] {
    part.parameters.filter { $0.path.hasPrefix(prefix) }.map(\.parameter.shape)
  }

  // MARK: Likelihoods

  func testTheNoiseOfEveryLikelihoodOfNumbersIsTheOneThatIsSaid() throws {
    for (name, found) in [
      ("0.25", NoiseDeviation.fixed(0.25)), ("learnt", .learnt), ("optimal", .optimal),
      ("data", .data),
    ] {
      let gaussian: GaussianLikelihood = try likelihood([("sigma", name)], bytes)
      XCTAssertEqual(gaussian.deviation, found)
      let scales: MultiscaleGaussian = try likelihood(
        [("likelihood", "multiscale-gaussian"), ("sigma", name)], bytes)
      XCTAssertEqual(scales.deviation, found)
      guard found != .optimal else { continue }
      for noise in ["laplace", "logistic", "log-cosh"] {
        let other: LocationLikelihood = try likelihood(
          [("likelihood", noise), ("sigma", name)], bytes)
        XCTAssertEqual(other.deviation, found, noise)
      }
    }
    func shape(_ settings: [(String, String)]) throws -> any NoiseShape {
      try likelihood(settings, bytes, as: LocationLikelihood.self).shape
    }
    XCTAssertTrue(try shape([("likelihood", "laplace")]) is LaplaceNoise)
    XCTAssertTrue(try shape([("likelihood", "logistic")]) is LogisticNoise)
    let loss = try XCTUnwrap(
      shape([("likelihood", "log-cosh"), ("likelihood.a", "3")]) as? LogCoshNoise)
    XCTAssertEqual(loss.a, 3)
  }

  func testTheLinkOfAMeanFollowsTheRangeOfTheDataUnlessItIsSaid() throws {
    for (name, data, link) in [
      ("auto", bytes, .sigmoid), ("auto", binary, .sigmoid), ("auto", reals, .identity),
      ("tanh", bytes, .tanh), ("identity", bytes, .identity), ("sigmoid", reals, .sigmoid),
    ] as [(String, DataDescription, MeanLink)] {
      let settings = [("likelihood.link", name)]
      for noise in [
        "gaussian", "laplace", "logistic", "log-cosh", "student-t", "multiscale-gaussian",
      ] {
        let found = try plan([("likelihood", noise)] + settings, data).likelihood
        let own =
          (found as? GaussianLikelihood)?.link ?? (found as? LocationLikelihood)?.link
          ?? (found as? StudentTLikelihood)?.link ?? (found as? MultiscaleGaussian)?.link
        XCTAssertEqual(own, link, "\(noise) \(name)")
      }
    }
  }

  func testLikelihoodsOfLevelsHaveTheLevelsAndChannelsOfTheDataAndAsManyComponentsAsIsSaid() throws
  {
    let levels = [("likelihood", "categorical")]
    XCTAssertEqual(try likelihood(levels, bytes, as: CategoricalLikelihood.self).levels, 256)
    XCTAssertEqual(try likelihood(levels, binary, as: CategoricalLikelihood.self).levels, 2)
    let logistic: DiscretizedLogisticMixture = try likelihood(
      [("likelihood", "logistic-mixture"), ("likelihood.components", "4")], bytes)
    XCTAssertEqual([logistic.components, logistic.channels], [4, 3])
    // A logit, three means, three scales and three coefficients for each component.
    XCTAssertEqual(logistic.parametersPerPixel(channels: 3), 40)
    XCTAssertTrue(logistic.couplesChannels)
    XCTAssertFalse(logistic.factorizes)
  }

  func testScalesAreAsManyAsAreSaidAndWeighedAsIsSaid() throws {
    func weights(_ settings: [(String, String)]) throws -> MultiscaleGaussian.Weights {
      try likelihood(
        [("likelihood", "multiscale-gaussian")] + settings, bytes, as: MultiscaleGaussian.self
      ).weights
    }
    XCTAssertEqual(try weights([]), .learnt(4))
    XCTAssertEqual(try weights([("likelihood.scales", "2")]), .learnt(2))
    XCTAssertEqual(
      try weights([("likelihood.scales", "3"), ("likelihood.coarse_weight", "3")]),
      .fixed([3, 9, 27]))
    // 9×6 pixels are one after four halvings.
    XCTAssertEqual(
      try weights([("likelihood.scales", "9"), ("likelihood.coarse_weight", "0.5")]),
      .fixed([0.5, 0.25, 0.125, 0.0625]))
    XCTAssertEqual(MultiscaleGaussian.scales(height: 1, width: 9), 4)
    XCTAssertEqual(MultiscaleGaussian.scales(height: 8, width: 3), 3)
  }

  func testColumnsOfATableHaveTheComponentsAndTheLawOfCountsThatAreSaid() throws {
    let plain: MixedLikelihood = try likelihood([], table)
    XCTAssertEqual(plain.components, 1)
    XCTAssertEqual(plain.counts, .negativeBinomial)
    let mixed: MixedLikelihood = try likelihood(
      [("likelihood.components", "3"), ("likelihood.counts", "poisson")], table)
    XCTAssertEqual(mixed.components, 3)
    XCTAssertEqual(mixed.counts, .poisson)
    XCTAssertEqual(mixed.parametersPerPixel(channels: 1), 6)
    XCTAssertEqual(shapes(mixed), [[2, 3]])
  }

  func testAFlowOfPixelsHasTheSizesThatAreSaid() throws {
    let part: ConditionalCoupling = try likelihood(
      [
        ("likelihood", "conditional-coupling"), ("likelihood.steps", "3"),
        ("likelihood.hidden_channels", "5"), ("likelihood.blocks", "2"),
        ("likelihood.features", "4"), ("likelihood.dequantization", "variational"),
        ("likelihood.dequantization_steps", "1"),
      ], bytes)
    XCTAssertEqual(part.features, 4)
    XCTAssertEqual(part.parametersPerPixel(channels: 3), 10)
    XCTAssertTrue(part.isDiscrete)
    let paths = part.parameters.map(\.path)
    func has(_ prefix: String) -> Bool { paths.contains { $0.hasPrefix(prefix) } }
    XCTAssertTrue(has("coupling2.block1."))
    XCTAssertFalse(has("coupling3.") || has("coupling0.block2."))
    XCTAssertTrue(has("dequantization.coupling0.block1."))
    XCTAssertFalse(has("dequantization.coupling1."))
    // From three channels of an image and ten numbers of the decoder to five.
    XCTAssertEqual(shapes(part, "coupling0.entry."), [[5, 13, 3, 3], [5]])
    let uniform: ConditionalCoupling = try likelihood(
      [("likelihood", "conditional-coupling")], bytes)
    XCTAssertTrue(uniform.isDiscrete)
    XCTAssertFalse(uniform.parameters.contains { $0.path.hasPrefix("dequantization") })
    XCTAssertEqual(uniform.features, 8)
    let points: ConditionalCoupling = try likelihood(
      [("likelihood", "conditional-coupling"), ("likelihood.dequantization", "none")], bytes)
    XCTAssertFalse(points.isDiscrete)
  }

  // MARK: Objectives

  func testTheWeightsOfBoundsAreThoseThatAreSaid() throws {
    let bound: EvidenceLowerBound = try objective([
      ("beta", "3"), ("warmup_epochs", "2.5"), ("free_bits", "0.25"),
    ])
    XCTAssertEqual(bound.beta, 3)
    XCTAssertEqual(bound.warmUpEpochs, 2.5)
    XCTAssertEqual(bound.freeBits, 0.25)
    let weighted: ImportanceWeightedBound = try objective([
      ("objective.name", "importance-weighted"), ("importance_samples", "7"),
      ("objective.gradient", "dreg"),
    ])
    XCTAssertEqual(weighted.samples, 7)
    XCTAssertEqual(weighted.gradient, .doublyReparameterized)
    XCTAssertEqual(weighted.requirements.draw.samples, 7)
    XCTAssertTrue(weighted.requirements.draw.usesSampledRate)
    XCTAssertTrue(weighted.requirements.draw.stopsPosterior)
    let plain: ImportanceWeightedBound = try objective([
      ("objective.name", "importance-weighted")
    ])
    XCTAssertEqual(plain.samples, 5)
    XCTAssertFalse(plain.requirements.draw.stopsPosterior)
  }

  func testAGameForImagesIsPlayedAsIsSaid() throws {
    let game: AdversarialReconstruction = try objective(
      [
        ("objective.name", "adversarial"), ("objective.reconstruction", "l1"),
        ("objective.rate_weight", "0.5"), ("objective.adversarial_loss", "minimax"),
        ("objective.adversarial_weight", "0.3"), ("objective.adaptive_weight", "false"),
        ("objective.discriminator_start", "12"), ("objective.gradient_penalty", "4"),
        ("objective.discriminator_channels", "5,6"),
        ("objective.discriminator_normalization", "none"), ("objective.discriminator_rate", "0.25"),
      ], bytes)
    XCTAssertEqual(game.reconstruction, .l1)
    XCTAssertEqual(game.loss, .minimax)
    XCTAssertEqual(game.weights.rate, 0.5)
    XCTAssertEqual(game.weights.adversarial, 0.3)
    XCTAssertEqual(game.weights.gradientPenalty, 4)
    XCTAssertFalse(game.weights.isAdaptive)
    XCTAssertEqual(game.start, 12)
    XCTAssertEqual(game.rateFactor, 0.25)
    XCTAssertNil(game.features)
    XCTAssertEqual(
      shapes(game), [[5, 3, 4, 4], [5], [10, 5, 4, 4], [10], [1, 10, 4, 4], [1]])
    let plain: AdversarialReconstruction = try objective(
      [("objective.name", "adversarial")], bytes)
    XCTAssertEqual(plain.reconstruction, .distortion)
    XCTAssertEqual(plain.loss, .hinge)
    XCTAssertEqual(plain.start, 1000)
    XCTAssertTrue(plain.weights.isAdaptive)
    XCTAssertEqual(plain.weights.adversarial, 0.8)
    XCTAssertTrue(plain.buffers.contains { $0.path.contains("spectral") })
    let batch: AdversarialReconstruction = try objective(
      [
        ("objective.name", "adversarial"), ("objective.discriminator_channels", "5,6"),
        ("objective.discriminator_normalization", "batch"),
      ], bytes)
    XCTAssertEqual(
      shapes(batch), [[5, 3, 4, 4], [5], [10, 5, 4, 4], [10], [10], [1, 10, 4, 4], [1]])
  }

  func testAGameForLatentsIsPlayedAsIsSaid() throws {
    let game: AggregatePosteriorGame = try objective([
      ("objective.name", "latent-adversarial"), ("latent", "3"),
      ("objective.adversarial_weight", "2.5"), ("objective.adversarial_loss", "hinge"),
      ("objective.alternates", "true"), ("objective.discriminator_hidden", "7,5"),
      ("objective.discriminator_rate", "0.5"),
    ])
    XCTAssertEqual(game.weight, 2.5)
    XCTAssertEqual(game.loss, .hinge)
    XCTAssertTrue(game.alternates)
    XCTAssertEqual(game.rateFactor, 0.5)
    XCTAssertEqual(shapes(game), [[3, 7], [7], [7, 5], [5], [5, 1], [1]])
    let plain: AggregatePosteriorGame = try objective([("objective.name", "latent-adversarial")])
    XCTAssertEqual(plain.weight, 10)
    XCTAssertEqual(plain.loss, .nonSaturating)
    XCTAssertFalse(plain.alternates)
    XCTAssertEqual(shapes(plain).map { $0[0] }, [20, 512, 512, 512, 512, 512, 512, 512, 512, 1])
  }

  // MARK: Priors

  func testPriorsHaveTheSizesThatAreSaid() throws {
    let map = try plan(
      [
        ("prior.name", "standard-normal-map"), ("prior.latent_channels", "3"),
        ("prior.levels", "2"), ("prior.scaling_factor", "0.5"), ("prior.shift_factor", "0.25"),
      ], reals
    ).prior.latents.map
    // 9×6 is halved, rounding up, to 5×3 and 3×2.
    XCTAssertEqual(
      map,
      LatentMap(
        height: 3, width: 2, channels: 3, scaling: LatentScaling(factor: 0.5, shift: 0.25)))
    XCTAssertEqual(try plan([("latent", "7")]).prior.latents, .units(7))
    let fitted = try XCTUnwrap(
      plan([
        ("prior.name", "fitted-mixture"), ("latent", "3"), ("prior.components", "4"),
        ("prior.draws", "5"),
      ]).prior as? FittedMixturePrior)
    XCTAssertEqual(fitted.drawsPerExample, 5)
    XCTAssertEqual(fitted.means.shape, [4, 3])
    XCTAssertEqual(fitted.factors.shape, [4, 3, 3])
    let open = try XCTUnwrap(
      plan([("prior.name", "fitted-mixture"), ("latent", "3")]).prior as? FittedMixturePrior)
    XCTAssertEqual(open.means.shape, [100, 3])
    XCTAssertEqual(open.drawsPerExample, 1)
    let flow = try plan([
      ("prior.name", "flow"), ("latent", "3"), ("prior.flow_steps", "2"),
      ("prior.flow_hidden", "5,4"),
    ]).prior
    XCTAssertEqual(
      shapes(flow, "flow."),
      (0..<2).flatMap { _ in [[3, 5], [5], [5, 4], [4], [4, 6], [6], [3]] as [Shape] })
    let coupling = try plan([
      ("prior.name", "flow"), ("latent", "3"), ("prior.flow", "realnvp"),
      ("prior.flow_steps", "1"), ("prior.flow_hidden", "5"),
    ]).prior
    XCTAssertEqual(shapes(coupling, "flow."), [[1, 5], [5], [5, 4], [4], [2]])
    let second = try plan([
      ("prior.name", "second-stage"), ("latent", "3"), ("prior.stage_hidden", "6,5"),
    ]).prior
    // Their inputs stand beside the last hidden layer.
    XCTAssertEqual(shapes(second, "encoder."), [[3, 6], [6], [6, 5], [5], [8, 6], [6]])
    XCTAssertEqual(shapes(second, "decoder."), [[3, 6], [6], [6, 5], [5], [8, 3], [3]])
  }

  func testTheRidgeAndTheStepsOfAFitAreThoseThatAreSaid() throws {
    func fit(_ settings: [(String, String)], _ draws: [Float]) throws -> (
      FittedMixturePrior, PriorFit
    ) {
      let prior = try XCTUnwrap(
        plan([("prior.name", "fitted-mixture"), ("latent", "1")] + settings).prior
          as? FittedMixturePrior)
      let sample = LatentSample(
        draws: Tensor(draws, shape: [draws.count, 1]), exampleCount: draws.count,
        meanLogPosterior: 0)
      return (
        prior,
        try prior.fit(to: sample, continuing: false, random: RandomSource(seed: 1)) {}
      )
    }
    // One Gaussian of −3 and 3, whose variance is 9, and the ridge.
    let (wide, _) = try fit(
      [("prior.components", "1"), ("prior.ridge", "0.5")], [-3, 3, -3, 3])
    XCTAssertEqual(
      exp(2 * wide.logScales.value.item), 9.5, accuracy: 1e-3)
    let draws = RandomSource(seed: 5).stream("z").normal([60]).floats
    for steps in ["1", "3"] {
      let (_, found) = try fit([("prior.components", "2"), ("prior.iterations", steps)], draws)
      XCTAssertEqual(found.terms.map(\.name), ["components", "fit_steps"])
      XCTAssertEqual(found.terms.map(\.value), [2, Double(steps) ?? 0])
      XCTAssertTrue(
        "\(try XCTUnwrap(found.notice))".contains("choose a larger prior.iterations"))
    }
  }

  // MARK: Networks

  func testPerceptronsHaveTheLayersThatAreSaidInTheOrderOfComputation() throws {
    let model = try plan([
      ("encoder.hidden", "6,5"), ("decoder.hidden", "4,7"), ("latent", "3"),
    ])
    XCTAssertEqual(shapes(model.encoder), [[40, 6], [6], [6, 5], [5], [5, 6], [6]])
    XCTAssertEqual(shapes(model.decoder), [[3, 4], [4], [4, 7], [7], [7, 40], [40]])
  }

  func testConvolutionsHaveTheChannelsNormalisationAndBlocksThatAreSaid() throws {
    func model(_ settings: [(String, String)]) throws -> Model {
      try plan([("architecture", "conv"), ("latent", "3"), ("channels", "4,6")] + settings, reals)
    }
    // 9×6 becomes 5×3 and 3×2; with normalisation convolutions have no bias.
    let plain = try model([("encoder.normalization", "none"), ("decoder.normalization", "none")])
    XCTAssertEqual(
      shapes(plain.encoder), [[4, 1, 3, 3], [4], [6, 4, 3, 3], [6], [36, 6], [6]])
    XCTAssertEqual(shapes(plain.decoder, "entry."), [[3, 36], [36]])
    XCTAssertEqual(shapes(plain.decoder, "head."), [[1, 4, 3, 3], [1]])
    for normalization in ["batch", "group"] {
      let normalised = try model([("encoder.normalization", normalization)])
      XCTAssertEqual(
        shapes(normalised.encoder),
        [[4, 1, 3, 3], [4], [4], [6, 4, 3, 3], [6], [6], [36, 6], [6]])
      XCTAssertEqual(normalised.encoder.buffers.isEmpty, normalization == "group")
    }
    func count(_ blocks: String) throws -> [Int] {
      let model = try model([("encoder.blocks", blocks), ("decoder.blocks", blocks)])
      return [model.encoder.parameters.count, model.decoder.parameters.count]
    }
    let (none, one, two) = try (count("0"), count("1"), count("2"))
    for part in 0..<2 {
      XCTAssertGreaterThan(one[part], none[part])
      XCTAssertEqual(two[part] - one[part], one[part] - none[part])
    }
    let residual = try plan(
      [("architecture", "resnet"), ("channels", "4,6"), ("latent", "3")], reals)
    XCTAssertEqual(
      [residual.encoder.parameters.count, residual.decoder.parameters.count], one)
  }

  func testTheActivationOfEveryNetworkIsTheOneThatIsSaid() throws {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    let x = RandomSource(seed: 2).stream("x").normal([2, 9, 6, 1])
    let context = Context(mode: .evaluation, random: RandomSource(seed: 1), examples: [0, 1])
    for architecture in [
      [("architecture", "mlp"), ("hidden", "8,8")],
      [("architecture", "conv"), ("channels", "4,6"), ("encoder.normalization", "none")],
      [("architecture", "conv"), ("channels", "4,6"), ("decoder.normalization", "group")],
      [("architecture", "resnet"), ("channels", "4,6")],
    ] {
      func outputs(_ activation: String) throws -> [[Float]] {
        var recipe = try registry.recipe(for: "gaussian-vae")
        recipe.data = reals
        try registry.apply(
          (architecture + [("activation", activation), ("latent", "3")]).map {
            (key: $0.0, value: $0.1)
          }, to: &recipe)
        let model = try registry.model(recipe, seed: 4)
        let mean = try XCTUnwrap(model.encoder.encode(x, context).mean)
        let z = RandomSource(seed: 3).stream("z").normal([2, 3])
        return [mean.floats, model.decode([z], context).floats]
      }
      let (tanh, softplus, again) = try (outputs("tanh"), outputs("softplus"), outputs("tanh"))
      XCTAssertEqual(tanh, again)
      for part in 0..<2 { XCTAssertNotEqual(tanh[part], softplus[part], "\(architecture)") }
    }
  }

  func testADecoderDoublesAndGivesItsImageAsIsSaid() throws {
    func decoder(_ settings: [(String, String)]) throws -> any VAECore.Decoder {
      try plan(
        [("architecture", "conv"), ("channels", "4,6"), ("latent", "3")] + settings, reals
      ).decoder
    }
    let transposed = try decoder([])
    let shuffled = try decoder([("decoder.upsampling", "shuffle")])
    let nearest = try decoder([("decoder.upsampling", "nearest")])
    // Transposed weights begin with their inputs, others with their outputs; a shuffle has four numbers for each.
    XCTAssertEqual(shapes(transposed, "layers.0.")[0], [6, 4, 3, 3])
    XCTAssertEqual(shapes(nearest, "layers.0.")[0], [4, 6, 3, 3])
    XCTAssertEqual(shapes(shuffled, "layers.0.")[0], [16, 6, 3, 3])
    XCTAssertEqual(shapes(transposed, "scales."), [])
    // One number for each channel of what is enlarged, at two of three sizes.
    let scales = try decoder([("decoder.output", "multiscale")])
    XCTAssertEqual(shapes(scales, "scales."), [[1, 6, 1, 1], [1], [1, 4, 1, 1], [1]])
  }

  func testADecoderThatDrawsPixelByPixelHasTheSizesThatAreSaid() throws {
    func decoder(_ settings: [(String, String)]) throws -> any VAECore.Decoder {
      try plan(
        [
          ("decoder.name", "pixelcnn"), ("latent", "3"), ("decoder.channels", "4"),
          ("decoder.layers", "2"), ("decoder.kernel", "5"), ("decoder.head", "7"),
        ] + settings, binary
      ).decoder
    }
    let biased = try decoder([("decoder.condition", "bias")])
    func shape(_ decoder: any VAECore.Decoder, _ path: String) -> Shape? {
      decoder.parameters.first { $0.path == path }?.parameter.shape
    }
    XCTAssertEqual(shape(biased, "network.0.vertical"), [8, 2, 3, 7])
    XCTAssertEqual(shape(biased, "network.1.vertical"), [8, 4, 3, 5])
    XCTAssertEqual(shape(biased, "network.2.horizontal"), [8, 4, 1, 3])
    XCTAssertNil(shape(biased, "network.3.vertical"))
    XCTAssertEqual(shape(biased, "network.head.weights"), [4, 7])
    XCTAssertEqual(shape(biased, "network.last.weights"), [7, 1])
    XCTAssertEqual(shape(biased, "network.0.horizontal_condition"), [3, 8])
    let mapped = try decoder([("decoder.condition_channels", "6")])
    XCTAssertEqual(shape(mapped, "network.0.horizontal_condition"), [6, 8])
    XCTAssertTrue(mapped.parameters.contains { $0.path.hasPrefix("condition.") })
    XCTAssertFalse(biased.parameters.contains { $0.path.hasPrefix("condition.") })
  }
}
