import Foundation
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAERecipes
import XCTest

/// How an evaluation is divided, and what examples become before a model sees them.
final class EvaluationPartTests: XCTestCase {
  // MARK: Sizes

  func testABatchHasAsManyRowsAsItsPixelsAllow() {
    for (height, width, rows) in [
      (1, 1, 1024), (16, 16, 1024), (16, 32, 512), (28, 28, 334), (64, 64, 64), (128, 100, 20),
      (128, 128, 16), (1000, 2000, 16),
    ] {
      for channels in [1, 3] {
        let shape = ImageShape(height: height, width: width, channels: channels)
        XCTAssertEqual(Evaluator.rowLimit(for: shape), rows, "\(height)×\(width)")
      }
    }
    let small = ImageShape(height: 2, width: 3, channels: 1)
    XCTAssertEqual(Evaluator.passes(over: 1001, of: small), [0..<500, 500..<1000, 1000..<1001])
    let large = ImageShape(height: 128, width: 128, channels: 1)
    XCTAssertEqual(Evaluator.passes(over: 33, of: large), [0..<16, 16..<32, 32..<33])
    XCTAssertEqual(Evaluator.passes(over: 0, of: large), [])
  }

  func testALimitLeavesOutTheLastExamplesAndNoOthers() throws {
    let model = TrainingSupport.model()
    func result(_ count: Int, limit: Int?) throws -> Evaluator.Result {
      let examples = Examples(DataSplit(name: "test", store: StripeStore(count: count)))
      return try XCTUnwrap(
        Evaluator(model: model, examples: examples, seed: 3, exampleLimit: limit).run())
    }
    let (five, limited) = try (result(5, limit: nil), result(20, limit: 5))
    XCTAssertEqual([five.examples, limited.examples], [5, 5])
    XCTAssertEqual(limited.elbo.mean, five.elbo.mean, accuracy: 1e-6)
    XCTAssertEqual(limited.rate.mean, five.rate.mean, accuracy: 1e-6)
    XCTAssertEqual(try result(5, limit: 9).examples, 5)
  }

  func testProgressRunsFromZeroToOneThroughAllBatches() throws {
    var evaluator = Evaluator(
      model: TrainingSupport.model(), examples: Examples(TrainingSupport.stripes(train: 20).train),
      seed: 3)
    evaluator.rowLimit = 8
    var fractions: [Double] = []
    _ = evaluator.run { fraction in
      fractions.append(fraction)
      return true
    }
    XCTAssertEqual(fractions, [0, 0.4, 0.8, 1])
    fractions = []
    // Batches of four rows for two draws each, which are made together.
    _ = evaluator.run(importanceSamples: 2) { fraction in
      fractions.append(fraction)
      return true
    }
    XCTAssertEqual(fractions, [0, 0, 0.2, 0.2, 0.4, 0.4, 0.6, 0.6, 0.8, 0.8, 1])
  }

  func testWithoutDrawsTheScoreOfAnExampleIsItsBound() throws {
    let model = TrainingSupport.model()
    let examples = Examples(TrainingSupport.stripes().train)
    let evaluator = Evaluator(model: model, examples: examples, seed: 3, exampleLimit: 6)
    let found = try XCTUnwrap(evaluator.logLikelihoods(samples: 0))
    let indices = Array(0..<6)
    let (x, context) = examples.batchByContent(
      indices,
      Context(mode: .evaluation, random: evaluator.random, examples: indices.map(UInt64.init)))
    let bound = withoutTape { model.evaluate(x, DrawRequest(), context).logWeights.floats }
    XCTAssertEqual(found.count, 6)
    for (a, b) in zip(found, bound) { XCTAssertEqual(a, Double(b), accuracy: 1e-4) }
    // More draws are others than that of the bound.
    let one = try XCTUnwrap(evaluator.logLikelihoods(samples: 1))
    XCTAssertNotEqual(one, found)
  }

  /// The draws of a likelihood come after the one of the bound.
  func testALikelihoodIsTheMeanWeightOfItsOwnDraws() throws {
    let model = TrainingSupport.model()
    let examples = Examples(TrainingSupport.stripes().train)
    var evaluator = Evaluator(model: model, examples: examples, seed: 3, exampleLimit: 3)
    evaluator.rowLimit = 6
    func wanted(_ row: Int, byContent: Bool) -> Double {
      var context = Context(
        mode: .evaluation, random: evaluator.random, examples: [UInt64(row)])
      var x = examples.batch([row], context)
      if byContent { (x, context) = examples.batchByContent([row], context) }
      var request = DrawRequest()
      request.usesSampledRate = true
      let weights = (1...7).map { draw -> Double in
        context.firstDraw = draw
        return withoutTape { Double(model.evaluate(x, request, context).logWeights.item) }
      }
      let top = weights.max() ?? 0
      return top + log(weights.reduce(0) { $0 + exp($1 - top) } / 7)
    }
    let scores = try XCTUnwrap(evaluator.logLikelihoods(samples: 7))
    XCTAssertEqual(scores.count, 3)
    for row in 0..<3 {
      XCTAssertEqual(scores[row], wanted(row, byContent: true), accuracy: 1e-3)
    }
    let found = try XCTUnwrap(
      evaluator.run(metrics: ["nll"], importanceSamples: 7)?.nll?.estimate.mean)
    let costs = (0..<3).map { -wanted($0, byContent: false) }
    XCTAssertEqual(found, costs.reduce(0, +) / 3, accuracy: 1e-3)
  }

  // MARK: Examples

