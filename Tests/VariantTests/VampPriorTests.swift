import Foundation
import VAEZoo
import VampPriorVAE
import XCTest

final class VampPriorTests: XCTestCase {
  private func model(
    _ settings: [(key: String, value: String)] = [], data: DataSource, seed: Int = 3
  ) throws -> Model {
    try SmallModels.registry.model(
      SmallModels.recipe("vampprior-vae", data: data, settings), seed: seed)
  }

  private func prior(_ model: Model) throws -> VampPrior {
    try XCTUnwrap(model.prior as? VampPrior)
  }

  private func images(_ data: DataSource, _ count: Int) -> Tensor {
    Examples(data.train).batch(Array(0..<count), SmallModels.context(count))
  }

  private let encoders: [[(key: String, value: String)]] = [
    [], [(key: "encoder.name", value: "conv")],
    [(key: "encoder.name", value: "conv"), (key: "encoder.normalization", value: "group")],
    [(key: "encoder.name", value: "resnet")],
  ]

  // MARK: Density

  func testThePosteriorAtTheOnlyPseudoInputCostsNothing() throws {
    let data = SmallModels.data()
    for settings in encoders {
      let model = try model(settings + [(key: "pseudo_inputs", value: "1")], data: data)
      let x = images(data, 1)
      try prior(model).pseudoInputs.value = x
      for samples in [1, 5] {
        var request = DrawRequest()
        request.samples = samples
        let rate = withoutTape { model.evaluate(x, request, SmallModels.context(1)) }.rate
        XCTAssertEqual(rate.floats, [Float](repeating: 0, count: samples), "\(settings)")
      }
    }
  }

  func testEqualPseudoInputsAreOne() throws {
    let data = SmallModels.data()
    for settings in encoders {
      let one = try model(settings + [(key: "pseudo_inputs", value: "1")], data: data)
      let four = try model(settings + [(key: "pseudo_inputs", value: "4")], data: data)
      let (x, u) = (images(data, 8), images(data, 1))
      try prior(one).pseudoInputs.value = u
      try prior(four).pseudoInputs.value = u.tiled(4)
      let rates = [one, four].map { model in
        withoutTape { model.evaluate(x, DrawRequest(), SmallModels.context(8)) }.rate.floats
      }
      for (a, b) in zip(rates[0], rates[1]) {
        XCTAssertEqual(a, b, accuracy: 1e-4 * max(1, abs(a)), "\(settings)")
      }
    }
  }

  func testThePriorIsTheAverageOfThePosteriorsAtItsPseudoInputs() throws {
    let data = SmallModels.data()
    let model = try model([(key: "pseudo_inputs", value: "3")], data: data)
    try prior(model).pseudoInputs.value = images(data, 3)
    let z = RandomSource(seed: 2).stream("z").normal([10, 2])
    let context = SmallModels.context(10)
    let found = try prior(model).logDensity(of: z, context).floats
    let q = try XCTUnwrap(model.encoder.encode(images(data, 3), context) as? DiagonalGaussian)
    let each = try (0..<3).map { component in
      let single = DiagonalGaussian(
        mean: q.means.rows(component..<component + 1),
        logVariance: q.logVariance.rows(component..<component + 1))
      return try XCTUnwrap(single.logDensity(of: z)).floats
    }
    for row in 0..<10 {
      let mean = each.reduce(0) { $0 + exp(Double($1[row])) } / 3
      XCTAssertEqual(Double(found[row]), log(mean), accuracy: 1e-4)
    }
  }

  func testDrawsAtTemperatureZeroAreMeansOfPosteriorsAtPseudoInputs() throws {
    let data = SmallModels.data()
    let model = try model([(key: "pseudo_inputs", value: "4")], data: data)
    try prior(model).pseudoInputs.value = images(data, 4)
    let drawn = model.prior.draw(temperature: 0, SmallModels.context(30)).layers[0].sample.floats
    let means = try XCTUnwrap(
      model.encoder.encode(images(data, 4), SmallModels.context(4)).mean
    ).floats
    let rows = Set((0..<4).map { Array(means[2 * $0..<2 * $0 + 2]) })
    let found = Set((0..<30).map { Array(drawn[2 * $0..<2 * $0 + 2]) })
    XCTAssertTrue(found.isSubset(of: rows))
    XCTAssertGreaterThan(found.count, 1)
  }

