import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import XCTest

/// Measures of disentanglement on codes whose score is known.
final class DisentanglementTests: XCTestCase {
  private typealias Support = DisentanglementSupport

  private let table = DisentanglementSupport.table([4, 5, 6], repeats: 10)

  private func assertPerfect(
    _ measured: Disentanglement, file: StaticString = #filePath, line: UInt = #line
  ) {
    let scores = [
      measured.mutualInformationGap?.score, measured.factorVAEScore.score,
      measured.dci.disentanglement, measured.dci.completeness, measured.dci.informativeness,
    ]
    for score in scores { XCTAssertEqual(score ?? 0, 1, accuracy: 1e-6, file: file, line: line) }
  }

  // MARK: - One unit a factor

  func testOneUnitForEachFactorScoresOne() throws {
    try assertPerfect(Support.measure(Support.representation(table) { $1 }))
  }

  func testPermutedScaledShiftedAndReversedUnitsScoreOne() throws {
    let code = try Support.representation(table) { [0.5 * $1[2] + 7, -3 * $1[0], 100 * $1[1] - 2] }
    assertPerfect(Support.measure(code))
  }

  func testAMonotoneBendOfAUnitScoresOneWhereItKeepsValuesApart() throws {
    try assertPerfect(
      Support.measure(Support.representation(table, deviation: 0.01) { $1.map { exp($0) } }))
  }

  func testUnitsThatDoNotVaryChangeNothing() throws {
    try assertPerfect(Support.measure(Support.representation(table) { [0, 3] + $1 }))
  }

  func testPermutingAndScalingAnyCodeKeepsItsScores() throws {
    let table = Support.table([4, 5, 6], repeats: 30)
    let noise = Support.noise("code", table.count * 3)
    func code(_ index: Int, _ factors: [Double]) -> [Double] {
      (0..<3).map { factors[$0] + 0.9 * factors[($0 + 1) % 3] + 0.3 * noise[3 * index + $0] }
    }
    let plain = try Support.measure(Support.representation(table, deviation: 0.3, code))
    // Powers of two leave every quotient as it was.
    let moved = try Support.measure(
      XCTUnwrap(
        FactoredRepresentation(
          means: (0..<table.count).flatMap { index in
            let units = code(index, Support.spread(table, index)).map(Float.init)
            return [4 * units[2], units[0], 0.5 * units[1]]
          },
          variances: (0..<table.count).flatMap { _ in [16 * 0.09, 0.09, 0.25 * 0.09] as [Float] },
          units: 3, factors: table)))
    let gap = try XCTUnwrap(plain.mutualInformationGap).score
    XCTAssertLessThan(gap, 0.7)
    // Units draw noise of their own, by their place.
    XCTAssertEqual(gap, try XCTUnwrap(moved.mutualInformationGap).score, accuracy: 0.02)
    XCTAssertLessThan(plain.factorVAEScore.score, 0.98)
    XCTAssertEqual(plain.factorVAEScore, moved.factorVAEScore)
    // The forest chooses among equal splits by the place of a unit.
    XCTAssertEqual(plain.dci.disentanglement, moved.dci.disentanglement, accuracy: 0.05)
    XCTAssertEqual(plain.dci.completeness, moved.dci.completeness, accuracy: 0.05)
    XCTAssertEqual(plain.dci.informativeness, moved.dci.informativeness, accuracy: 0.05)
  }

  // MARK: - Entangled codes

  func testPairsOfFactorsTurnedBy45DegreesHaveNoGapAndAreToldApartHalfOfTheTime() throws {
    let table = Support.table([4, 4, 4, 4], repeats: 8)
    let code = try Support.representation(table) { _, factors in
      [
        factors[0] + factors[1], factors[0] - factors[1], factors[2] + factors[3],
        factors[2] - factors[3],
      ]
    }
    let measured = Support.measure(code)
    XCTAssertEqual(try XCTUnwrap(measured.mutualInformationGap).score, 0, accuracy: 0.01)
    XCTAssertEqual(measured.factorVAEScore.score, 0.5, accuracy: 0.04)
    // Two of four units matter for a factor, two of four factors to a unit: 1 − log 2 / log 4.
    XCTAssertEqual(measured.dci.disentanglement, 0.5, accuracy: 0.02)
    XCTAssertEqual(measured.dci.completeness, 0.5, accuracy: 0.02)
    XCTAssertEqual(measured.dci.informativeness, 1, accuracy: 1e-9)
  }

