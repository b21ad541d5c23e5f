import Foundation
import NeuralNetworks
import Tensors
import VAECore
import VQVAE
import XCTest

final class VectorQuantizerTests: XCTestCase {
  private let vectors: [[Float]] = [[0, 0], [4, 4], [-4, 4]]
  private let grid = CodeGrid(height: 1, width: 3, codeCount: 3, vectorSize: 2)
  /// Two examples of three points; their codes are 0, 1, 2 and 2, 0, 0.
  private let points = Tensor([1, 0, 3, 4, -4, 5, -3, 3, 0, 1, 1, 1], shape: [2, 1, 3, 2])

  private func quantizer(
    _ update: Codebook.Update = .ema, commitment: Float = 0.25, dataElements: Int = 60
  ) -> VectorQuantizer {
    VectorQuantizer(
      codebook: Support.codebook(vectors, update: update), grid: grid, commitment: commitment,
      dataElements: dataElements)
  }

  func testPointsBecomeTheVectorsOfTheirNearestCodesExactly() {
    let result = quantizer().quantize(Parameter(points).tensor, Support.context(2))
    XCTAssertEqual(result.codes.shape, [2, 1, 3])
    XCTAssertEqual(result.codes.indices, [0, 1, 2, 2, 0, 0])
    XCTAssertEqual(result.vectors.shape, [2, 1, 3, 2])
    XCTAssertEqual(result.vectors.floats, [0, 0, 4, 4, -4, 4, -4, 4, 0, 0, 0, 0])
  }

  func testGradientPassesAsIfNothingHadBeenReplaced() throws {
    for update in Codebook.Update.allCases {
      let z = Parameter(points)
      let quantizer = quantizer(update)
      let result = quantizer.quantize(z.tensor, Support.context(2, .training))
      let cotangent = RandomSource(seed: 6).stream("cotangent").normal(points.shape)
      let gradients = result.vectors.backward(from: cotangent)
      XCTAssertEqual(try XCTUnwrap(gradients[z]).floats, cotangent.floats)
      XCTAssertEqual(gradients.count, 1, "the codebook learnt from the decoder")
    }
  }

  func testCommitmentIsHalfTheDataElementsTimesTheMeanOverTheCodes() throws {
    // Squared distances: example 1: 1 + 1 + 1 = 3, example 2: 2 + 1 + 2 = 5; six numbers each.
    let result = quantizer(commitment: 0.25, dataElements: 60).quantize(
      points, Support.context(2))
    XCTAssertEqual(result.auxiliary.keys.sorted(), ["commitment"])
    assertEqual(
      try XCTUnwrap(result.auxiliary["commitment"]).floats,
      [0.25 * 30 * 3 / 6, 0.25 * 30 * 5 / 6], accuracy: 1e-5)
    let doubled = quantizer(commitment: 0.5, dataElements: 120).quantize(
      points, Support.context(2))
    assertEqual(
      try XCTUnwrap(doubled.auxiliary["commitment"]).floats, [15, 25], accuracy: 1e-5)
  }

  func testCodebookTermIsNotWeighedByTheCommitment() throws {
    let result = quantizer(.gradient, commitment: 0).quantize(points, Support.context(2))
    assertEqual(
      try XCTUnwrap(result.auxiliary["codebook"]).floats, [15, 25], accuracy: 1e-5)
    assertEqual(try XCTUnwrap(result.auxiliary["commitment"]).floats, [0, 0], accuracy: 0)
  }

  func testCommitmentMovesTheEncoderAndTheCodebookTermTheCodesOnly() throws {
    let z = Parameter(points)
    let quantizer = quantizer(.gradient)
    let result = quantizer.quantize(z.tensor, Support.context(2, .training))
    let table = try XCTUnwrap(quantizer.codebook.parameters.first?.parameter)
    let commitment = try XCTUnwrap(result.auxiliary["commitment"]).sum().backward()
    XCTAssertNotNil(commitment[z])
    XCTAssertNil(commitment[table])
    let codebook = try XCTUnwrap(result.auxiliary["codebook"]).sum().backward()
    XCTAssertNil(codebook[z])
    XCTAssertNotNil(codebook[table])
  }

  /// The sum of a term as a function of one tensor, and its gradient.
  private func check(
    _ name: String, _ gradient: Tensor, at values: Tensor, of term: (Tensor) -> Float
  ) {
    for position in 0..<values.count {
      func moved(_ step: Float) -> Float {
        var floats = values.floats
        floats[position] += step
        return term(Tensor(floats, shape: values.shape))
      }
      let slope = (moved(1.0 / 64) - moved(-1.0 / 64)) * 32
      XCTAssertEqual(gradient.floats[position], slope, accuracy: 2e-3, "\(name) \(position)")
    }
  }