  // MARK: The encoder inside the prior

  func testTheEncoderIsCountedOnceAndTrainedThroughThePrior() throws {
    let data = SmallModels.data()
    for settings in encoders {
      let model = try model(settings, data: data)
      XCTAssertEqual(model.prior.parameters.map(\.path), ["pseudo_inputs"])
      let paths = model.parameters.map(\.path)
      XCTAssertEqual(Set(paths).count, paths.count)
      let context = SmallModels.context(4, .training)
      // Points that do not depend on the encoder: all that reaches it comes from inside the prior.
      let z = RandomSource(seed: 2).stream("z").normal([4, 2])
      let prior = try prior(model)
      let gradients = prior.logDensity(of: z, context).sum().backward()
      XCTAssertNotNil(gradients[prior.pseudoInputs])
      for (path, parameter) in model.encoder.parameters {
        let gradient = try XCTUnwrap(gradients[parameter], "\(settings): \(path)")
        XCTAssertTrue(gradient.isFinite, path)
      }
      let head = try XCTUnwrap(model.encoder.parameters.first { $0.path == "head.weights" })
      XCTAssertGreaterThan(
        try XCTUnwrap(gradients[head.parameter]).magnitude().sum().item, 0)
    }
  }

  func testTheGradientOfTheRateReachesTheEncoderByBothWays() throws {
    // Of −E_q[log p(z)] with p = q(z|u): through z alone, through p alone, and through both.
    let data = SmallModels.data()
    let model = try model([(key: "pseudo_inputs", value: "2")], data: data)
    let context = SmallModels.context(4, .training)
    let x = images(data, 4)
    let prior = try prior(model)
    let bias = try XCTUnwrap(
      model.encoder.parameters.first { $0.path == "head.bias" }
    ).parameter
    func gradient(stopsPoint: Bool, stopsPrior: Bool) throws -> [Float] {
      let q = try XCTUnwrap(model.encoder.encode(x, context) as? DiagonalGaussian)
      let z = q.draw(1, from: "posterior", context).value
      let p = prior.distribution(context)
      let density = try XCTUnwrap(
        (stopsPrior ? p.stoppingGradient() : p).logDensity(of: stopsPoint ? z.detached() : z))
      return try XCTUnwrap(density.sum().backward()[bias]).floats
    }
    let both = try gradient(stopsPoint: false, stopsPrior: false)
    let point = try gradient(stopsPoint: false, stopsPrior: true)
    let inside = try gradient(stopsPoint: true, stopsPrior: false)
    for index in both.indices {
      XCTAssertEqual(both[index], point[index] + inside[index], accuracy: 1e-4)
    }
    XCTAssertNotEqual(inside, [Float](repeating: 0, count: inside.count))
  }

  func testTheDoublyReparameterisedGradientLeavesThatOfPseudoInputsAlone() throws {
    // They reach the bound by log p(z) alone, whose weight is that of the model.
    let data = SmallModels.data()
    let found = try ["reparameterized", "dreg"].map { gradient in
      let model = try model(
        [
          (key: "objective.name", value: "importance-weighted"),
          (key: "objective.gradient", value: gradient),
        ], data: data)
      let context = SmallModels.context(4, .training)
      let evaluation = model.evaluate(
        images(data, 4), model.objective.requirements.draw, context)
      let gradients = model.objective.phases[0].loss(ForwardPass(model, evaluation, context)).value
        .backward()
      let bias = try XCTUnwrap(model.encoder.parameters.first { $0.path == "head.bias" })
      return try (
        XCTUnwrap(gradients[prior(model).pseudoInputs]).floats,
        XCTUnwrap(gradients[bias.parameter]).floats
      )
    }
    for (a, b) in zip(found[0].0, found[1].0) {
      XCTAssertEqual(a, b, accuracy: 1e-5 * max(1, abs(a)))
    }
    XCTAssertNotEqual(found[0].1, found[1].1)
  }

