import Foundation
import VAEZoo
import XCTest

/// Metrics that compare images by a frozen network, held to what is known of distributions.
final class NetworkMetricTests: XCTestCase {
  // MARK: The Fréchet distance

  private func moments(_ rows: [[Float]], batch: Int = .max) -> FeatureMoments {
    var moments = FeatureMoments()
    for start in stride(from: 0, to: rows.count, by: min(batch, rows.count)) {
      let part = rows[start..<min(rows.count, start + min(batch, rows.count))]
      moments.add(Tensor(part.flatMap { $0 }, shape: [part.count, rows[0].count]))
    }
    return moments
  }

  func testTheFrechetDistanceIsThatOfGaussiansWithTheMomentsOfTheSets() throws {
    // Moments of ±1 with N − 1: mean 0 and variance N / (N − 1).
    func set(_ mean: Float, _ deviation: Double) -> FeatureMoments {
      let unit = Float(deviation * (3.0 / 4).squareRoot())
      return moments([[mean - unit], [mean + unit], [mean - unit], [mean + unit]])
    }
    // N(0, 1) and N(1, 4): 1 + 1 + 4 − 2 · 2 = 2.
    let (a, b) = (set(0, 1), set(1, 2))
    XCTAssertEqual(try XCTUnwrap(FeatureMoments.frechetDistance(a, b)), 2, accuracy: 1e-5)
    XCTAssertEqual(try XCTUnwrap(FeatureMoments.frechetDistance(b, a)), 2, accuracy: 1e-5)
    XCTAssertEqual(try XCTUnwrap(FeatureMoments.frechetDistance(a, a)), 0, accuracy: 1e-9)
    XCTAssertNil(FeatureMoments.frechetDistance(a, moments([[1]])))
  }

  func testALayerTooWideForACovarianceIsLeftOutAndSaidToBe() {
    var found = FeatureMoments()
    found.add(.zeros([2, FeatureMoments.widthLimit + 1]))
    XCTAssertTrue(found.isTooWide)
    XCTAssertEqual(found.count, 0)
  }

  func testCovariancesThatDoNotCommuteAndAreSingularGiveTheKnownDistance() throws {
    // Reference: scipy.linalg.sqrtm and numpy.cov in double precision, Tests/VAEZooTests/Reference/frechet.py.
    let reference = try XCTUnwrap(
      JSON(
        parsing: Array(
          try Data(
            contentsOf: try XCTUnwrap(
              Bundle.module.url(forResource: "Reference/frechet", withExtension: "json")))),
        source: "frechet.json"
      ).array)
    XCTAssertEqual(reference.count, 3)
    for item in reference {
      func rows(_ name: String) -> [[Float]] {
        item.object?[name]?.array?.map { $0.array?.compactMap(\.double).map { Float($0) } ?? [] }
          ?? []
      }
      let expected = try XCTUnwrap(item.object?["distance"]?.double)
      for batch in [.max, 5] {
        let found = try XCTUnwrap(
          FeatureMoments.frechetDistance(
            moments(rows("a"), batch: batch), moments(rows("b"), batch: batch)))
        XCTAssertEqual(found, expected, accuracy: 2e-5 * max(1, expected))
      }
    }
  }

  // MARK: Neighbourhoods

  func testNeighborhoodsCountWhatLiesInBalls() throws {
    func line(_ values: [Float]) -> Tensor { Tensor(values, shape: [values.count, 1]) }
    // Balls around 0, 1, 2, 10 to the nearest other: radii 1, 1, 1, 8. Around 0.5, 2.5, 30: 2, 2, 27.5.
    let found = try XCTUnwrap(
      Neighborhoods(data: line([0, 1, 2, 10]), samples: line([0.5, 2.5, 30]), neighbors: 1))
    // 0.5 lies in the balls of 0 and 1, 2.5 in those of 2 and 10, 30 in none.
    XCTAssertEqual(found.precision, 2.0 / 3, accuracy: 1e-12)
    XCTAssertEqual(found.density, 4.0 / 3, accuracy: 1e-12)
    XCTAssertEqual(found.coverage, 1, accuracy: 1e-12)
    // 0, 1 and 2 lie less than 2 from a sample, 10 less than 27.5 from 30.
    XCTAssertEqual(found.recall, 1, accuracy: 1e-12)
    XCTAssertNil(Neighborhoods(data: line([0, 1]), samples: line([0, 1, 2]), neighbors: 2))
  }

