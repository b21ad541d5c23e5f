import CVAE
import VAEFiles
import XCTest

/// `vae_classifier_…`, and models that are measured by a network.
final class ClassifierTests: CTestCase {
  private static let settings = [
    ("epochs", "2"), ("batch_size", "8"), ("width", "2"), ("features", "4"),
  ]

  private func labelled(_ count: Int, hasLabels: Bool = true) throws -> OpaquePointer {
    let labels = CTensor((0..<count).map { Int32($0 % 2) }, VAE_INT32, shape: [count])
    var options = vae_data_options()
    options.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
    if hasLabels { options.train_condition = UnsafePointer(labels.pointer) }
    return try made(freedBy: vae_data_free) {
      vae_data_from_tensors_with(images(count).pointer, images(4).pointer, &options, $0, $1)
    }
  }

  private func trained() throws -> OpaquePointer {
    let (data, settings) = (try labelled(40), CSettings(Self.settings))
    return try made(freedBy: vae_classifier_free) {
      vae_classifier_train(data, settings.pointer, settings.count, nil, $0, $1)
    }
  }

  private func probabilities(_ classifier: OpaquePointer, _ images: CTensor) throws -> [Float] {
    let array = try made(freedBy: vae_array_free) {
      vae_classifier_probabilities(classifier, images.pointer, nil, $0, $1)
    }
    var view = vae_tensor()
    view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    try succeed { vae_array_view(array, &view, $0) }
    let count = Int(view.shape[0] * view.shape[1])
    let start = try XCTUnwrap(view.data).assumingMemoryBound(to: Float.self)
    return Array(UnsafeBufferPointer(start: start, count: count))
  }

  func testAClassifierIsTrainedSavedOpenedAndMeasuresAModel() throws {
    let classifier = try trained()
    let path = try temporaryFolder() + "/classifier.safetensors"
    try succeed { vae_classifier_save(classifier, path, $0) }
    let opened = try made(freedBy: vae_classifier_free) { vae_classifier_open(path, $0, $1) }
    let json = try text { vae_classifier_json(opened, $0, $1, $2, $3) }
    let object = try XCTUnwrap(JSON(parsing: Array(json.utf8), source: "json").object)
    XCTAssertEqual(object["classes"], .array([.text("0"), .text("1")]))
    XCTAssertEqual(object["held_out"], .text("a tenth of train"))
    let found = try probabilities(classifier, images(5))
    XCTAssertEqual(found.count, 10)
    XCTAssertEqual(found[0] + found[1], 1, accuracy: 1e-5)
    XCTAssertEqual(found, try probabilities(opened, images(5)))

    let (model, data) = (try makeModel(), try labelled(12))
    var options = vae_evaluation_options()
    options.struct_size = UInt32(MemoryLayout<vae_evaluation_options>.size)
    let values = try path.withCString { path in
      options.network = path
      return try "train".withCString { split in
        options.split = split
        let metrics = try made(freedBy: vae_metrics_free) {
          vae_evaluate(model, data, &options, nil, $0, $1)
        }
        return try ["frechet_distance.samples", "classifier_confidence.mean"].map { name in
          var value = Double.nan
          try succeed { vae_metrics_get(metrics, name, &value, $0) }
          return value
        }
      }
    }
    XCTAssertTrue(values.allSatisfy { $0.isFinite && $0 > 0 }, "\(values)")
    // The heads of a network compare reconstructions.
    var file = Safetensors()
    for (name, shape, values) in [
      ("c.weight", [2, 1, 1, 1], [1, -1]), ("lin0.model.1.weight", [1, 2, 1, 1], [0.5, 2]),
    ] as [(String, [Int], [Float])] {
      values.withUnsafeBufferPointer { file.add(name, shape: shape, floats: $0) }
    }
    file.metadata["vae_zoo_network"] =
      #"{"input": {"channels": 1, "mean": [0.5]}, "layers": [{"type": "conv", "name": "c"}], "heads": ["c"]}"#
    let heads = try temporaryFolder() + "/heads.safetensors"
    try DurableFiles.replace(heads, with: file.encoded())
    let distance = try heads.withCString { heads in
      try "lpips".withCString { names in
        (options.network, options.split, options.metrics) = (heads, nil, names)
        let metrics = try made(freedBy: vae_metrics_free) {
          vae_evaluate(model, data, &options, nil, $0, $1)
        }
        var value = Double.nan
        try succeed { vae_metrics_get(metrics, "lpips", &value, $0) }
        return value
      }
    }
    XCTAssertGreaterThan(distance, 0)
    options.metrics = nil
    "features".withCString { layer in
      (options.network, options.split) = (nil, nil)
      options.network_layer = layer
      var metrics: OpaquePointer?
      refuse(VAE_ERR_INVALID_ARGUMENT, "options->network is NULL") {
        vae_evaluate(model, data, &options, nil, &metrics, $0)
      }
    }
  }