  func testRandomCodesScoreAsChanceDoes() throws {
    let table = Support.table([4, 5, 6], repeats: 40)
    let noise = Support.noise("random", table.count * 5)
    let code = try Support.representation(table, deviation: 0.3) { index, _ in
      (0..<5).map { noise[5 * index + $0] }
    }
    let measured = Support.measure(code)
    XCTAssertLessThan(try XCTUnwrap(measured.mutualInformationGap).score, 0.01)
    XCTAssertEqual(measured.factorVAEScore.score, 1 / 3, accuracy: 0.06)
    XCTAssertLessThan(measured.dci.disentanglement, 0.02)
    XCTAssertLessThan(measured.dci.completeness, 0.02)
    XCTAssertEqual(measured.dci.informativeness, 0, accuracy: 0.06)
  }

  func testDuplicatedUnitsAreDisentangledButNotComplete() throws {
    let measured = try Support.measure(Support.representation(table) { $1 + $1 })
    XCTAssertEqual(try XCTUnwrap(measured.mutualInformationGap).score, 0, accuracy: 1e-6)
    XCTAssertEqual(measured.factorVAEScore.score, 1)
    XCTAssertEqual(measured.dci.disentanglement, 1, accuracy: 1e-9)
    // Two of six units matter alike for a factor.
    XCTAssertEqual(measured.dci.completeness, 1 - log(2) / log(6), accuracy: 0.03)
    XCTAssertEqual(measured.dci.informativeness, 1, accuracy: 1e-9)
  }

  func testAUnitThatTellsTwoFactorsIsCompleteButNotDisentangled() throws {
    let table = Support.table([4, 4], repeats: 60)
    let noise = Support.noise("two in one", table.count)
    let measured = try Support.measure(
      Support.representation(table, deviation: 0.1) { [4 * $1[0] + $1[1], noise[$0]] })
    // The gap sees only that one unit stands out for each factor.
    XCTAssertGreaterThan(try XCTUnwrap(measured.mutualInformationGap).score, 0.9)
    XCTAssertLessThan(measured.dci.disentanglement, 0.01)
    XCTAssertGreaterThan(measured.dci.completeness, 0.97)
    XCTAssertEqual(measured.dci.informativeness, 1, accuracy: 0.01)
  }

  // MARK: - Each measure by itself

  func testTheGapOfANoisyUnitIsTheShareOfEntropyThatItTells() throws {
    // A unit that shows a binary factor rightly for three of four examples tells log 2 − H(¼).
    let table = Support.table([2, 4], repeats: 100)
    let code = try Support.representation(table) { _, factors in
      [factors[1] == 1 ? -factors[0] : factors[0]]
    }
    let entropy = -0.25 * log(0.25) - 0.75 * log(0.75)
    let gaps = try Support.gap(code).gaps
    XCTAssertEqual(gaps.count, 2)
    // All draws of an example fall on one side, so that only their share is a matter of chance.
    XCTAssertEqual(gaps[0], 1 - entropy / log(2), accuracy: 1e-3)
    XCTAssertEqual(gaps[1], 0, accuracy: 1e-3)
  }

  func testCollapsedUnitsHaveNoVote() throws {
    // What tells the first factor varies by less than 0.05, so the other two units vote for it too.
    let code = try Support.representation(table) { [0.04 * $1[0], $1[1], $1[2]] }
    XCTAssertEqual(Support.measure(code).factorVAEScore.score, 2 / 3, accuracy: 0.03)
    let open = try Support.representation(table) { [0.08 * $1[0], $1[1], $1[2]] }
    XCTAssertEqual(Support.measure(open).factorVAEScore.score, 1)
    let none = try Support.representation(table) { $1.map { 0.01 * $0 } }
    XCTAssertEqual(Support.measure(none).factorVAEScore.score, 0)
  }

  func testValuesOfASingleExampleAreNeverFixed() throws {
    // Every example has a value of its own in the second factor, so that nothing could vary.
    let table = FactorTable(
      [(name: "half", size: 2), (name: "own", size: 400)],
      combinations: (0..<400).map { Int32($0 % 2 * 400 + $0) })
    let noise = Support.noise("single", 400)
    let code = try Support.representation(table) { [$1[0], noise[$0]] }
    XCTAssertEqual(Support.measure(code).factorVAEScore.score, 1)
  }

  func testInformativenessIsRelativeToGuessingTheMostFrequentValue() throws {
    // A fair coin shown wrongly for a quarter of the examples: half as wrong as a guess.
    let table = Support.table([2, 4], repeats: 500)
    let code = try Support.representation(table) { _, factors in
      [factors[1] == 1 ? -factors[0] : factors[0]]
    }
    // The second factor is guessed: its most frequent value is as frequent as any other, whether
    // the unit is known or not.
    let informativeness = Support.measure(code).dci.informativeness
    XCTAssertEqual(informativeness, (0.5 + 0) / 2, accuracy: 0.04)
  }