  func testPosteriorsOfAnotherFamilyAreMixedToo() throws {
    /// Gaussians that do not say so, as a plug-in's posterior does not.
    struct Hidden: Distribution {
      let gaussian: DiagonalGaussian
      var exampleCount: Int { gaussian.exampleCount }
      func draw(
        _ samples: Int, from stream: String, temperature: Float, _ context: Context
      ) -> DistributionDraw {
        gaussian.draw(samples, from: stream, temperature: temperature, context)
      }
      func logDensity(of z: Tensor) -> Tensor? { gaussian.logDensity(of: z) }
      func stoppingGradient() -> any Distribution { gaussian.stoppingGradient() }
    }
    final class HidingEncoder: Encoder {
      let inner: any Encoder
      init(_ inner: any Encoder) { self.inner = inner }
      var members: Members { inner.members }
      func encode(_ x: Tensor, _ context: Context) -> any Posterior {
        guard let gaussian = inner.encode(x, context) as? DiagonalGaussian else {
          return EmptyPosterior(exampleCount: x.shape[0])
        }
        return Hidden(gaussian: gaussian)
      }
    }
    let data = SmallModels.data()
    let plain = try model(data: data)
    try prior(plain).pseudoInputs.value = images(data, 3)
    let (x, context) = (images(data, 5), SmallModels.context(5))
    let expected = withoutTape { plain.evaluate(x, DrawRequest(), context) }.rate.floats
    let hidden = Model(
      encoder: HidingEncoder(plain.encoder), prior: plain.prior, decoder: plain.decoder,
      likelihood: plain.likelihood, objective: plain.objective)
    let found = withoutTape { hidden.evaluate(x, DrawRequest(), context) }.rate.floats
    for (a, b) in zip(found, expected) { XCTAssertEqual(a, b, accuracy: 1e-5 * max(1, abs(b))) }
    XCTAssertTrue(hidden.sample(SmallModels.context(3)).isFinite)
    XCTAssertEqual(hidden.sample(SmallModels.context(0)).shape, [0, 8, 8, 1])
    let trainer = try Trainer(model: hidden, data: data, options: SmallModels.options())
    _ = try trainer.train()
  }

  func testPseudoInputsAreNotCountedAmongTheDataThatNormalisationsAreCalibratedWith() throws {
    let data = SmallModels.data()
    let settings = [(key: "encoder.name", value: "conv")]
    let model = try model(settings, data: data)
    let x = images(data, 32)
    func statistics(of pseudoInputs: Tensor) throws -> [[Float]] {
      try prior(model).pseudoInputs.value = pseudoInputs
      var context = SmallModels.context(32, .calibration)
      let calibration = Calibration()
      context.calibration = calibration
      _ = withoutTape { model.evaluate(x, DrawRequest(), context) }
      model.encoder.recalibrate(calibration)
      return model.encoder.buffers.map { $0.buffer.value.floats }
    }
    XCTAssertFalse(model.encoder.buffers.isEmpty)
    XCTAssertEqual(try statistics(of: images(data, 3)), try statistics(of: .zeros([3, 8, 8, 1])))
  }

  // MARK: Pseudo-inputs

  func testPseudoInputsBeginAtTrainingExamplesAndStayInTheRangeOfTheData() throws {
    for isBinary in [true, false] {
      let data = SmallModels.data(isBinary: isBinary)
      let model = try model(
        [(key: "pseudo_inputs", value: "100"), (key: "latent", value: "2")], data: data)
      let prior = try prior(model)
      let trainer = try Trainer(model: model, data: data, options: SmallModels.options(epochs: 6))
      var started: [Float] = []
      var isInRange = true
      let fresh = prior.pseudoInputs.value.copied().floats
      _ = try trainer.train { event in
        if case .step(let step, _, _, _) = event {
          let values = prior.pseudoInputs.value.floats
          if step == 1 { started = values }
          isInRange = isInRange && values.allSatisfy { $0 >= 0 && $0 <= 1 }
        }
      }
      XCTAssertTrue(isInRange)
      XCTAssertNotEqual(started, fresh)
      XCTAssertNotEqual(started, prior.pseudoInputs.value.floats, "they are learnt")
      // Each lies near an example after the first update, and those begun at one example differ.
      let examples = images(data, 64).floats
      for row in 0..<100 {
        let own = started[64 * row..<64 * row + 64]
        let distances = (0..<64).map { example in
          zip(own, examples[64 * example..<64 * example + 64]).reduce(Float(0)) {
            max($0, abs($1.0 - $1.1))
          }
        }
        XCTAssertLessThan(distances.min() ?? 1, 0.05)
      }
      XCTAssertNotEqual(Array(started[0..<64]), Array(started[64 * 64..<65 * 64]))
    }
  }

