import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// What a model says of examples and draws, held to its parts by themselves.
final class ModelOutputTests: XCTestCase {
  private func model(logScales: [Float]? = nil) -> Model {
    let random = RandomSource(seed: 6)
    return Model(
      encoder: MLPEncoder(inputs: 3, hidden: [4], latent: 2, random: random.child("encoder")),
      prior: StandardNormalPrior(units: 2),
      decoder: MLPDecoder(
        latent: 2, hidden: [5], outputShape: [3, 1, 1], random: random.child("decoder")),
      likelihood: GaussianLikelihood(.fixed(0.5), link: .sigmoid), logScales: logScales)
  }

  private let context = Context(
    mode: .evaluation, random: RandomSource(seed: 9), examples: [7, 1, 4])

  private var images: Tensor {
    RandomSource(seed: 2).stream("x").uniform([3, 3, 1, 1])
  }

  private func assertEqual(_ found: Tensor, _ wanted: Tensor, line: UInt = #line) {
    XCTAssertEqual(found.shape, wanted.shape, line: line)
    for (a, b) in zip(found.floats, wanted.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-5, line: line)
    }
  }

  // MARK: Units of densities

  func testADensityIsThatOfTheOwnUnitsOfTheColumnsThatArePriced() {
    let density = Tensor([1, 2, 3, 4, 5, 6])
    let model = model(logScales: [0.5, -1, 2])
    // All columns: 1.5 less for every row.
    XCTAssertEqual(
      model.densityInOwnUnits(density, of: nil).floats, [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5])
    // Two draws for each of three examples, of which other columns are known.
    let chosen = Tensor([1, 0, 1, 0, 1, 0, 1, 1, 1], shape: [3, 1, 3, 1])
    XCTAssertEqual(
      model.densityInOwnUnits(density, of: chosen).floats, [-1.5, 3, 1.5, 1.5, 6, 4.5])
    XCTAssertEqual(self.model().densityInOwnUnits(density, of: chosen).floats, density.floats)
  }

  func testTheDistortionOfAnExampleIsInUnitsOfItsKnownColumns() {
    var masked = context
    masked.mask = ObservationMask(Tensor([1, 0, 1, 0, 1, 0, 1, 1, 1], shape: [3, 3, 1, 1]))
    let plain = model().evaluate(images, DrawRequest(), masked).distortion.floats
    let scaled = model(logScales: [0.5, -1, 2]).evaluate(images, DrawRequest(), masked)
      .distortion.floats
    for (number, shift) in [2.5, -1, 1.5].enumerated() {
      XCTAssertEqual(scaled[number], plain[number] + Float(shift), accuracy: 1e-5)
    }
  }

  // MARK: Draws

  func testSamplesAreMeansOfDecodedDrawsOfThePriorAtTheirTemperature() {
    let model = model()
    for temperature: Float in [0, 1, 2.5] {
      let z = context.normalNoise("prior", samples: 1, shape: [2]) * temperature
      let decoded = model.decoder.decode(
        LatentDraw(layers: [LatentLayer(sample: z, rate: .zeros([3]))], rowCount: 3), target: nil,
        context)
      assertEqual(model.sample(temperature: temperature, context), decoded.sigmoid())
      assertEqual(model.decode([z], context), decoded.sigmoid())
      // A draw of the likelihood lies as far from the mean as its noise says.
      let noise = context.normalNoise("likelihood", samples: 1, shape: [3, 1, 1])
      assertEqual(
        model.sample(temperature: temperature, drawing: true, context),
        decoded.sigmoid() + noise * 0.5)
    }
  }

  func testAReconstructionIsTheMeanOfOneDecodedDrawOfThePosterior() throws {
    let model = model()
    let posterior = try XCTUnwrap(
      model.encoder.encode(images, context) as? DiagonalGaussian)
    let z = posterior.draw(1, from: "posterior", context).value
    assertEqual(model.reconstruct(images, context), model.decode([z], context))
  }

  func testDrawsOfPosteriorsComeWithTheirDensities() throws {
    let model = model()
    let posterior = try XCTUnwrap(model.encoder.encode(images, context) as? DiagonalGaussian)
    let found = try XCTUnwrap(model.posteriorDraws(images, samples: 2, context))
    assertEqual(found.draws, posterior.draw(2, from: "posterior", context).value)
    let tiled = posterior.tiled(2)
    assertEqual(
      found.logDensity,
      .gaussianLogDensity(found.draws, mean: tiled.means, logVariance: tiled.logVariance))
    XCTAssertNotEqual(found.draws.rows(0..<3).floats, found.draws.rows(3..<6).floats)
  }

  /// Normalisation by the batch would give other posteriors, and move what it has gathered.
  func testFrozenLatentsAreThoseOfEvaluationAlsoInTraining() throws {
    let random = RandomSource(seed: 6)
    let encoder = ConvolutionalEncoder(
      height: 4, width: 6, inputChannels: 1, channels: [3], latent: 2, random: random)
    let model = Model(
      encoder: encoder, prior: StandardNormalPrior(units: 2),
      decoder: MLPDecoder(latent: 2, hidden: [], outputShape: [4, 6, 1], random: random),
      likelihood: BernoulliLikelihood())
    let x = RandomSource(seed: 2).stream("x").uniform([3, 4, 6, 1]).isAbove(0.4)
    var training = context
    training.mode = .training
    let buffers = model.buffers.map(\.buffer.value.floats)
    let known = model.evaluate(x, DrawRequest(), context).draw.layers[0].sample
    XCTAssertNotEqual(
      model.evaluate(x, DrawRequest(), training).draw.layers[0].sample.floats, known.floats)
    assertEqual(
      model.evaluateWithFrozenLatents(x, DrawRequest(), training).draw.layers[0].sample, known)
    let pass = ForwardPass(model, x, DrawRequest(), latentsAreFrozen: true, training)
    assertEqual(pass.draw.layers[0].sample, known)
    assertEqual(try XCTUnwrap(model.posteriorDraws(x, samples: 1, training)).draws, known)
    assertEqual(model.evaluateLatents(x, training).draw.layers[0].sample, known)
    XCTAssertEqual(model.buffers.map(\.buffer.value.floats), buffers)
    // Of latents alone there is no distortion.
    XCTAssertEqual(model.evaluateLatents(x, training).distortion.floats, [0, 0, 0])
  }

  func testATrainingBeginsWithADecoderThatGivesTheMeanOfAllFirstBatches() throws {
    let model = model()
    for (path, parameter) in model.decoder.parameters where path == "head.weights" {
      parameter.value = .zeros(parameter.shape)
    }
    let batches = [
      Tensor([0.1, 0.2, 0.3], shape: [1, 3, 1, 1]),
      Tensor([0.4, 0.8, 0.9, 0.1, 0.5, 0.6], shape: [2, 3, 1, 1]),
    ]
    var training = context
    training.mode = .training
    try model.prepare(firstBatches: batches, context: training)
    let mean = Tensor([0.2, 0.5, 0.6], shape: [1, 3, 1, 1]).tiled(3)
    assertEqual(model.sample(context), mean)
  }

  // MARK: Advice

  func testTheAdviceAgainstACollapseNamesWhatTheObjectiveDoesNotHaveYet() {
    func advice(_ objective: EvidenceLowerBound, epochs: Double) -> [String]? {
      guard case .change(let changes) = objective.latentAdvice(step: 9, epochs: epochs) else {
        return nil
      }
      return changes.map(\.description)
    }
    XCTAssertEqual(
      advice(EvidenceLowerBound(), epochs: 0), ["warmup_epochs=5", "free_bits=0.5"])
    XCTAssertEqual(
      advice(EvidenceLowerBound(beta: 1.5, freeBits: 0.25), epochs: 0),
      ["a smaller beta", "warmup_epochs=5"])
    let rising = EvidenceLowerBound(beta: 0.5, warmUpEpochs: 3)
    XCTAssertNil(advice(rising, epochs: 2.9))
    XCTAssertEqual(advice(rising, epochs: 3), ["a longer warmup_epochs", "free_bits=0.5"])
  }

  func testGroupsOfParametersAreToldByTheBeginningsOfTheirPaths() {
    let paths = ["objective.a", "objectives.a", "encoder.a", "decoder.b"]
    func members(_ group: ParameterGroup) -> [Bool] { paths.map { group.contains($0) } }
    XCTAssertEqual(members(.model), [false, true, true, true])
    XCTAssertEqual(members(.objective), [true, false, false, false])
    XCTAssertEqual(members(.paths(["decoder.", "encoder.a"])), [false, false, true, true])
  }
}
