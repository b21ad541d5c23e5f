import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles
import VAERecipes
import XCTest

/// Values of metrics whose findings are given, and what their reports say of them.
final class MetricValueTests: XCTestCase {
  private let random = RandomSource(seed: 1)

  private func setting(
    _ model: Model = TrainingSupport.model(), examples: Examples? = nil, count: Int = 4,
    importanceSamples: Int? = nil
  ) -> MetricSetting {
    MetricSetting(
      model: model, examples: examples, exampleCount: count, importanceSamples: importanceSamples,
      random: random)
  }

  private func context(_ examples: [UInt64], condition: Tensor? = nil) -> Context {
    Context(mode: .evaluation, random: random, examples: examples, condition: condition)
  }

  private func sample(
    distortion: [Float], layers: [LatentLayer], condition: Tensor? = nil,
    logLikelihoods: [Double]? = nil
  ) -> MetricSample {
    let count = distortion.count
    let evaluation = Evaluation(
      batch: .zeros([count, 1, 1, 1]), posterior: EmptyPosterior(exampleCount: count),
      draw: LatentDraw(layers: layers, rowCount: count), parameters: .zeros([count, 1]),
      logDensity: Tensor(distortion.map { -$0 }), samples: 1)
    return MetricSample(
      evaluation, context((0..<count).map(UInt64.init), condition: condition),
      indices: Array(0..<count), logLikelihoods: logLikelihoods)
  }

  private func layer(_ rates: [Float], units: [Float]? = nil) -> LatentLayer {
    LatentLayer(
      sample: .zeros([rates.count, 1]), rate: Tensor(rates),
      unitRates: units.map { Tensor($0, shape: [rates.count, $0.count / rates.count]) })
  }

  private func line(_ report: MetricReport) -> String {
    var object = JSON.Object()
    report.add(to: &object)
    return JSON.object(object).line
  }

  private func rows(_ report: MetricReport, _ descriptor: MetricDescriptor) -> [String] {
    report.allRows(descriptor).map { row in
      let numbers = row.numbers.map { number in
        "\(number.mean)" + (number.standardError.map { "±\($0)" } ?? "")
      }
      return "\(row.title)|\(numbers.joined(separator: " "))|\(row.decimals)|\(row.note)"
    }
  }

  private func assertReport<M: Metric>(
    _ metric: M, _ json: String, _ wanted: [String], line number: UInt = #line
  ) throws {
    let report = M.report(try metric.value())
    XCTAssertEqual(line(report), json, line: number)
    XCTAssertEqual(rows(report, M.descriptor), wanted, line: number)
  }

  // MARK: The bound

  func testTheBoundTheRateAndTheDistortionAreMeansOverAllBatches() throws {
    let samples = [
      sample(distortion: [2], layers: [layer([0.5]), layer([0.5])]),
      sample(distortion: [4], layers: [layer([2]), layer([1])]),
    ]
    func filled<M: Metric>(_ type: M.Type) -> M {
      var metric = M(setting())
      for sample in samples { metric.add(sample) }
      return metric
    }
    try assertReport(
      filled(ELBOMetric.self), #"{"elbo": -5.0, "elbo_stderr": 2.0}"#,
      ["−ELBO|5.0±2.0|3|nats per example"])
    try assertReport(
      filled(RateMetric.self), #"{"rate": 2.0, "rate_stderr": 1.0}"#,
      ["rate|2.0±1.0|3|nats per example"])
    try assertReport(
      filled(DistortionMetric.self), #"{"distortion": 3.0, "distortion_stderr": 1.0}"#,
      ["distortion|3.0±1.0|3|nats per example"])
  }

