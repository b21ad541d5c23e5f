import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles
import XCTest

/// Metrics through an evaluation, held to the pictures and features computed by themselves.
final class NetworkFindingTests: XCTestCase {
  private let random = RandomSource(seed: 6)

  /// Images of 6×5 pixels whose values differ from pixel to pixel.
  private struct Ramps: ExampleStore {
    let count = 7
    let shape = ImageShape(height: 6, width: 5, channels: 1)
    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        for place in 0..<30 {
          destination[row * 30 + place] = Float((place * (index + 2) + index) % 17) / 16
        }
      }
    }
  }

  private var model: Model {
    let random = RandomSource(seed: 3)
    return Model(
      encoder: MLPEncoder(inputs: 30, hidden: [8], latent: 2, random: random.child("encoder")),
      prior: StandardNormalPrior(units: 2),
      decoder: MLPDecoder(
        latent: 2, hidden: [8], outputShape: [6, 5, 1], random: random.child("decoder")),
      likelihood: GaussianLikelihood(.fixed(0.5), link: .sigmoid))
  }

  /// The network with its weights drawn, in a file.
  private func network(
    _ layers: [FrozenNetwork.Layer], feature: String, classes: [String]? = nil
  ) throws -> (FrozenNetwork, FrozenNetworkFile) {
    let network = try FrozenNetwork(
      input: FrozenNetwork.Input(channels: 1, mean: [0.5], deviation: [0.25]), layers: layers,
      featureLayer: feature, classes: classes)
    let folder = TrainingSupport.temporaryFolder(self)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    let path = folder + "/network.safetensors"
    try DurableFiles.replace(path, with: network.file.encoded())
    let file = try FrozenNetworkFile(asItIs: path, imageShape: [6, 5, 1], range: .unit)
    try file.open()
    return (network, file)
  }

  private func convolution() -> FrozenNetwork.Layer {
    FrozenNetwork.Layer(
      name: "c",
      operation: .convolution(
        weights: random.stream("c").normal([2, 1, 3, 3]), bias: nil, stride: 1, padding: 0))
  }

  private struct Pictures {
    let data: Tensor
    let reconstructions: Tensor
    let samples: Tensor
  }

  /// What an evaluation in one batch looks at.
  private func pictures(_ evaluator: Evaluator) -> Pictures {
    withoutTape {
      let context = Context(
        mode: .evaluation, random: evaluator.random, examples: (0..<7).map(UInt64.init))
      let model = evaluator.model
      let data = evaluator.examples.split.batch(Array(0..<7))
      var own = context
      own.random = context.random.child("samples")
      return Pictures(
        data: data, reconstructions: model.reconstruct(data, context), samples: model.sample(own))
    }
  }

  private func evaluator(_ network: FrozenNetworkFile? = nil) -> Evaluator {
    var evaluator = Evaluator(
      model: model, examples: Examples(DataSplit(name: "test", store: Ramps())), seed: 5)
    evaluator.network = network
    return evaluator
  }

  func testFeaturesOfMapsAreMeansOverTheirPlacesAndDistancesAreThoseOfTheMaps() throws {
    let (network, file) = try network([convolution()], feature: "c")
    let evaluator = evaluator(file)
    let found = try XCTUnwrap(
      evaluator.run(metrics: ["frechet_distance", "feature_distance", "precision_recall"])
    ).metrics
    let seen = pictures(evaluator)
    func maps(_ images: Tensor) -> Tensor {
      withoutTape { network.features(of: images, at: ["c"])[0] }
    }
    func moments(_ images: Tensor) -> FeatureMoments {
      let maps = maps(images)
      XCTAssertEqual(maps.shape, [7, 4, 3, 2])
      var moments = FeatureMoments()
      moments.add(withoutTape { maps.mean(axis: 1).mean(axis: 1) })
      return moments
    }
    let frechet = try XCTUnwrap(found[FrechetDistanceMetric.self])
    XCTAssertEqual([frechet.images, frechet.features], [7, 2])
    XCTAssertEqual(
      try XCTUnwrap(frechet.samples),
      try XCTUnwrap(FeatureMoments.frechetDistance(moments(seen.data), moments(seen.samples))),
      accuracy: 1e-4)
    XCTAssertEqual(
      try XCTUnwrap(frechet.reconstructions),
      try XCTUnwrap(
        FeatureMoments.frechetDistance(moments(seen.data), moments(seen.reconstructions))),
      accuracy: 1e-4)
    let (own, others) = (maps(seen.data), maps(seen.reconstructions))
    let error = withoutTape { (own - others).doubleSumOfSquares }
    let variance = withoutTape { (own - own.mean(axis: 0)).doubleSumOfSquares }
    XCTAssertEqual(
      try XCTUnwrap(found[FeatureDistanceMetric.self]), error / variance,
      accuracy: 1e-4 * error / variance)
    func vectors(_ images: Tensor) -> Tensor {
      withoutTape { maps(images).mean(axis: 1).mean(axis: 1) }
    }
    XCTAssertEqual(
      found[PrecisionRecallMetric.self]?.neighborhoods,
      Neighborhoods(data: vectors(seen.data), samples: vectors(seen.samples), neighbors: 5))
  }

  func testAClassifiersConfidenceIsThatInSamplesBesideThatInData() throws {
    let (network, file) = try network(
      [
        convolution(), FrozenNetwork.Layer(name: nil, operation: .flatten),
        FrozenNetwork.Layer(
          name: "d",
          operation: .dense(
            weights: random.stream("d").normal([24, 3]), bias: Tensor([0.1, -0.2, 0]))),
      ], feature: "c", classes: ["x", "y", "z"])
    let evaluator = evaluator(file)
    let found = try XCTUnwrap(
      evaluator.run(metrics: ["classifier_confidence"])?.metrics[ClassifierConfidenceMetric.self])
    let seen = pictures(evaluator)
    func confidences(_ images: Tensor) -> [Double] {
      withoutTape {
        network.features(of: images, at: ["d"])[0].softmax().maximum(axis: 1).floats
          .map(Double.init)
      }
    }
    let (samples, data) = (confidences(seen.samples), confidences(seen.data))
    XCTAssertEqual(found.mean.mean, samples.reduce(0, +) / 7, accuracy: 1e-5)
    XCTAssertEqual(found.sure.mean, Double(samples.count { $0 >= 0.9 }) / 7, accuracy: 1e-9)
    XCTAssertEqual(found.sureOfData.mean, Double(data.count { $0 >= 0.9 }) / 7, accuracy: 1e-9)
  }

  func testSharpnessComparesReconstructionsAndSamplesWithTheData() throws {
    let evaluator = evaluator()
    let found = try XCTUnwrap(
      evaluator.run(metrics: ["sharpness"])?.metrics[SharpnessMetric.self])
    let seen = pictures(evaluator)
    let energy = DetailEnergy(height: 6, width: 5)
    let whole = energy(seen.data)
    XCTAssertEqual(
      found.reconstructions, energy(seen.reconstructions) / whole, accuracy: 1e-5)
    XCTAssertEqual(found.samples, energy(seen.samples) / whole, accuracy: 1e-5)
    XCTAssertEqual(found.images, 7)
    XCTAssertGreaterThan(abs(found.samples / found.reconstructions - 1), 1e-3)
  }

  func testThePeakSignalToNoiseRatioIsTheMeanOfThoseOfTheImages() throws {
    let evaluator = evaluator()
    let found = try XCTUnwrap(evaluator.run(metrics: ["psnr"])?.metrics[PSNRMetric.self])
    let seen = pictures(evaluator)
    let scores = (0..<7).map { image in
      -10
        * log10(
          withoutTape {
            (seen.data.rows(image..<image + 1) - seen.reconstructions.rows(image..<image + 1))
              .doubleSumOfSquares
          } / 30)
    }
    let mean = scores.reduce(0, +) / 7
    let squares = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    XCTAssertEqual(found.mean, mean, accuracy: 1e-4)
    XCTAssertEqual(
      try XCTUnwrap(found.standardError), (squares / 6 / 7).squareRoot(), accuracy: 1e-4)
  }

  // MARK: Regret

  /// Adam's first step moves every number by the rate against the sign of its slope.
  func testTheFirstStepOfARegretIsOfTheStatedRateAgainstTheGradient() throws {
    let evaluator = evaluator()
    var options = RegretOptions()
    (options.steps, options.rate, options.samples) = (1, 0.25, 3)
    let found = try XCTUnwrap(evaluator.likelihoodRegrets(options))
    let indices = Array(0..<7)
    let (x, plain) = evaluator.examples.batchByContent(
      indices,
      Context(mode: .evaluation, random: evaluator.random, examples: indices.map(UInt64.init)))
    var context = plain
    let model = evaluator.model
    let start = try XCTUnwrap(
      withoutTape { model.encoder.encode(x, context) } as? DiagonalGaussian)
    let (means, logs) = (Parameter(start.means), Parameter(start.logVariance))
    func bounds(_ q: DiagonalGaussian) -> [Double] {
      var request = DrawRequest()
      request.samples = 3
      let weights = withoutTape {
        model.evaluate(x, posterior: q, request, context).logWeights.floats
      }
      return (0..<7).map { example in
        (0..<3).reduce(0) { $0 + Double(weights[$1 * 7 + example]) } / 3
      }
    }
    let before = bounds(start)
    // The draw of the step is none of those that bounds are measured with.
    context.firstDraw = 3
    let evaluation = model.evaluate(
      x, posterior: DiagonalGaussian(mean: means.tensor, logVariance: logs.tensor), DrawRequest(),
      context)
    let gradients = (evaluation.distortion + evaluation.rate).sum().backward()
    context.firstDraw = 0
    func moved(_ parameter: Parameter) throws -> Tensor {
      let slopes = try XCTUnwrap(gradients[parameter]).floats
      return Tensor(
        zip(parameter.value.floats, slopes).map { $0 - 0.25 * ($1 > 0 ? 1 : -1) },
        shape: parameter.shape)
    }
    let after = bounds(
      DiagonalGaussian(mean: try moved(means), logVariance: try moved(logs)))
    for example in 0..<7 {
      XCTAssertEqual(
        found[example], max(0, after[example] - before[example]), accuracy: 2e-3, "\(example)")
    }
    XCTAssertTrue(found.contains { $0 > 0.01 })
  }

  // MARK: Words

  func testWhatAMetricLacksIsSaidByItsOwner() throws {
    func refusal(_ metric: String, takesMasks: Bool = false) -> String {
      let plain = model
      let model = Model(
        encoder: plain.encoder, prior: plain.prior, decoder: plain.decoder,
        likelihood: plain.likelihood, takesMasks: takesMasks)
      let evaluator = Evaluator(
        model: model, examples: Examples(DataSplit(name: "held", store: Ramps())), seed: 5)
      do {
        _ = try evaluator.run(metrics: [metric])
        return "none"
      } catch {
        return "\(error)"
      }
    }
    XCTAssertEqual(
      refusal("mig"),
      "mig needs the generating factors of the examples, which the held split has not; choose another metric, or data "
        + "with factors such as shapes:32")
    XCTAssertEqual(
      refusal("codebook_usage"),
      "codebook_usage needs latents that are codes, which this model has not; choose another metric, or a model such as "
        + "vq-vae")
    XCTAssertEqual(
      refusal("nll"),
      "nll needs draws for each example; give importance_samples a number of them")
    for metric in ["psnr", "bits_per_dim"] {
      XCTAssertEqual(
        refusal(metric, takesMasks: true),
        "\(metric) is of whole images, but values of the data of this model may be missing; choose another metric"
      )
    }
    XCTAssertEqual(
      refusal("hidden_distortion", takesMasks: true),
      "hidden_distortion needs values that are hidden from the model, which the held split has not; choose another "
        + "metric, or data with an array such as test_hidden")
  }

  /// Three nats, and what chance makes of so many units and examples.
  func testALatentsNoticeBeginsThreeNatsFromThePriorBeyondChance() throws {
    func notice(_ divergence: Double, examples: Int) throws -> String? {
      // ±1 about the mean, less what N − 1 makes of the variance.
      let mean = Float((2 * divergence).squareRoot())
      let spread = Float((Double(examples - 1) / Double(examples)).squareRoot())
      let values = (0..<examples).map { mean + ($0 % 2 == 0 ? spread : -spread) }
      var moments = AggregateMoments()
      moments.add(
        LatentDraw(
          layers: [
            LatentLayer(sample: Tensor(values, shape: [examples, 1]), rate: .zeros([examples]))
          ], rowCount: examples), of: StandardNormalPrior(units: 1),
        Context(mode: .evaluation, random: random, examples: []))
      let distance = try XCTUnwrap(moments.distance)
      XCTAssertEqual(distance.divergence, divergence, accuracy: 1e-3)
      return distance.notice(of: .units(1), rateWeight: "objective.beta")?.description
    }
    XCTAssertNil(try notice(2.98, examples: 1000))
    XCTAssertNotNil(try notice(3.02, examples: 1000))
    XCTAssertNil(try notice(3.2, examples: 4))
    let said = try XCTUnwrap(notice(8, examples: 1000))
    XCTAssertTrue(
      said.hasPrefix(
        "the aggregate posterior lies 8.0 nats from the prior, its mean 4.0 from zero, so that samples look less like the "
          + "data than reconstructions do; train longer, or choose a larger objective.beta, or fit a prior to it by "
      ),
      said)
  }
}
