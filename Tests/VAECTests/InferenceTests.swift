import CVAE
import VAEZoo
import XCTest

final class InferenceTests: CTestCase {
  private func part(
    _ part: Int32, _ layer: Int64 = 0, of encoding: OpaquePointer
  ) throws -> ArrayContents {
    try contents(
      of: made(freedBy: vae_array_free) { vae_encoding_get(encoding, part, layer, $0, $1) })
  }

  private func encode(
    _ model: OpaquePointer, _ images: CTensor, seed: UInt64 = 0
  ) throws -> OpaquePointer {
    try made(freedBy: vae_encoding_free) { vae_encode(model, images.pointer, seed, $0, $1) }
  }

  private func decode(
    _ model: OpaquePointer, _ latents: [CTensor], seed: UInt64 = 0
  ) throws -> ArrayContents {
    var pointers = latents.map { UnsafePointer<vae_tensor>?($0.pointer) }
    return try contents(
      of: made(freedBy: vae_array_free) {
        vae_decode(model, &pointers, Int64(latents.count), seed, $0, $1)
      })
  }

  /// The model by Swift, through a file.
  private func swift(_ model: OpaquePointer) throws -> TrainedModel {
    let path = try temporaryFolder() + "/model.safetensors"
    try succeed { vae_model_save(model, path, $0) }
    return try TrainedModel.open(path, registry: .builtIn)
  }

  private func tensor(_ values: [Float], _ count: Int) -> Tensor {
    Tensor(values, shape: [count, 4, 4, 1])
  }