  func testPseudoInputsLieInTheRangeOfTheDataBeforeTheFirstUpdate() throws {
    let data = SmallModels.data()
    let model = try model([(key: "pseudo_inputs", value: "20")], data: data)
    let prior = try prior(model)
    prior.prepare(firstBatches: [images(data, 64)], context: SmallModels.context(64))
    let values = prior.pseudoInputs.value.floats
    XCTAssertTrue(values.contains(0) && values.contains(1))
    XCTAssertTrue(values.allSatisfy { $0 >= 0 && $0 <= 1 })
  }

  func testPseudoInputsBeginAtTheExamplesOfAllFirstBatchesInTurnEachWithAHundredthOfTheirDeviation()
  {
    let prior = VampPrior(
      units: 2, shape: [7, 4, 30, 2], range: .real, random: RandomSource(seed: 1))
    let random = RandomSource(seed: 9)
    let batches = [
      random.stream("first").normal([3, 4, 30, 2]) * 20 + 400,
      random.stream("second").normal([2, 4, 30, 2]) * 20 + 400,
    ]
    prior.prepare(firstBatches: batches, context: SmallModels.context(5))
    let examples = Tensor.concatenated(batches, axis: 0)
    for number in 0..<7 {
      let own = prior.pseudoInputs.value.rows(number..<number + 1)
      let moved = own - examples.rows(number % 5..<number % 5 + 1)
      let deviation = (moved.doubleSumOfSquares / 240).squareRoot()
      // The standard error is 0.2 / √480.
      XCTAssertEqual(deviation, 0.2, accuracy: 0.04, "\(number)")
    }
  }

  func testBeforeDataAreSeenPseudoInputsAreGreyOrZeroWithALittleNoise() {
    for (range, grey) in [(.unit, 0.5), (.binary, 0.5), (.real, 0)] as [(ValueRange, Double)] {
      let prior = VampPrior(
        units: 2, shape: [5, 3, 7, 2], range: range, random: RandomSource(seed: 1))
      let values = prior.pseudoInputs.value
      XCTAssertEqual(Double(values.mean().item), grey, accuracy: 0.003)
      let deviation = ((values - values.mean()).doubleSumOfSquares / 210).squareRoot()
      XCTAssertEqual(deviation, 0.01, accuracy: 0.0025)
    }
  }

  func testExamplesOfAnotherShapeLeavePseudoInputsAsTheyAre() {
    let prior = VampPrior(
      units: 2, shape: [5, 3, 7, 2], range: .unit, random: RandomSource(seed: 1))
    let before = prior.pseudoInputs.value.copied().floats
    prior.prepare(firstBatches: [.ones([4, 7, 3, 2])], context: SmallModels.context(4))
    prior.prepare(firstBatches: [], context: SmallModels.context(4))
    XCTAssertEqual(prior.pseudoInputs.value.floats, before)
  }

  func testPseudoInputsHaveTheShapeOfTheDataAndAreNotDecayed() throws {
    let data = SmallModels.data(height: 3, width: 5, channels: 2, isBinary: false)
    let model = try model([(key: "pseudo_inputs", value: "4")], data: data)
    let inputs = try prior(model).pseudoInputs
    XCTAssertEqual(inputs.shape, [4, 3, 5, 2])
    XCTAssertFalse(inputs.isDecayed)
  }

