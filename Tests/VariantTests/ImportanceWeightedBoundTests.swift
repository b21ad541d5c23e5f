import Foundation
import VAEZoo
import XCTest

final class ImportanceWeightedBoundTests: XCTestCase {
  /// x = D z + d + ½ ε, with an encoder that is linear too: small enough for gradients by hand.
  private func model(_ objective: any Objective) -> Model {
    let random = RandomSource(seed: 6)
    return Model(
      encoder: MLPEncoder(inputs: 3, hidden: [], latent: 2, random: random.child("encoder")),
      prior: StandardNormalPrior(units: 2),
      decoder: MLPDecoder(
        latent: 2, hidden: [], outputShape: [1, 3, 1], random: random.child("decoder")),
      likelihood: GaussianLikelihood(.fixed(0.5)), objective: objective)
  }

  private func images(_ count: Int) -> Tensor {
    RandomSource(seed: 8).stream("x").normal([count, 1, 3, 1])
  }

  private func evaluation(
    _ model: Model, count: Int = 4, seed: UInt64 = 1
  ) -> (evaluation: Evaluation, loss: Loss) {
    let context = SmallModels.context(count, .training, seed: seed)
    let evaluation = model.evaluate(images(count), model.objective.requirements.draw, context)
    return (evaluation, model.objective.phases[0].loss(ForwardPass(model, evaluation, context)))
  }

  private func gradients(
    _ objective: any Objective, count: Int = 4, seed: UInt64 = 1
  ) throws -> [String: [Double]] {
    let model = model(objective)
    let gradients = evaluation(model, count: count, seed: seed).loss.value.backward()
    var found: [String: [Double]] = [:]
    for (path, parameter) in model.parameters {
      found[path] = try XCTUnwrap(gradients[parameter], path).floats.map(Double.init)
    }
    return found
  }

  // MARK: Value

  func testTheBoundIsTheLogarithmOfTheMeanWeight() {
    let model = model(ImportanceWeightedBound(samples: 7))
    let (evaluation, loss) = evaluation(model)
    let weights = evaluation.logWeights.floats.map(Double.init)
    let bounds = (0..<4).map { example in
      log((0..<7).reduce(0) { $0 + exp(weights[$1 * 4 + example]) } / 7)
    }
    XCTAssertEqual(Double(loss.value.item), -bounds.reduce(0, +) / 4, accuracy: 1e-4)
    XCTAssertEqual(loss.terms.map(\.name), ["importance_weighted_elbo"])
  }

  func testWithOneDrawTheBoundIsTheEvidenceLowerBoundInValueAndGradient() throws {
    final class SampledBound: Objective {
      var members: Members { [:] }
      var requirements: ObjectiveRequirements {
        var requirements = ObjectiveRequirements()
        requirements.draw.usesSampledRate = true
        return requirements
      }
      var phases: [Phase] { EvidenceLowerBound().phases }
    }
    let one = ImportanceWeightedBound(samples: 1)
    XCTAssertEqual(
      evaluation(model(one)).loss.value.item, evaluation(model(SampledBound())).loss.value.item,
      accuracy: 1e-5)
    let (weighted, plain) = (try gradients(one), try gradients(SampledBound()))
    for (path, expected) in plain {
      for (a, b) in zip(try XCTUnwrap(weighted[path]), expected) {
        XCTAssertEqual(a, b, accuracy: 1e-5, path)
      }
    }
  }

  func testWeightsTooSmallForSinglePrecisionAreCompared() {
    let model = model(ImportanceWeightedBound(samples: 3))
    let context = SmallModels.context(2, .training)
    let far = images(2) * 100
    let evaluation = model.evaluate(far, model.objective.requirements.draw, context)
    XCTAssertLessThan(evaluation.logWeights.floats.max() ?? 0, -200)
    XCTAssertTrue(
      model.objective.phases[0].loss(ForwardPass(model, evaluation, context)).value.item.isFinite)
  }

  func testMoreDrawsTightenTheBound() throws {
    var means: [Estimate] = []
    for samples in [1, 4, 32] {
      let model = model(ImportanceWeightedBound(samples: samples))
      let bounds = (0..<300).map { seed in
        -Double(withoutTape { evaluation(model, seed: UInt64(seed)).loss.value.item })
      }
      means.append(Estimate(of: bounds))
    }
    let errors = try means.map { try XCTUnwrap($0.standardError) }
    XCTAssertGreaterThan(means[1].mean - 3 * errors[1], means[0].mean)
    XCTAssertGreaterThan(means[2].mean - 3 * errors[2], means[1].mean)
  }

  // MARK: Gradient

