import NeuralNetworks
import Tensors
import VAEEvaluation
import VAEZoo
import XCTest

/// Metrics: their list, what they refuse, and that batches do not matter.
final class MetricTests: XCTestCase {
  /// A small model of a variant for the images of a source.
  private func model(
    _ variant: String, _ settings: [(key: String, value: String)], _ data: DataSource
  ) throws -> Model {
    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: variant)
    recipe.data = try data.description(binarization: .none)
    try registry.apply(settings, to: &recipe)
    return try registry.model(recipe, seed: 2)
  }

  /// Some binary images with factors and labels.
  private func images(_ count: Int, hasFactors: Bool = true) -> DataSource {
    let images = withoutTape {
      RandomSource(seed: 5).stream("images").uniform([count, 64]).isAbove(0.6)
    }
    let factors = FactorTable(
      [(name: "a", size: 2), (name: "b", size: 3)],
      combinations: (0..<count).map { Int32($0 % 6) })
    let split = DataSplit(
      name: "test",
      store: TensorStore(shape: ImageShape(height: 8, width: 8, channels: 1), images: images),
      labels: (0..<count).map { Int32($0 % 4) },
      factors: hasFactors ? factors : nil)
    return DataSource(
      name: "images", valueRange: .binary, rule: "binary", isDiscrete: true, train: split)
  }

  private static let small: [(variant: String, settings: [(key: String, value: String)])] = [
    ("gaussian-vae", [("hidden", "6"), ("latent", "2")]),
    (
      "ladder-vae",
      [("hidden", "6,4"), ("latent", "3,2"), ("decoder.hidden", "6")]
    ),
    (
      "vq-vae",
      [
        ("channels", "4"), ("codes", "8"), ("code_size", "3"), ("likelihood", "bernoulli"),
      ]
    ),
  ]

  /// What a frozen network is needed for.
  private static let ofNetwork: Set = [
    "feature_distance", "frechet_distance", "precision_recall", "classifier_confidence",
  ]

  // MARK: The list

  func testEveryMetricHasANameOfItsOwnAndSaysWhatItIs() {
    let descriptors = MetricRegistry.standard.descriptors
    let names = descriptors.map(\.name)
    XCTAssertEqual(Set(names).count, names.count)
    let numbers = descriptors.flatMap { $0.numbers.map(\.name) }
    XCTAssertEqual(Set(numbers).count, numbers.count)
    for descriptor in descriptors {
      XCTAssertFalse(descriptor.name.isEmpty || descriptor.help.isEmpty)
      XCTAssertTrue(
        descriptor.name.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 }, descriptor.name)
      // Whatever training measures, an evaluation measures too.
      XCTAssertTrue(
        descriptor.occasions.isEmpty || descriptor.occasions.contains(.evaluation),
        descriptor.name)
    }
    XCTAssertEqual(
      MetricRegistry.standard.json.array?.map { $0.object?["name"]?.text }, names)
  }

  func testEveryMemberOfAResultBelongsToItsMetricAndNumbersAreWhereTheirDescriptorSays() throws {
    let data = images(30)
    var seen: Set<String> = []
    for (variant, settings) in Self.small {
      let evaluator = Evaluator(
        model: try model(variant, settings, data), examples: Examples(data.train), seed: 1)
      let result = try XCTUnwrap(evaluator.run(importanceSamples: 2))
      for entry in result.metrics.entries {
        seen.insert(entry.descriptor.name)
        var object = JSON.Object()
        entry.report.add(to: &object)
        for number in entry.descriptor.numbers {
          XCTAssertNotNil(number.value(in: object), number.name)
          XCTAssertEqual(
            object["\(number.name)_stderr"] != nil, entry.descriptor.hasStandardError, number.name)
        }
        for member in object.members {
          let owners = [entry.descriptor.name] + entry.descriptor.numbers.map(\.name)
          XCTAssertTrue(owners.contains { member.name.hasPrefix($0) }, member.name)
        }
      }
    }
    // That of each class needs a model that is told one, which ConditionTests has; that of hidden values
    // needs data that hide some, which MissingDataTests has; those of pictures are measured by name alone, in
    // PictureMetricTests, and others need a network, which NetworkMetricTests has.
    XCTAssertEqual(
      seen.union(["elbo_per_class", "hidden_distortion", "lpips"]).union(Self.ofNetwork),
      Set(MetricRegistry.standard.metrics(at: .evaluation).map { $0.descriptor.name }))
  }

  func testAVariantIsDescribedWithTheMetricsThatSuitItsModel() throws {
    let registry = Registry.builtIn
    func metrics(_ variant: String) throws -> Set<String> {
      let description = try VariantDescription(
        registry.variant(variant), recipe: registry.recipe(for: variant), registry: registry)
      let names = description.json.object?["metrics"]?.array?.compactMap(\.text)
      XCTAssertEqual(names, description.metrics)
      return Set(description.metrics)
    }
    let bound = Self.ofNetwork.union(["elbo", "rate", "distortion", "nll", "bits_per_dim"])
    let factors: Set = ["mig", "factor_vae_score", "dci"]
    let pictures: Set = ["psnr", "ssim", "ms_ssim", "sharpness", "lpips"]
    XCTAssertEqual(
      try metrics("gaussian-vae"),
      bound.union(factors).union(pictures).union([
        "active_units", "rate_per_unit", "aggregate_posterior", "rate_decomposition",
      ]))
    XCTAssertEqual(
      try metrics("ladder-vae"),
      bound.union(pictures).union(["rate_per_unit", "rate_per_layer", "aggregate_posterior"]))
    XCTAssertEqual(
      try metrics("vq-vae").subtracting(bound).subtracting(pictures),
      ["codebook_perplexity", "codebook_usage"])
    XCTAssertEqual(try metrics("pixelcnn"), bound)
    XCTAssertTrue(try metrics("conditional-vae").isSuperset(of: bound.union(["elbo_per_class"])))
    XCTAssertFalse(try metrics("flow-vae").contains("active_units"))
    // Only some likelihoods price pixels that can be counted in bits.
    for entry in registry.entries {
      XCTAssertTrue(
        try metrics(entry.variant.name).isSuperset(of: bound.subtracting(["bits_per_dim"])),
        entry.variant.name)
    }
  }

  func testTheMetricsThatSuitAModelAreFoundWithoutItsNetworks() throws {
    let registry = Registry.builtIn
    for name in ["gaussian-vae", "flow-vae", "autoencoder-tiny"] {
      var recipe = try registry.recipe(for: name)
      recipe.data = DataDescription(
        height: 16, width: 16, channels: 1, range: .unit, rule: "bytes/255")
      try registry.apply([], to: &recipe)
      let model = try registry.plan(recipe)
      let found = MetricRegistry.standard.descriptors(suiting: model, shape: [16, 16, 1])
      XCTAssertTrue(found.contains { $0.name == "elbo" }, name)
      XCTAssertFalse(model.decoder.parameters.contains { $0.parameter.hasValues }, name)
      if name != "flow-vae" {
        XCTAssertFalse(model.encoder.parameters.contains { $0.parameter.hasValues }, name)
      }
    }
  }

  // MARK: Batches

  func testBatchesOfOneAndOfSevenGiveWhatAllAtOnceGives() throws {
    let data = images(40)
    for (variant, settings) in Self.small {
      let model = try model(variant, settings, data)
      func members(_ rows: Int) throws -> JSON.Object {
        var evaluator = Evaluator(model: model, examples: Examples(data.train), seed: 1)
        evaluator.rowLimit = rows
        var object = JSON.Object()
        try XCTUnwrap(evaluator.run(importanceSamples: 3)).metrics.add(to: &object)
        return object
      }
      let whole = try members(1000)
      for rows in [1, 7] {
        let parts = try members(rows)
        XCTAssertEqual(whole.members.map(\.name), parts.members.map(\.name))
        for (a, b) in zip(numbers(.object(whole)), numbers(.object(parts))) {
          XCTAssertEqual(a.value, b.value, accuracy: 1e-5 * max(1, abs(a.value)), a.name)
        }
      }
    }
  }

  /// All numbers of a value in order, with their paths.
  private func numbers(_ json: JSON, _ path: String = "") -> [(name: String, value: Double)] {
    switch json {
    case .object(let object): object.members.flatMap { numbers($0.value, "\(path).\($0.name)") }
    case .array(let values): values.enumerated().flatMap { numbers($1, "\(path).\($0)") }
    default: json.double.map { [(path, $0)] } ?? []
    }
  }

  // MARK: By name

  private func evaluator(
    _ place: Int, _ data: DataSource, registry: MetricRegistry = .standard
  ) throws -> Evaluator {
    let (variant, settings) = Self.small[place]
    var evaluator = Evaluator(
      model: try model(variant, settings, data), examples: Examples(data.train), seed: 1)
    evaluator.registry = registry
    return evaluator
  }

  func testOneThatIsAskedForIsMeasuredAloneAndAsItIsWithAllOthers() throws {
    let evaluator = try evaluator(0, images(30))
    let all = try XCTUnwrap(evaluator.run(importanceSamples: 2))
    for descriptor in MetricRegistry.standard.descriptors
    where all.metrics.entries.contains(where: { $0.descriptor.name == descriptor.name }) {
      let takesSamples = (descriptor.needs + descriptor.uses).contains(.importanceSamples)
      let one = try XCTUnwrap(
        evaluator.run(metrics: [descriptor.name], importanceSamples: takesSamples ? 2 : nil))
      XCTAssertEqual(one.metrics.entries.map(\.descriptor.name), [descriptor.name])
      var (alone, among) = (JSON.Object(), JSON.Object())
      one.metrics.add(to: &alone)
      all.metrics.add(to: &among)
      for member in alone.members {
        for (a, b) in zip(numbers(member.value), numbers(among[member.name] ?? .null)) {
          XCTAssertEqual(a.value, b.value, accuracy: 1e-5 * max(1, abs(a.value)), member.name)
        }
      }
    }
    let two = try XCTUnwrap(evaluator.run(metrics: ["rate", "elbo", "rate"]))
    XCTAssertEqual(two.metrics.entries.map(\.descriptor.name), ["elbo", "rate"])
    XCTAssertTrue(two.distortion.mean.isNaN, "it was not asked for")
  }

  func testWhatIsLackingIsSaidInOneLineThatNamesMetricLackAndRemedy() throws {
    let (known, plain, one) = (images(30), images(30, hasFactors: false), images(1))
    let cases: [(model: Int, data: DataSource, metric: String, samples: Int?, words: [String])] = [
      (0, plain, "mig", nil, ["mig needs the generating factors of the examples", "shapes:32"]),
      (1, known, "dci", nil, ["dci needs a posterior with one vector of means", "gaussian-vae"]),
      (0, known, "codebook_usage", nil, ["codebook_usage needs latents that are codes", "vq-vae"]),
      (0, known, "rate_per_layer", nil, ["needs several stochastic layers", "ladder-vae"]),
      (2, known, "active_units", nil, ["active_units needs a posterior with means"]),
      (0, one, "active_units", nil, ["needs two examples at least"]),
      (0, known, "nll", nil, ["nll needs draws for each example", "importance_samples"]),
      (0, known, "elbo", 5, ["elbo takes no importance samples", "nll"]),
      (0, known, "elbow", nil, ["there is no metric elbow; did you mean elbo?", "codebook_usage"]),
      (0, known, "dci_completeness", nil, ["did you mean dci?"]),
      (0, known, "", nil, ["one of the names of metrics", "is empty"]),
    ]
    for (place, data, metric, samples, words) in cases {
      let evaluator = try evaluator(place, data)
      XCTAssertThrowsError(try evaluator.run(metrics: [metric], importanceSamples: samples)) {
        let text = "\($0)"
        for word in words { XCTAssertTrue(text.contains(word), text) }
        XCTAssertFalse(text.contains("\n"), text)
      }
      XCTAssertNotNil(evaluator.run(), "all that there is can be measured nevertheless")
    }
    let evaluator = try evaluator(0, known)
    XCTAssertThrowsError(try evaluator.run(metrics: []))
  }

  func testExamplesThatLeaveAMetricWithoutAValueAreNamed() throws {
    // No factor has two values.
    let data = images(30)
    let same = DataSplit(
      name: "test", store: data.train.store,
      factors: FactorTable([(name: "a", size: 2)], combinations: .init(repeating: 1, count: 30)))
    let (variant, settings) = Self.small[0]
    let evaluator = Evaluator(
      model: try model(variant, settings, data), examples: Examples(same), seed: 1)
    XCTAssertThrowsError(try evaluator.run(metrics: ["mig"])) {
      XCTAssertTrue("\($0)".contains("mig has no value for these examples"), "\($0)")
    }
    let result = try XCTUnwrap(evaluator.run())
    XCTAssertNil(result.metrics[MIGMetric.self])
    XCTAssertNotNil(result.metrics[ELBOMetric.self])
  }

  func testPosteriorsOfMoreNumbersThanCanBeHeldAreNotGathered() throws {
    let model = try model(Self.small[0].variant, Self.small[0].settings, images(4))
    let metrics = try MetricRegistry.standard.metrics(named: ["rate_decomposition"])
    func lacks(_ examples: Int) -> [MetricNeed?] {
      let setting = MetricSetting(
        model: model, examples: nil, exampleCount: examples, random: RandomSource(seed: 0))
      return VAEEvaluation.Measurement(metrics, setting).omissions.map(\.need)
    }
    // Of two units each.
    XCTAssertEqual(lacks(1 << 21), [])
    XCTAssertEqual(lacks((1 << 21) + 1), [.heldPosteriors])
  }

  func testRatesOfUnitsAreComputedWhereAMetricLooksAtThem() throws {
    let registry = MetricRegistry(MetricRegistry.standard.metrics + [UnitRatesAreThere.self])
    let evaluator = try evaluator(0, images(30), registry: registry)
    for (others, expected) in [(["elbo"], 0.0), (["rate_per_unit"], 1)] {
      let result = try XCTUnwrap(
        evaluator.run(metrics: others + [UnitRatesAreThere.descriptor.name]))
      XCTAssertEqual(result.metrics[UnitRatesAreThere.self], expected, "\(others)")
    }
  }

  // MARK: One more

  func testAMetricFromElsewhereIsMeasuredNamedAndRefusedAsTheZoosAre() throws {
    let registry = MetricRegistry(MetricRegistry.standard.metrics + [DistortionOfClassZero.self])
    let data = images(30)
    let result = try XCTUnwrap(evaluator(0, data, registry: registry).run())
    let value = try XCTUnwrap(result.metrics[DistortionOfClassZero.self])
    XCTAssertEqual(value, result.distortion.mean, accuracy: 0.5 * result.distortion.mean)
    var object = JSON.Object()
    result.metrics.add(to: &object)
    XCTAssertEqual(object.members.last?.name, "distortion_of_class_zero")
    let unlabelled = DataSource(
      name: "images", valueRange: .binary, rule: "binary", isDiscrete: true,
      train: DataSplit(name: "test", store: data.train.store))
    XCTAssertThrowsError(
      try evaluator(0, unlabelled, registry: registry).run(metrics: ["distortion_of_class_zero"])
    ) { XCTAssertTrue("\($0)".contains("needs the labels of the examples"), "\($0)") }
  }
}

