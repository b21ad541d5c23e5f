import Foundation
import VAEZoo
import XCTest

/// The mathematics of Examples/plugin-c, against formulas that share no code with it.
final class ExampleTests: PluginTestCase {
  private func prior(components: Int, latent: Int = 2) throws -> any Prior {
    try model(
      [
        (key: "prior.name", value: "mixture"), (key: "prior.latent", value: "\(latent)"),
        (key: "prior.components", value: "\(components)"), (key: "prior.spread", value: "1.5"),
      ], registry(example())
    ).prior
  }

  /// log p(z): the log-density of a given draw is zero, so that the rate is −log p(z).
  private func logDensity(_ prior: any Prior, _ z: Tensor) -> [Double] {
    prior.draw(from: GivenDraw(parameter: Parameter(z)), DrawRequest(), context(z.shape[0]))
      .rate.floats.map { -Double($0) }
  }

  /// log Σ w N(z; m, s) in double precision.
  private func mixture(_ prior: any Prior, _ z: [Double]) -> Double {
    let values = prior.parameters.map { $0.parameter.value.floats.map(Double.init) }
    let (logits, means, deviations) = (values[0], values[1], values[2])
    let normalizer = log(logits.reduce(0) { $0 + exp($1) })
    let terms = logits.indices.map { k -> Double in
      let log = z.indices.reduce(logits[k] - normalizer) { sum, d in
        let deviation = exp(deviations[k * z.count + d])
        let distance = (z[d] - means[k * z.count + d]) / deviation
        return sum - distance * distance / 2 - Foundation.log(deviation)
          - Foundation.log(2 * Double.pi) / 2
      }
      return exp(log)
    }
    return log(terms.reduce(0, +))
  }

  /// Weights and deviations that are not what they begin with.
  private func unsettle(_ prior: any Prior) {
    for (number, (_, parameter)) in prior.parameters.enumerated() {
      let noise = RandomSource(seed: 9).stream("\(number)").normal(parameter.shape)
      parameter.value = parameter.value + noise * 0.4
    }
  }

  func testTheMixtureHasTheDensityOfItsFormula() throws {
    let prior = try prior(components: 3)
    XCTAssertEqual(prior.parameters.map(\.path), ["logits", "means", "log_deviations"])
    unsettle(prior)
    let z = RandomSource(seed: 5).stream("z").normal([40, 2]) * 2
    for (row, found) in logDensity(prior, z).enumerated() {
      let point = z.rows(row..<row + 1).floats.map(Double.init)
      XCTAssertEqual(found, mixture(prior, point), accuracy: 1e-5 * max(1, abs(found)))
    }
  }

  func testAMixtureOfOneIsTheGaussianThatItBeginsAs() throws {
    let prior = try prior(components: 1, latent: 3)
    prior.parameters[1].parameter.value = .zeros([1, 3])
    let found = logDensity(prior, Tensor([0, 0, 0, 1, -2, 0.5], shape: [2, 3]))
    let constant = 1.5 * log(2 * Double.pi)
    XCTAssertEqual(found[0], -constant, accuracy: 1e-6)
    XCTAssertEqual(found[1], -constant - 2.625, accuracy: 1e-6)
  }

  func testTheMixtureIntegratesToOne() throws {
    let prior = try prior(components: 4)
    unsettle(prior)
    let (side, step) = (301, 0.08)
    var points: [Float] = []
    for row in 0..<side {
      for column in 0..<side {
        points.append(Float(Double(row - side / 2) * step))
        points.append(Float(Double(column - side / 2) * step))
      }
    }
    let total = logDensity(prior, Tensor(points, shape: [side * side, 2])).reduce(0) {
      $0 + exp($1)
    }
    XCTAssertEqual(total * step * step, 1, accuracy: 1e-3)
  }

  func testDrawsOfTheMixtureHaveItsMoments() throws {
    let prior = try prior(components: 3)
    unsettle(prior)
    let count = 20_000
    let values = prior.parameters.map { $0.parameter.value.floats.map(Double.init) }
    let sum = values[0].reduce(0) { $0 + exp($1) }
    let weights = values[0].map { exp($0) / sum }
    let draws = prior.draw(temperature: 1, context(count)).layers[0].sample.floats.map(Double.init)
    for unit in 0..<2 {
      let found = (0..<count).map { draws[$0 * 2 + unit] }
      var (mean, second) = (0.0, 0.0)
      for (component, weight) in weights.enumerated() {
        let m = values[1][component * 2 + unit]
        let s = exp(values[2][component * 2 + unit])
        mean += weight * m
        second += weight * (m * m + s * s)
      }
      let deviation = (second - mean * mean).squareRoot()
      XCTAssertEqual(
        found.reduce(0, +) / Double(count), mean,
        accuracy: 5 * deviation / Double(count).squareRoot())
      XCTAssertEqual(
        found.reduce(0) { $0 + $1 * $1 } / Double(count), second, accuracy: 0.1 * second)
    }
    // At temperature zero a draw is one of the means.
    let still = prior.draw(temperature: 0, context(50)).layers[0].sample.floats
    for row in 0..<50 {
      XCTAssertTrue(
        (0..<3).contains {
          abs(Double(still[row * 2]) - values[1][$0 * 2]) < 1e-5
            && abs(Double(still[row * 2 + 1]) - values[1][$0 * 2 + 1]) < 1e-5
        })
    }
  }

