import MixturePriorVAE
import VAEZoo
import XCTest

final class MixturePriorTests: XCTestCase {
  private func model(
    _ settings: [(key: String, value: String)] = [], data: DataSource
  ) throws -> Model {
    try SmallModels.registry.model(
      SmallModels.recipe("mixture-prior-vae", data: data, settings), seed: 3)
  }

  private func prior(_ model: Model) throws -> MixturePrior {
    try XCTUnwrap(model.prior as? MixturePrior)
  }

  func testComponentsBeginApartWithEqualWeights() throws {
    let prior = MixturePrior(units: 3, components: 200, random: RandomSource(seed: 5))
    let means = prior.means.value
    XCTAssertEqual(Set(means.floats).count, 600)
    XCTAssertEqual(means.mean().item, 0, accuracy: 4 / 600.0.squareRoot().float)
    XCTAssertEqual(means.squared().mean().item, 1, accuracy: 4 * (2 / 600.0).squareRoot().float)
    XCTAssertEqual(Set(prior.logits.value.floats), [0])
    XCTAssertEqual(Set(prior.logVariances.value.floats), [0])
  }

  func testWeightsMeansAndVariancesAreLearntAndTheRateFallsBelowThatOfTheFreshMixture() throws {
    let data = SmallModels.data()
    let model = try model([(key: "components", value: "4")], data: data)
    let prior = try prior(model)
    let fresh = prior.parameters.map { $0.parameter.value.copied() }
    let trainer = try Trainer(model: model, data: data, options: SmallModels.options(epochs: 30))
    _ = try trainer.train()
    let x = Examples(data.train).batch(Array(0..<64), SmallModels.context(64))
    func rate() -> Float {
      withoutTape { model.evaluate(x, DrawRequest(), SmallModels.context(64)) }.rate.mean().item
    }
    let learnt = rate()
    for (old, (path, parameter)) in zip(fresh, prior.parameters) {
      XCTAssertNotEqual(old.floats, parameter.value.floats, path)
      parameter.value = old
    }
    XCTAssertLessThan(learnt, rate())
  }

  func testDrawsAtTemperatureZeroAreMeansOfComponents() throws {
    let model = try model([(key: "components", value: "4")], data: SmallModels.data())
    let prior = try prior(model)
    let drawn = prior.draw(temperature: 0, SmallModels.context(20)).layers[0].sample.floats
    let means = prior.means.value.floats
    let rows = Set((0..<4).map { Array(means[2 * $0..<2 * $0 + 2]) })
    let found = Set((0..<20).map { Array(drawn[2 * $0..<2 * $0 + 2]) })
    XCTAssertTrue(found.isSubset(of: rows))
    XCTAssertGreaterThan(found.count, 1)
  }

  func testOneStandardComponentIsTheStandardNormalPrior() throws {
    let data = SmallModels.data()
    let model = try model([(key: "components", value: "1")], data: data)
    try prior(model).means.value = .zeros([1, 2])
    let other = Model(
      encoder: model.encoder, prior: StandardNormalPrior(units: 2), decoder: model.decoder,
      likelihood: model.likelihood)
    let x = Examples(data.train).batch(Array(0..<8), SmallModels.context(8))
    var request = DrawRequest()
    request.samples = 3
    request.usesSampledRate = true
    let rates = [model, other].map { model in
      withoutTape { model.evaluate(x, request, SmallModels.context(8)) }.rate.floats
    }
    for (a, b) in zip(rates[0], rates[1]) { XCTAssertEqual(a, b, accuracy: 1e-5 * max(1, abs(b))) }
  }

  private func mixture(logVariances: [Float]) -> MixturePrior {
    let prior = MixturePrior(units: 2, components: 3, random: RandomSource(seed: 5))
    prior.logits.value = Tensor([0.5, -1, 2])
    prior.means.value = Tensor([0, 1, -2, 0.5, 3, -1], shape: [3, 2])
    prior.logVariances.value = Tensor(logVariances, shape: [3, 2])
    return prior
  }

  func testTheDensityIsTheSumOfWeightedGaussians() {
    let logs: [Float] = [0.3, -1, 1, 0, -0.5, 0.7]
    let points: [[Double]] = [[0.2, 0.4], [-1.5, 2], [3.1, -0.8]]
    let found = mixture(logVariances: logs).logDensity(
      of: Tensor(points.flatMap { $0.map(Float.init) }, shape: [3, 2]), SmallModels.context(3)
    ).floats
    let means: [[Double]] = [[0, 1], [-2, 0.5], [3, -1]]
    let weights = [0.5, -1, 2].map { exp($0) }
    for (point, value) in zip(points, found) {
      var sum = 0.0
      for component in 0..<3 {
        var density = weights[component] / weights.reduce(0, +)
        for unit in 0..<2 {
          let variance = exp(Double(logs[2 * component + unit]))
          let distance = point[unit] - means[component][unit]
          density *= exp(-0.5 * distance * distance / variance) / (2 * .pi * variance).squareRoot()
        }
        sum += density
      }
      XCTAssertEqual(Double(value), log(sum), accuracy: 1e-4)
    }
  }

  func testVariancesBeyondTheLimitsCountAsTheLimits() {
    let z = Tensor([0.2, 0.4, 30, -20], shape: [2, 2])
    func density(_ logs: [Float]) -> [Float] {
      mixture(logVariances: logs).logDensity(of: z, SmallModels.context(2)).floats
    }
    let limited = density([20, 20, 20, 20, 20, 20])
    XCTAssertEqual(density([25, 25, 90, 30, 21, 20]), limited)
    XCTAssertNotEqual(density([19, 19, 19, 19, 19, 19]), limited)
  }

  func testNothingOfItIsDecayed() {
    let prior = MixturePrior(units: 2, components: 3, random: RandomSource(seed: 5))
    XCTAssertEqual(prior.parameters.map(\.path), ["logits", "means", "log_variances"])
    XCTAssertEqual(prior.parameters.map(\.parameter.isDecayed), [false, false, false])
  }

  func testWhatWouldNotFitInMemoryIsRefusedBySettingsToChange() throws {
    XCTAssertThrowsError(
      try model(
        [(key: "components", value: "65536"), (key: "latent", value: "65536")],
        data: SmallModels.data())
    ) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .invalid)
      XCTAssertTrue("\(error)".contains("smaller prior.latent or prior.components"), "\(error)")
    }
  }
}

extension Double {
  fileprivate var float: Float { Float(self) }
}
