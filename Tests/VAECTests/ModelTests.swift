import CVAE
import VAEZoo
import XCTest

final class ModelTests: CTestCase {
  /// The model of C that `makeModel` makes, by Swift.
  private func swiftModel(
    _ variant: String, _ settings: [(String, String)], range: ValueRange = .binary
  ) throws -> TrainedModel {
    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: variant)
    recipe.data = DataDescription(
      height: 4, width: 4, channels: 1, range: range, rule: range == .binary ? "binary" : "floats")
    try registry.apply(
      [(key: "training.seed", value: "3")] + settings.map { (key: $0.0, value: $0.1) }, to: &recipe)
    return TrainedModel(
      model: try registry.model(recipe, seed: 3), recipe: recipe, source: "test")
  }

  private func info(_ model: OpaquePointer) throws -> vae_model_info {
    var info = vae_model_info()
    info.struct_size = UInt32(MemoryLayout<vae_model_info>.size)
    try succeed { vae_model_describe(model, &info, $0) }
    return info
  }

  func testAModelIsThatOfSwiftBitForBit() throws {
    for (variant, settings) in [
      ("gaussian-vae", Self.small), ("beta-vae", Self.small + [("beta", "4")]),
      ("gaussian-vae", [("architecture", "conv"), ("channels", "2,3"), ("latent", "2")]),
      ("vq-vae", [("codes", "8"), ("code_size", "3"), ("channels", "4")]),
    ] {
      let expected = try swiftModel(variant, settings)
      let model = try makeModel(variant, settings)
      let found = try tensors(of: model)
      XCTAssertEqual(Set(found.keys), Set(expected.model.weights.map(\.name)))
      for (name, values) in expected.model.weights {
        XCTAssertEqual(found[name]?.floats, values.floats, "\(variant): \(name)")
        XCTAssertEqual(found[name]?.shape, values.shape.dimensions, "\(variant): \(name)")
      }
      XCTAssertEqual(
        try text { vae_model_recipe_json(model, $0, $1, $2, $3) }, expected.recipe.json.line)
    }
  }

  func testAModelIsDescribed() throws {
    let model = try info(makeModel())
    XCTAssertEqual(model.range, VAE_RANGE_BINARY)
    XCTAssertEqual([model.height, model.width, model.channels], [4, 4, 1])
    let encoder = 16 * 8 + 8 + 8 * 4 + 4
    let decoder = 2 * 8 + 8 + 8 * 16 + 16
    XCTAssertEqual(model.parameter_count, Int64(encoder + decoder))
    XCTAssertEqual([model.latent_layers, model.code_count], [1, 0])

    let codes = try info(
      makeModel("vq-vae", [("codes", "8"), ("code_size", "3"), ("channels", "4")]))
    XCTAssertEqual([codes.latent_layers, codes.code_count], [1, 8])
    let ladder = try info(makeModel("ladder-vae", [("latent", "3,2"), ("hidden", "8,4")]))
    XCTAssertEqual(ladder.latent_layers, 2)
    let none = try info(makeModel("pixelcnn", [("channels", "4"), ("layers", "1")]))
    XCTAssertEqual([none.latent_layers, none.code_count], [0, 0])
    for range in [VAE_RANGE_UNIT, VAE_RANGE_REAL, VAE_RANGE_BYTES] {
      XCTAssertEqual(try info(makeModel(range: range)).range, range)
    }
    let binarized = try makeModel(
      "gaussian-vae", Self.small + [("training.binarize", "threshold")], range: VAE_RANGE_UNIT)
    XCTAssertEqual(try info(binarized).range, VAE_RANGE_UNIT, "what goes in is not binary")
  }

  func testAModelIsMadeFromARecipeAndItsSettingsWin() throws {
    let settings = CSettings([("latent", "5"), ("hidden", "6")])
    let recipe = try text {
      vae_recipe_json("beta-vae", settings.pointer, 2, $0, $1, $2, $3)
    }
    var options = modelOptions()
    let further = CSettings([("latent", "3")])
    options.settings = UnsafePointer(further.pointer)
    options.setting_count = 1
    let model = try recipe.withCString { text in
      options.recipe_json = text
      return try made(freedBy: vae_model_free) { vae_model_create(&options, $0, $1) }
    }
    XCTAssertEqual(try tensor("encoder.head.bias", of: model).shape, [6])
    // The recipe of a model knows its sizes.
    let own = try text { vae_model_recipe_json(model, $0, $1, $2, $3) }
    var bare = vae_model_options()
    bare.struct_size = UInt32(MemoryLayout<vae_model_options>.size)
    let again = try own.withCString { text in
      bare.recipe_json = text
      return try made(freedBy: vae_model_free) { vae_model_create(&bare, $0, $1) }
    }
    XCTAssertEqual(try tensors(of: again), try tensors(of: model))
  }

  func testAModelTakesItsSizesFromData() throws {
    let data = try makeData(train: CTensor([Float](repeating: 0.25, count: 24), [2, 3, 4, 1]))
    var options = modelOptions()
    (options.height, options.width, options.channels, options.range) = (0, 0, 0, 0)
    options.data = data
    let model = try "gaussian-vae".withCString { name in
      options.variant = name
      return try made(freedBy: vae_model_free) { vae_model_create(&options, $0, $1) }
    }
    let info = try info(model)
    XCTAssertEqual([info.height, info.width, info.channels], [3, 4, 1])
    XCTAssertEqual(info.range, VAE_RANGE_UNIT)
    "gaussian-vae".withCString { name in
      options.variant = name
      options.width = 4
      refuse(VAE_ERR_INVALID_ARGUMENT, "leave these zero") {
        var model: OpaquePointer?
        return vae_model_create(&options, &model, $0)
      }
    }
  }

  func testAFurtherStageTrainsItsPartsAloneAndLeavesTheFirstModelAsItWas() throws {
    let model = try makeModel(
      "vq-vae",
      [
        ("codes", "4"), ("code_size", "2"), ("encoder.channels", "4"),
        ("encoder.residual_channels", "2"), ("encoder.blocks", "1"), ("decoder.channels", "4"),
        ("decoder.residual_channels", "2"), ("decoder.blocks", "1"), ("prior.levels", "1"),
      ])
    let data = try makeData(train: images(40), test: images(8, seed: 7))
    try succeed { vae_trainer_fit(try? makeTrainer(model, data), nil, nil, nil, $0) }
    let first = try tensors(of: model)
    let settings = CSettings([("prior.channels", "4"), ("prior.layers", "1")])
    let next = try made(freedBy: vae_model_free) {
      vae_model_create_stage(model, "prior", settings.pointer, settings.count, $0, $1)
    }
    let fresh = try tensors(of: next)
    try succeed { vae_trainer_fit(try? makeTrainer(next, data), nil, nil, nil, $0) }
    let trained = try tensors(of: next)
    XCTAssertEqual(try tensors(of: model), first)
    for (name, values) in first where !name.hasPrefix("prior.") {
      XCTAssertEqual(trained[name], values, name)
    }
    let changed = trained.filter { fresh[$0.key] != $0.value }.map(\.key)
    XCTAssertFalse(changed.isEmpty)
    XCTAssertEqual(changed.filter { !$0.hasPrefix("prior.") }, [])
    refuse(VAE_ERR_RECIPE, "no stage codes; there are: prior") {
      var none: OpaquePointer?
      return vae_model_create_stage(model, "codes", nil, 0, &none, $0)
    }
  }

  func testAStageThatFitsItsPriorIsOneUpdateOfATrainer() throws {
    let model = try makeModel("gaussian-vae", [("latent", "2"), ("hidden", "8")])
    let data = try makeData(train: images(40), test: images(8, seed: 7))
    try succeed { vae_trainer_fit(try? makeTrainer(model, data), nil, nil, nil, $0) }
    let settings = CSettings([("prior.components", "2")])
    let next = try made(freedBy: vae_model_free) {
      vae_model_create_stage(model, "mixture", settings.pointer, settings.count, $0, $1)
    }
    let fresh = try tensors(of: next)
    try succeed { vae_trainer_fit(try? makeTrainer(next, data), nil, nil, nil, $0) }
    let trained = try tensors(of: next)
    let changed = Set(trained.filter { fresh[$0.key] != $0.value }.map(\.key))
    XCTAssertEqual(
      changed, ["prior.logits", "prior.means", "prior.log_scales", "prior.factors"])

    // Another stage trains the decoder of this one on.
    let tuned = try made(freedBy: vae_model_free) {
      vae_model_create_stage(next, "decoder", nil, 0, $0, $1)
    }
    XCTAssertEqual(try tensors(of: tuned), trained)
    try succeed { vae_trainer_fit(try? makeTrainer(tuned, data), nil, nil, nil, $0) }
    let own = try tensors(of: tuned)
    XCTAssertEqual(
      Set(own.filter { trained[$0.key] != $0.value }.map { String($0.key.prefix(8)) }),
      ["decoder."])
  }

  func testStagesOnLatentsTrainTheirPriorAlone() throws {
    let model = try makeModel("gaussian-vae", [("latent", "2"), ("hidden", "8")])
    let data = try makeData(train: images(40), test: images(8, seed: 7))
    try succeed { vae_trainer_fit(try? makeTrainer(model, data), nil, nil, nil, $0) }
    for (stage, hidden) in [("flow", "flow_hidden"), ("two-stage", "stage_hidden")] {
      let settings = CSettings([
        ("prior.\(hidden)", "6"), ("training.batch_size", "6"), ("training.epochs", "2"),
      ])
      let next = try made(freedBy: vae_model_free) {
        vae_model_create_stage(model, stage, settings.pointer, settings.count, $0, $1)
      }
      let fresh = try tensors(of: next)
      try succeed { vae_trainer_fit(try? makeTrainer(next, data), nil, nil, nil, $0) }
      let changed = try tensors(of: next).filter { fresh[$0.key] != $0.value }.map(\.key)
      XCTAssertTrue(changed.contains("prior.shift"), "\(changed)")
      XCTAssertEqual(changed.filter { !$0.hasPrefix("prior.") }, [], stage)
    }
  }

  func testOptionsThatContradictThemselvesAreRefused() throws {
    func refusal(
      _ status: vae_status, _ words: String, line: UInt = #line,
      _ change: (inout vae_model_options) -> Void
    ) {
      var options = modelOptions()
      "gaussian-vae".withCString { name in
        options.variant = name
        change(&options)
        refuse(status, words, #filePath, line) {
          var model: OpaquePointer?
          return vae_model_create(&options, &model, $0)
        }
      }
    }
    refusal(VAE_ERR_INVALID_ARGUMENT, "not both") { $0.variant = nil }
    refusal(VAE_ERR_INVALID_ARGUMENT, "not both") { $0.recipe_json = $0.variant }
    refusal(VAE_ERR_INVALID_ARGUMENT, "range is 0") { $0.range = 0 }
    refusal(VAE_ERR_INVALID_ARGUMENT, "range is 5") { $0.range = 5 }
    for size in [0, -1, Int64.min, Int64.max, 1 << 21] {
      refusal(VAE_ERR_INVALID_ARGUMENT, "height, width and channels") { $0.height = size }
      refusal(VAE_ERR_INVALID_ARGUMENT, "height, width and channels") { $0.width = size }
      refusal(VAE_ERR_INVALID_ARGUMENT, "height, width and channels") { $0.channels = size }
    }
    refusal(VAE_ERR_INVALID_ARGUMENT, "height, width and channels") {
      ($0.height, $0.width, $0.channels) = (1 << 20, 1 << 20, 1 << 20)
    }
    refusal(VAE_ERR_RECIPE, "seed") { $0.seed = .max }
    refusal(VAE_ERR_INVALID_ARGUMENT, "settings is NULL") { $0.setting_count = 1 }
    refusal(VAE_ERR_INVALID_ARGUMENT, "setting_count") { $0.setting_count = .max }
  }

  func testRecipesThatAreNoneAreRefused() {
    for (recipe, status) in [
      ("", VAE_ERR_FORMAT), ("{", VAE_ERR_FORMAT), ("[]", VAE_ERR_FORMAT), ("{}", VAE_ERR_FORMAT),
      (#"{"format": 1}"#, VAE_ERR_FORMAT), (#"{"format": 2, "variant": "iwae"}"#, VAE_ERR_FORMAT),
      (#"{"format": 1, "variant": "no"}"#, VAE_ERR_RECIPE),
      (#"{"format": 1, "variant": "iwae", "extra": 1}"#, VAE_ERR_RECIPE),
      (#"{"format": 1, "variant": "iwae", "prior": {"latent": 1e99}}"#, VAE_ERR_RECIPE),
      (#"{"format": 1, "variant": "iwae", "prior": {"latents": 4}}"#, VAE_ERR_RECIPE),
      (String(repeating: "[", count: 100_000), VAE_ERR_FORMAT),
    ] {
      recipe.withCString { text in
        var options = modelOptions()
        options.recipe_json = text
        refuse(status) {
          var model: OpaquePointer?
          return vae_model_create(&options, &model, $0)
        }
      }
    }
  }

  func testAModelThatWouldNotFitInMemoryIsRefusedBeforeItIsMade() {
    var options = modelOptions()
    (options.height, options.width) = (8192, 8192)
    let settings = CSettings([("hidden", "65536")])
    options.settings = UnsafePointer(settings.pointer)
    options.setting_count = 1
    "gaussian-vae".withCString { name in
      options.variant = name
      refuse(VAE_ERR_RECIPE, "beyond the limit") {
        var model: OpaquePointer?
        return vae_model_create(&options, &model, $0)
      }
    }
  }

  // MARK: Files

  func testFileAndMemoryGiveTheModelBack() throws {
    let model = try makeModel("gaussian-vae", Self.small + [("likelihood", "gaussian")])
    let path = try temporaryFolder() + "/model.safetensors"
    try succeed { vae_model_save(model, path, $0) }
    try succeed { vae_model_save(model, path, $0) }
    let bytes = try made(freedBy: vae_array_free) { vae_model_save_memory(model, $0, $1) }
    let stored = try contents(of: bytes)
    XCTAssertEqual(stored.dtype, VAE_UINT8)
    XCTAssertEqual(stored.bytes, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))

    let fromFile = try made(freedBy: vae_model_free) { vae_model_load(path, $0, $1) }
    let fromMemory = try made(freedBy: vae_model_free) { slot, error in
      stored.bytes.withUnsafeBytes { vae_model_load_memory($0.baseAddress, $0.count, slot, error) }
    }
    let expected = try tensors(of: model)
    for loaded in [fromFile, fromMemory] {
      XCTAssertEqual(try tensors(of: loaded), expected)
      XCTAssertEqual(
        try text { vae_model_recipe_json(loaded, $0, $1, $2, $3) },
        try text { vae_model_recipe_json(model, $0, $1, $2, $3) })
    }
    // And Swift reads the same.
    let swift = try TrainedModel.open(path, registry: .builtIn)
    XCTAssertEqual(
      try swift.sample(count: 3, seed: 1).floats,
      try contents(of: made(freedBy: vae_array_free) { vae_sample(fromMemory, 3, 1, 1, $0, $1) })
        .floats)
  }

  func testDamagedAndForeignFilesAreRefused() throws {
    var out: OpaquePointer?
    let folder = try temporaryFolder()
    refuse(VAE_ERR_NOT_FOUND) { vae_model_load("\(folder)/none.safetensors", &out, $0) }
    refuse(VAE_ERR_NOT_FOUND) { vae_model_load("\(folder)/none", &out, $0) }
    refuse(VAE_ERR_FORMAT) { vae_model_load(folder, &out, $0) }
    refuse(VAE_ERR_NOT_FOUND) { vae_model_load("", &out, $0) }
    let junk = "\(folder)/junk.safetensors"
    try Data("junk".utf8).write(to: URL(fileURLWithPath: junk))
    refuse(VAE_ERR_FORMAT, junk) { vae_model_load(junk, &out, $0) }

    let model = try makeModel()
    let whole = try contents(
      of: made(freedBy: vae_array_free) { vae_model_save_memory(model, $0, $1) }
    ).bytes
    for count in [1, 7, 8, 9, 100, whole.count / 2, whole.count - 1] {
      _ = whole.withUnsafeBytes { bytes in
        refuse(VAE_ERR_FORMAT, "bytes") {
          vae_model_load_memory(bytes.baseAddress, count, &out, $0)
        }
      }
    }
    var generator = SystemRandomNumberGenerator.counted(seed: 11)
    for _ in 0..<300 {
      var damaged = whole
      let place = Int.random(in: 0..<min(2000, damaged.count), using: &generator)
      damaged[place] ^= UInt8.random(in: 1...255, using: &generator)
      damaged.withUnsafeBytes { bytes in
        // Some damage is in a number of the weights or the recipe, and so still a model.
        let status = vae_model_load_memory(bytes.baseAddress, bytes.count, &out, nil)
        XCTAssertEqual(out == nil, status != VAE_OK)
        vae_model_free(out)
      }
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "size is 0") { vae_model_load_memory("x", 0, &out, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "size") { vae_model_load_memory("x", -1, &out, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "bytes is NULL") { vae_model_load_memory(nil, 5, &out, $0) }
  }

  func testAPathThatCannotBeWrittenIsRefused() throws {
    let model = try makeModel()
    let folder = try temporaryFolder()
    refuse(VAE_ERR_IO) { vae_model_save(model, "\(folder)/none/model.safetensors", $0) }
    refuse(VAE_ERR_IO) { vae_model_save(model, folder, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "path is NULL") { vae_model_save(model, nil, $0) }
  }

  // MARK: Tensors by name

  func testATensorIsReadAndReplacedByName() throws {
    let model = try makeModel()
    let name = "decoder.head.bias"
    let before = try tensor(name, of: model)
    XCTAssertEqual(before.shape, [16])
    let values = (0..<16).map { Float($0) / 10 }
    try succeed { vae_model_set_tensor(model, name, CTensor(values, [16]).pointer, $0) }
    XCTAssertEqual(try tensor(name, of: model).floats, values)
    let doubles = CTensor(values.reversed().map(Double.init), VAE_FLOAT64, shape: [16])
    try succeed { vae_model_set_tensor(model, name, doubles.pointer, $0) }
    XCTAssertEqual(try tensor(name, of: model).floats, values.reversed())
    let backwards = CTensor(values, VAE_FLOAT32, shape: [16], strides: [-1], first: 15)
    try succeed { vae_model_set_tensor(model, name, backwards.pointer, $0) }
    XCTAssertEqual(try tensor(name, of: model).floats, values.reversed())
  }

  func testAnArrayOfATensorIsACopy() throws {
    let model = try makeModel()
    let array = try made(freedBy: vae_array_free) {
      vae_model_get_tensor(model, "decoder.head.bias", $0, $1)
    }
    let before = try contents(of: array)
    try view(of: array).data.storeBytes(of: Float(77), as: Float.self)
    XCTAssertEqual(try tensor("decoder.head.bias", of: model), before)
  }

  func testWrongNamesShapesAndValuesOfATensorAreRefusedAndChangeNothing() throws {
    let model = try makeModel()
    let name = "decoder.head.bias"
    let before = try tensors(of: model)
    var out: OpaquePointer?
    refuse(VAE_ERR_NOT_FOUND, "vae_model_tensor_name") {
      vae_model_get_tensor(model, "no.such", &out, $0)
    }
    refuse(VAE_ERR_NOT_FOUND) {
      vae_model_set_tensor(model, "no.such", CTensor([1], [1]).pointer, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "has [16]") {
      vae_model_set_tensor(model, name, CTensor([1], [1]).pointer, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "not finite") {
      vae_model_set_tensor(
        model, name, CTensor([Float](repeating: .nan, count: 16), [16]).pointer, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "not finite") {
      vae_model_set_tensor(
        model, name,
        CTensor([Double](repeating: 1e300, count: 16), VAE_FLOAT64, shape: [16]).pointer, $0)
    }
    refuse(VAE_ERR_UNSUPPORTED, "bytes") {
      vae_model_set_tensor(
        model, name, CTensor([UInt8](repeating: 1, count: 16), VAE_UINT8, shape: [16]).pointer, $0)
    }
    refuse(VAE_ERR_UNSUPPORTED, "int32") {
      vae_model_set_tensor(
        model, name, CTensor([Int32](repeating: 1, count: 16), VAE_INT32, shape: [16]).pointer, $0)
    }
    XCTAssertEqual(try tensors(of: model), before)
    var needed = 0
    for index in [-1, 100, Int64.max, Int64.min] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "tensors") {
        vae_model_tensor_name(model, index, nil, 0, &needed, $0)
      }
    }
  }
}

extension SystemRandomNumberGenerator {
  /// A generator that gives the same numbers every time.
  static func counted(seed: UInt64) -> CounterGenerator {
    RandomSource(seed: seed).stream("tests").generator()
  }
}