  func testEqualLawsHaveDensityOneAndCoverOneLessTwoToTheMinusK() throws {
    let random = RandomSource(seed: 3)
    let (data, samples) = (
      random.stream("data").normal([600, 8]) + 5, random.stream("samples").normal([600, 8]) + 5
    )
    let found = try XCTUnwrap(Neighborhoods(data: data, samples: samples, neighbors: 5))
    XCTAssertEqual(found.density, 1, accuracy: 0.08)
    XCTAssertEqual(found.coverage, 1 - 1.0 / 32, accuracy: 0.025)
    let far = try XCTUnwrap(Neighborhoods(data: data, samples: samples + 20, neighbors: 5))
    XCTAssertEqual(far.precision + far.recall + far.density + far.coverage, 0)
  }

  // MARK: By name and file

  private struct Images: ExampleStore {
    let count = 24
    let shape = ImageShape(height: 6, width: 6, channels: 1)
    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        for place in 0..<36 {
          destination[row * 36 + place] = Float((index * 7 + place * (index % 3 + 1)) % 11) / 11
        }
      }
    }
  }

  private var data: DataSource {
    DataSource(
      name: "images", valueRange: .unit, rule: "floats", isDiscrete: false,
      train: DataSplit(name: "train", store: Images(), labels: (0..<24).map { Int32($0 % 2) }))
  }

  private func model() throws -> TrainedModel {
    var recipe = try Registry.builtIn.recipe(for: "gaussian-vae")
    recipe.data = try data.description(binarization: .none)
    try Registry.builtIn.apply(
      [(key: "latent", value: "2"), (key: "hidden", value: "8")], to: &recipe)
    return TrainedModel(
      model: try Registry.builtIn.model(recipe, seed: 4), recipe: recipe, source: "memory")
  }

  private func classifier() throws -> String {
    var options = ClassifierOptions()
    (options.epochs, options.batchSize, options.width, options.features) = (1, 8, 2, 4)
    let path = try makeTemporaryFolder() + "/classifier.safetensors"
    try XCTUnwrap(try Classifier.train(on: data, options)).save(to: path)
    return path
  }

  func testAModelIsMeasuredByANetworkWhatTheBatchesAndTheResultNamesIt() throws {
    let (model, path) = (try model(), try classifier())
    let network = try model.network(path, registry: Registry.builtIn)
    func members(_ rows: Int) throws -> JSON.Object {
      var evaluator = Evaluator(
        model: model.model, examples: try model.examples(data.train), seed: 1)
      evaluator.network = network
      evaluator.rowLimit = rows
      return try XCTUnwrap(
        XCTUnwrap(evaluator.run()).json(variant: "gaussian-vae", split: "train").object)
    }
    let (whole, parts) = (try members(1000), try members(7))
    for name in [
      "frechet_distance.samples", "frechet_distance.reconstructions", "feature_distance",
      "precision_recall.density", "classifier_confidence.mean",
    ] {
      let number = MetricDescriptor.Number(name, name)
      let (a, b) = (
        try XCTUnwrap(number.value(in: whole), name), try XCTUnwrap(number.value(in: parts), name)
      )
      XCTAssertEqual(a, b, accuracy: 1e-4 * max(1, abs(a)), name)
    }
    XCTAssertEqual(whole["network"]?.object?["sha256"]?.text, network.sha256)
    XCTAssertEqual(whole["frechet_distance"]?.object?["images"]?.integer, 24)
    // The distance of reconstructions from themselves.
    let same = try XCTUnwrap(
      model.evaluate(
        data.train, metrics: ["frechet_distance"], network: network, seed: 1)?
        .metrics[FrechetDistanceMetric.self])
    XCTAssertGreaterThan(try XCTUnwrap(same.samples), 0)
  }

  /// A network with a head of LPIPS behind a convolution that a square of so many pixels is needed for.
  private func networkWithHead(side: Int) throws -> String {
    var file = Safetensors()
    let weights = RandomSource(seed: 8).stream("weights").normal([3, 1, side, side])
    weights.withFloats { file.add("b.weight", shape: [3, 1, side, side], floats: $0) }
    [0.5, 0, 2].withUnsafeBufferPointer {
      file.add("lin0.model.1.weight", shape: [1, 3, 1, 1], floats: $0)
    }
    file.metadata[FrozenNetwork.metadataName] =
      #"{"input": {"channels": 1}, "layers": [{"type": "relu", "name": "r"}, "#
      + #"{"type": "conv", "name": "b"}], "features": "r", "heads": ["b"]}"#
    let path = try makeTemporaryFolder() + "/heads.safetensors"
    try DurableFiles.replace(path, with: file.encoded())
    return path
  }

  func testLPIPSIsTheMeanDistanceOfReconstructionsByTheHeadsOfTheNetwork() throws {
    let model = try model()
    let network = try model.network(try networkWithHead(side: 3), registry: Registry.builtIn)
    XCTAssertEqual(network.layers, ["r"])
    let examples = try model.examples(data.train)
    func measured(_ rows: Int) throws -> Estimate {
      var evaluator = Evaluator(model: model.model, examples: examples, seed: 1)
      (evaluator.network, evaluator.rowLimit) = (network, rows)
      return try XCTUnwrap(evaluator.run(metrics: ["lpips"])?.metrics[LPIPSMetric.self])
    }
    let (whole, parts) = (try measured(1000), try measured(7))
    XCTAssertGreaterThan(whole.mean, 0)
    XCTAssertEqual(whole.mean, parts.mean, accuracy: 1e-5 * whole.mean)
    XCTAssertGreaterThan(try XCTUnwrap(whole.standardError), 0)
    let images = examples.batch(
      Array(0..<24), examples.context(.evaluation, Array(0..<24), random: RandomSource(seed: 1)))
    XCTAssertEqual(
      try network.perceptualDistance(of: images, from: images).magnitude().sum().item, 0)
    // Layers that take these images may stand before heads that do not.
    let large = try model.network(try networkWithHead(side: 7), registry: Registry.builtIn)
    XCTAssertThrowsError(
      try model.evaluate(data.train, metrics: ["lpips"], network: large)
    ) { error in
      XCTAssertTrue(
        "\(error)".contains("takes images of at least 7 by 7 pixels, but the data have 6 by 6"),
        "\(error)")
    }
    XCTAssertNotNil(try model.evaluate(data.train, network: large))
    XCTAssertThrowsError(
      try model.evaluate(
        data.train, metrics: ["lpips"],
        network: try model.network(try classifier(), registry: Registry.builtIn))
    ) { error in
      XCTAssertTrue(
        "\(error)".contains("lpips needs a frozen network with the heads of LPIPS; give network"),
        "\(error)")
    }
  }

  func testANetworkIsAskedForByTheMetricsThatNeedItAndRefusedByOthers() throws {
    let (model, path) = (try model(), try classifier())
    func refusal(_ metrics: [String], _ network: FrozenNetworkFile?, _ words: String) {
      XCTAssertThrowsError(
        try model.evaluate(data.train, metrics: metrics, network: network)
      ) { error in XCTAssertTrue("\(error)".contains(words), "\(error)") }
    }
    refusal(
      ["frechet_distance"], nil, "needs a frozen network that looks at the images; give network")
    refusal(
      ["elbo"], try model.network(path, registry: Registry.builtIn), "or leave network out")
    let encoder = try makeTemporaryFolder() + "/model.safetensors"
    try model.save(to: encoder)
    let network = try model.network(encoder, registry: Registry.builtIn)
    XCTAssertEqual(network.layers, ["mean"])
    refusal(["classifier_confidence"], network, "needs a frozen network that is a classifier")
    XCTAssertThrowsError(
      try model.network(path, layer: "nothing", registry: Registry.builtIn)
    ) { XCTAssertTrue("\($0)".contains("it has no layer \"nothing\""), "\($0)") }
  }
}
