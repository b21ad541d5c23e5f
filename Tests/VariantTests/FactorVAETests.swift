import FactorVAE
import Foundation
import NeuralNetworks
import Tensors
import VAEZoo
import XCTest

/// The FactorVAE held to closed forms and finite differences.
final class FactorVAETests: XCTestCase {
  // MARK: The total correlation

  /// The optimal discriminator between a bivariate normal with unit variances and the product of its
  /// marginals: the logits differ by the logarithm of the ratio of their densities.
  private final class AnalyticDiscriminator: Layer {
    let rho: Float

    init(rho: Float) {
      self.rho = rho
    }

    var members: Members { [:] }

    func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
      let parts = input.split(sizes: [1, 1])
      let (x, y) = (parts[0], parts[1])
      let rest = 1 - rho * rho
      let joint =
        (x.squared() + y.squared() - x * y * (2 * rho)) * (-0.5 / rest) - 0.5 * log(rest)
      let product = (x.squared() + y.squared()) * -0.5
      return .concatenated([joint, product], axis: 1)
    }
  }

  private func bivariate(_ count: Int, rho: Float, seed: UInt64) -> Tensor {
    let noise = RandomSource(seed: seed).stream("z").normal([count, 2]).split(sizes: [1, 1])
    let second = noise[0] * rho + noise[1] * (1 - rho * rho).squareRoot()
    return .concatenated([noise[0], second], axis: 1)
  }

  func testWithTheAnalyticDiscriminatorTheTotalCorrelationIsThatOfTheDistribution() {
    let context = SmallModels.context(1)
    for rho in [0.8, -0.8, 0.3, 0] as [Float] {
      let objective = FactorObjective(
        discriminator: AnalyticDiscriminator(rho: rho), gamma: 1)
      let expected = -0.5 * log(1 - Double(rho) * Double(rho))
      if rho == 0.8 { XCTAssertEqual(expected, 0.51082562, accuracy: 1e-7) }
      // The log-ratio of a draw has the variance ρ².
      let count = 40_000
      let error = Double(abs(rho)) / Double(count).squareRoot()
      let found = objective.totalCorrelation(of: bivariate(count, rho: rho, seed: 11), context)
      XCTAssertEqual(Double(found.item), expected, accuracy: 4 * error + 1e-6, "ρ = \(rho)")
    }
  }

  /// By the rule of Gauss and Hermite with three points an axis, exact for the quadratic log-ratio.
  func testTheTotalCorrelationIsExactByQuadrature() {
    let points: [(x: Float, weight: Double)] = [
      (-Float(3).squareRoot(), 1.0 / 6), (0, 2.0 / 3), (Float(3).squareRoot(), 1.0 / 6),
    ]
    let rho: Float = 0.8
    let objective = FactorObjective(
      discriminator: AnalyticDiscriminator(rho: rho), gamma: 1)
    var sum = 0.0
    for a in points {
      for b in points {
        let z = Tensor([a.x, rho * a.x + 0.6 * b.x], shape: [1, 2])
        let term = objective.totalCorrelation(of: z, SmallModels.context(1)).item
        sum += a.weight * b.weight * Double(term)
      }
    }
    XCTAssertEqual(sum, 0.51082562, accuracy: 1e-5)
  }

  func testTheAnalyticDiscriminatorHasALowerLossThanAnyTilt() {
    // With the labels of joint and product exchanged the best one would have ρ = −0.8.
    let context = SmallModels.context(1)
    let joint = bivariate(20_000, rho: 0.8, seed: 5)
    let product = FactorObjective.permuted(
      bivariate(20_000, rho: 0.8, seed: 6), RandomSource(seed: 1).stream("p"))
    func loss(_ rho: Float) -> Float {
      FactorObjective(
        discriminator: AnalyticDiscriminator(rho: rho), gamma: 1
      ).discriminatorLoss(joint: joint, product: product, context).item
    }
    let best = loss(0.8)
    for other in [-0.8, 0, 0.5, 0.9] as [Float] { XCTAssertLessThan(best, loss(other), "\(other)") }
    XCTAssertEqual(loss(0), log(2), accuracy: 1e-4, "two equal logits know nothing")
  }

  // MARK: The permutation

  func testEachUnitIsPermutedByItself() {
    let z = Tensor((0..<200).map(Float.init), shape: [50, 4])
    let permuted = FactorObjective.permuted(z, RandomSource(seed: 3).stream("p"))
    XCTAssertEqual(permuted.shape, z.shape)
    let columns = permuted.transposed().floats
    var orders: Set<[Int]> = []
    for unit in 0..<4 {
      let rows = columns[unit * 50..<(unit + 1) * 50].map { (Int($0) - unit) / 4 }
      XCTAssertEqual(rows.sorted(), Array(0..<50), "unit \(unit) has its values, each once")
      XCTAssertNotEqual(rows, Array(0..<50))
      orders.insert(rows)
    }
    XCTAssertEqual(orders.count, 4, "an order of its own for each unit")
    XCTAssertEqual(
      FactorObjective.permuted(z, RandomSource(seed: 3).stream("p")).floats, permuted.floats)
    XCTAssertNotEqual(
      FactorObjective.permuted(z, RandomSource(seed: 3).stream("p2")).floats, permuted.floats)
  }

  // MARK: The phases

  private let data = SmallModels.data(height: 4, width: 3)

  private func model(gamma: String = "2") throws -> Model {
    let recipe = try SmallModels.recipe(
      "factor-vae", data: data,
      [
        ("latent", "3"), ("hidden", "5"), ("activation", "tanh"), ("gamma", gamma),
        ("objective.discriminator_hidden", "7,6"),
      ].map { (key: $0.0, value: $0.1) })
    return try SmallModels.registry.model(recipe, seed: 3)
  }

  private func pass(_ model: Model) -> ForwardPass {
    let examples = Examples(data.train)
    let (context, other) = (SmallModels.context(6, .training), SmallModels.context(4, seed: 8))
    return ForwardPass(
      model, examples.batch(Array(0..<6), context),
      second: (examples.batch([9, 20, 31, 42], other), other),
      model.objective.requirements.draw, context)
  }

  func testTheGradientsOfBothPhasesAreThoseOfFiniteDifferences() throws {
    let model = try model()
    try assertPhaseGradientsAreSlopes(of: model, accuracy: 2e-3, { pass(model) })
  }

  func testTheLossOfTheModelIsTheBoundAndTheWeightedCorrelation() throws {
    let model = try model(gamma: "3")
    let objective = try XCTUnwrap(model.objective as? FactorObjective)
    let pass = pass(model)
    let loss = objective.phases[0].loss(pass)
    let correlation = objective.totalCorrelation(of: pass.draw.decoderInput, pass.context).item
    XCTAssertNotEqual(correlation, 0)
    XCTAssertEqual(loss.terms.map(\.name), ["total_correlation"])
    XCTAssertEqual(loss.terms[0].value.item, correlation)
    XCTAssertEqual(
      loss.value.item,
      (pass.evaluation.distortion + pass.evaluation.rate).mean().item + 3 * correlation,
      accuracy: 1e-4)
    let plain = EvidenceLowerBound().phases[0].loss(self.pass(model)).value.item
    XCTAssertEqual(
      FactorObjective(discriminator: objective.discriminator, gamma: 0)
        .phases[0].loss(self.pass(model)).value.item, plain, "γ = 0 is the plain bound")
  }

  func testTheDiscriminatorSeesTheFirstBatchAndAPermutedSecondOne() throws {
    let model = try model()
    let objective = try XCTUnwrap(model.objective as? FactorObjective)
    let pass = pass(model)
    let second = try XCTUnwrap(pass.second)
    let product = FactorObjective.permuted(
      second.draw.decoderInput, pass.context.stream("permutation"))
    XCTAssertEqual(product.shape, [4, 3])
    let expected = objective.discriminatorLoss(
      joint: pass.draw.decoderInput, product: product, pass.context)
    let loss = objective.phases[1].loss(pass)
    XCTAssertEqual(loss.value.item, expected.item, accuracy: 1e-6)
    XCTAssertEqual(loss.terms.map(\.name), ["discriminator_loss"])
  }

  func testNeitherPhaseChangesWhatBelongsToTheOther() throws {
    for frozen in ["", "objective."] {
      let model = try model()
      let trainer = try Trainer(model: model, data: data, options: SmallModels.options())
      var seen: [[String]] = []
      trainer.reduceGradients = { gradients in
        seen.append(model.parameters.filter { gradients[$0.parameter] != nil }.map(\.path))
      }
      // What a phase has no gradient for, its optimizer leaves as it is.
      if !frozen.isEmpty {
        for (path, parameter) in model.parameters where path.hasPrefix(frozen) {
          parameter.isTrainable = false
        }
      }
      let before = Dictionary(
        uniqueKeysWithValues: model.parameters.map { ($0.path, $0.parameter.value.floats) })
      _ = try trainer.update()
      XCTAssertEqual(seen.count, 2)
      XCTAssertTrue(seen[0].allSatisfy { !$0.hasPrefix("objective.") } && !seen[0].isEmpty)
      XCTAssertTrue(seen[1].allSatisfy { $0.hasPrefix("objective.") })
      for (path, parameter) in model.parameters {
        let isChanged = parameter.value.floats != before[path]
        XCTAssertEqual(isChanged, frozen.isEmpty || !path.hasPrefix(frozen), path)
      }
    }
  }

  func testItResumesBitForBitWithBothOptimizers() throws {
    func trainer(seed: Int) throws -> Trainer {
      var recipe = try SmallModels.recipe("factor-vae", data: data)
      recipe.parts[.objective]?.values["discriminator_rate"] = .number(2)
      return try Trainer(
        model: try SmallModels.registry.model(recipe, seed: seed), data: data,
        options: SmallModels.options(epochs: 3))
    }
    let whole = try trainer(seed: 3)
    _ = try whole.train()

    let path = NSTemporaryDirectory() + "factor-vae-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let cancel = CancelToken()
    _ = try trainer(seed: 3).train(
      run: try RunFolder.create(at: path, force: false, resume: false), cancel: cancel
    ) { if case .step(6, _, _, _) = $0 { cancel.cancel() } }
    let run = try RunFolder.create(at: path, force: false, resume: true)
    let stored = try XCTUnwrap(try run.storedCheckpoint())
    let names = stored.optimizer.entries.map(\.name)
    for phase in ["model.first.encoder.", "discriminator.second.objective.discriminator."] {
      XCTAssertTrue(names.contains { $0.hasPrefix(phase) }, phase)
    }
    let rest = try trainer(seed: 41)
    try rest.restore(stored)
    _ = try rest.train(run: run)
    for (a, b) in zip(rest.model.weights, whole.model.weights) {
      XCTAssertEqual(a.values.floats, b.values.floats, a.name)
    }
  }

  func testTheDiscriminatorHasTheSizesTheRateAndTheAdamOfThePaper() throws {
    let recipe = try SmallModels.recipe(
      "factor-vae", data: data,
      [
        (key: "latent", value: "3"), (key: "objective.discriminator_hidden", value: "7,6"),
        (key: "objective.discriminator_rate", value: "2.5"),
      ])
    let objective = try XCTUnwrap(
      SmallModels.registry.model(recipe, seed: 1).objective as? FactorObjective)
    XCTAssertEqual(
      objective.parameters.filter { $0.path.hasSuffix("weights") }.map(\.parameter.shape),
      [[3, 7], [7, 6], [6, 2]])
    XCTAssertEqual(objective.phases.map(\.group), [.model, .objective])
    XCTAssertEqual(objective.phases.map(\.rule), [nil, .adam(beta1: 0.5, beta2: 0.9)])
    XCTAssertEqual(objective.phases.map(\.rateFactor), [1, 2.5])
    XCTAssertTrue(objective.requirements.needsSecondBatch)
    XCTAssertEqual(objective.requirements.fewestExamples, 2, "a permutation needs two")
  }

  // MARK: What it does not suit

  func testOneUnitHasNoTotalCorrelationAndIsRefused() throws {
    let recipe = try SmallModels.recipe("factor-vae", data: data, [(key: "latent", value: "1")])
    XCTAssertThrowsError(try SmallModels.registry.model(recipe, seed: 1)) { error in
      XCTAssertTrue("\(error)".contains("0 with one unit"), "\(error)")
      XCTAssertTrue("\(error)".contains("prior.latent=2"), "\(error)")
    }
  }

  func testLatentsThatAreNotOneLayerOfUnitsAreRefusedByName() throws {
    for (variant, latents) in [
      ("vq-vae", "codes"), ("ladder-vae", "hierarchy"), ("pixelcnn", "no latents"),
    ] {
      let recipe = try SmallModels.recipe(
        variant, data: data, [(key: "objective.name", value: "factor")])
      XCTAssertThrowsError(try SmallModels.registry.model(recipe, seed: 1), variant) { error in
        let message = "\(error)"
        for part in ["factor objective", latents, "objective.name"] {
          XCTAssertTrue(message.contains(part), message)
        }
      }
    }
  }
}
