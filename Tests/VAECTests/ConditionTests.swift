import CVAE
import VAEZoo
import XCTest

/// Conditions as arrays beside the images, in C.
final class ConditionTests: CTestCase {
  private static let labels: [Int32] = (0..<40).map { $0 % 3 }

  /// Binary images with labels, as data.
  private func labelled() throws -> OpaquePointer {
    let (images, labels) = (images(40), CTensor(labels: Self.labels))
    var options = vae_data_options()
    options.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
    options.train_condition = UnsafePointer(labels.pointer)
    return try made(freedBy: vae_data_free) {
      vae_data_from_tensors_with(images.pointer, nil, &options, $0, $1)
    }
  }

  /// A conditional model for data, trained for an update.
  private func trained(_ data: OpaquePointer) throws -> OpaquePointer {
    var options = vae_model_options()
    options.struct_size = UInt32(MemoryLayout<vae_model_options>.size)
    options.data = data
    let model = try makeModel("conditional-vae", options: options)
    let trainer = try makeTrainer(model, data)
    try succeed { vae_trainer_step(trainer, nil, $0) }
    return model
  }

  /// The options of a call with a condition.
  private func told(_ condition: CTensor?) -> vae_call_options {
    var options = vae_call_options()
    options.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
    options.condition = condition.map { UnsafePointer($0.pointer) }
    return options
  }