  // MARK: Laplace

  private func laplace(_ settings: [(key: String, value: String)] = []) throws -> any Likelihood {
    try model([(key: "likelihood", value: "laplace")] + settings, registry(example())).likelihood
  }

  func testTheLaplaceDensityHasItsClosedForm() throws {
    let likelihood = try laplace([(key: "likelihood.scale", value: "0.4")])
    let x = RandomSource(seed: 1).stream("x").normal([2, 4, 4, 1])
    let m = RandomSource(seed: 1).stream("m").normal([6, 4, 4, 1])
    let found = likelihood.logDensity(x, parameters: m, context(2)).floats
    let (a, b) = (x.floats, m.floats)
    for row in 0..<6 {
      var expected = -16 * Foundation.log(0.8)
      for element in 0..<16 {
        expected -= abs(Double(a[row % 2 * 16 + element]) - Double(b[row * 16 + element])) / 0.4
      }
      XCTAssertEqual(Double(found[row]), expected, accuracy: 1e-5 * abs(expected))
    }
  }

  func testTheLaplaceDensityOfAPixelIntegratesToOne() throws {
    let data = DataDescription(height: 1, width: 1, channels: 1, range: .real, rule: "floats")
    let likelihood = try model(
      [(key: "likelihood", value: "laplace"), (key: "likelihood.scale", value: "0.7")],
      registry(example()), data: data
    ).likelihood
    let (count, step) = (4001, 0.01)
    let x = Tensor(
      (0..<count).map { Float(Double($0 - count / 2) * step) }, shape: [count, 1, 1, 1])
    let m = Tensor(repeating: 0.3, shape: [count, 1, 1, 1])
    let total = likelihood.logDensity(x, parameters: m, context(count)).floats
      .reduce(0.0) { $0 + exp(Double($1)) }
    XCTAssertEqual(total * step, 1, accuracy: 1e-3)
  }

  func testTheCustomOperationHasTheGradientsOfItsFormula() throws {
    let likelihood = try laplace()
    let x = RandomSource(seed: 1).stream("x").normal([2, 4, 4, 1])
    let m = Parameter(RandomSource(seed: 1).stream("m").normal([2, 4, 4, 1]))
    let scale = likelihood.parameters[0].parameter
    let gradients = likelihood.logDensity(x, parameters: m.tensor, context(2, mode: .training))
      .sum().backward()
    let (a, b, slope) = (x.floats, m.value.floats, gradients[m]?.floats ?? [])
    XCTAssertEqual(slope.count, 32)
    for index in slope.indices {
      XCTAssertEqual(slope[index], (a[index] > b[index] ? 1 : -1) / 0.3, accuracy: 1e-5)
    }
    let distance = zip(a, b).reduce(0.0) { $0 + abs(Double($1.0) - Double($1.1)) }
    XCTAssertEqual(
      Double(gradients[scale]?.item ?? 0), distance / 0.3 - 32, accuracy: 1e-3)
  }

  func testDrawsOfTheLaplaceDistributionHaveItsQuantiles() throws {
    let likelihood = try laplace([(key: "likelihood.scale", value: "2")])
    let m = Tensor(repeating: 1, shape: [2000, 4, 4, 1])
    let draws = likelihood.sample(m, [4, 4, 1], context(2000)).floats.sorted()
    for quantile in [0.1, 0.25, 0.5, 0.75, 0.9] {
      let v = quantile - 0.5
      let expected = 1 - 2 * (v < 0 ? -1.0 : 1.0) * log(1 - 2 * abs(v))
      XCTAssertEqual(Double(draws[Int(quantile * Double(draws.count))]), expected, accuracy: 0.1)
    }
    XCTAssertEqual(likelihood.mean(m).floats, m.floats)
    XCTAssertEqual(
      likelihood.parameters(withMean: m.rows(0..<1).reshaped(to: [4, 4, 1]))?.floats.first, 1)
  }

  func testAScaleThatIsNotTrainedIsABuffer() throws {
    let likelihood = try laplace([(key: "likelihood.learns_scale", value: "false")])
    XCTAssertEqual(likelihood.parameters.count, 0)
    XCTAssertEqual(likelihood.buffers.map(\.path), ["log_scale"])
  }