  func testImportancesGiveTheScoresOfTheirEntropies() {
    // The first factor has unit 0 to itself, the second units 1 and 2 alike; unit 3 is of no use.
    let dci = DCI(importances: [[1, 0, 0, 0], [0, 0.5, 0.5, 0]], informativeness: 0.25)
    XCTAssertEqual(dci.disentanglement, 1, accuracy: 1e-12)
    XCTAssertEqual(dci.completeness, (1 + 0.5) / 2, accuracy: 1e-12)
    XCTAssertEqual(dci.informativeness, 0.25)
    let shared = DCI(importances: [[1, 0], [1, 0]], informativeness: 0)
    XCTAssertEqual(shared.disentanglement, 0, accuracy: 1e-12)
    XCTAssertEqual(shared.completeness, 1, accuracy: 1e-12)
    let nothing = DCI(importances: [[0, 0], [0, 0]], informativeness: 0)
    XCTAssertEqual(nothing.disentanglement, 0)
    XCTAssertEqual(nothing.completeness, 0)
  }

  // MARK: - What is measured

  func testAFactorThatDoesNotVaryIsNoFactor() throws {
    let table = FactorTable(
      [(name: "fixed", size: 3), (name: "a", size: 4), (name: "b", size: 5)],
      combinations: (0..<400).map { Int32(20 + $0 % 20) })
    let measured = try Support.measure(Support.representation(table) { [$1[1], $1[2], 0] })
    XCTAssertEqual(measured.mutualInformationGap?.gaps.count, 2)
    assertPerfect(measured)
  }

  func testThereIsNothingToMeasureWithoutUnitsOrFactorsOrFiniteMeans() {
    let table = Support.table([2, 3], repeats: 1)
    let fixed = FactorTable([(name: "fixed", size: 2)], combinations: [1, 1, 1])
    func isMeasurable(_ means: [Float], _ units: Int, _ factors: FactorTable) -> Bool {
      FactoredRepresentation(
        means: means, variances: nil, units: units, factors: factors) != nil
    }
    XCTAssertTrue(isMeasurable([1, 2, 3, 4, 5, 6], 1, table))
    XCTAssertFalse(isMeasurable([], 0, table))
    XCTAssertFalse(isMeasurable([1, 2, .nan, 4, 5, 6], 1, table))
    XCTAssertFalse(isMeasurable([1, 2, 3, 4, 5, .infinity], 1, table))
    XCTAssertFalse(isMeasurable([1, 2, 3], 1, fixed))
    XCTAssertFalse(isMeasurable([], 1, FactorTable([(name: "a", size: 2)], combinations: [])))
  }

  func testAPosteriorWithoutVariancesHasScoresButNoGap() throws {
    let table = Support.table([2, 3], repeats: 10)
    let means = (0..<table.count).flatMap { table.values(at: $0).map(Float.init) }
    for variances in [nil, means.map { _ in 0 }, means.map { _ in .nan }] as [[Float]?] {
      let code = try XCTUnwrap(
        FactoredRepresentation(means: means, variances: variances, units: 2, factors: table))
      let measured = Support.measure(code)
      XCTAssertNil(measured.mutualInformationGap)
      XCTAssertEqual(measured.factorVAEScore.score, 1)
    }
  }

  func testTwoExamplesAreEnoughForFiniteScores() throws {
    let table = FactorTable([(name: "a", size: 2)], combinations: [0, 1])
    let measured = try Support.measure(Support.representation(table) { _, factors in factors })
    XCTAssertEqual(try XCTUnwrap(measured.mutualInformationGap).score, 1, accuracy: 1e-6)
    XCTAssertEqual(measured.factorVAEScore.score, 0, "no value can be fixed")
    for score in [measured.dci.disentanglement, measured.dci.completeness] {
      XCTAssertEqual(score, 0, "one example teaches no split")
    }
    XCTAssertTrue(measured.dci.informativeness.isFinite)
  }

  func testTheSameSourceGivesTheSameScoresAndAnotherOneOthers() throws {
    let noise = Support.noise("seeds", table.count * 3)
    let code = try Support.representation(table) { index, factors in
      (0..<3).map { factors[$0] + noise[3 * index + $0] }
    }
    XCTAssertEqual(Support.measure(code, seed: 4), Support.measure(code, seed: 4))
    let (a, b) = (Support.measure(code, seed: 4), Support.measure(code, seed: 5))
    XCTAssertNotEqual(a.mutualInformationGap, b.mutualInformationGap)
    XCTAssertNotEqual(a.factorVAEScore, b.factorVAEScore)
    XCTAssertNotEqual(a.dci, b.dci)
  }