  func testFrozenPseudoInputsAreNotPutBackIntoTheRange() {
    let prior = VampPrior(
      units: 2, shape: [1, 1, 2, 1], range: .unit, random: RandomSource(seed: 1))
    prior.pseudoInputs.value = Tensor([-0.5, 1.5], shape: [1, 1, 2, 1])
    prior.pseudoInputs.isTrainable = false
    prior.afterUpdate(SmallModels.context(1))
    XCTAssertEqual(prior.pseudoInputs.value.floats, [-0.5, 1.5])
    prior.pseudoInputs.isTrainable = true
    prior.afterUpdate(SmallModels.context(1))
    XCTAssertEqual(prior.pseudoInputs.value.floats, [0, 1])
  }

  func testRealPseudoInputsAreNotLimited() {
    let prior = VampPrior(
      units: 2, shape: [5, 2, 2, 1], range: .real, random: RandomSource(seed: 1))
    let context = SmallModels.context(4)
    let images = RandomSource(seed: 1).stream("x").normal([4, 2, 2, 1]) * 100
    prior.prepare(firstBatches: [images], context: context)
    let before = prior.pseudoInputs.value.copied().floats
    XCTAssertLessThan(before.min() ?? 0, -50)
    prior.afterUpdate(context)
    XCTAssertEqual(prior.pseudoInputs.value.floats, before)
  }

  // MARK: Training

  func testATrainingThatIsInterruptedAndResumedEndsBitForBitLikeAnUninterruptedOne() throws {
    let data = SmallModels.data(height: 6, width: 6)
    for settings in [[], [(key: "encoder.name", value: "conv")]] {
      func trainer(_ seed: Int) throws -> Trainer {
        try Trainer(
          model: model(settings, data: data, seed: seed), data: data,
          options: SmallModels.options(epochs: 3))
      }
      let whole = try trainer(3)
      _ = try whole.train()
      let path = NSTemporaryDirectory() + "vae-vamp-" + UUID().uuidString
      addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
      let cancel = CancelToken()
      _ = try trainer(3).train(
        run: try RunFolder.create(at: path, force: false, resume: false), cancel: cancel
      ) { if case .step(6, _, _, _) = $0 { cancel.cancel() } }
      let rest = try trainer(99)
      let run = try RunFolder.create(at: path, force: false, resume: true)
      try rest.restore(try XCTUnwrap(try run.storedCheckpoint()))
      XCTAssertEqual(rest.step, 6)
      _ = try rest.train(run: run)
      for (a, b) in zip(whole.model.weights, rest.model.weights) {
        XCTAssertEqual(a.values.floats, b.values.floats, "\(settings): \(a.name)")
      }
    }
  }

  func testItTrainsWithEveryEncoderOfOneLayerAndWithWeightedDraws() throws {
    let data = SmallModels.data()
    for settings in encoders + [
      [(key: "objective.name", value: "importance-weighted")],
      [
        (key: "objective.name", value: "importance-weighted"),
        (key: "objective.gradient", value: "dreg"),
      ],
    ] {
      let recipe = try SmallModels.recipe("vampprior-vae", data: data, settings)
      let model = try SmallModels.trained(recipe, data: data, epochs: 2)
      let result = try XCTUnwrap(
        Evaluator(model: model, examples: Examples(data.train), seed: 0).run())
      XCTAssertTrue(result.elbo.mean.isFinite, "\(settings)")
      XCTAssertTrue(model.sample(SmallModels.context(3)).isFinite, "\(settings)")
    }
  }

  func testUnitsAreSweptOverDrawsAndComeByTheVarianceOfTheirMeans() throws {
    let data = SmallModels.data()
    let recipe = try SmallModels.recipe("vampprior-vae", data: data)
    let trained = TrainedModel(
      model: try SmallModels.registry.model(recipe, seed: 1), recipe: recipe, source: "memory")
    let order = try trained.unitOrder(measuredOn: data.train)
    guard case .variances = order else { return XCTFail("\(order)") }
    let walks = try trained.traverse(from: .prior, units: 2, steps: 3, order: order)
    XCTAssertEqual(walks.count, 2)
    XCTAssertTrue(walks.allSatisfy(\.images.isFinite))
  }
}
