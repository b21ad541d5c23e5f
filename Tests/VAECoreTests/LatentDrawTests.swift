import NeuralNetworks
import Tensors
import VAECore
import XCTest

/// Latents as they are handed from a prior to a decoder and to an objective.
final class LatentDrawTests: XCTestCase {
  private func layer(_ sample: [Float], _ rate: [Float]) -> LatentLayer {
    LatentLayer(
      sample: Tensor(sample, shape: [rate.count, sample.count / rate.count]), rate: Tensor(rate))
  }

  func testTheRateIsThatOfAllLayersAndTheDecoderTakesTheLowestUnlessThereAreFeatures() {
    let layers = [
      layer([1, 2], [0.5, 3]), layer([3, 4, 5, 6], [10, 20]), layer([7, 8], [100, 200]),
    ]
    var draw = LatentDraw(layers: layers, rowCount: 2)
    XCTAssertEqual(draw.rate.floats, [110.5, 223])
    XCTAssertEqual(draw.decoderInput.floats, [1, 2])
    draw.features = Tensor([9, 8, 7, 6], shape: [2, 2])
    XCTAssertEqual(draw.decoderInput.floats, [9, 8, 7, 6])
    let none = LatentDraw(layers: [], rowCount: 3)
    XCTAssertEqual(none.rate.floats, [0, 0, 0])
    XCTAssertEqual(none.decoderInput.shape, [3, 0])
  }

  func testAGateMultipliesTheGradientOfEachRowAndLeavesTheDrawAlone() throws {
    let draw = Parameter(Tensor([1, 2, 3, 4], shape: [2, 2, 1]))
    let factors = Tensor([1, 10, 100, 1000], shape: [2, 2, 1])
    for (weights, wanted) in [
      (nil, [1, 10, 100, 1000]), (Tensor([2, -3]), [2, 20, -300, -3000]),
    ] as [(Tensor?, [Float])] {
      let gate = GradientGate()
      let passed = gate.applied(to: draw.tensor)
      // Weights become known after the draw.
      gate.weights = weights
      XCTAssertEqual(passed.floats, [1, 2, 3, 4])
      let gradient = (passed * factors).sum().backward()[draw]
      XCTAssertEqual(try XCTUnwrap(gradient).floats, wanted)
    }
  }

  func testAnEvaluationHasARowForEachDrawAndItsTermsByTheirNames() {
    let draw = LatentDraw(
      layers: [layer([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6])], rowCount: 6,
      auxiliary: ["second": Tensor([1, 5]), "first": Tensor([2, 3, 7])])
    let evaluation = Evaluation(
      batch: .zeros([3, 1, 1, 1]), posterior: EmptyPosterior(exampleCount: 3), draw: draw,
      parameters: .zeros([6, 1]), logDensity: Tensor([-10, -20, -30, -40, -50, -60]), samples: 2)
    XCTAssertEqual(evaluation.distortion.shape, [2, 3])
    XCTAssertEqual(evaluation.distortion.rows(1..<2).floats, [40, 50, 60])
    XCTAssertEqual(evaluation.rate.rows(0..<1).floats, [1, 2, 3])
    XCTAssertEqual(evaluation.logWeights.floats, [-11, -22, -33, -44, -55, -66])
    XCTAssertEqual(evaluation.auxiliary.map(\.name), ["first", "second"])
    XCTAssertEqual(evaluation.auxiliary.map(\.value.item), [4, 3])
    let loss = Loss.withAuxiliary(Tensor(0.5), evaluation)
    XCTAssertEqual(loss.value.item, 7.5)
    XCTAssertEqual(loss.terms.map(\.name), ["first", "second"])
  }

  // MARK: What is asked of a prior

  private let posterior = DiagonalGaussian(
    mean: Tensor([0.5, -1, 2, 0.25], shape: [2, 2]),
    logVariance: Tensor([-1, 0.4, 0.3, -2], shape: [2, 2]))
  private let context = Context(
    mode: .training, random: RandomSource(seed: 2), examples: [3, 8])

  private func drawn(_ change: (inout DrawRequest) -> Void) -> LatentLayer {
    var request = DrawRequest()
    request.samples = 3
    change(&request)
    return StandardNormalPrior(units: 2).draw(from: posterior, request, context).layers[0]
  }

  func testAClosedRateIsTheSameForEveryDrawAndASampledOneIsThatOfTheDraw() throws {
    let exact = Tensor.gaussianDivergence(
      mean: posterior.means, logVariance: posterior.logVariance
    ).floats
    let closed = drawn { _ in }
    XCTAssertEqual(closed.rate.floats, exact + exact + exact)
    XCTAssertNil(closed.logPosterior)
    XCTAssertNil(closed.unitRates)
    let sampled = drawn { $0.usesSampledRate = true }
    XCTAssertEqual(sampled.sample.floats, closed.sample.floats)
    let zeros = Tensor.zeros([6, 2])
    let tiled = posterior.tiled(3)
    let own = Tensor.gaussianLogDensity(
      sampled.sample, mean: tiled.means, logVariance: tiled.logVariance
    ).floats
    let prior = Tensor.gaussianLogDensity(sampled.sample, mean: zeros, logVariance: zeros).floats
    for row in 0..<6 {
      XCTAssertEqual(try XCTUnwrap(sampled.logPosterior).floats[row], own[row], accuracy: 1e-5)
      XCTAssertEqual(try XCTUnwrap(sampled.logPrior).floats[row], prior[row], accuracy: 1e-5)
      XCTAssertEqual(sampled.rate.floats[row], own[row] - prior[row], accuracy: 1e-5)
    }
  }

  func testRatesOfUnitsAreThoseOfTheClosedFormHoweverTheRateIsComputed() throws {
    let exact = try XCTUnwrap(
      DivergenceTable.standard.divergence(
        from: posterior, to: StandardNormal(exampleCount: 2, units: 2))?.perUnit
    ).floats
    for isSampled in [false, true] {
      let layer = drawn {
        $0.usesSampledRate = isSampled
        $0.wantsUnitRates = true
      }
      XCTAssertEqual(try XCTUnwrap(layer.unitRates).floats, exact)
      XCTAssertEqual(layer.logPosterior != nil, isSampled)
    }
  }

  func testOnlyAStoppedPosteriorHasAGate() {
    XCTAssertNil(drawn { $0.usesSampledRate = true }.gate)
    let stopped = drawn {
      $0.usesSampledRate = true
      $0.stopsPosterior = true
    }
    XCTAssertNotNil(stopped.gate)
  }

  func testGivenLatentsAreLayersWithoutARate() {
    let prior = StandardNormalPrior(units: 2)
    let given = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
    let draw = prior.draw(of: [given], context)
    XCTAssertEqual(draw.rowCount, 3)
    XCTAssertEqual(draw.layers[0].sample.floats, given.floats)
    XCTAssertEqual(draw.rate.floats, [0, 0, 0])
    let warm = prior.draw(temperature: 1, context).layers[0].sample
    XCTAssertEqual(warm.floats, context.normalNoise("prior", samples: 1, shape: [2]).floats)
    let hot = prior.draw(temperature: 3, context).layers[0].sample
    for (a, b) in zip(hot.floats, warm.floats) { XCTAssertEqual(a, 3 * b, accuracy: 1e-5) }
  }
}