/// One where draws have the rates of their units, else zero.
private struct UnitRatesAreThere: Metric {
  static let descriptor = MetricDescriptor(
    "unit_rates_are_there", title: "unit rates", help: "whether draws have the rates of units")

  private var found = 0.0

  init(_ setting: MetricSetting) {}

  func findings(in sample: MetricSample) -> BatchFindings {
    let areThere = sample.evaluation.draw.layers.contains { $0.unitRates != nil }
    return BatchFindings([[areThere ? 1 : 0]])
  }

  mutating func take(_ findings: BatchFindings) { found = max(found, findings.numbers(0)[0]) }

  func value() -> Double { found }

  static func report(_ value: Double) -> MetricReport {
    MetricReport([.plain(descriptor.name, .finite(value))])
  }
}

/// The mean distortion of the examples of one class.
private struct DistortionOfClassZero: Metric {
  static let descriptor = MetricDescriptor(
    "distortion_of_class_zero", title: "distortion of class 0", unit: "nats per example",
    direction: .lower, needs: [.labels], help: "the mean distortion of the examples of class 0")

  private let labels: [Int32]
  private var found: [Double] = []

  init(_ setting: MetricSetting) { labels = setting.examples?.split.labels ?? [] }

  func findings(in sample: MetricSample) -> BatchFindings {
    let values = zip(sample.indices, sample.evaluation.distortion.floats)
    return BatchFindings([values.filter { labels[$0.0] == 0 }.map { Double($0.1) }])
  }

  mutating func take(_ findings: BatchFindings) { found += findings.numbers(0) }

  func value() throws(UndefinedMetric) -> Double {
    guard !found.isEmpty else { throw UndefinedMetric("none is of class 0") }
    return Estimate(of: found).mean
  }

  static func report(_ value: Double) -> MetricReport {
    MetricReport([.plain(descriptor.name, .finite(value))])
  }
}