  func testAnEncodingIsThePosteriorOfSwift() throws {
    let model = try makeModel()
    let values = Self.pixels(5)
    let encoding = try encode(model, CTensor(values, [5, 4, 4, 1]), seed: 9)
    let context = Context(
      mode: .evaluation, random: RandomSource(seed: 9).child("evaluation"),
      examples: tensor(values, 5).rowHashes)
    let posterior = try XCTUnwrap(
      try swift(model).model.encoder.encode(tensor(values, 5), context) as? any Distribution)
    let drawn = posterior.draw(1, from: "posterior", context).value
    let mean = try part(VAE_ENCODING_MEAN, of: encoding)
    XCTAssertEqual(mean.shape, [5, 2])
    XCTAssertEqual(mean.floats, posterior.mean?.floats)
    XCTAssertEqual(try part(VAE_ENCODING_VARIANCE, of: encoding).floats, posterior.variance?.floats)
    XCTAssertEqual(
      try part(VAE_ENCODING_SAMPLE, of: encoding).floats, drawn.floats)
    var out: OpaquePointer?
    refuse(VAE_ERR_NOT_FOUND, "no codes") {
      vae_encoding_get(encoding, VAE_ENCODING_CODES, 0, &out, $0)
    }
    for layer in [-1, 1, Int64.max, Int64.min] {
      refuse(VAE_ERR_NOT_FOUND, "1 stochastic layers") {
        vae_encoding_get(encoding, VAE_ENCODING_SAMPLE, layer, &out, $0)
      }
    }
    for bad in [0, 5, -1, Int32.max] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "part is \(bad)") {
        vae_encoding_get(encoding, bad, 0, &out, $0)
      }
    }
  }

  func testArraysOfAnEncodingShareMemoryAndOutliveIt() throws {
    let model = try makeModel()
    var encoding: OpaquePointer?
    let images = images(3)
    try succeed { vae_encode(model, images.pointer, 0, &encoding, $0) }
    let arrays = try (0..<2).map { _ in
      try made(freedBy: vae_array_free) {
        vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, $0, $1)
      }
    }
    XCTAssertEqual(try view(of: arrays[0]).data, try view(of: arrays[1]).data)
    let before = try contents(of: arrays[0])
    vae_encoding_free(encoding)
    XCTAssertEqual(try contents(of: arrays[0]), before)
  }

  func testPartsOfManyImagesAreThoseOfFew() throws {
    let model = try makeModel()
    let all = try part(VAE_ENCODING_SAMPLE, of: encode(model, images(600), seed: 2))
    XCTAssertEqual(all.shape, [600, 2])
    let few = try part(VAE_ENCODING_SAMPLE, of: encode(model, images(250), seed: 2))
    XCTAssertEqual(Array(all.floats.prefix(500)), few.floats)
  }

  func testADecodedSampleIsTheReconstruction() throws {
    for (variant, settings) in [
      ("gaussian-vae", Self.small), ("ladder-vae", [("latent", "3,2"), ("hidden", "8,4")]),
      ("ladder-vae", [("architecture", "conv"), ("latent", "2,1"), ("channels", "4,4")]),
    ] {
      let model = try makeModel(variant, settings)
      let batch = images(5)
      let encoding = try encode(model, batch, seed: 4)
      var info = vae_model_info()
      info.struct_size = UInt32(MemoryLayout<vae_model_info>.size)
      try succeed { vae_model_describe(model, &info, $0) }
      let latents = try (0..<info.latent_layers).map { layer in
        let sample = try part(VAE_ENCODING_SAMPLE, layer, of: encoding)
        return CTensor(sample.floats, sample.shape)
      }
      let decoded = try decode(model, latents)
      let whole = try contents(
        of: made(freedBy: vae_array_free) { vae_reconstruct(model, batch.pointer, 4, $0, $1) })
      XCTAssertEqual(decoded.shape, [5, 4, 4, 1])
      XCTAssertEqual(decoded.floats, whole.floats, variant)
    }
  }

  func testCodesAndTheirVectorsDecodeAlike() throws {
    let model = try makeModel("vq-vae", [("codes", "8"), ("code_size", "3"), ("channels", "4")])
    let batch = images(5)
    let encoding = try encode(model, batch)
    let codes = try part(VAE_ENCODING_CODES, of: encoding)
    XCTAssertEqual(codes.dtype, VAE_INT32)
    XCTAssertEqual(codes.shape, [5, 1, 1])
    XCTAssertTrue(codes.integers.allSatisfy { (0..<8).contains($0) })
    let vectors = try part(VAE_ENCODING_SAMPLE, of: encoding)
    XCTAssertEqual(vectors.shape, [5, 1, 1, 3])
    let byCodes = try decode(model, [CTensor(codes.integers, VAE_INT32, shape: codes.shape)])
    let byVectors = try decode(model, [CTensor(vectors.floats, vectors.shape)])
    XCTAssertEqual(byCodes, byVectors)
    let whole = try contents(
      of: made(freedBy: vae_array_free) { vae_reconstruct(model, batch.pointer, 0, $0, $1) })
    XCTAssertEqual(byCodes, whole)
    for bad in [-1, 8, Int32.max, Int32.min] {
      let latents = CTensor([bad], VAE_INT32, shape: [1, 1, 1])
      var pointer: UnsafePointer<vae_tensor>? = UnsafePointer(latents.pointer)
      var out: OpaquePointer?
      refuse(VAE_ERR_INVALID_ARGUMENT, "the code \(bad)") {
        vae_decode(model, &pointer, 1, 0, &out, $0)
      }
    }
  }

  func testLatentsThatDoNotFitAreRefused() throws {
    let model = try makeModel()
    var out: OpaquePointer?
    func refusal(
      _ words: String, _ latents: [CTensor], layers: Int64? = nil,
      status: vae_status = VAE_ERR_INVALID_ARGUMENT,
      line: UInt = #line
    ) {
      var pointers = latents.map { UnsafePointer<vae_tensor>?($0.pointer) }
      refuse(status, words, #filePath, line) {
        vae_decode(model, &pointers, layers ?? Int64(latents.count), 0, &out, $0)
      }
    }
    let good = CTensor([0, 0], [1, 2])
    refusal("[1, 3]", [CTensor([0, 0, 0], [1, 3])])
    refusal("the shape [2]", [CTensor([0, 0], [2])])
    refusal("the shape []", [CTensor([0], [])])
    refusal("2 tensors", [good, good])
    refusal("not finite", [CTensor([0, .nan], [1, 2])])
    refusal("whole numbers", [CTensor([0, 0] as [Int32], VAE_INT32, shape: [1, 2])])
    refusal("empty", [CTensor([], [0, 2])])
    refusal(
      "bytes", [CTensor([0, 0] as [UInt8], VAE_UINT8, shape: [1, 2])], status: VAE_ERR_UNSUPPORTED)
    for layers in [0, -1, 65, Int64.max, Int64.min] {
      refusal("layer_count", [good], layers: layers)
    }
    var missing: UnsafePointer<vae_tensor>?
    refuse(VAE_ERR_INVALID_ARGUMENT, "latents[0] is NULL") {
      vae_decode(model, &missing, 1, 0, &out, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "latents is NULL") { vae_decode(model, nil, 1, 0, &out, $0) }
    let none = try makeModel("pixelcnn", [("channels", "4"), ("layers", "1")])
    var pointer: UnsafePointer<vae_tensor>? = UnsafePointer(good.pointer)
    refuse(VAE_ERR_INVALID_ARGUMENT, "no latents") { vae_decode(none, &pointer, 1, 0, &out, $0) }
    let ladder = try makeModel("ladder-vae", [("latent", "3,2"), ("hidden", "8,4")])
    let (two, three) = (CTensor([0, 0], [1, 2]), CTensor([0, 0, 0, 0, 0, 0], [2, 3]))
    var rows = [UnsafePointer<vae_tensor>?(three.pointer), UnsafePointer(two.pointer)]
    refuse(VAE_ERR_INVALID_ARGUMENT, "[1]") { vae_decode(ladder, &rows, 2, 0, &out, $0) }
  }

  func testSamplesAreThoseOfSwiftAndFollowTheSeed() throws {
    for (variant, settings) in [
      ("gaussian-vae", Self.small), ("pixelcnn", [("channels", "4"), ("layers", "1")]),
      ("vq-vae", [("codes", "8"), ("code_size", "3"), ("channels", "4")]),
    ] {
      let model = try makeModel(variant, settings)
      func sample(_ seed: UInt64, _ temperature: Double) throws -> [Float] {
        let found = try contents(
          of: made(freedBy: vae_array_free) { vae_sample(model, 3, temperature, seed, $0, $1) })
        XCTAssertEqual(found.shape, [3, 4, 4, 1])
        return found.floats
      }
      let expected = try swift(model).sample(count: 3, seed: 8, temperature: 0.5).floats
      XCTAssertEqual(try sample(8, 0.5), expected, variant)
      XCTAssertEqual(try sample(8, 0.5), expected, variant)
      XCTAssertEqual(try sample(.max, 1).count, 48)
      if variant != "vq-vae" { XCTAssertNotEqual(try sample(9, 0.5), expected, variant) }
    }
  }

  func testSamplesAreDrawsWhereTheOptionsSaySo() throws {
    let model = try makeModel("gaussian-vae", Self.small + [("likelihood", "gaussian")])
    var options = vae_call_options()
    options.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
    options.draw = 1
    let drawn = try contents(
      of: made(freedBy: vae_array_free) { vae_sample_with(model, 3, 1, 8, &options, $0, $1) })
    XCTAssertEqual(drawn.floats, try swift(model).sample(count: 3, seed: 8, drawing: true).floats)
    XCTAssertNotEqual(drawn.floats, try swift(model).sample(count: 3, seed: 8).floats)
    var out: OpaquePointer?
    refuse(VAE_ERR_INVALID_ARGUMENT, "options->draw is given to a call that draws no images") {
      vae_reconstruct_with(model, images(2).pointer, 0, &options, &out, $0)
    }
    options.draw = 2
    refuse(VAE_ERR_INVALID_ARGUMENT, "options->draw is 2, but must be 0 or 1") {
      vae_sample_with(model, 3, 1, 8, &options, &out, $0)
    }
    (options.draw, options.reserved2) = (0, 1)
    refuse(VAE_ERR_UNSUPPORTED, "options->reserved2 is 1") {
      vae_sample_with(model, 3, 1, 8, &options, &out, $0)
    }
  }

  func testCountsAndTemperaturesOutOfRangeAreRefused() throws {
    let model = try makeModel()
    var out: OpaquePointer?
    for count in [0, -1, Int64.max, Int64.min, 1 << 31] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "count is \(count)") {
        vae_sample(model, count, 1, 0, &out, $0)
      }
    }
    for temperature in [-1, .nan, .infinity, -.infinity, 1001, 1e308] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "temperature") {
        vae_sample(model, 1, temperature, 0, &out, $0)
      }
    }
    refuse(VAE_ERR_OUT_OF_MEMORY, "GB") { vae_sample(model, .init(Int32.max), 1, 0, &out, $0) }
  }

  func testLogLikelihoodsAreThoseOfTheEvaluation() throws {
    let model = try makeModel()
    let test = images(12, seed: 7)
    let data = try makeData(train: images(16), test: test)
    for samples in [0, 1, 5000] as [Int32] {
      var options = vae_evaluation_options()
      options.struct_size = UInt32(MemoryLayout<vae_evaluation_options>.size)
      options.importance_samples = samples
      options.seed = 6
      let metrics = try made(freedBy: vae_metrics_free) {
        vae_evaluate(model, data, &options, nil, $0, $1)
      }
      let found = try contents(
        of: made(freedBy: vae_array_free) {
          vae_log_likelihood(model, test.pointer, samples, 6, nil, $0, $1)
        })
      XCTAssertEqual(found.dtype, VAE_FLOAT64)
      XCTAssertEqual(found.shape, [12])
      let mean = found.doubles.reduce(0, +) / 12
      let expected =
        samples == 0
        ? try metric("elbo", of: metrics) : -(try metric("nll", of: metrics))
      // Scores draw by what an image is, an evaluation by its index: many draws agree.
      let error = try metric(samples == 0 ? "elbo_stderr" : "nll_stderr", of: metrics)
      XCTAssertEqual(
        mean, expected, accuracy: samples > 1 ? 0.01 : 4 * error, "\(samples) samples")
    }
  }

  func testALikelierImageScoresHigher() throws {
    // All images of the training data are alike.
    let common = [Float](Array(repeating: Self.pixels(1), count: 64).joined())
    let data = try makeData(train: CTensor(common, [64, 4, 4]))
    let model = try makeModel()
    try succeed {
      vae_trainer_fit(try? makeTrainer(model, data, trainerOptions(epochs: 30)), nil, nil, nil, $0)
    }
    let odd = Self.pixels(1).map { 1 - $0 }
    let images = CTensor(Self.pixels(1) + odd, [2, 4, 4])
    let found = try contents(
      of: made(freedBy: vae_array_free) {
        vae_log_likelihood(model, images.pointer, 10, 0, nil, $0, $1)
      }
    ).doubles
    XCTAssertGreaterThan(found[0], found[1] + 5)
  }

  func testTypicalityComparesBoundsOrAsManyDrawsAsAreAskedFor() throws {
    let model = try makeModel()
    let (odd, usual) = (images(6), images(9, seed: 4))
    func likelihoods(_ images: CTensor, _ samples: Int32) throws -> [Double] {
      try contents(
        of: made(freedBy: vae_array_free) {
          vae_log_likelihood(model, images.pointer, samples, 2, nil, $0, $1)
        }
      ).doubles
    }
    // What 0 and -1 stand for.
    for (asked, samples) in [(0, 16), (-1, 0), (3, 3)] as [(Int32, Int32)] {
      var options = vae_score_options()
      options.struct_size = UInt32(MemoryLayout<vae_score_options>.size)
      options.importance_samples = asked
      options.seed = 2
      options.group = 1
      options.reference = UnsafePointer(usual.pointer)
      let found = try "typicality".withCString { method in
        options.method = method
        return try contents(
          of: made(freedBy: vae_array_free) {
            vae_score(model, odd.pointer, &options, nil, $0, $1)
          }
        ).doubles
      }
      let wanted = try likelihoods(usual, samples).reduce(0, +) / 9
      for (score, own) in zip(found, try likelihoods(odd, samples)) {
        XCTAssertEqual(score, abs(own - wanted), accuracy: 1e-6, "\(asked)")
      }
    }
  }

  func testRowsOfNumbersAreImagesThatAreWiderThanHigh() throws {
    var options = modelOptions()
    (options.height, options.width) = (2, 3)
    let settings = CSettings(Self.small)
    (options.settings, options.setting_count) = (UnsafePointer(settings.pointer), 2)
    let model = try "gaussian-vae".withCString { name in
      options.variant = name
      return try made(freedBy: vae_model_free) { vae_model_create(&options, $0, $1) }
    }
    let values = Array(Self.pixels(2).prefix(30))
    let found = try [[5, 2, 3], [5, 6]].map { shape in
      let images = CTensor(values, shape)
      return try contents(
        of: made(freedBy: vae_array_free) { vae_reconstruct(model, images.pointer, 0, $0, $1) }
      ).floats
    }
    XCTAssertEqual(found[0], found[1])
  }
}
