import NeuralNetworks
import Tensors
import VAECore
import VAEEvaluation
import VAEFiles
import XCTest

/// The list of metrics, and how results are kept and written.
final class MetricListTests: XCTestCase {
  /// Name, direction, decimals, whether there is a standard error, and the occasions: u(pdate), e(poch) and (evaluation) v.
  private static let table = """
    elbo higher 2 ± ev nats per example
    rate none 2 ± ev nats per example
    distortion lower 2 ± ev nats per example
    hidden_distortion lower 2 ± v nats per example
    nll lower 2 ± v nats per example
    bits_per_dim lower 4 ± v bits per dimension
    active_units none 0 ± ev units
    rate_per_unit none - - ev nats per example
    rate_per_layer none - - ev nats per example
    elbo_per_class higher - - v nats per example
    aggregate_posterior lower 3,3 - v nats
    rate_decomposition none 3,3,3,3 - v nats per example
    codebook_perplexity higher 1 - uev codes
    codebook_usage higher 3 - uev
    psnr higher 2 ± - dB
    ssim higher 4 ± -
    ms_ssim higher 4 ± -
    sharpness none 3,3 - -
    mig higher 3 - v
    factor_vae_score higher 3 - v
    dci higher 3,3,3 - v
    feature_distance lower 3 - v
    lpips lower 4 ± v
    frechet_distance lower 3,3 - v
    precision_recall higher 3,3,3,3 - v
    classifier_confidence higher 3,3,3 - v
    """

  func testEveryMetricHasItsUnitDirectionDecimalsAndOccasions() {
    let found = MetricRegistry.standard.descriptors.map { descriptor in
      let occasions = [
        (MetricDescriptor.Occasions.update, "u"), (.epoch, "e"), (.evaluation, "v"),
      ].filter { descriptor.occasions.contains($0.0) }.map(\.1).joined()
      let decimals = descriptor.numbers.map { "\($0.decimals)" }.joined(separator: ",")
      return [
        descriptor.name, descriptor.direction.rawValue, decimals.isEmpty ? "-" : decimals,
        descriptor.hasStandardError ? "±" : "-", occasions.isEmpty ? "-" : occasions,
        descriptor.unit,
      ].filter { !$0.isEmpty }.joined(separator: " ")
    }
    XCTAssertEqual(found, Self.table.split(separator: "\n").map(String.init))
  }

  func testWhatAMetricNeedsIsWhatItIsMadeOf() {
    let needs = Dictionary(
      uniqueKeysWithValues: MetricRegistry.standard.descriptors.map { ($0.name, $0.needs) })
    let factors: [MetricNeed] = [.factors, .posteriorVector]
    for (name, wanted) in [
      ("elbo", []), ("rate", []), ("distortion", []),
      ("hidden_distortion", [.hiddenValues, .masks]), ("nll", [.importanceSamples]),
      ("bits_per_dim", [.discreteValues]), ("active_units", [.posteriorMeans, .severalExamples]),
      ("rate_per_unit", [.unitRates]), ("rate_per_layer", [.severalLayers]),
      ("elbo_per_class", [.toldLabel]),
      ("aggregate_posterior", [.reparameterizedPrior, .severalExamples]),
      (
        "rate_decomposition",
        [.pricingPrior, .posteriorVector, .posteriorVariances, .severalExamples, .heldPosteriors]
      ),
      ("codebook_perplexity", [.codes]), ("codebook_usage", [.codes]),
      ("psnr", [.reconstructions]), ("ssim", [.reconstructions, .windows]),
      ("ms_ssim", [.reconstructions, .windows]), ("sharpness", [.reconstructions]),
      ("mig", factors + [.posteriorVariances]), ("factor_vae_score", factors), ("dci", factors),
      ("feature_distance", [.network, .severalExamples]), ("lpips", [.heads, .reconstructions]),
      ("frechet_distance", [.network, .severalExamples]),
      ("precision_recall", [.network, .severalExamples]), ("classifier_confidence", [.classifier]),
    ] as [(String, [MetricNeed])] {
      XCTAssertEqual(needs[name], wanted, name)
    }
    XCTAssertEqual(needs.count, 26)
    XCTAssertEqual(BitsPerDimMetric.descriptor.uses, [.importanceSamples])
    // What is of the model, an advice to choose other data does not mend.
    XCTAssertEqual(
      MetricNeed.allCases.filter(\.isOfModel),
      [
        .masks, .toldLabel, .discreteValues, .codes, .severalLayers, .reparameterizedPrior,
        .pricingPrior, .unitRates, .posteriorMeans, .posteriorVector, .posteriorVariances,
        .reconstructions,
      ])
  }