  // MARK: - By the evaluator

  /// Stripes with two factors of their index.
  private func stripes(_ factors: FactorTable?) -> Examples {
    Examples(DataSplit(name: "test", store: StripeStore(count: 60), factors: factors))
  }

  func testAnEvaluationMeasuresThePosteriorWhereFactorsAreKnown() throws {
    let table = Support.table([2, 3], repeats: 10)
    let model = TrainingSupport.model()
    var evaluator = Evaluator(model: model, examples: stripes(table), seed: 3)
    evaluator.rowLimit = 7
    let result = try XCTUnwrap(evaluator.run()).metrics

    let context = Context(
      mode: .evaluation, random: RandomSource(seed: 0), examples: (0..<60).map(UInt64.init))
    let posterior = withoutTape {
      model.encoder.encode(stripes(table).batch(Array(0..<60), context), context)
    }
    let direct = try XCTUnwrap(
      FactoredRepresentation(
        means: XCTUnwrap(posterior.mean).floats, variances: XCTUnwrap(posterior.variance).floats,
        units: 3, factors: table))
    let information = try XCTUnwrap(result[MIGMetric.self]).information
    for (factor, expected) in zip(information, try Support.gap(direct).information) {
      // Another seed makes the same estimate from other draws.
      for (unit, expected) in zip(factor, expected) {
        XCTAssertEqual(unit, expected, accuracy: 0.02)
      }
    }
    let again = try XCTUnwrap(evaluator.run()).metrics
    XCTAssertEqual(result[MIGMetric.self], again[MIGMetric.self])
    XCTAssertEqual(result[FactorVAEScoreMetric.self], again[FactorVAEScoreMetric.self])
    XCTAssertEqual(result[DCIMetric.self], again[DCIMetric.self])
  }

  func testAnEvaluationMeasuresNoDisentanglementUnaskedOrWithoutFactors() throws {
    let table = Support.table([2, 3], repeats: 10)
    func scores(
      _ factors: FactorTable?, _ occasion: MetricDescriptor.Occasions
    ) throws -> [String] {
      let evaluator = Evaluator(
        model: TrainingSupport.model(), examples: stripes(factors), seed: 3)
      let found = try XCTUnwrap(evaluator.run(occasion)).metrics.entries.map(\.descriptor)
      return found.filter { $0.needs.contains(.factors) }.map(\.name)
    }
    XCTAssertEqual(try scores(table, .epoch), [])
    XCTAssertEqual(try scores(nil, .evaluation), [])
    XCTAssertEqual(try scores(table, .evaluation), ["mig", "factor_vae_score", "dci"])
  }

  func testAPosteriorWithoutMeansIsNotMeasured() throws {
    let plain = TrainingSupport.model()
    let model = Model(
      encoder: MeanlessEncoder(plain.encoder), prior: plain.prior, decoder: plain.decoder,
      likelihood: plain.likelihood)
    let evaluator = Evaluator(
      model: model, examples: stripes(Support.table([2, 3], repeats: 10)), seed: 3)
    let result = try XCTUnwrap(evaluator.run())
    XCTAssertNil(result.metrics[DCIMetric.self])
    XCTAssertEqual(
      result.omissions.filter { $0.need == .posteriorVector }.map(\.descriptor.name).sorted(),
      ["dci", "factor_vae_score", "mig", "rate_decomposition"])
  }
}

/// An encoder whose posterior does not tell its means, as that of a hierarchy does not.
private final class MeanlessEncoder: Encoder {
  private let encoder: any Encoder

  init(_ encoder: any Encoder) { self.encoder = encoder }

  var members: Members { ["encoder": .module(encoder)] }

  func encode(_ x: Tensor, _ context: Context) -> any Posterior {
    guard let posterior = encoder.encode(x, context) as? any Distribution else {
      preconditionFailure("the encoder under test proposes a distribution")
    }
    return MeanlessPosterior(posterior: posterior)
  }
}

private struct MeanlessPosterior: Distribution {
  let posterior: any Distribution

  var exampleCount: Int { posterior.exampleCount }

  func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    posterior.draw(samples, from: stream, temperature: temperature, context)
  }

  func logDensity(of z: Tensor) -> Tensor? { posterior.logDensity(of: z) }

  func stoppingGradient() -> any Distribution { self }
}