  func testGradientsOfBothTermsAreThoseOfFiniteDifferences() throws {
    let quantizer = quantizer(.gradient, commitment: 0.7)
    let z = Parameter(points)
    let table = try XCTUnwrap(quantizer.codebook.parameters.first?.parameter)
    let result = quantizer.quantize(z.tensor, Support.context(2, .training))
    func term(_ name: String, points: Tensor) -> Float {
      let terms = withoutTape { quantizer.quantize(points, Support.context(2)).auxiliary }
      return Float(terms[name]?.doubleSum ?? .nan)
    }
    let toPoints = try XCTUnwrap(result.auxiliary["commitment"]).sum().backward()
    check("commitment", try XCTUnwrap(toPoints[z]), at: points) { term("commitment", points: $0) }
    let toCodes = try XCTUnwrap(result.auxiliary["codebook"]).sum().backward()
    let start = table.value.copied()
    check("codebook", try XCTUnwrap(toCodes[table]), at: start) { vectors in
      quantizer.codebook.vectors = vectors
      defer { quantizer.codebook.vectors = start }
      return term("codebook", points: points)
    }
  }

  func testOnlyTrainingIsObserved() {
    let quantizer = quantizer()
    let before = quantizer.codebook.counts.value.floats
    for mode in [Context.Mode.evaluation, .calibration] {
      _ = quantizer.quantize(points, Support.context(2, mode))
      quantizer.codebook.afterUpdate(Support.context(2, mode))
      XCTAssertEqual(quantizer.codebook.counts.value.floats, before)
    }
    _ = quantizer.quantize(points, Support.context(2, .training))
    XCTAssertEqual(quantizer.codebook.counts.value.floats, before)
    quantizer.codebook.afterUpdate(Support.context(2, .training))
    assertEqual(quantizer.codebook.counts.value.floats, [1.2, 1.0, 1.1], accuracy: 1e-6)
  }