  func testMetricsOfAnOccasionAreThoseOfItInTheOrderOfTheList() {
    let registry = MetricRegistry.standard
    func names(_ occasion: MetricDescriptor.Occasions) -> [String] {
      registry.metrics(at: occasion).map { $0.descriptor.name }
    }
    XCTAssertEqual(names(.update), ["codebook_perplexity", "codebook_usage"])
    XCTAssertEqual(
      names(.epoch),
      [
        "elbo", "rate", "distortion", "active_units", "rate_per_unit", "rate_per_layer",
        "codebook_perplexity", "codebook_usage",
      ])
    XCTAssertEqual(
      registry.numbers(at: .epoch).map(\.name),
      [
        "elbo", "rate", "distortion", "active_units", "codebook_perplexity", "codebook_usage",
      ])
    // Of a model with one layer of units and no codes.
    XCTAssertEqual(
      registry.metrics(at: .epoch, of: TrainingSupport.model()).map { $0.descriptor.name },
      ["elbo", "rate", "distortion", "active_units", "rate_per_unit"])
    XCTAssertEqual(
      registry.metrics(at: .update, of: TrainingSupport.model()).map { $0.descriptor.name }, [])
  }

  func testNamesOfAListStandBetweenCommas() {
    XCTAssertEqual(MetricRegistry.names(in: "elbo,rate"), ["elbo", "rate"])
    XCTAssertEqual(MetricRegistry.names(in: "elbo,,rate,"), ["elbo", "", "rate", ""])
    XCTAssertEqual(MetricRegistry.names(in: ""), [])
  }

  // MARK: Reports

  private let report = MetricReport(
    [
      .estimate("a", Estimate(mean: 0.123456789, standardError: 0.5)),
      .estimate("b", Estimate(mean: 4, standardError: nil), isWhole: true),
      .plain("c", .text("x")), .plain("d", .number(2.5)), .list("e", [0.123456789, .nan]),
    ])

  func testAReportWritesStandardErrorsAndAllDigitsUnlessItIsBrief() {
    var whole = JSON.Object()
    report.add(to: &whole)
    XCTAssertEqual(
      JSON.object(whole).line,
      #"{"a": 0.123456789, "a_stderr": 0.5, "b": 4, "b_stderr": null, "c": "x", "d": 2.5, "#
        + #""e": [0.123456789, null]}"#)
    var brief = JSON.Object()
    report.addBriefly(to: &brief)
    XCTAssertEqual(
      JSON.object(brief).line,
      #"{"a": 0.123456789, "b": 4, "c": "x", "d": 2.5, "e": [0.1235, null]}"#)
    XCTAssertEqual(report.numbers.map(\.name), ["a", "b", "d"])
    XCTAssertEqual(report.numbers.map(\.value), [0.123456789, 4, 2.5])
  }

  func testAListIsARowOfItsOwnWhereThereAreNoOthers() {
    let rows = report.allRows(RatePerUnitMetric.descriptor)
    XCTAssertEqual(rows.map(\.title), ["rate per unit"])
    XCTAssertEqual(rows[0].numbers.count, 2)
    XCTAssertEqual(rows[0].note, "nats per example")
    XCTAssertEqual(rows[0].decimals, 3)
    let own = MetricReport(
      [.list("e", [1])], rows: [.init("mine", Estimate(mean: 1, standardError: nil))])
    XCTAssertEqual(own.allRows(RatePerUnitMetric.descriptor).map(\.title), ["mine"])
  }

  func testAResultThatIsReplacedStaysAtItsPlaceAndOneThatIsTakenOutIsGone() {
    var results = MetricResults()
    results[ELBOMetric.self] = Estimate(mean: 1, standardError: nil)
    results[RateMetric.self] = Estimate(mean: 2, standardError: nil)
    results[DistortionMetric.self] = Estimate(mean: 3, standardError: nil)
    results[RateMetric.self] = Estimate(mean: 4, standardError: nil)
    XCTAssertEqual(results.entries.map(\.descriptor.name), ["elbo", "rate", "distortion"])
    XCTAssertEqual(results[RateMetric.self]?.mean, 4)
    var object = JSON.Object()
    results.add(to: &object)
    XCTAssertEqual(object["rate"]?.double, 4)
    results[ELBOMetric.self] = nil
    XCTAssertEqual(results.entries.map(\.descriptor.name), ["rate", "distortion"])
    XCTAssertNil(results[ELBOMetric.self])
    XCTAssertNil(results[NLLMetric.self])
  }

  func testAnEstimateThatIsTurnedKeepsThePositiveErrorOfItsScale() {
    let turned = Estimate(mean: 3, standardError: 0.5).scaled(by: -2)
    XCTAssertEqual(turned, Estimate(mean: -6, standardError: 1))
    XCTAssertEqual(Estimate(of: []).mean, 0)
    XCTAssertNil(Estimate(of: []).standardError)
  }
}