  func testBytesAreReadAsTheTrainingImagesWere() throws {
    let grey: [UInt8] = (0..<40 * 16).map { UInt8($0 * 37 % 251) }
    let labels = CTensor((0..<40).map { Int32($0 % 3) }, VAE_INT32, shape: [40])
    var options = vae_data_options()
    options.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
    options.train_condition = UnsafePointer(labels.pointer)
    let images = CTensor(grey, VAE_UINT8, shape: [40, 4, 4])
    let data = try made(freedBy: vae_data_free) {
      vae_data_from_tensors_with(images.pointer, nil, &options, $0, $1)
    }
    let settings = CSettings(Self.settings)
    let classifier = try made(freedBy: vae_classifier_free) {
      vae_classifier_train(data, settings.pointer, settings.count, nil, $0, $1)
    }
    let found = try probabilities(classifier, images)
    XCTAssertEqual(found.count, 120)
    let floats = CTensor(grey.map { Float($0) / 255 }, [40, 4, 4])
    XCTAssertEqual(try probabilities(classifier, floats), found)
    let raw = CTensor(grey.map { Float($0) }, [40, 4, 4])
    var out: OpaquePointer?
    refuse(VAE_ERR_DATA) {
      vae_classifier_probabilities(classifier, raw.pointer, nil, &out, $0)
    }
    // One of black and white takes bytes of 0 and 1 as they are.
    let binary = try trained()
    let bits = Self.pixels(5)
    XCTAssertEqual(
      try probabilities(binary, CTensor(bits.map { UInt8($0) }, VAE_UINT8, shape: [5, 4, 4])),
      try probabilities(binary, CTensor(bits, [5, 4, 4])))
  }

  func testSettingsAndProgressAreThoseOfTheTraining() throws {
    let listener = ProgressListener()
    var options = listener.options
    let (data, settings) = (try labelled(40), CSettings(Self.settings + [("seed", "9")]))
    let classifier = try made(freedBy: vae_classifier_free) {
      vae_classifier_train(data, settings.pointer, settings.count, &options, $0, $1)
    }
    let text = try text { vae_classifier_json(classifier, $0, $1, $2, $3) }
    let object = try XCTUnwrap(JSON(parsing: Array(text.utf8), source: "json").object)
    let chosen = object["options"]?.object
    XCTAssertEqual(chosen?["epochs"]?.integer, 2)
    XCTAssertEqual(chosen?["batch_size"]?.integer, 8)
    XCTAssertEqual(chosen?["width"]?.integer, 2)
    XCTAssertEqual(chosen?["seed"]?.integer, 9)
    XCTAssertEqual(object["training_examples"]?.integer, 36)
    XCTAssertEqual(object["held_out_examples"]?.integer, 4)
    // Two epochs of 36 images in batches of 8, of which what is left may be one too.
    XCTAssertEqual(listener.fractions.first, 0)
    XCTAssertEqual(listener.fractions.last, 1)
    XCTAssertEqual(listener.fractions, listener.fractions.sorted())
    XCTAssertEqual(Set(listener.fractions).count, listener.fractions.count)
    listener.stopsAt = 0.4
    var out: OpaquePointer?
    refuse(VAE_ERR_CANCELLED) {
      vae_classifier_train(data, settings.pointer, settings.count, &options, &out, $0)
    }
    XCTAssertNil(out)
    // A stop at the very end counts as well.
    listener.stopsAt = 1
    refuse(VAE_ERR_CANCELLED) {
      vae_classifier_train(data, settings.pointer, settings.count, &options, &out, $0)
    }
  }

