import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Parts that may fail, and what a model says of itself.
final class ModelFaultTests: XCTestCase {
  private struct Fault: Error, Equatable { let name: String }

  private final class FailingEncoder: Encoder, FalliblePart {
    var faults: [Fault] = []
    var members: Members { [:] }
    func encode(_ x: Tensor, _ context: Context) -> any Posterior {
      EmptyPosterior(exampleCount: x.shape[0])
    }
    func takeFault() -> (any Error)? { faults.popLast() }
  }

  private final class FailingDecoder: Decoder, FalliblePart {
    var faults: [Fault] = []
    var members: Members { [:] }
    func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
      draw.decoderInput
    }
    func takeFault() -> (any Error)? { faults.popLast() }
  }

  func testTheFirstPartsFaultIsThrownAndThoseOfAllAreTaken() throws {
    let (encoder, decoder) = (FailingEncoder(), FailingDecoder())
    let model = Model(
      encoder: encoder, prior: StandardNormalPrior(units: 1), decoder: decoder,
      likelihood: BernoulliLikelihood())
    XCTAssertTrue(model.hasFallibleParts)
    XCTAssertNoThrow(try model.checkParts())
    encoder.faults = [Fault(name: "encoder")]
    decoder.faults = [Fault(name: "decoder")]
    XCTAssertThrowsError(try model.checkParts()) {
      XCTAssertEqual($0 as? Fault, Fault(name: "encoder"))
    }
    XCTAssertNoThrow(try model.checkParts(), "a later call knows nothing of them")
    decoder.faults = [Fault(name: "decoder")]
    XCTAssertThrowsError(try model.checkParts()) {
      XCTAssertEqual($0 as? Fault, Fault(name: "decoder"))
    }
  }

  private func model(
    _ prior: any Prior, _ likelihood: any Likelihood = BernoulliLikelihood()
  ) -> Model {
    let random = RandomSource(seed: 1)
    return Model(
      encoder: MLPEncoder(inputs: 2, hidden: [], latent: 1, random: random), prior: prior,
      decoder: MLPDecoder(latent: 1, hidden: [], outputShape: [1, 2, 1], random: random),
      likelihood: likelihood)
  }

  func testAModelSaysWhetherItsDrawsDifferAndWhetherLatentsTeachIt() {
    let plain = model(StandardNormalPrior(units: 1))
    XCTAssertFalse(plain.hasFallibleParts)
    XCTAssertTrue(plain.drawsDiffer && plain.hasPosteriorMoments && plain.learnsFromLatents)
    let empty = model(EmptyPrior())
    XCTAssertFalse(empty.drawsDiffer || empty.hasPosteriorMoments || empty.learnsFromLatents)
    let flow = ConditionalCoupling(
      channels: 1, steps: 1, hidden: 2, blocks: 0, features: 0, dequantizer: Dequantizer(),
      random: RandomSource(seed: 1))
    XCTAssertTrue(model(EmptyPrior(), flow).drawsDiffer, "the noise of bytes does")
    let codes = PointHead(CodeGrid(height: 1, width: 1, codeCount: 2, vectorSize: 1))
    let pointed = Model(
      encoder: MLPEncoder(inputs: 2, hidden: [], head: codes, random: RandomSource(seed: 1)),
      prior: StandardNormalPrior(units: 1), decoder: plain.decoder, likelihood: plain.likelihood)
    XCTAssertFalse(pointed.hasPosteriorMoments, "a point has no variance")
  }

  /// Pictures of the prior need no example, and those that are drawn pixel by pixel are not made.
  func testPriorSamplesAreDrawnFromTheirOwnNoiseForEveryExample() throws {
    let model = model(StandardNormalPrior(units: 1))
    let context = Context(
      mode: .training, random: RandomSource(seed: 3), examples: [4, 2, 9])
    let pass = ForwardPass(model, .zeros([3, 1, 2, 1]), DrawRequest(), context)
    var own = context
    own.random = context.random.child("prior samples")
    let z = own.normalNoise("prior", samples: 1, shape: [1])
    let samples = try XCTUnwrap(pass.priorSamples)
    XCTAssertEqual(samples.draw.layers[0].sample.floats, z.floats)
    XCTAssertEqual(samples.mean.floats, samples.parameters.sigmoid().floats)
    let network = MaskedConvolutionStack(
      inputs: 1, outputs: 1, channels: 2, kernels: [3], random: RandomSource(seed: 1))
    let drawn = Model(
      encoder: EmptyEncoder(), prior: EmptyPrior(),
      decoder: PixelCNNDecoder(network, height: 2, width: 2, channels: 1),
      likelihood: BernoulliLikelihood())
    XCTAssertNil(ForwardPass(drawn, .zeros([3, 2, 2, 1]), DrawRequest(), context).priorSamples)
  }

  /// The value is zero, and its slope that of the distortion in what the likelihood learns alone.
  func testWhatALikelihoodLearnsByItselfAddsNothingToALoss() throws {
    let likelihood = GaussianLikelihood(.learnt)
    let model = model(StandardNormalPrior(units: 1), likelihood)
    let context = Context(mode: .training, random: RandomSource(seed: 3), examples: [4, 2])
    let x = Tensor([1, 2, -3, 5], shape: [2, 1, 2, 1])
    let pass = ForwardPass(model, x, DrawRequest(), context)
    let alone = try XCTUnwrap(pass.distortionOfLikelihoodAlone)
    XCTAssertEqual(alone.item, 0)
    let gradients = alone.backward()
    let deviation = try XCTUnwrap(likelihood.parameters.first?.parameter)
    let whole = pass.evaluation.distortion.mean().backward()
    XCTAssertEqual(
      try XCTUnwrap(gradients[deviation]).item, try XCTUnwrap(whole[deviation]).item,
      accuracy: 1e-4)
    XCTAssertNotEqual(try XCTUnwrap(gradients[deviation]).item, 0)
    XCTAssertTrue(model.decoder.parameters.allSatisfy { gradients[$0.parameter] == nil })
    let fixed = self.model(StandardNormalPrior(units: 1), GaussianLikelihood(.fixed(1)))
    XCTAssertNil(ForwardPass(fixed, x, DrawRequest(), context).distortionOfLikelihoodAlone)
  }
}