  func testTheLikelihoodIsACostByTheDrawsThatItTook() throws {
    var metric = NLLMetric(setting(importanceSamples: 7))
    metric.add(sample(distortion: [1], layers: [layer([1])], logLikelihoods: [-2]))
    metric.add(sample(distortion: [1], layers: [layer([1])], logLikelihoods: [-6]))
    try assertReport(
      metric, #"{"nll": 4.0, "nll_stderr": 2.0, "nll_samples": 7}"#,
      ["NLL|4.0±2.0|3|nats per example, 7 importance samples"])
  }

  /// Of 30 binary pixels.
  func testBitsAreThoseOfTheLikelihoodWhereItIsKnownAndElseOfTheBound() throws {
    let examples = Examples(TrainingSupport.stripes().train)
    let nats = 30 * log(2.0)
    for (samples, bits, bound, note) in [
      (nil, 3.0, "elbo", "of the −ELBO"), (5, 2.0, "nll", "of the NLL"),
    ] as [(Int?, Double, String, String)] {
      var metric = BitsPerDimMetric(
        setting(examples: examples, importanceSamples: samples))
      metric.add(
        sample(
          distortion: [Float(2 * nats)], layers: [layer([Float(nats)])],
          logLikelihoods: [-2 * nats]))
      let value = try metric.value()
      XCTAssertEqual(value.estimate.mean, bits, accuracy: 1e-5)
      XCTAssertEqual(value.bound, bound)
      let report = BitsPerDimMetric.report(value)
      XCTAssertEqual(report.rows.map(\.note), [note])
      XCTAssertEqual(report.rows.map(\.decimals), [4])
      XCTAssertTrue(line(report).hasSuffix(#""bits_per_dim_bound": "\#(bound)"}"#), line(report))
    }
  }

  func testBoundsOfClassesAreThoseOfTheirOwnExamples() throws {
    let plain = TrainingSupport.model()
    let model = Model(
      encoder: plain.encoder, prior: plain.prior, decoder: plain.decoder,
      likelihood: plain.likelihood,
      condition: ConditionSpace(classes: 4, names: ["a", "b", "c", "d"]))
    var metric = ELBOPerClassMetric(setting(model))
    let rows = ConditionSpace(classes: 4).rows(labels: [2, 0, 2])
    metric.add(
      sample(distortion: [1, 10, 2], layers: [layer([1, 1, 2])], condition: rows))
    metric.add(
      sample(
        distortion: [20], layers: [layer([3])],
        condition: ConditionSpace(classes: 4).rows(labels: [3])))
    try assertReport(
      metric,
      #"{"elbo_per_class": [{"class": "a", "examples": 1, "elbo": -11.0, "elbo_stderr": null}, "#
        + #"{"class": "c", "examples": 2, "elbo": -3.0, "elbo_stderr": 1.0}, "#
        + #"{"class": "d", "examples": 1, "elbo": -23.0, "elbo_stderr": null}]}"#,
      [
        "bound of class a|-11.0|3|1 example", "bound of class c|-3.0±1.0|3|2 examples",
        "bound of class d|-23.0|3|1 example",
      ])
  }

  // MARK: Latents

  func testRatesOfLayersAndUnitsAreMeansOverExamplesInTheirOrder() throws {
    let first = [
      layer([1, 3], units: [0.25, 0.75, 1, 2]), layer([10, 20]), layer([5, 7], units: [5, 7]),
    ]
    let second = [layer([8], units: [2, 6]), layer([30]), layer([3], units: [3])]
    var layers = RatePerLayerMetric(setting())
    var units = RatePerUnitMetric(setting())
    for sample in [
      sample(distortion: [0, 0], layers: first), sample(distortion: [0], layers: second),
    ] {
      layers.add(sample)
      units.add(sample)
    }
    try assertReport(
      layers, #"{"rate_per_layer": [4.0, 20.0, 5.0]}"#,
      ["rate per layer|4.0 20.0 5.0|3|nats per example"])
    let curves = RatePerLayerMetric.report(layers.value()).curves
    XCTAssertEqual(curves.map(\.name), ["rate_of_level_0", "rate_of_level_1", "rate_of_level_2"])
    XCTAssertEqual(curves.map(\.value), [4, 20, 5])
    let found = units.value()
    XCTAssertEqual(found.map(\.count), [2, 0, 1])
    for (a, b) in zip(found.joined(), [3.25 / 3, 8.75 / 3, 5]) {
      XCTAssertEqual(a, b, accuracy: 1e-6)
    }
  }

  func testActiveUnitsAreCountedAmongAll() throws {
    var metric = ActiveUnitsMetric(setting())
    // The third unit is still, and the second nearly so.
    metric.take(BatchFindings(tensors: [Tensor([1, 0, 5, -1, 0.01, 5], shape: [2, 3])]))
    metric.take(BatchFindings(tensors: [Tensor([3, 0, 5], shape: [1, 3])]))
    let value = try metric.value()
    XCTAssertEqual(value.active.mean, 1)
    XCTAssertEqual(value.units, 3)
    let report = ActiveUnitsMetric.report(
      ActiveUnitsMetric.Value(active: Estimate(mean: 3, standardError: 0.5), units: 7))
    XCTAssertEqual(line(report), #"{"active_units": 3, "active_units_stderr": 0.5}"#)
    XCTAssertEqual(rows(report, ActiveUnitsMetric.descriptor), ["active units|3.0|0|of 7"])
    XCTAssertEqual(report.curves.map(\.name), ["active_units"])
    XCTAssertEqual(report.curves.map(\.value), [3])
  }

  func testTheAggregatePosteriorIsMeasuredAsAWholeAndByLayers() throws {
    var metric = AggregatePosteriorMetric(setting())
    // One unit of 1, 3 and 5; two units, of which the second lies at 4 ± 1.
    metric.take(
      BatchFindings(tensors: [
        Tensor([1, 3], shape: [2, 1]), Tensor([0, 3, 1, 4], shape: [2, 2]),
      ]))
    metric.take(
      BatchFindings(tensors: [Tensor([5], shape: [1, 1]), Tensor([-1, 5], shape: [1, 2])]))
    let value = try metric.value()
    XCTAssertEqual(value.examples, 3)
    XCTAssertEqual(value.layers.map(\.units), [1, 2])
    let first = (9 + 4 - 1 - log(4.0)) / 2
    let second = (0 + 1 - 1 - log(1.0)) / 2 + (16.0 + 1 - 1 - log(1.0)) / 2
    XCTAssertEqual(value.layers[0].divergence, first, accuracy: 1e-9)
    XCTAssertEqual(value.layers[1].divergence, second, accuracy: 1e-9)
    XCTAssertEqual(value.layers.map(\.meanNorm), [3, 4])
    XCTAssertEqual(value.meanNorm, 5, accuracy: 1e-12)
    XCTAssertEqual(value.divergence, first + second, accuracy: 1e-9)
    let report = AggregatePosteriorMetric.report(value)
    var object = JSON.Object()
    report.add(to: &object)
    let members = try XCTUnwrap(object["aggregate_posterior"]?.object)
    XCTAssertEqual(members["mean_norm"]?.double, 5)
    XCTAssertEqual(members["mean_norm_per_layer"]?.array?.map(\.double), [3, 4])
    XCTAssertEqual(
      members["kl_per_layer"]?.array?.map(\.double), value.layers.map(\.divergence))
    XCTAssertEqual(
      report.rows.map(\.title),
      [
        "aggregate posterior", "  its mean", "  layer 1", "    its mean", "  layer 2",
        "    its mean",
      ])
    XCTAssertEqual(
      report.rows.map { $0.numbers[0].mean },
      [value.divergence, 5, value.layers[0].divergence, 3, value.layers[1].divergence, 4])
  }

  func testOfTheCodesTheirUseIsToldByShareByNumberAndByPerplexity() throws {
    let usage = CodeUsage(counts: [6, 0, 2, 0, 0])
    let perplexity = exp(-0.75 * log(0.75) - 0.25 * log(0.25))
    XCTAssertEqual(usage.perplexity, perplexity, accuracy: 1e-12)
    XCTAssertEqual(usage.terms.map(\.name), ["codebook_perplexity", "codebook_usage"])
    XCTAssertEqual(usage.terms.map(\.value), [usage.perplexity, 0.4])
    let share = CodebookUsageMetric.report(usage)
    XCTAssertEqual(line(share), #"{"codebook_usage": 0.4}"#)
    XCTAssertEqual(rows(share, CodebookUsageMetric.descriptor), ["codes in use|2.0|0|of 5"])
    XCTAssertEqual(share.curves.map(\.name), ["codes_in_use"])
    XCTAssertEqual(share.curves.map(\.value), [2])
    let report = CodebookPerplexityMetric.report(usage)
    XCTAssertEqual(report.curves.map(\.name), ["codebook_perplexity"])
    XCTAssertEqual(report.curves.map(\.value), [usage.perplexity])
    XCTAssertEqual(report.rows.map(\.decimals), [1])
    // Codes that there are not are not counted.
    var counted = CodeUsage(codeCount: 3)
    counted.add(Tensor(indices: [2, 0, 2, 3, -1]))
    XCTAssertEqual(counted.counts, [1, 0, 2])
    XCTAssertEqual(counted.total, 3)
  }

  /// Of as many codes as could be in use fewer than a tenth, or one alone.
  func testACodebookIsDeadWhereNextToNoneOfTheCodesThatCouldBeAreInUse() {
    func isCollapsed(_ used: Int, of codes: Int, uses: Int = 1000) -> Bool {
      CodeUsage(
        counts: (0..<codes).map { $0 < used ? uses : 0 }
      ).isCollapsed
    }
    XCTAssertTrue(isCollapsed(1, of: 2))
    XCTAssertFalse(isCollapsed(2, of: 2))
    XCTAssertTrue(isCollapsed(9, of: 100))
    XCTAssertFalse(isCollapsed(10, of: 100))
    XCTAssertFalse(isCollapsed(1, of: 1))
    // Twelve codes were given, so that twelve of a thousand could be in use.
    XCTAssertFalse(isCollapsed(2, of: 1000, uses: 6))
    XCTAssertFalse(isCollapsed(1, of: 1000, uses: 1))
  }

  func testTheRateIsTakenApartForASpreadOfExamplesOnly() throws {
    // 2500 examples, of which 1000 are wanted: every second.
    let metric = RateDecompositionMetric(setting(count: 2500))
    let posterior = DiagonalGaussian(
      mean: random.stream("m").normal([4, 3]), logVariance: random.stream("v").normal([4, 3]))
    let z = random.stream("z").normal([4, 3])
    let evaluation = Evaluation(
      batch: .zeros([4, 1, 1, 1]), posterior: posterior,
      draw: LatentDraw(layers: [LatentLayer(sample: z, rate: .zeros([4]))], rowCount: 4),
      parameters: .zeros([4, 1]), logDensity: .zeros([4]), samples: 1)
    func findings(_ indices: [Int]) -> BatchFindings {
      metric.findings(in: MetricSample(evaluation, context([0, 1, 2, 3]), indices: indices))
    }
    let found = findings([4, 5, 7, 8])
    XCTAssertEqual(found.tensor(0)?.floats, posterior.means.floats)
    XCTAssertEqual(found.tensor(1)?.floats, posterior.logVariance.floats)
    XCTAssertEqual(found.tensor(2)?.floats, z.rows(0..<1).floats + z.rows(3..<4).floats)
    let own = try XCTUnwrap(posterior.logDensity(of: z)).floats
    let zeros = Tensor.zeros([4, 3])
    let prior = Tensor.gaussianLogDensity(z, mean: zeros, logVariance: zeros).floats
    XCTAssertEqual(found.numbers(0), [own[0], own[3]].map(Double.init))
    XCTAssertEqual(found.numbers(1), [prior[0], prior[3]].map(Double.init))
    // Posteriors of examples without a draw are parts of the mixture nevertheless.
    let none = findings([1, 3, 5, 7])
    XCTAssertEqual(none.numbers(0), [])
    XCTAssertEqual(none.tensor(0)?.floats, posterior.means.floats)
  }

  // MARK: Pictures

  func testScoresOfPicturesAreMeansUnlessAnImageLeavesItsRange() throws {
    var psnr = PSNRMetric(setting())
    psnr.take(BatchFindings([[20, 30], [0.25, 1]]))
    psnr.take(BatchFindings([[40, 50], [0, 0.5]]))
    XCTAssertEqual(try psnr.value().mean, 35)
    XCTAssertEqual(
      rows(PSNRMetric.report(Estimate(mean: 35, standardError: 2)), PSNRMetric.descriptor),
      ["PSNR|35.0±2.0|2|dB"])
    for (low, high) in [(-0.25, 1.0), (0.0, 1.25)] {
      var other = psnr
      other.take(BatchFindings([[1], [low, high]]))
      XCTAssertThrowsError(try other.value()) {
        let reason = ($0 as? UndefinedMetric)?.reason ?? ""
        XCTAssertTrue(reason.hasSuffix("reach from \(low) to \(high)"), reason)
      }
    }
    var several = MSSSIMMetric(setting())
    several.take(BatchFindings([[0.25, 0.75], [0, 1], [3]]))
    XCTAssertEqual(try several.value().scales, 3)
    try assertReport(
      several, #"{"ms_ssim": 0.5, "ms_ssim_stderr": 0.25, "ms_ssim_scales": 3}"#,
      ["MS-SSIM|0.5±0.25|4|on 3 scales"])
    var one = MSSSIMMetric(setting())
    one.take(BatchFindings([[0.5], [0, 1], [1]]))
    try assertReport(
      one, #"{"ms_ssim": 0.5, "ms_ssim_stderr": null, "ms_ssim_scales": 1}"#,
      ["MS-SSIM|0.5|4|on 1 scale"])
  }

  func testSharpnessIsTheEnergyOfAllImagesTogether() throws {
    var metric = SharpnessMetric(setting())
    metric.take(BatchFindings([[4, 1, 6, 3]]))
    metric.take(BatchFindings([[6, 4, 9, 5]]))
    try assertReport(
      metric, #"{"sharpness": {"reconstructions": 0.5, "samples": 1.5, "images": 8}}"#,
      ["sharpness of reconstructions|0.5|3|of the data's", "  of samples|1.5|3|of the data's"])
  }

  /// A reconstruction without any error has the ratio of an error of one in ten thousand million.
  func testThePeakSignalToNoiseRatioIsAHundredDecibelsAtMost() throws {
    struct Grey: ExampleStore {
      let count = 3
      let shape = ImageShape(height: 2, width: 3, channels: 1)
      func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
        for place in 0..<indices.count * 6 { destination[place] = 0.5 }
      }
    }
    let random = RandomSource(seed: 4)
    let model = Model(
      encoder: MLPEncoder(inputs: 6, hidden: [], latent: 1, random: random),
      prior: StandardNormalPrior(units: 1),
      decoder: MLPDecoder(latent: 1, hidden: [], outputShape: [2, 3, 1], random: random),
      likelihood: GaussianLikelihood(.fixed(1), link: .sigmoid))
    for (_, parameter) in model.decoder.parameters { parameter.value = .zeros(parameter.shape) }
    let evaluator = Evaluator(
      model: model, examples: Examples(DataSplit(name: "test", store: Grey())), seed: 1)
    let found = try XCTUnwrap(evaluator.run(metrics: ["psnr"])?.metrics[PSNRMetric.self])
    XCTAssertEqual(found.mean, 100, accuracy: 1e-9)
  }

  // MARK: Features

  private func column(_ values: [Float]) -> Tensor { Tensor(values, shape: [values.count, 1]) }

  func testTheFrechetDistanceIsOfSamplesAndOfReconstructionsFromTheData() throws {
    var metric = FrechetDistanceMetric(setting())
    // Means and variances: 1 and 2 of the data, 3 and 8 of samples, 4 and 2 of reconstructions.
    metric.take(BatchFindings([[0, 1, 2]], tensors: [column([0]), column([5]), column([5])]))
    metric.take(BatchFindings([[0, 1, 2]], tensors: [column([2]), column([1]), column([3])]))
    let value = try metric.value()
    XCTAssertEqual(try XCTUnwrap(value.samples), 4 + 10 - 8, accuracy: 1e-6)
    XCTAssertEqual(try XCTUnwrap(value.reconstructions), 9, accuracy: 1e-6)
    XCTAssertEqual([value.images, value.features], [2, 1])
    let report = FrechetDistanceMetric.report(value)
    XCTAssertEqual(
      report.rows.map(\.title), ["Fréchet distance, samples", "Fréchet distance, reconstructions"])
    XCTAssertEqual(
      report.rows.map { $0.numbers[0].mean.rounded() }, [6, 9])
    XCTAssertEqual(
      report.rows.map(\.note), Array(repeating: "2 against 2 images, 1 features", count: 2))
    // A model without latents has no reconstructions.
    var drawn = FrechetDistanceMetric(setting())
    drawn.take(BatchFindings([[0, 1]], tensors: [column([0, 2]), column([5, 1])]))
    XCTAssertNil(try drawn.value().reconstructions)
    XCTAssertEqual(try XCTUnwrap(drawn.value().samples), 6, accuracy: 1e-6)
  }

  func testTheDistanceOfFeaturesIsAShareOfTheVarianceOfAllOfThem() throws {
    var metric = FeatureDistanceMetric(setting())
    metric.take(BatchFindings([[6]], tensors: [Tensor([0, 1, 2, 3], shape: [2, 2])]))
    metric.take(BatchFindings([[2]], tensors: [Tensor([4, 5], shape: [1, 2])]))
    // 8 and 8 of the two columns.
    try assertReport(
      metric, #"{"feature_distance": 0.5}"#,
      ["feature distance|0.5|4|of the variance of features"])
  }

  func testPrecisionAndRecallAreThoseOfAllBatchesTogether() throws {
    let data = random.stream("data").normal([14, 2])
    let samples = random.stream("samples").normal([14, 2]) * 1.5 + 0.8
    var metric = PrecisionRecallMetric(setting())
    for range in [0..<3, 3..<14] {
      metric.take(BatchFindings(tensors: [data.rows(range), samples.rows(range)]))
    }
    let value = try metric.value()
    let whole = try XCTUnwrap(Neighborhoods(data: data, samples: samples, neighbors: 5))
    XCTAssertEqual(value.neighborhoods, whole)
    XCTAssertEqual([value.images, value.neighbors], [14, 5])
    let report = PrecisionRecallMetric.report(value)
    XCTAssertEqual(report.rows.map(\.title), ["precision", "recall", "density", "coverage"])
    XCTAssertEqual(
      report.rows.map { $0.numbers[0].mean },
      [whole.precision, whole.recall, whole.density, whole.coverage])
    XCTAssertNotEqual(whole.precision, whole.recall)
    XCTAssertNotEqual(whole.density, whole.coverage)
    for (number, value) in zip(
      PrecisionRecallMetric.descriptor.numbers,
      [whole.precision, whole.recall, whole.density, whole.coverage])
    {
      var object = JSON.Object()
      report.add(to: &object)
      XCTAssertEqual(number.value(in: object), value, number.name)
    }
  }

  /// Every ball, distance and count by brute force in double precision.
  func testNeighborhoodsAreThoseOfTheirDefinition() throws {
    let (count, drawn, k) = (9, 7, 3)
    let data = random.stream("data").normal([count, 2])
    let samples = random.stream("samples").normal([drawn, 2]) * 0.8 + 0.3
    func points(_ tensor: Tensor) -> [[Double]] {
      let floats = tensor.floats.map(Double.init)
      return stride(from: 0, to: floats.count, by: 2).map { [floats[$0], floats[$0 + 1]] }
    }
    func distance(_ a: [Double], _ b: [Double]) -> Double {
      ((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1])).squareRoot()
    }
    func radii(_ all: [[Double]]) -> [Double] {
      all.map { point in all.map { distance(point, $0) }.sorted()[k] }
    }
    let (own, others) = (points(data), points(samples))
    let (ofData, ofSamples) = (radii(own), radii(others))
    let inside = own.indices.map { place in
      others.map { distance(own[place], $0) < ofData[place] }
    }
    let found = try XCTUnwrap(Neighborhoods(data: data, samples: samples, neighbors: k))
    XCTAssertEqual(
      found.precision,
      Double(others.indices.count { sample in inside.contains { $0[sample] } }) / Double(drawn),
      accuracy: 1e-12)
    XCTAssertEqual(
      found.density, Double(inside.joined().count { $0 }) / Double(k * drawn), accuracy: 1e-12)
    XCTAssertEqual(
      found.coverage, Double(inside.count { $0.contains(true) }) / Double(count), accuracy: 1e-12)
    let recalled = own.count { point in
      others.indices.contains { distance(point, others[$0]) < ofSamples[$0] }
    }
    XCTAssertEqual(found.recall, Double(recalled) / Double(count), accuracy: 1e-12)
  }

  func testAClassifierIsSureFromNineTenthsOnAndTheDataStandBesideTheSamples() throws {
    var metric = ClassifierConfidenceMetric(setting())
    metric.take(BatchFindings([[Double(Float(0.9)), 0.5], [1, 0.25]]))
    metric.take(BatchFindings([[0.875, 1], [0.25, 0.5]]))
    let value = try metric.value()
    XCTAssertEqual(value.sure.mean, 0.5)
    XCTAssertEqual(value.sureOfData.mean, 0.25)
    XCTAssertEqual(value.mean.mean, (0.9 + 0.5 + 0.875 + 1) / 4, accuracy: 1e-6)
    let report = ClassifierConfidenceMetric.report(value)
    XCTAssertEqual(
      report.rows.map(\.title), ["sure of samples", "sure of examples", "mean confidence"])
    XCTAssertEqual(
      report.rows.map { $0.numbers[0].mean }, [0.5, 0.25, value.mean.mean])
    var object = JSON.Object()
    report.add(to: &object)
    XCTAssertEqual(
      ClassifierConfidenceMetric.descriptor.numbers.map { $0.value(in: object) },
      [0.5, 0.25, value.mean.mean])
  }

  func testThePartsOfDCIStandInTheOrderOfTheirNames() {
    // The first unit has the first factor and half of the second, the second the rest.
    let dci = DCI(importances: [[1, 0], [0.5, 0.5]], informativeness: 0.25)
    let report = DCIMetric.report(dci)
    let shared = 1 - (-2.0 / 3 * log(2.0 / 3) - 1.0 / 3 * log(1.0 / 3)) / log(2)
    XCTAssertEqual(dci.disentanglement, 0.75 * shared + 0.25, accuracy: 1e-12)
    XCTAssertEqual(dci.completeness, 0.5, accuracy: 1e-12)
    XCTAssertEqual(
      report.numbers.map(\.name),
      ["dci_disentanglement", "dci_completeness", "dci_informativeness"])
    XCTAssertEqual(
      report.numbers.map(\.value), [dci.disentanglement, dci.completeness, 0.25])
    XCTAssertEqual(
      report.rows.map { $0.numbers.map(\.mean) }, [[dci.disentanglement, dci.completeness, 0.25]])
  }
}