  /// Rows of three numbers.
  private func rows(_ values: [Float]) -> TensorStore {
    TensorStore(
      shape: ImageShape(height: 1, width: 3, channels: 1),
      images: Tensor(values, shape: [values.count / 3, 3]))
  }

  private func examples(
    _ values: [Float], binarization: TrainingOptions.Binarization = .none,
    dequantization: TrainingOptions.Dequantization = .none, takesMasks: Bool = false
  ) -> Examples {
    Examples(
      DataSplit(name: "test", store: rows(values)), binarization: binarization,
      dequantization: dequantization, takesMasks: takesMasks)
  }

  private func context(_ indices: [Int], step: Int = 0) -> Context {
    Context(
      mode: .evaluation, step: step, random: RandomSource(seed: 5),
      examples: indices.map(UInt64.init))
  }

  func testValuesAboveAHalfAreOneAndDrawnOnesFollowTheirNumber() {
    let values: [Float] = [0.5, 0.51, 0, 1, 0.3, 0.9]
    let threshold = examples(values, binarization: .threshold)
    XCTAssertEqual(threshold.batch([1, 0], context([1, 0])).floats, [1, 0, 1, 0, 1, 0])
    XCTAssertEqual(examples(values).batch([1], context([1])).floats, [1, 0.3, 0.9])
    let dynamic = examples(values, binarization: .dynamic)
    let uniform = context([1, 0]).stream("binarization").uniform([1, 0], shape: [1, 3, 1]).floats
    let wanted = zip([1, 0.3, 0.9, 0.5, 0.51, 0], uniform).map { Float($0 > $1 ? 1 : 0) }
    XCTAssertEqual(dynamic.batch([1, 0], context([1, 0])).floats, wanted)
    // Binarized values are not dequantized as well.
    let both = examples(values, binarization: .threshold, dequantization: .uniform)
    XCTAssertEqual(both.batch([0], context([0])).floats, [0, 1, 0])
  }

  func testMissingValuesAreZeroAndTheMaskSaysWhichTheyAre() throws {
    let torn = examples([0.5, .nan, 0, .nan, 0.25, 0.75], takesMasks: true)
    let mask = try XCTUnwrap(torn.mask([1, 0]))
    XCTAssertEqual(mask.values.floats, [0, 1, 1, 1, 0, 1])
    var masked = context([1, 0])
    masked.mask = mask
    XCTAssertEqual(torn.batch([1, 0], masked).floats, [0, 0.25, 0.75, 0.5, 0, 0])
    XCTAssertNil(examples([0.5, 1, 0]).mask([0]))
    // Examples that look alike have the same numbers wherever they stand.
    let alike = examples([1, 2, 3, 4, 5, 6, 1, 2, 3])
    let found = alike.batchByContent([2, 1, 0], context([2, 1, 0])).context.examples
    XCTAssertEqual(found[0], found[2])
    XCTAssertNotEqual(found[0], found[1])
  }

  func testAnExampleIsToldItsOwnLabel() throws {
    let split = DataSplit(
      name: "test", store: rows([1, 2, 3, 4, 5, 6, 7, 8, 9]), labels: [2, 0, 1])
    let told = try Examples(split, condition: ConditionSpace(classes: 3))
    XCTAssertEqual(
      try XCTUnwrap(told.conditions([2, 0])).floats, [0, 1, 0, 0, 0, 1])
    XCTAssertEqual(told.condition, ConditionSpace(classes: 3))
    XCTAssertNil(Examples(split).conditions([2, 0]))
  }

  func testAnEpochVisitsAllInAnOrderOfItsOwnAndEndsWithAShortBatch() {
    let random = RandomSource(seed: 4)
    let order = EpochOrder(epoch: 3, count: 10, random: random)
    let batches = (0..<4).map { order.batch($0, size: 3) }
    XCTAssertEqual(batches.map(\.count), [3, 3, 3, 1])
    XCTAssertEqual(batches.flatMap { $0 }, order.indices)
    XCTAssertEqual(order.indices.sorted(), Array(0..<10))
    XCTAssertNotEqual(order.indices, Array(0..<10))
    XCTAssertEqual(EpochOrder(epoch: 3, count: 10, random: random).indices, order.indices)
    XCTAssertNotEqual(EpochOrder(epoch: 4, count: 10, random: random).indices, order.indices)
    XCTAssertEqual(order.epoch, 3)
  }

  // MARK: Scores

  func testMethodsOfScoringAreKnownByNameAndByWhatTheyTake() {
    XCTAssertEqual(
      ScoreMethod.allCases.map(\.rawValue), ["nll", "elbo", "regret", "ratio", "typicality"])
    XCTAssertEqual(ScoreMethod.allCases.map(\.isWeighted), [true, false, false, true, true])
    XCTAssertEqual(ScoreMethod.allCases.map(\.takesBounds), [false, false, false, true, true])
    XCTAssertEqual(try ScoreMethod(named: "ratio"), .ratio)
    XCTAssertThrowsError(try ScoreMethod(named: "nil")) {
      XCTAssertEqual(
        "\($0)",
        "there is no method of scoring \"nil\"; there are nll, elbo, regret, ratio, typicality")
    }
    let options = ScoreOptions()
    XCTAssertEqual(options.method, .nll)
    XCTAssertEqual([options.importanceSamples, options.group, options.seed], [16, 10, 0])
    XCTAssertEqual([options.regret.steps, options.regret.samples], [100, 16])
    XCTAssertEqual(options.regret.rate, 0.1)
    let imputation = ImputationOptions()
    XCTAssertEqual([imputation.samples, imputation.seed], [1000, 0])
    XCTAssertFalse(imputation.drawing)
  }
}
