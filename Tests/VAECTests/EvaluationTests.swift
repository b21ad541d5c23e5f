import CVAE
import VAEZoo
import XCTest

final class EvaluationTests: CTestCase {
  private func options(_ samples: Int32 = 0, seed: UInt64 = 0) -> vae_evaluation_options {
    var options = vae_evaluation_options()
    options.struct_size = UInt32(MemoryLayout<vae_evaluation_options>.size)
    options.importance_samples = samples
    options.seed = seed
    return options
  }

  func testAnEvaluationIsThatOfSwift() throws {
    let model = try makeModel()
    let data = try made(freedBy: vae_data_free) { vae_data_open("shapes:32", $0, $1) }
    var modelOptions = modelOptions()
    (modelOptions.height, modelOptions.width) = (32, 32)
    let large = try "gaussian-vae".withCString { name in
      modelOptions.variant = name
      return try made(freedBy: vae_model_free) { vae_model_create(&modelOptions, $0, $1) }
    }
    var options = options()
    let metrics = try made(freedBy: vae_metrics_free) {
      vae_evaluate(large, data, &options, nil, $0, $1)
    }
    let path = try temporaryFolder() + "/model.safetensors"
    try succeed { vae_model_save(large, path, $0) }
    let trained = try TrainedModel.open(path, registry: .builtIn)
    let split = try DataSource.open("shapes:32").split(named: "test")
    let expected = try XCTUnwrap(trained.evaluate(split))
    XCTAssertEqual(
      try text { vae_metrics_json(metrics, $0, $1, $2, $3) },
      expected.json(variant: "gaussian-vae", split: "test").line)
    XCTAssertEqual(try metric("elbo", of: metrics), expected.elbo.mean)
    XCTAssertEqual(try metric("elbo_stderr", of: metrics), expected.elbo.standardError)
    XCTAssertEqual(try metric("examples", of: metrics), Double(split.count))
    XCTAssertEqual(
      try metric("rate_per_unit.19", of: metrics),
      expected.metrics[RatePerUnitMetric.self]?.first?[19])
    var value = 0.0
    for name in ["nll", "variant", "rate_per_unit", "rate_per_unit.20", "", "elb", "elbos"] {
      refuse(VAE_ERR_NOT_FOUND, "there is no metric \(name)") {
        vae_metrics_get(metrics, name, &value, $0)
      }
    }
    refuse(VAE_ERR_NOT_FOUND) { vae_metrics_get(metrics, [-1, -1, 0], &value, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "name is NULL") { vae_metrics_get(metrics, nil, &value, $0) }
    refuse(VAE_ERR_DATA, "the model takes 4x4x1") { error in
      var out: OpaquePointer?
      return vae_evaluate(model, data, nil, nil, &out, error)
    }
  }

  func testMetricsAreListedAsTheRegistryHasThemAndMeasuredByName() throws {
    XCTAssertEqual(
      try text { vae_list_metrics_json($0, $1, $2, $3) }, MetricRegistry.standard.json.line)
    let model = try makeModel()
    let data = try makeData(train: CTensor([Float](repeating: 1, count: 5 * 16), [5, 4, 4]))
    func evaluate(_ names: String, _ samples: Int32 = 0) -> (vae_evaluation_options) -> vae_status {
      { options in
        var options = options
        options.importance_samples = samples
        var out: OpaquePointer?
        return names.withCString { names in
          "train".withCString { split in
            (options.metrics, options.split) = (names, split)
            return vae_evaluate(model, data, &options, nil, &out, nil)
          }
        }
      }
    }
    try "rate,elbo".withCString { names in
      try "train".withCString { split in
        var options = options()
        (options.metrics, options.split) = (names, split)
        let metrics = try made(freedBy: vae_metrics_free) {
          vae_evaluate(model, data, &options, nil, $0, $1)
        }
        let found = try XCTUnwrap(
          json(text { vae_metrics_json(metrics, $0, $1, $2, $3) }) as? [String: Any])
        XCTAssertEqual(
          Set(found.keys),
          ["variant", "split", "examples", "elbo", "elbo_stderr", "rate", "rate_stderr"])
      }
    }
    XCTAssertEqual(evaluate("nll", 2)(options()), VAE_OK)
    XCTAssertEqual(evaluate("nll")(options()), VAE_ERR_INVALID_ARGUMENT)
    XCTAssertEqual(evaluate("elbo", 2)(options()), VAE_ERR_INVALID_ARGUMENT)
    XCTAssertEqual(evaluate("mig")(options()), VAE_ERR_DATA)
    XCTAssertEqual(evaluate("codebook_usage")(options()), VAE_ERR_DATA)
    for unknown in ["elbow", "", ",", "elbo,", "elbo, rate"] {
      XCTAssertEqual(evaluate(unknown)(options()), VAE_ERR_NOT_FOUND, unknown)
    }
  }

  func testAModelOfBytesTakesFloatsThatAreBytesAndRefusesOthersNamingTheFirst() throws {
    let levels = CTensor((0..<8 * 16).map { Float($0 * 37 % 256) / 255 }, [8, 4, 4])
    var off = (0..<8 * 16).map { Float($0 * 37 % 256) / 255 }
    off[16 + 5] = 0.5
    let others = CTensor(off, [8, 4, 4])
    let data = try makeData(train: levels)
    for likelihood in ["categorical", "logistic-mixture", "gaussian"] {
      let isDensity = likelihood == "gaussian"
      let model = try makeModel(
        "gaussian-vae",
        Self.small + [
          ("likelihood", likelihood), ("training.dequantize", isDensity ? "uniform" : "none"),
        ], range: VAE_RANGE_BYTES)
      let trainer = try makeTrainer(model, data, trainerOptions(epochs: 4))
      try succeed { vae_trainer_step(trainer, nil, $0) }
      try succeed { vae_trainer_step_on(trainer, levels.pointer, nil, $0) }
      var options = options()
      try "train".withCString { split in
        options.split = split
        let metrics = try made(freedBy: vae_metrics_free) {
          vae_evaluate(model, data, &options, nil, $0, $1)
        }
        XCTAssertGreaterThan(try metric("bits_per_dim", of: metrics), 0)
        XCTAssertGreaterThan(try metric("aggregate_posterior.kl", of: metrics), 0)
        XCTAssertGreaterThan(try metric("aggregate_posterior.mean_norm", of: metrics), 0)
        XCTAssertGreaterThan(try metric("bits_per_dim_stderr", of: metrics), 0)
        let unfit = try makeData(train: others)
        refuse(VAE_ERR_DATA, "train[1, 1, 1] is 0.5, but the model takes bytes") {
          var out: OpaquePointer?
          return vae_evaluate(model, unfit, &options, nil, &out, $0)
        }
        refuse(VAE_ERR_DATA, "train[1, 1, 1] is 0.5") {
          var out: OpaquePointer?
          return vae_trainer_create(model, unfit, nil, &out, $0)
        }
      }
      refuse(VAE_ERR_DATA, "batch[1, 1, 1] is 0.5") {
        vae_trainer_step_on(trainer, others.pointer, nil, $0)
      }
      refuse(VAE_ERR_DATA, "images[1, 1, 1] is 0.5") {
        var out: OpaquePointer?
        return vae_log_likelihood(model, others.pointer, 2, 0, nil, &out, $0)
      }
      let known = try made(freedBy: vae_array_free) {
        vae_log_likelihood(model, levels.pointer, 2, 0, nil, $0, $1)
      }
      XCTAssertEqual(try contents(of: known).shape, [8])
    }
  }

  func testDequantizationIsForDensitiesOverBytes() throws {
    let wanted = [("training.dequantize", "uniform")]
    func refuseModel(
      _ status: vae_status, _ words: String, _ settings: [(String, String)], _ range: Int32,
      line: UInt = #line
    ) {
      let list = CSettings(Self.small + wanted + settings)
      var options = modelOptions(range: range)
      options.settings = UnsafePointer(list.pointer)
      options.setting_count = UInt64(list.count)
      "gaussian-vae".withCString { name in
        options.variant = name
        refuse(status, words, #filePath, line) {
          var out: OpaquePointer?
          return vae_model_create(&options, &out, $0)
        }
      }
    }
    refuseModel(VAE_ERR_DATA, "zeros and ones", [], VAE_RANGE_BINARY)
    refuseModel(VAE_ERR_DATA, "values outside 0 to 1", [], VAE_RANGE_REAL)
    refuseModel(VAE_ERR_DATA, "values between 0 and 1", [], VAE_RANGE_UNIT)
    for likelihood in ["categorical", "logistic-mixture"] {
      refuseModel(
        VAE_ERR_RECIPE, "training.dequantize=uniform is for likelihoods that are densities",
        [("likelihood", likelihood)], VAE_RANGE_BYTES)
    }
    // And where it is asked for of a model that exists.
    let grey = CTensor((0..<8 * 16).map { UInt8($0 * 37 % 256) }, VAE_UINT8, shape: [8, 4, 4])
    let data = try makeData(train: grey)
    let categorical = try makeModel(
      "gaussian-vae", Self.small + [("likelihood", "categorical")], range: VAE_RANGE_BYTES)
    let list = CSettings(wanted)
    var options = trainerOptions()
    options.settings = UnsafePointer(list.pointer)
    options.setting_count = UInt64(list.count)
    refuse(VAE_ERR_RECIPE, "likelihoods that are densities") {
      var out: OpaquePointer?
      return vae_trainer_create(categorical, data, &options, &out, $0)
    }
    let density = try makeModel("gaussian-vae", Self.small, range: VAE_RANGE_BYTES)
    let trainer = try makeTrainer(density, data, options)
    try succeed { vae_trainer_step(trainer, nil, $0) }
  }

  func testSplitAndSeedAreUsed() throws {
    let model = try makeModel()
    let data = try makeData(train: images(16), test: images(8, seed: 3))
    func elbo(_ split: String?, seed: UInt64) throws -> Double {
      var options = options(seed: seed)
      let name = split.map { strdup($0) }
      defer { free(name ?? nil) }
      options.split = name.map { UnsafePointer($0) } ?? nil
      let metrics = try made(freedBy: vae_metrics_free) {
        vae_evaluate(model, data, &options, nil, $0, $1)
      }
      return try metric("elbo", of: metrics)
    }
    XCTAssertEqual(try elbo(nil, seed: 0), try elbo("test", seed: 0))
    XCTAssertNotEqual(try elbo("train", seed: 0), try elbo("test", seed: 0))
    XCTAssertNotEqual(try elbo("test", seed: 1), try elbo("test", seed: 0))
    XCTAssertNotEqual(try elbo("test", seed: .max), try elbo("test", seed: 0))
  }

  func testOptionsOutOfRangeAreRefused() throws {
    let model = try makeModel()
    let data = try makeData(train: images(16))
    var out: OpaquePointer?
    refuse(VAE_ERR_NOT_FOUND, "no split test") { vae_evaluate(model, data, nil, nil, &out, $0) }
    for samples in [-1, 10_000_001, Int32.max, Int32.min] {
      var options = options(samples)
      refuse(VAE_ERR_INVALID_ARGUMENT, "importance_samples is \(samples)") {
        vae_evaluate(model, data, &options, nil, &out, $0)
      }
      refuse(VAE_ERR_INVALID_ARGUMENT, "samples is \(samples)") {
        vae_log_likelihood(model, images(2).pointer, samples, 0, nil, &out, $0)
      }
    }
  }

  func testAnAutoregressiveModelWithoutLatentsIsMeasured() throws {
    let model = try makeModel("pixelcnn", [("channels", "4"), ("layers", "1")])
    let data = try makeData(train: images(16), test: images(8, seed: 3))
    let metrics = try made(freedBy: vae_metrics_free) {
      vae_evaluate(model, data, nil, nil, $0, $1)
    }
    XCTAssertEqual(try metric("rate", of: metrics), 0)
    XCTAssertGreaterThan(try metric("bits_per_dim", of: metrics), 0)
    let encoding = try made(freedBy: vae_encoding_free) {
      vae_encode(model, images(2).pointer, 0, $0, $1)
    }
    var out: OpaquePointer?
    refuse(VAE_ERR_NOT_FOUND, "no mean") {
      vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, &out, $0)
    }
    refuse(VAE_ERR_NOT_FOUND, "0 stochastic layers") {
      vae_encoding_get(encoding, VAE_ENCODING_SAMPLE, 0, &out, $0)
    }
  }

  func testAWorkloadIsTimedAndStopped() throws {
    var out: OpaquePointer?
    refuse(VAE_ERR_NOT_FOUND, "mlp") { vae_bench("no-such", nil, &out, $0) }
    let token = try made(freedBy: vae_cancel_token_free) { vae_cancel_token_create($0, $1) }
    vae_cancel_token_cancel(token)
    refuse(VAE_ERR_CANCELLED) { vae_bench("mlp", token, &out, $0) }
    let metrics = try made(freedBy: vae_metrics_free) { vae_bench("mlp", nil, $0, $1) }
    XCTAssertGreaterThan(try metric("median_ms", of: metrics), 0)
    XCTAssertGreaterThanOrEqual(
      try metric("median_ms", of: metrics), try metric("min_ms", of: metrics))
    XCTAssertEqual(try metric("threads", of: metrics), Double(vae_threads()))
  }
}
