import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAETraining
import XCTest

final class EvaluatorTests: XCTestCase {
  func testRunningLogSumExpEqualsTheDirectOneForAnyOrderAndSize() {
    let rows: [[Float]] = [[-3, 800], [5, -900], [4.5, 801], [-1000, 799]]
    var running = RunningLogSumExp(columns: 2)
    for row in rows { row.withUnsafeBufferPointer { running.add($0) } }
    for column in 0..<2 {
      let largest = rows.map { Double($0[column]) }.max() ?? 0
      let direct = largest + log(rows.reduce(0) { $0 + exp(Double($1[column]) - largest) }) - log(4)
      XCTAssertEqual(running.logMeans[column], direct, accuracy: 1e-9)
    }
    XCTAssertEqual(running.rows, 4)
  }

  func testActiveUnitsCountMeansWhoseVarianceIsAboveTheThreshold() throws {
    var units = ActiveUnits()
    // Variances one, zero, and 0.0001.
    let values = (0..<200).flatMap { index -> [Float] in
      let sign: Float = index % 2 == 0 ? 1 : -1
      return [sign, 4, 0.01 * sign]
    }
    units.add(values, units: 3)
    let count = try XCTUnwrap(units.count)
    XCTAssertEqual(count.mean, 1)
    XCTAssertEqual(try XCTUnwrap(count.standardError), 0, accuracy: 1e-6)
  }

  func testAUnitAtTheThresholdMakesTheCountUncertain() throws {
    var units = ActiveUnits()
    let random = RandomSource(seed: 1).stream("units").normal([400]).floats
    units.add(random.map { $0 * 0.1 }, units: 1)
    XCTAssertGreaterThan(try XCTUnwrap(units.count?.standardError), 0.2)
  }

  func testOneValueHasNoStandardErrorAndNoneIsMadeOfIt() {
    XCTAssertNil(Estimate(of: [2.5]).standardError)
    XCTAssertNil(Estimate(of: [2.5]).scaled(by: -1).standardError)
    XCTAssertEqual(Estimate(of: [2.5]).scaled(by: -1).mean, -2.5)
  }

  func testEstimatesHaveTheStandardErrorOfTheMean() throws {
    let estimate = Estimate(of: [1, 2, 3, 4])
    XCTAssertEqual(estimate.mean, 2.5)
    XCTAssertEqual(
      try XCTUnwrap(estimate.standardError), (5.0 / 3 / 4).squareRoot(), accuracy: 1e-12)
  }

  func testEvaluationDoesNotDependOnHowRowsAreGrouped() throws {
    let model = TrainingSupport.model()
    func run(rowLimit: Int) throws -> Evaluator.Result {
      var evaluator = Evaluator(
        model: model, examples: Examples(TrainingSupport.stripes().train), seed: 4)
      evaluator.rowLimit = rowLimit
      return try XCTUnwrap(evaluator.run(importanceSamples: 37))
    }
    let one = try run(rowLimit: 7)
    let all = try run(rowLimit: 10_000)
    XCTAssertEqual(one.examples, 70)
    let rates = try XCTUnwrap(one.metrics[RatePerUnitMetric.self]).joined()
    let bits = try XCTUnwrap(one.metrics[BitsPerDimMetric.self]).estimate
    XCTAssertEqual(one.elbo.mean, all.elbo.mean, accuracy: 1e-4)
    XCTAssertEqual(one.nll?.estimate.mean ?? 0, all.nll?.estimate.mean ?? 1, accuracy: 1e-4)
    XCTAssertEqual(rates.reduce(0, +), one.rate.mean, accuracy: 1e-3)
    XCTAssertEqual(
      bits.mean, (one.nll?.estimate.mean ?? 1) / 30 / log(2), accuracy: 1e-9)
  }

  func testTheImportanceWeightedLikelihoodTightensTheBoundWithMoreSamples() throws {
    let trainer = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(),
      options: TrainingSupport.options(epochs: 20))
    _ = try trainer.train()
    let evaluator = Evaluator(
      model: trainer.model, examples: Examples(TrainingSupport.stripes().train), seed: 1)
    let results = try [1, 8, 64, 512].map {
      try XCTUnwrap(evaluator.run(importanceSamples: $0))
    }
    let bound = results[0]
    for (fewer, more) in zip(results, results.dropFirst()) {
      let (a, b) = (try XCTUnwrap(fewer.nll).estimate, try XCTUnwrap(more.nll).estimate)
      let errors = try XCTUnwrap(a.standardError) + XCTUnwrap(b.standardError)
      XCTAssertLessThanOrEqual(b.mean, a.mean + 3 * errors)
    }
    let tightest = try XCTUnwrap(results[3].nll).estimate
    XCTAssertLessThan(tightest.mean, -bound.elbo.mean)
  }

  func testAnEvaluationStopsBetweenTheDrawsOfABatch() {
    // So many draws that nobody would wait for the end of a batch.
    let samples = 1_000_000_000
    let evaluator = Evaluator(
      model: TrainingSupport.model(), examples: Examples(TrainingSupport.stripes().train), seed: 1)
    var fractions: [Double] = []
    func goesOn(_ fraction: Double) -> Bool {
      fractions.append(fraction)
      return fractions.count < 5
    }
    func checkFractions() {
      XCTAssertEqual(fractions.count, 5)
      XCTAssertEqual(fractions, fractions.sorted())
      XCTAssertGreaterThan(fractions.last ?? 0, 0)
      XCTAssertLessThan(fractions.last ?? 1, 1e-3)
      fractions = []
    }
    XCTAssertNil(evaluator.run(importanceSamples: samples, progress: goesOn))
    checkFractions()
    XCTAssertNil(evaluator.logLikelihoods(samples: samples, progress: goesOn))
    checkFractions()
  }

  func testStoppingAnEvaluationGivesNothing() {
    let evaluator = Evaluator(
      model: TrainingSupport.model(), examples: Examples(TrainingSupport.stripes().train), seed: 1)
    XCTAssertNil(evaluator.run { _ in false })
  }
}