  func testADrawThatIsStoppedPassesItsGradientByTheWeightsOfItsRows() throws {
    let z = Parameter(points)
    var request = DrawRequest()
    let prior = UniformCodePrior(quantizer())
    XCTAssertNil(
      prior.draw(from: PointPosterior(z.tensor), request, Support.context(2)).layers[0].gate)
    request.stopsPosterior = true
    let layer = prior.draw(from: PointPosterior(z.tensor), request, Support.context(2)).layers[0]
    XCTAssertEqual(layer.sample.floats, [0, 0, 4, 4, -4, 4, -4, 4, 0, 0, 0, 0])
    try XCTUnwrap(layer.gate).weights = Tensor([3, 0.5])
    XCTAssertEqual(
      try XCTUnwrap(layer.sample.sum().backward()[z]).floats,
      [3, 3, 3, 3, 3, 3, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
  }

  func testTheCodebookBeginsAtWhatTheEncoderSaysOfEachBatchWithItsOwnExamples() throws {
    final class NotingEncoder: Encoder {
      private(set) var seen: [[UInt64]] = []
      var members: Members { [:] }
      func encode(_ x: Tensor, _ context: Context) -> any Posterior {
        seen.append(context.examples)
        return PointPosterior(x)
      }
    }
    let (encoder, prior) = (NotingEncoder(), UniformCodePrior(quantizer()))
    let batches = [points, points.rows(1..<2) + 100]
    var context = Support.context(3, .evaluation)
    context.examples = [7, 8, 9]
    try prior.prepare(firstBatches: batches, encodedBy: encoder, context: context)
    XCTAssertEqual(encoder.seen, [[7, 8], [9]])
    // Three points are around (100, 101), (97, 103) and so on, six near the origin.
    XCTAssertEqual(prior.quantizer.codebook.counts.value.doubleSum, 6, accuracy: 1e-4)
    XCTAssertGreaterThan(prior.quantizer.codebook.vectors.floats.max() ?? 0, 90)
  }

  // MARK: The uniform prior

  func testRateIsTheLogarithmOfTheNumberOfCodesForEachPosition() {
    let prior = UniformCodePrior(quantizer())
    XCTAssertEqual(prior.latents, .codes(grid))
    var request = DrawRequest()
    request.samples = 2
    request.usesSampledRate = true
    let draw = prior.draw(from: PointPosterior(points), request, Support.context(2))
    assertEqual(draw.rate.floats, [Float](repeating: 3 * log(3), count: 4), accuracy: 1e-6)
    XCTAssertEqual(draw.rowCount, 4)
    XCTAssertEqual(draw.layers[0].codes?.indices, [0, 1, 2, 2, 0, 0, 0, 1, 2, 2, 0, 0])
    XCTAssertEqual(draw.layers[0].codes?.shape, [4, 1, 3])
    XCTAssertEqual(draw.layers[0].sample.shape, [4, 1, 3, 2])
    XCTAssertEqual(draw.layers[0].logPosterior?.floats, [0, 0, 0, 0])
    XCTAssertEqual(draw.auxiliary["commitment"]?.shape, [4])
  }

  func testASampledRateIsThatOfACertainCodeUnderThePrior() {
    let prior = UniformCodePrior(quantizer())
    var request = DrawRequest()
    request.samples = 2
    XCTAssertNil(
      prior.draw(from: PointPosterior(points), request, Support.context(2)).layers[0].logPrior)
    request.usesSampledRate = true
    let layer = prior.draw(from: PointPosterior(points), request, Support.context(2)).layers[0]
    assertEqual(
      layer.logPrior?.floats ?? [], [Float](repeating: -3 * log(3), count: 4), accuracy: 1e-6)
    XCTAssertEqual(layer.logPosterior?.floats, [0, 0, 0, 0])
  }

  func testDrawsRepeatCodesVectorsAndTermsExampleByExample() {
    let prior = UniformCodePrior(quantizer(commitment: 0.25, dataElements: 60))
    var request = DrawRequest()
    request.samples = 3
    let draw = prior.draw(from: PointPosterior(points), request, Support.context(2))
    assertEqual(
      draw.auxiliary["commitment"]?.floats ?? [], [3.75, 6.25, 3.75, 6.25, 3.75, 6.25],
      accuracy: 1e-5)
    let once: [Float] = [0, 0, 4, 4, -4, 4, -4, 4, 0, 0, 0, 0]
    XCTAssertEqual(draw.layers[0].sample.floats, once + once + once)
  }

  func testPointsAndCodesAreTranslatedPlaceByPlace() {
    let prior = UniformCodePrior(quantizer())
    let codes = prior.nearestCodes(to: points)
    XCTAssertEqual(codes.shape, [2, 1, 3])
    XCTAssertEqual(codes.indices, [0, 1, 2, 2, 0, 0])
    let vectors = prior.vectors(of: Tensor(indices: [1, 2], shape: [2, 1, 1]))
    XCTAssertEqual(vectors.shape, [2, 1, 1, 2])
    XCTAssertEqual(vectors.floats, [4, 4, -4, 4])
    let draw = prior.draw(of: [codes], Support.context(2))
    XCTAssertEqual(draw.layers[0].codes?.indices, codes.indices)
    XCTAssertEqual(draw.rate.floats, [0, 0])
    XCTAssertNil(prior.draw(of: [points], Support.context(2)).layers[0].codes)
  }

  func testATemperatureMeansNothingToCodesThatAreAllAlike() {
    let prior = UniformCodePrior(quantizer())
    XCTAssertFalse(prior.usesTemperature)
    let context = Support.context(20)
    XCTAssertEqual(
      prior.sampleCodes(temperature: 0, context).indices,
      prior.sampleCodes(temperature: 1, context).indices)
  }

  func testASingleCodeCostsNothing() {
    let codebook = Support.codebook([[1, 2]], restartThreshold: 0.5)
    let prior = UniformCodePrior(
      VectorQuantizer(
        codebook: codebook, grid: CodeGrid(height: 1, width: 3, codeCount: 1, vectorSize: 2),
        commitment: 0.25, dataElements: 6))
    let one = points.rows(0..<1)
    let draw = prior.draw(from: PointPosterior(one), DrawRequest(), Support.context(1, .training))
    XCTAssertEqual(draw.rate.floats, [0])
    XCTAssertEqual(draw.layers[0].sample.floats, [1, 2, 1, 2, 1, 2])
    codebook.afterUpdate(Support.context(1, .training))
    XCTAssertTrue(codebook.vectors.isFinite)
    XCTAssertEqual(
      prior.sampleCodes(temperature: 1, Support.context(4)).indices,
      [Int32](repeating: 0, count: 12))
  }

  func testDrawsFromThePriorAreUniformOverTheCodes() {
    let prior = UniformCodePrior(quantizer())
    let draw = prior.draw(temperature: 1, Support.context(2000))
    let codes = draw.layers[0].codes?.indices ?? []
    XCTAssertEqual(codes.count, 6000)
    for code in 0..<3 as Range<Int32> {
      // Binomial with deviation √(6000 · 2/9) = 36.5.
      XCTAssertEqual(Double(codes.count { $0 == code }), 2000, accuracy: 5 * 36.5)
    }
    XCTAssertEqual(
      Array(draw.layers[0].sample.floats.prefix(2)), vectors[Int(codes[0])])
  }

  func testGivenCodesAndGivenVectorsAreTakenAsTheyAre() {
    let prior = UniformCodePrior(quantizer())
    let codes = Tensor(indices: [2, 1, 0], shape: [1, 1, 3])
    XCTAssertEqual(
      prior.draw(of: [codes], Support.context(1)).layers[0].sample.floats, [-4, 4, 4, 4, 0, 0])
    let given = prior.draw(of: [points], Support.context(2))
    XCTAssertEqual(given.layers[0].sample.floats, points.floats)
    XCTAssertEqual(given.rowCount, 2)
  }
}