  func testTheExampleOfTheDocumentationIsWhatItSays() throws {
    let text = try String(contentsOfFile: "\(Self.root)/docs/plugins.md", encoding: .utf8)
    let blocks = text.components(separatedBy: "```")
    let code = try XCTUnwrap(blocks.first { $0.hasPrefix("c\n") }).dropFirst(2)
    let source = "\(folder)/scaled.c"
    try code.write(toFile: source, atomically: true, encoding: .utf8)
    let registry = try registry(compile([source], "scaled.so"))
    let settings = [
      (key: "prior.name", value: "scaled-normal"), (key: "prior.deviation", value: "3"),
      (key: "prior.latent", value: "2"),
    ]
    let prior = try model(settings, registry).prior
    let found = logDensity(prior, Tensor([0, 0, 3, -6], shape: [2, 2]))
    let constant = log(2 * Double.pi) + 2 * log(3.0)
    XCTAssertEqual(found[0], -constant, accuracy: 1e-5)
    XCTAssertEqual(found[1], -constant - 2.5, accuracy: 1e-5)
    assert(
      message { _ = try model(settings + [(key: "prior.deviation", value: "1")], registry) },
      names: "prior scaled-normal: with deviation=1")
  }

  // MARK: Together

  func testTheVariantTrainsAndAResumedModelIsTheSame() throws {
    let registry = try registry(example())
    func trained() throws -> TrainedModel {
      let request = TrainingRequest(
        .variant("mixture-vae"),
        settings: [
          (key: "epochs", value: "1"), (key: "components", value: "4"), (key: "latent", value: "3"),
        ].map { $0.key == "epochs" ? (key: "training.epochs", value: $0.value) : $0 },
        data: "shapes:32", run: "\(folder)/run", existing: .replace)
      let session = try TrainingSession(request, registry: registry)
      var elbos: [Double] = []
      _ = try session.train { if case .step(_, _, _, let terms) = $0 { elbos.append(terms.elbo) } }
      XCTAssertGreaterThan(elbos.last ?? -.infinity, elbos.first ?? .infinity)
      return try TrainedModel.open("\(folder)/run", registry: registry)
    }
    let (first, second) = (try trained(), try trained())
    for (a, b) in zip(first.model.parameters, second.model.parameters) {
      XCTAssertEqual(a.parameter.value.floats, b.parameter.value.floats, a.path)
    }
    XCTAssertTrue(try first.sample(count: 3, seed: 1).isFinite)
    assert(
      message { _ = try TrainedModel.open("\(folder)/run", registry: .builtIn) },
      names: "recipe.json",
      "mixture.so", "not loaded")
  }

  func testPartsOfThePluginGoTogetherWithBuiltInOnes() throws {
    let registry = try registry(example())
    let choices: [[(key: String, value: String)]] = [
      [(key: "prior.name", value: "mixture"), (key: "architecture", value: "conv")],
      [
        (key: "prior.name", value: "mixture"),
        (key: "objective.name", value: "importance-weighted"),
      ],
      [
        (key: "prior.name", value: "mixture"),
        (key: "objective.name", value: "importance-weighted"),
        (key: "objective.gradient", value: "dreg"),
      ],
      [(key: "likelihood", value: "laplace"), (key: "decoder.name", value: "conv")],
    ]
    for choice in choices {
      let data = DataDescription(height: 8, width: 8, channels: 1, range: .binary, rule: "binary")
      var recipe = try registry.recipe(for: "gaussian-vae")
      recipe.data = data
      for setting in choice { try registry.apply([setting], to: &recipe) }
      let model = try registry.model(recipe, seed: 1)
      let x = RandomSource(seed: 3).stream("x").uniform([4, 8, 8, 1]).isAbove(0.5)
      let context = context(4, mode: .training)
      let evaluation = model.evaluate(x, model.objective.requirements.draw, context)
      let gradients = model.objective.phases[0].loss(ForwardPass(model, evaluation, context)).value
        .backward()
      try model.checkParts()
      for (path, parameter) in model.parameters {
        XCTAssertNotNil(gradients[parameter], "\(choice): \(path)")
      }
    }
  }

  func testImportanceWeightsAgreeWithTheBoundOfManyDraws() throws {
    let registry = try registry(example())
    let model = try model(
      [(key: "prior.name", value: "mixture"), (key: "prior.latent", value: "2")], registry)
    let x = images(3)
    var request = DrawRequest()
    request.usesSampledRate = true
    request.samples = 5
    let together = model.evaluate(x, request, context(3)).logWeights.floats
    request.samples = 1
    for draw in 0..<5 {
      var context = context(3)
      context.firstDraw = draw
      let one = model.evaluate(x, request, context).logWeights.floats
      for n in 0..<3 { XCTAssertEqual(one[n], together[draw * 3 + n], accuracy: 1e-4) }
    }
  }
}