  func testANetworkTrainsAModelWhoseLossNamesIt() throws {
    let classifier = try trained()
    let path = try temporaryFolder() + "/classifier.safetensors"
    try succeed { vae_classifier_save(classifier, path, $0) }
    let model = try makeModel(
      "perceptual-vae",
      [
        ("architecture", "mlp"), ("hidden", "6"), ("latent", "2"), ("network", path),
        ("objective.layers", "features"),
      ])
    let recipe = try text { vae_model_recipe_json(model, $0, $1, $2, $3) }
    let object = try XCTUnwrap(JSON(parsing: Array(recipe.utf8), source: "recipe").object)
    let hash = SHA256.text(try SHA256.hash(ofFile: path))
    XCTAssertEqual(object["objective"]?.object?["network_sha256"], .text(hash))
    let trainer = try makeTrainer(model, try labelled(40))
    for _ in 0..<3 { try succeed { vae_trainer_step(trainer, nil, $0) } }
  }

  func testACallbackMayUseTheClassifierThatItIsCalledFor() throws {
    final class Told {
      let classifier: OpaquePointer
      let (images, path): (CTensor, String)
      var statuses: [vae_status] = []
      init(_ classifier: OpaquePointer, _ images: CTensor, _ path: String) {
        (self.classifier, self.images, self.path) = (classifier, images, path)
      }
    }
    let told = Told(try trained(), images(3), try temporaryFolder() + "/c.safetensors")
    var call = vae_call_options()
    call.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
    call.user_data = Unmanaged.passUnretained(told).toOpaque()
    call.progress = { _, user in
      guard let user else { return 1 }
      let told = Unmanaged<Told>.fromOpaque(user).takeUnretainedValue()
      var array: OpaquePointer?
      told.statuses.append(
        vae_classifier_probabilities(told.classifier, told.images.pointer, nil, &array, nil))
      vae_array_free(array)
      told.statuses.append(vae_classifier_save(told.classifier, told.path, nil))
      return 0
    }
    let array = try made(freedBy: vae_array_free) {
      vae_classifier_probabilities(told.classifier, told.images.pointer, &call, $0, $1)
    }
    XCTAssertEqual(try contents(of: array).shape, [3, 2])
    XCTAssertGreaterThanOrEqual(told.statuses.count, 2)
    XCTAssertTrue(told.statuses.allSatisfy { $0 == VAE_OK }, "\(told.statuses)")
  }

  func testWhatCannotBeIsRefusedByAStatus() throws {
    var classifier: OpaquePointer?
    let (data, bare) = (try labelled(40), try labelled(40, hasLabels: false))
    refuse(VAE_ERR_DATA, "has no labels") {
      vae_classifier_train(bare, nil, 0, nil, &classifier, $0)
    }
    let unknown = CSettings([("epoch", "1")])
    refuse(VAE_ERR_RECIPE, "did you mean epochs?") {
      vae_classifier_train(data, unknown.pointer, unknown.count, nil, &classifier, $0)
    }
    let token = try made(freedBy: vae_cancel_token_free) { vae_cancel_token_create($0, $1) }
    vae_cancel_token_cancel(token)
    var call = vae_call_options()
    call.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
    call.token = token
    refuse(VAE_ERR_CANCELLED) { vae_classifier_train(data, nil, 0, &call, &classifier, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT) { vae_classifier_train(nil, nil, 0, nil, &classifier, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT) { vae_classifier_train(data, nil, 0, nil, nil, $0) }
    XCTAssertNil(classifier)
    refuse(VAE_ERR_NOT_FOUND) { vae_classifier_open("/nowhere/x.safetensors", &classifier, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT) { vae_classifier_open(nil, &classifier, $0) }
    let trained = try trained()
    var array: OpaquePointer?
    let other = CTensor([Float](repeating: 0, count: 30), [1, 5, 6, 1])
    refuse(VAE_ERR_DATA, "does not suit the classifier") {
      vae_classifier_probabilities(trained, other.pointer, nil, &array, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT) {
      vae_classifier_probabilities(data, images(2).pointer, nil, &array, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT) { vae_classifier_save(nil, "x", $0) }
    vae_classifier_free(nil)
  }
}
