import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// What an objective asks for is computed when it is asked for, and once.
final class ForwardPassTests: XCTestCase {
  /// An encoder and a decoder that count their calls.
  private final class CountingEncoder: Encoder {
    let inner = MLPEncoder(
      inputs: 12, hidden: [5], latent: 2, random: RandomSource(seed: 1).child("encoder"))
    var calls = 0
    var members: Members { inner.members }
    func encode(_ x: Tensor, _ context: Context) -> any Posterior {
      calls += 1
      return inner.encode(x, context)
    }
  }

  private final class CountingDecoder: Decoder {
    let inner = MLPDecoder(
      latent: 2, hidden: [5], outputShape: [4, 3, 1],
      random: RandomSource(seed: 1).child("decoder"))
    var calls = 0
    var members: Members { inner.members }
    func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
      calls += 1
      return inner.decode(draw, target: target, context)
    }
  }

  private let encoder = CountingEncoder()
  private let decoder = CountingDecoder()
  private lazy var model = Model(
    encoder: encoder, prior: StandardNormalPrior(units: 2), decoder: decoder,
    likelihood: BernoulliLikelihood())

  private func context(_ count: Int, seed: UInt64 = 4) -> Context {
    Context(
      mode: .training, random: RandomSource(seed: seed), examples: (0..<count).map(UInt64.init))
  }

  private func images(_ count: Int, seed: UInt64) -> Tensor {
    RandomSource(seed: seed).stream("x").uniform([count, 4, 3, 1]).isAbove(0.5)
  }

  private func pass(_ request: DrawRequest = DrawRequest()) -> ForwardPass {
    ForwardPass(
      model, images(5, seed: 2), second: (images(3, seed: 3), context(3, seed: 9)), request,
      context(5))
  }

  func testNothingIsComputedUnlessItIsAskedForAndNothingTwice() {
    let pass = pass()
    XCTAssertEqual([encoder.calls, decoder.calls], [0, 0])
    for _ in 0..<2 { _ = pass.draw }
    _ = pass.posterior
    XCTAssertEqual([encoder.calls, decoder.calls], [1, 0], "draws need no decoder")
    for _ in 0..<2 { _ = pass.second?.draw }
    XCTAssertEqual([encoder.calls, decoder.calls], [2, 0])
    for _ in 0..<2 { _ = (pass.evaluation, pass.decodedMean) }
    XCTAssertEqual([encoder.calls, decoder.calls], [2, 1], "the draws are those of before")
    for _ in 0..<2 { _ = pass.priorSamples }
    XCTAssertEqual([encoder.calls, decoder.calls], [2, 2])
  }

  func testWhatIsAskedForIsWhatTheModelSays() throws {
    var request = DrawRequest()
    request.samples = 2
    let pass = pass(request)
    let expected = model.evaluate(images(5, seed: 2), request, context(5))
    XCTAssertEqual(pass.draw.layers[0].sample.floats, expected.draw.layers[0].sample.floats)
    XCTAssertEqual(pass.evaluation.distortion.floats, expected.distortion.floats)
    XCTAssertEqual(pass.evaluation.rate.floats, expected.rate.floats)
    XCTAssertEqual(
      pass.decodedMean.floats, model.likelihood.mean(expected.parameters).floats)
    let second = try XCTUnwrap(pass.second)
    XCTAssertEqual(
      second.draw.layers[0].sample.floats,
      model.evaluate(images(3, seed: 3), request, context(3, seed: 9)).draw.layers[0].sample.floats)
    XCTAssertNil(second.second)
  }

  func testPriorSamplesAreOneForEachExampleAndPassGradientsToTheDecoder() throws {
    let pass = pass()
    let samples = try XCTUnwrap(pass.priorSamples)
    XCTAssertEqual(samples.mean.shape, [5, 4, 3, 1])
    let gradients = samples.mean.sum().backward()
    XCTAssertTrue(decoder.parameters.allSatisfy { gradients[$0.parameter] != nil })
    XCTAssertTrue(encoder.parameters.allSatisfy { gradients[$0.parameter] == nil })
    // The noise of the samples is none that the posterior's draws had.
    let noise = context(5).normalNoise("posterior", samples: 1, shape: [2]).floats
    XCTAssertNotEqual(samples.draw.layers[0].sample.floats, noise)
  }

  func testAKnownEvaluationIsTakenAsItIs() {
    let evaluation = model.evaluate(images(5, seed: 2), DrawRequest(), context(5))
    let calls = [encoder.calls, decoder.calls]
    let pass = ForwardPass(model, evaluation, context(5))
    XCTAssertEqual(pass.evaluation.rate.floats, evaluation.rate.floats)
    XCTAssertEqual(pass.draw.layers[0].sample.floats, evaluation.draw.layers[0].sample.floats)
    XCTAssertEqual(pass.batch.floats, evaluation.batch.floats)
    XCTAssertEqual([encoder.calls, decoder.calls], calls)
    XCTAssertNil(pass.second)
  }
}