  /// −1/N Σₙ Σₖ w̃ₖ² ∂log wₖ/∂zₖ · ∂zₖ/∂(μ, log σ²), in double precision, for the biases of the
  /// encoder's head.
  private func doublyReparameterizedByHand(samples: Int) throws -> [Double] {
    let count = 4
    let model = model(ImportanceWeightedBound(samples: samples))
    let (evaluation, _) = evaluation(model, count: count)
    let layer = try XCTUnwrap(evaluation.draw.layers.first)
    let z = layer.sample.floats.map(Double.init)
    let mean = try XCTUnwrap(evaluation.posterior.mean).floats.map(Double.init)
    let variance = try XCTUnwrap(evaluation.posterior.variance).floats.map(Double.init)
    let logWeights = evaluation.logWeights.floats.map(Double.init)
    let x = images(count).floats.map(Double.init)
    let parameters = Dictionary(
      uniqueKeysWithValues: model.decoder.parameters.map { ($0.path, $0.parameter) })
    let weights = try XCTUnwrap(parameters["head.weights"]).value.floats.map(Double.init)
    let bias = try XCTUnwrap(parameters["head.bias"]).value.floats.map(Double.init)

    var result = [Double](repeating: 0, count: 4)
    for n in 0..<count {
      let largest = (0..<samples).map { logWeights[$0 * count + n] }.max() ?? 0
      let total = (0..<samples).reduce(0) { $0 + exp(logWeights[$1 * count + n] - largest) }
      for k in 0..<samples {
        let row = k * count + n
        let share = exp(logWeights[row] - largest) / total
        for unit in 0..<2 {
          var slope = -z[row * 2 + unit]
          slope += (z[row * 2 + unit] - mean[n * 2 + unit]) / variance[n * 2 + unit]
          for pixel in 0..<3 {
            let predicted =
              bias[pixel] + z[row * 2] * weights[pixel] + z[row * 2 + 1] * weights[3 + pixel]
            slope += weights[unit * 3 + pixel] * (x[n * 3 + pixel] - predicted) / 0.25
          }
          let deviation = z[row * 2 + unit] - mean[n * 2 + unit]
          result[unit] -= share * share * slope / Double(count)
          result[2 + unit] -= share * share * slope * deviation / 2 / Double(count)
        }
      }
    }
    return result
  }

  func testDoublyReparameterizedGradientIsThatOfTheFormula() throws {
    for samples in [2, 5] {
      let found = try gradients(
        ImportanceWeightedBound(samples: samples, gradient: .doublyReparameterized))
      let bias = try XCTUnwrap(found["encoder.head.bias"])
      for (a, b) in zip(bias, try doublyReparameterizedByHand(samples: samples)) {
        XCTAssertEqual(a, b, accuracy: 2e-4 * max(1, abs(b)), "\(samples) draws")
      }
    }
  }

  func testBothGradientsOfTheDecoderAreTheSame() throws {
    let plain = try gradients(ImportanceWeightedBound(samples: 5))
    let doubly = try gradients(
      ImportanceWeightedBound(samples: 5, gradient: .doublyReparameterized))
    for (path, values) in plain where path.hasPrefix("decoder.") {
      for (a, b) in zip(values, try XCTUnwrap(doubly[path])) {
        XCTAssertEqual(a, b, accuracy: 1e-5 * max(1, abs(a)), path)
      }
    }
    XCTAssertNotEqual(plain["encoder.head.bias"], doubly["encoder.head.bias"])
  }

  func testBothGradientsOfTheEncoderAgreeInExpectationAndTheDoubleOneVariesLess() throws {
    var estimates: [ImportanceWeightedBound.Gradient: [Estimate]] = [:]
    for gradient in ImportanceWeightedBound.Gradient.allCases {
      var samples: [[Double]] = []
      for seed in 0..<3000 {
        let found = try gradients(
          ImportanceWeightedBound(samples: 5, gradient: gradient), seed: UInt64(seed))
        samples.append(try XCTUnwrap(found["encoder.head.bias"]))
      }
      estimates[gradient] = (0..<4).map { index in Estimate(of: samples.map { $0[index] }) }
    }
    let plain = try XCTUnwrap(estimates[.reparameterized])
    let doubly = try XCTUnwrap(estimates[.doublyReparameterized])
    func error(_ estimate: Estimate) throws -> Double { try XCTUnwrap(estimate.standardError) }
    for (a, b) in zip(plain, doubly) {
      let error = (try error(a) * error(a) + error(b) * error(b)).squareRoot()
      XCTAssertEqual(a.mean, b.mean, accuracy: 4 * error)
    }
    XCTAssertLessThan(
      try doubly.reduce(0) { try $0 + error($1) }, try plain.reduce(0) { try $0 + error($1) })
  }

  // MARK: Recipes

  private func assertRefused(
    _ variant: String, _ settings: [(key: String, value: String)], naming words: [String],
    line: UInt = #line
  ) {
    XCTAssertThrowsError(
      try SmallModels.registry.model(
        try SmallModels.recipe(variant, data: SmallModels.data(), settings), seed: 1), line: line
    ) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .invalid, line: line)
      for word in words { XCTAssertTrue("\(error)".contains(word), "\(error)", line: line) }
    }
  }

  func testWhatHasNoMeaningIsRefusedWithTheReason() {
    assertRefused(
      "iwae", [(key: "importance_samples", value: "1")], naming: ["importance_samples", "2…"])
    let weighted = (key: "objective.name", value: "importance-weighted")
    assertRefused("vq-vae", [weighted], naming: ["discrete codes", "objective.name=elbo"])
    assertRefused("pixelcnn", [weighted], naming: ["no latents"])
    assertRefused(
      "ladder-vae", [weighted, (key: "objective.gradient", value: "dreg")],
      naming: ["dreg", "hierarchy"])
  }
}