  func testAStageIsToldTheLabelsOfDataThatTheModelWasNot() throws {
    let data = try labelled()
    let plain = try makeModel("gaussian-vae", [("latent", "2"), ("hidden", "8")])
    refuse(VAE_ERR_DATA, "give data with labels or conditions") {
      var none: OpaquePointer?
      return vae_model_create_stage(plain, "class-mixture", nil, 0, &none, $0)
    }
    let settings = CSettings([("prior.components", "1")])
    let next = try made(freedBy: vae_model_free) {
      vae_model_create_stage_on(
        plain, "class-mixture", data, settings.pointer, settings.count, $0, $1)
    }
    XCTAssertEqual(try info(of: next).condition, VAE_CONDITION_LABEL)
    XCTAssertEqual(try info(of: next).condition_width, 3)
    try succeed { vae_trainer_fit(try? makeTrainer(next, data), nil, nil, nil, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "data") {
      var none: OpaquePointer?
      return vae_model_create_stage_on(plain, "class-mixture", plain, nil, 0, &none, $0)
    }
  }

  func testDataAndModelSayWhatIsKnown() throws {
    let data = try labelled()
    var described = vae_data_info()
    described.struct_size = UInt32(MemoryLayout<vae_data_info>.size)
    try succeed { vae_data_describe(data, &described, $0) }
    XCTAssertEqual(described.condition, VAE_CONDITION_LABEL)
    XCTAssertEqual(described.condition_width, 3)
    let rows = try contents(
      of: made(freedBy: vae_array_free) { vae_data_conditions(data, "train", 1, 2, $0, $1) })
    XCTAssertEqual(rows.shape, [2, 3])
    XCTAssertEqual(rows.floats, [0, 1, 0, 0, 0, 1])
    let model = try info(of: trained(data))
    XCTAssertEqual(model.condition, VAE_CONDITION_LABEL)
    XCTAssertEqual(model.condition_width, 3)
    XCTAssertEqual(try info(of: makeModel()).condition_width, 0)
    let bare = try makeData(train: images(8))
    refuse(VAE_ERR_NOT_FOUND, "neither labels nor conditions") { error in
      var out: OpaquePointer?
      return vae_data_conditions(bare, "train", 0, 1, &out, error)
    }
  }

  func testAModelIsToldWhatItsOptionsSay() throws {
    func create(_ kind: Int32, _ width: Int64, _ error: ErrorSlot?) -> (vae_status, OpaquePointer?)
    {
      var options = modelOptions()
      (options.condition, options.condition_width) = (kind, width)
      let settings = CSettings(Self.small)
      (options.settings, options.setting_count) = (UnsafePointer(settings.pointer), 2)
      return "conditional-vae".withCString { name in
        options.variant = name
        var model: OpaquePointer?
        let status = vae_model_create(&options, &model, error)
        return (status, model)
      }
    }
    for (kind, width) in [
      (VAE_CONDITION_LABEL, 5), (VAE_CONDITION_ATTRIBUTES, 3), (VAE_CONDITION_VECTOR, 2),
      (VAE_CONDITION_VECTOR, Int64(ConditionSpace.widthLimit)),
    ] as [(Int32, Int64)] {
      let (status, model) = create(kind, width, nil)
      XCTAssertEqual(status, VAE_OK)
      defer { vae_model_free(model) }
      let info = try info(of: XCTUnwrap(model))
      XCTAssertEqual(info.condition, kind)
      XCTAssertEqual(info.condition_width, width)
    }
    for (kind, width) in [
      (4, 2), (-1, 2), (VAE_CONDITION_NONE, 2), (VAE_CONDITION_LABEL, 0),
      (VAE_CONDITION_VECTOR, -1),
      (VAE_CONDITION_ATTRIBUTES, Int64(ConditionSpace.widthLimit) + 1),
    ] as [(Int32, Int64)] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "options->condition is \(kind) of width \(width)") {
        create(kind, width, $0).0
      }
    }
    let data = try labelled()
    var options = vae_model_options()
    options.struct_size = UInt32(MemoryLayout<vae_model_options>.size)
    (options.data, options.condition, options.condition_width) = (data, VAE_CONDITION_LABEL, 3)
    "conditional-vae".withCString { name in
      options.variant = name
      refuse(VAE_ERR_INVALID_ARGUMENT, "options give data, and a condition as well") {
        var model: OpaquePointer?
        return vae_model_create(&options, &model, $0)
      }
    }
  }

  func testEachSplitHasConditionsOfItsOwn() throws {
    let (train, test) = (images(6), images(3, seed: 4))
    let bits: [UInt8] = [0, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 1]
    let vectors: [Float] = [0.5, -1, 2, 0.25, -3, 4, 1.5, 0, 8, -0.5, 6, 7]
    let labels: [Int32] = [2, 0, 1, 1, 3, 0]
    for (given, other, kind, width, rows, last) in [
      (
        CTensor(bits, VAE_UINT8, shape: [6, 2]),
        CTensor([1, 1, 0, 0, 0, 1] as [UInt8], VAE_UINT8, shape: [3, 2]),
        VAE_CONDITION_ATTRIBUTES, 2, [0, 0, 1, 0], [0, 1]
      ),
      (
        CTensor(vectors, [6, 2]), CTensor([9, 8, 7, 6, 5, -4], [3, 2]), VAE_CONDITION_VECTOR, 2,
        [-3, 4, 1.5, 0], [5, -4]
      ),
      (
        CTensor(labels: labels), CTensor(labels: [1, 1, 3]), VAE_CONDITION_LABEL, 4,
        [0, 1, 0, 0, 0, 1, 0, 0], [0, 0, 0, 1]
      ),
    ] as [(CTensor, CTensor, Int32, Int64, [Float], [Float])] {
      var options = vae_data_options()
      options.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
      options.train_condition = UnsafePointer(given.pointer)
      options.test_condition = UnsafePointer(other.pointer)
      let data = try made(freedBy: vae_data_free) {
        vae_data_from_tensors_with(train.pointer, test.pointer, &options, $0, $1)
      }
      var described = vae_data_info()
      described.struct_size = UInt32(MemoryLayout<vae_data_info>.size)
      try succeed { vae_data_describe(data, &described, $0) }
      XCTAssertEqual(described.condition, kind)
      XCTAssertEqual(described.condition_width, width)
      XCTAssertEqual(
        [described.train_count, described.valid_count, described.test_count], [6, 0, 3])
      for (split, first, count, expected) in [("train", 2, 2, rows), ("test", 2, 1, last)]
        as [(String, Int64, Int64, [Float])]
      {
        let found = try contents(
          of: made(freedBy: vae_array_free) {
            vae_data_conditions(data, split, first, count, $0, $1)
          })
        XCTAssertEqual(found.shape, [Int(count), Int(width)])
        XCTAssertEqual(found.floats, expected)
      }
      var out: OpaquePointer?
      for (first, count) in [(2, 2), (3, 1), (-1, 1), (0, 0)] as [(Int64, Int64)] {
        refuse(VAE_ERR_INVALID_ARGUMENT, "of test") {
          vae_data_conditions(data, "test", first, count, &out, $0)
        }
      }
      options.test_condition = UnsafePointer(given.pointer)
      refuse(
        VAE_ERR_DATA, "options->test_condition is of 6 examples, but test has 3 images"
      ) { vae_data_from_tensors_with(train.pointer, test.pointer, &options, &out, $0) }
      options.train_condition = UnsafePointer(other.pointer)
      refuse(
        VAE_ERR_DATA, "options->train_condition is of 3 examples, but train has 6 images"
      ) { vae_data_from_tensors_with(train.pointer, test.pointer, &options, &out, $0) }
    }
  }

  /// Images, and options with labels of classes that have names.
  private func withNames<Result>(
    _ names: [String], _ labels: [Int32] = ConditionTests.labels,
    _ body: (UnsafePointer<vae_tensor>, UnsafePointer<vae_data_options>) throws -> Result
  ) rethrows -> Result {
    let (images, labels) = (images(40), CTensor(labels: labels))
    let texts = names.map { strdup($0) }
    defer { texts.forEach { free($0) } }
    return try texts.map { UnsafePointer($0) }.withUnsafeBufferPointer { names in
      var options = vae_data_options()
      options.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
      options.train_condition = UnsafePointer(labels.pointer)
      options.class_names = names.baseAddress
      options.class_name_count = UInt64(names.count)
      return try body(UnsafePointer(images.pointer), &options)
    }
  }

  /// Binary images with labels of classes that have names, as data.
  private func named(
    _ names: [String], _ labels: [Int32] = ConditionTests.labels
  ) throws -> OpaquePointer {
    try withNames(names, labels) { images, options in
      try made(freedBy: vae_data_free) { vae_data_from_tensors_with(images, nil, options, $0, $1) }
    }
  }

  func testAModelKeepsTheNamesOfClassesAndKnowsOtherDataByThem() throws {
    let model = try trained(named(["ape", "bee", "cat"]))
    let recipe = try text { vae_model_recipe_json(model, $0, $1, $2, $3) }
    XCTAssertTrue(recipe.contains("\"names\": [\"ape\", \"bee\", \"cat\"]"), recipe)
    func elbo(_ data: OpaquePointer) throws -> Double {
      var options = vae_evaluation_options()
      options.struct_size = UInt32(MemoryLayout<vae_evaluation_options>.size)
      return try "train".withCString { split in
        options.split = split
        let found = try made(freedBy: vae_metrics_free) {
          vae_evaluate(model, data, &options, nil, $0, $1)
        }
        var value = 0.0
        try succeed { vae_metrics_get(found, "elbo", &value, $0) }
        return value
      }
    }
    let expected = try elbo(named(["ape", "bee", "cat"]))
    // The same classes by other numbers.
    XCTAssertEqual(
      try elbo(named(["cat", "ape", "bee"], Self.labels.map { ($0 + 1) % 3 })), expected)
    XCTAssertNotEqual(try elbo(named(["cat", "ape", "bee"])), expected)
    for data in [try labelled(), try named(["ape", "bee", "cow"])] {
      refuse(VAE_ERR_DATA, "(ape, bee, cat)") { error in
        var options = vae_evaluation_options()
        options.struct_size = UInt32(MemoryLayout<vae_evaluation_options>.size)
        return "train".withCString { split in
          options.split = split
          var out: OpaquePointer?
          return vae_evaluate(model, data, &options, nil, &out, error)
        }
      }
    }
  }

  func testNamesOfClassesThatCannotBeAreRefused() {
    for (names, words) in [
      (["ape", "bee"], "is 2, but there are names of 2 classes"), (["a", "b", "a"], "twice"),
      (["a", "", "c"], "an empty name"),
    ] {
      refuse(VAE_ERR_DATA, words) { error in
        withNames(names) { images, options in
          var out: OpaquePointer?
          return vae_data_from_tensors_with(images, nil, options, &out, error)
        }
      }
    }
    let images = images(4)
    var options = vae_data_options()
    options.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
    options.class_name_count = 3
    var out: OpaquePointer?
    refuse(VAE_ERR_INVALID_ARGUMENT, "class_names") {
      vae_data_from_tensors_with(images.pointer, nil, &options, &out, $0)
    }
    options.class_name_count = .max
    refuse(VAE_ERR_INVALID_ARGUMENT, "limit") {
      vae_data_from_tensors_with(images.pointer, nil, &options, &out, $0)
    }
  }

  func testEveryCallIsToldWhatSwiftIsTold() throws {
    let model = try trained(labelled())
    let path = try temporaryFolder() + "/model.safetensors"
    try succeed { vae_model_save(model, path, $0) }
    let swift = try TrainedModel.open(path, registry: .builtIn)
    let space = try XCTUnwrap(swift.model.condition)
    let (images, labels) = (images(5), CTensor(labels: [2, 0, 1, 1, 2]))
    let split = DataSplit(
      name: "images", store: TensorImages(floats: Self.pixels(5)), labels: [2, 0, 1, 1, 2])
    var options = told(labels)
    let encoding = try made(freedBy: vae_encoding_free) {
      vae_encode_with(model, images.pointer, 7, &options, $0, $1)
    }
    let mean = try contents(
      of: made(freedBy: vae_array_free) {
        vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, $0, $1)
      })
    XCTAssertEqual(mean.floats, try swift.encode(split, seed: 7).mean?.floats)
    let scores = try contents(
      of: made(freedBy: vae_array_free) {
        vae_log_likelihood_with(model, images.pointer, 0, 7, &options, $0, $1)
      })
    XCTAssertEqual(scores.doubles, try swift.logLikelihoods(split, samples: 0, seed: 7))
    let reconstructed = try contents(
      of: made(freedBy: vae_array_free) {
        vae_reconstruct_with(model, images.pointer, 7, &options, $0, $1)
      })
    XCTAssertEqual(reconstructed.floats, try swift.reconstruct(split, seed: 7).floats)
    // One row for all, as label and as one-hot row, and without one the classes in turn.
    let two = space.rows(labels: [2])
    for given in [CTensor(labels: [2]), CTensor([0, 0, 1] as [Float], [1, 3])] {
      var options = told(given)
      let drawn = try contents(
        of: made(freedBy: vae_array_free) { vae_sample_with(model, 4, 1, 3, &options, $0, $1) })
      XCTAssertEqual(drawn.floats, try swift.sample(count: 4, seed: 3, condition: two).floats)
    }
    let inTurn = try contents(
      of: made(freedBy: vae_array_free) { vae_sample(model, 4, 1, 3, $0, $1) })
    XCTAssertEqual(inTurn.floats, try swift.sample(count: 4, seed: 3).floats)
    let latents = CTensor([0.5, -1] as [Float], [1, 2])
    var pointers: [UnsafePointer<vae_tensor>?] = [UnsafePointer(latents.pointer)]
    var one = told(CTensor(labels: [2]))
    let decoded = try contents(
      of: made(freedBy: vae_array_free) {
        vae_decode_with(model, &pointers, 1, 0, &one, $0, $1)
      })
    XCTAssertEqual(
      decoded.floats,
      try swift.decode([Tensor([0.5, -1], shape: [1, 2])], condition: two).floats)
  }

  func testAStepOnABatchOfTheCallersIsToldItsConditions() throws {
    let data = try labelled()
    let model = try trained(data)
    let trainer = try makeTrainer(model, data)
    var options = told(CTensor(labels: [0, 1, 2]))
    try succeed { vae_trainer_step_on_with(trainer, images(3).pointer, &options, nil, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "the call says none") {
      vae_trainer_step_on(trainer, images(3).pointer, nil, $0)
    }
  }

  func testWhatDoesNotFitIsRefusedByName() throws {
    let data = try labelled()
    let model = try trained(data)
    var out: OpaquePointer?
    func encode(
      _ model: OpaquePointer, _ condition: CTensor?, _ error: UnsafeMutablePointer<OpaquePointer?>?
    ) -> vae_status {
      var options = told(condition)
      return vae_encode_with(model, images(2).pointer, 0, &options, &out, error)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "a label of 3 classes") { encode(model, nil, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "is of 3 examples, but there are 2 images") {
      encode(model, CTensor(labels: [0, 1, 2]), $0)
    }
    refuse(VAE_ERR_DATA, "label 3 is not in 0…2") {
      encode(model, CTensor(labels: [0, 3]), $0)
    }
    refuse(VAE_ERR_DATA, "a vector of 2 numbers") {
      encode(model, CTensor([0, 1, 1, 0] as [Float], [2, 2]), $0)
    }
    refuse(VAE_ERR_DATA, "finite") {
      encode(model, CTensor([0, .nan, 1, 0, 0, 0] as [Float], [2, 3]), $0)
    }
    let plain = try makeModel()
    refuse(VAE_ERR_INVALID_ARGUMENT, "a model of p(x)") {
      encode(plain, CTensor(labels: [0, 1]), $0)
    }
    var options = told(CTensor(labels: [0]))
    refuse(VAE_ERR_INVALID_ARGUMENT, "takes none") {
      vae_data_open_with("shapes:32", &options, &out, $0)
    }
    let bare = try makeData(train: images(20), test: images(4))
    refuse(VAE_ERR_DATA, "needs a condition") { error in
      vae_evaluate(model, bare, nil, nil, &out, error)
    }
    var modelOptions = modelOptions()
    modelOptions.data = bare
    (modelOptions.height, modelOptions.width, modelOptions.channels, modelOptions.range) = (
      0, 0, 0, 0
    )
    "conditional-vae".withCString { name in
      modelOptions.variant = name
      refuse(VAE_ERR_DATA, "neither labels nor conditions") {
        vae_model_create(&modelOptions, &out, $0)
      }
    }
  }
}

extension CTensor {
  /// Dense whole numbers, one for each example.
  fileprivate convenience init(labels: [Int32]) {
    self.init(labels, VAE_INT32, shape: [labels.count])
  }
}

/// Images of floats in memory.
private struct TensorImages: ExampleStore {
  let floats: [Float]
  var shape: ImageShape { ImageShape(height: 4, width: 4, channels: 1) }
  var count: Int { floats.count / 16 }
  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    for (row, index) in indices.enumerated() {
      for element in 0..<16 { destination[row * 16 + element] = floats[index * 16 + element] }
    }
  }
}
