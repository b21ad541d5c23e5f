import CVAE
import VAEZoo
import XCTest

final class TrainerTests: CTestCase {
  private func bound() -> vae_bound {
    var bound = vae_bound()
    bound.struct_size = UInt32(MemoryLayout<vae_bound>.size)
    return bound
  }

  func testFittingIsTrainingInSwiftBitForBit() throws {
    let train = images(40)
    let test = images(12, seed: 7)
    let data = try makeData(train: train, test: test)
    let model = try makeModel()
    let trainer = try makeTrainer(model, data)
    try succeed { vae_trainer_fit(trainer, nil, nil, nil, $0) }

    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = DataDescription(height: 4, width: 4, channels: 1, range: .binary, rule: "binary")
    try registry.apply(
      Self.small.map { (key: $0.0, value: $0.1) } + [(key: "training.seed", value: "3")],
      to: &recipe)
    let swiftModel = try registry.model(recipe, seed: 3)
    try registry.apply(
      [("epochs", "2"), ("batch_size", "8"), ("seed", "5")].map {
        (key: "training.\($0.0)", value: $0.1)
      }, to: &recipe)
    func store(_ values: [Float]) -> MemoryImages {
      let memory = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
      memory.initialize(from: values, count: values.count)
      atEnd { memory.deallocate() }
      return MemoryImages(
        at: memory, count: values.count / 16, shape: ImageShape(height: 4, width: 4, channels: 1),
        strides: [16, 4, 1, 1], element: .float32)
    }
    let source = DataSource(
      name: "memory", valueRange: .binary, rule: "binary", isDiscrete: true,
      train: DataSplit(name: "train", store: store(Self.pixels(40))),
      test: DataSplit(name: "test", store: store(Self.pixels(12, seed: 7))))
    let session = try TrainingSession(
      model: swiftModel, recipe: recipe, data: source, run: nil, existing: .refuse)
    var record: EpochRecord?
    XCTAssertEqual(
      try session.train { if case .epoch(let found) = $0 { record = found } }, .finished)

    let found = try tensors(of: model)
    for (name, values) in swiftModel.weights {
      XCTAssertEqual(found[name]?.floats, values.floats, name)
    }
    XCTAssertEqual(
      try text { vae_model_recipe_json(model, $0, $1, $2, $3) }, recipe.json.line,
      "the model's recipe does not say how it was trained")
    XCTAssertEqual(try metric("train.elbo", ofTrainer: trainer), record?.train.elbo)
    XCTAssertEqual(try metric("valid.rate", ofTrainer: trainer), record?.valid?.rate)
  }

  func testStepsAreAFit() throws {
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    let (first, second) = (try makeModel(), try makeModel())
    let fitted = try makeTrainer(first, data)
    try succeed { vae_trainer_fit(fitted, nil, nil, nil, $0) }
    let stepped = try makeTrainer(second, data)
    var last = bound()
    for _ in 0..<10 { try succeed { vae_trainer_step(stepped, &last, $0) } }
    XCTAssertEqual(try tensors(of: first), try tensors(of: second))
    XCTAssertEqual(last.is_held_out, 0)
    XCTAssertEqual(last.elbo, -(last.distortion + last.rate))
    XCTAssertEqual(try metric("batch.elbo", ofTrainer: stepped), last.elbo)
    for name in ["train.elbo", "valid.distortion", "step", "epoch", "batch.rate", "active_units"] {
      XCTAssertEqual(
        try metric(name, ofTrainer: stepped), try metric(name, ofTrainer: fitted), name)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "all 2 epochs") {
      vae_trainer_step(stepped, &last, $0)
    }
    let batch = images(8)
    refuse(VAE_ERR_INVALID_ARGUMENT, "all 2 epochs") {
      vae_trainer_step_on(stepped, batch.pointer, &last, $0)
    }
    try succeed { vae_trainer_fit(stepped, nil, nil, nil, $0) }
  }

  func testTheTermsOfAStepAreTheMetricsOfTheirNames() throws {
    let trainer = try makeTrainer(makeModel(), makeData(train: images(40)))
    var terms = bound()
    try succeed { vae_trainer_step(trainer, &terms, $0) }
    XCTAssertEqual(try metric("batch.elbo", ofTrainer: trainer), terms.elbo)
    XCTAssertEqual(try metric("batch.rate", ofTrainer: trainer), terms.rate)
    XCTAssertEqual(try metric("batch.distortion", ofTrainer: trainer), terms.distortion)
    // Of a fresh model the images cost far more than the latents.
    XCTAssertGreaterThan(terms.distortion, 5)
    XCTAssertLessThan(terms.rate, 2)
    XCTAssertGreaterThan(terms.rate, 0)
    try succeed { vae_trainer_step_on(trainer, images(8, seed: 9).pointer, &terms, $0) }
    XCTAssertEqual(try metric("batch.rate", ofTrainer: trainer), terms.rate)
    XCTAssertEqual(try metric("step", ofTrainer: trainer), 2)
    XCTAssertEqual(try metric("epoch", ofTrainer: trainer), 1)
    for _ in 0..<4 { try succeed { vae_trainer_step(trainer, &terms, $0) } }
    XCTAssertEqual(try metric("epoch", ofTrainer: trainer), 2)
    XCTAssertEqual(try metric("total_steps", ofTrainer: trainer), 10)
  }

  func testATrainerThatIsDoneSaysWhy() throws {
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    let once = try makeTrainer(makeModel(), data, trainerOptions(epochs: 1))
    try succeed { vae_trainer_fit(once, nil, nil, nil, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "the only epoch of this trainer is done") {
      vae_trainer_step(once, nil, $0)
    }
    // Held-out images of which training knows less and less.
    let black = try makeData(
      train: CTensor([Float](repeating: 1, count: 640), [40, 4, 4]),
      test: CTensor([Float](repeating: 0, count: 160), [10, 4, 4]))
    var options = trainerOptions(epochs: 50)
    options.learning_rate = 0.05
    let settings = CSettings([("training.patience", "2")])
    (options.settings, options.setting_count) = (UnsafePointer(settings.pointer), 1)
    let patient = try makeTrainer(makeModel(), black, options)
    try succeed { vae_trainer_fit(patient, nil, nil, nil, $0) }
    XCTAssertEqual(try metric("epoch", ofTrainer: patient), 3, "the best epoch and two more")
    refuse(VAE_ERR_INVALID_ARGUMENT, "has stopped early, by its patience") {
      vae_trainer_step(patient, nil, $0)
    }
  }

  func testACheckpointOfARunIsLoadedByItsName() throws {
    let folder = try temporaryFolder() + "/run"
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    try folder.withCString { path in
      var options = trainerOptions()
      options.run = path
      let trainer = try makeTrainer(makeModel(), data, options)
      try succeed { vae_trainer_fit(trainer, nil, nil, nil, $0) }
    }
    let (model, whole) = (try makeModel(), try makeModel())
    let half = try makeTrainer(model, data)
    for _ in 0..<5 { try succeed { vae_trainer_step(half, nil, $0) } }
    try succeed { vae_trainer_fit(try? makeTrainer(whole, data), nil, nil, nil, $0) }
    var options = vae_call_options()
    options.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
    for (name, expected) in [("5", model), ("10", whole), ("last", whole), ("best", whole)] {
      try name.withCString { checkpoint in
        options.checkpoint = checkpoint
        let loaded = try made(freedBy: vae_model_free) {
          vae_model_load_with(folder, &options, $0, $1)
        }
        XCTAssertEqual(try tensors(of: loaded), try tensors(of: expected), name)
      }
    }
    var out: OpaquePointer?
    for name in ["7", "first"] {
      name.withCString { checkpoint in
        options.checkpoint = checkpoint
        refuse(name == "7" ? VAE_ERR_NOT_FOUND : VAE_ERR_RECIPE, name) {
          vae_model_load_with(folder, &options, &out, $0)
        }
        refuse(VAE_ERR_INVALID_ARGUMENT, "options->checkpoint is given to a call that opens no run")
        {
          vae_sample_with(whole, 1, 1, 0, &options, &out, $0)
        }
      }
    }
  }

  func testTheCallbackIsToldEveryStepAndEpoch() throws {
    final class Listener {
      var steps: [Int64] = []
      var epochs: [Int64] = []
      var last = vae_progress()
    }
    let listener = Listener()
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    let trainer = try makeTrainer(makeModel(), data)
    try succeed {
      vae_trainer_fit(
        trainer,
        { progress, user in
          guard let progress = progress?.pointee, let user else { return 1 }
          let listener = Unmanaged<Listener>.fromOpaque(user).takeUnretainedValue()
          if progress.is_epoch_end == 1 {
            listener.epochs.append(progress.epoch)
            listener.last = progress
          } else {
            listener.steps.append(progress.step)
          }
          return 0
        }, Unmanaged.passUnretained(listener).toOpaque(), nil, $0)
    }
    XCTAssertEqual(listener.steps, Array(1...10))
    XCTAssertEqual(listener.epochs, [1, 2])
    XCTAssertEqual(listener.last.total_steps, 10)
    XCTAssertEqual(listener.last.step, 10)
    XCTAssertEqual(listener.last.valid.is_held_out, 1)
    XCTAssertEqual(listener.last.struct_size, UInt32(MemoryLayout<vae_progress>.size))
    XCTAssertEqual(listener.last.train.elbo, try metric("train.elbo", ofTrainer: trainer))
    XCTAssertEqual(listener.last.valid.elbo, try metric("valid.elbo", ofTrainer: trainer))
  }

  func testAStoppedFitGoesOnWhereItStood() throws {
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    let (whole, parts) = (try makeModel(), try makeModel())
    try succeed { vae_trainer_fit(try? makeTrainer(whole, data), nil, nil, nil, $0) }
    let trainer = try makeTrainer(parts, data)
    // A callback stops after every step.
    for step in 1...4 {
      refuse(VAE_ERR_CANCELLED, "", #filePath, #line) { error in
        guard let error else { return VAE_ERR_CANCELLED }
        return vae_trainer_fit(trainer, { _, _ in 1 }, nil, nil, error)
      }
      XCTAssertEqual(try metric("step", ofTrainer: trainer), Double(step))
    }
    // A token stops before the first step, or after the one in which it is set.
    let token = try made(freedBy: vae_cancel_token_free) { vae_cancel_token_create($0, $1) }
    vae_cancel_token_cancel(token)
    refuse(VAE_ERR_CANCELLED) { vae_trainer_fit(trainer, nil, nil, token, $0) }
    XCTAssertEqual(try metric("step", ofTrainer: trainer), 4)
    vae_cancel_token_reset(token)
    var error: OpaquePointer?
    let status = vae_trainer_fit(
      trainer,
      { _, user in
        vae_cancel_token_cancel(OpaquePointer(user))
        return 0
      }, UnsafeMutableRawPointer(token), token, &error)
    vae_error_free(error)
    XCTAssertEqual(status, VAE_ERR_CANCELLED)
    XCTAssertEqual(try metric("step", ofTrainer: trainer), 5)
    try succeed { vae_trainer_fit(trainer, nil, nil, nil, $0) }
    XCTAssertEqual(try tensors(of: whole), try tensors(of: parts))
  }

  func testABatchOfTheCallersTrainsAlikeHoweverItLies() throws {
    let data = try makeData(train: images(40))
    let values = Self.pixels(8, seed: 5)
    var transposed = values
    for n in 0..<8 {
      for y in 0..<4 {
        for x in 0..<4 { transposed[n * 16 + x * 4 + y] = values[n * 16 + y * 4 + x] }
      }
    }
    let batches = [
      CTensor(values, [8, 4, 4, 1]), CTensor(values, [8, 4, 4]), CTensor(values, [8, 16]),
      CTensor(transposed, VAE_FLOAT32, shape: [8, 4, 4, 1], strides: [16, 1, 4, 1]),
      CTensor(values.map { UInt8($0) }, VAE_UINT8, shape: [8, 4, 4]),
      CTensor(values.map(Double.init), VAE_FLOAT64, shape: [8, 4, 4]),
    ]
    var results: [[String: ArrayContents]] = []
    for batch in batches {
      let model = try makeModel()
      let trainer = try makeTrainer(model, data)
      var terms = bound()
      try succeed { vae_trainer_step_on(trainer, batch.pointer, &terms, $0) }
      XCTAssertLessThan(terms.elbo, 0)
      results.append(try tensors(of: model))
    }
    XCTAssertTrue(results.allSatisfy { $0 == results[0] })
    XCTAssertNotEqual(results[0], try tensors(of: makeModel()), "nothing was trained")
  }

  func testBytesAreReadByTheModelsRule() throws {
    let grey: [UInt8] = (0..<8 * 16).map { UInt8($0 * 2 % 256) }
    let floats = grey.map { Float($0) / 255 }
    let asBytes = CTensor(grey, VAE_UINT8, shape: [8, 4, 4])
    let asFloats = CTensor(floats, [8, 4, 4])
    let data = try makeData(train: asBytes)
    var results: [[String: ArrayContents]] = []
    for batch in [asBytes, asFloats] {
      let model = try makeModel(range: VAE_RANGE_BYTES)
      let trainer = try makeTrainer(model, data)
      try succeed { vae_trainer_step_on(trainer, batch.pointer, nil, $0) }
      results.append(try tensors(of: model))
    }
    XCTAssertEqual(results[0], results[1])
    // A binary model takes bytes as they are, and no others than 0 and 1.
    let binary = try makeModel()
    var out: OpaquePointer?
    refuse(VAE_ERR_DATA) { vae_encode(binary, asBytes.pointer, 0, &out, $0) }
  }

  func testATrainedModelIsTrainedOnFromWhereItIs() throws {
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    let model = try makeModel()
    try succeed { vae_trainer_fit(try? makeTrainer(model, data), nil, nil, nil, $0) }
    let bias = try tensor("decoder.head.bias", of: model).floats
    var options = trainerOptions(epochs: 1)
    options.learning_rate = 1e-9
    try succeed { vae_trainer_fit(try? makeTrainer(model, data, options), nil, nil, nil, $0) }
    for (before, after) in zip(bias, try tensor("decoder.head.bias", of: model).floats) {
      XCTAssertEqual(before, after, accuracy: 1e-6, "the model began again at the data's mean")
    }
  }

  func testTheModelOutlivesItsHandleInATrainer() throws {
    let data = try makeData(train: images(40))
    var options = modelOptions()
    var model: OpaquePointer?
    try "gaussian-vae".withCString { name in
      options.variant = name
      try succeed { vae_model_create(&options, &model, $0) }
    }
    let trainer = try makeTrainer(try XCTUnwrap(model), data)
    vae_model_free(model)
    try succeed { vae_trainer_fit(trainer, nil, nil, nil, $0) }
    XCTAssertEqual(try metric("step", ofTrainer: trainer), 10)
  }

  // MARK: Runs

  func testCheckpointsInAnotherFolderAreContinuedWhereItIsNamedAgain() throws {
    let folder = try temporaryFolder()
    let data = try makeData(train: images(40))
    func create(
      _ existing: Int32, in scratch: String?, _ trainer: inout OpaquePointer?,
      _ error: UnsafeMutablePointer<OpaquePointer?>?
    ) throws -> vae_status {
      let model = try makeModel()
      var options = trainerOptions()
      options.existing_run = existing
      return "\(folder)/run".withCString { path in
        options.run = path
        guard let scratch else { return vae_trainer_create(model, data, &options, &trainer, error) }
        return scratch.withCString { scratch in
          options.checkpoint_dir = scratch
          return vae_trainer_create(model, data, &options, &trainer, error)
        }
      }
    }
    var first: OpaquePointer?
    try succeed {
      (try? create(VAE_RUN_REFUSE, in: "\(folder)/scratch", &first, $0)) ?? VAE_ERR_INTERNAL
    }
    for _ in 0..<5 { try succeed { vae_trainer_step(first, nil, $0) } }
    vae_trainer_free(first)
    XCTAssertFalse(FileManager.default.fileExists(atPath: "\(folder)/run/checkpoints"))
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: "\(folder)/scratch").count, 1)
    var other: OpaquePointer?
    refuse(VAE_ERR_EXISTS, "checkpoint_dir=") {
      (try? create(VAE_RUN_RESUME, in: nil, &other, $0)) ?? VAE_OK
    }
    try succeed {
      (try? create(VAE_RUN_RESUME, in: "\(folder)/scratch", &other, $0)) ?? VAE_ERR_INTERNAL
    }
    XCTAssertEqual(try metric("step", ofTrainer: try XCTUnwrap(other)), 5)
    vae_trainer_free(other)
    // Whoever only reads needs no name.
    let model = try made(freedBy: vae_model_free) { vae_model_load("\(folder)/run", $0, $1) }
    XCTAssertFalse(try tensors(of: model).isEmpty)
  }

  func testARunFolderIsThatOfTheCommandLineAndResumes() throws {
    let folder = try temporaryFolder() + "/run"
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    func trainer(_ model: OpaquePointer, _ existing: Int32) throws -> OpaquePointer {
      var options = trainerOptions()
      options.existing_run = existing
      return try folder.withCString { path in
        options.run = path
        return try makeTrainer(model, data, options)
      }
    }
    let whole = try makeModel()
    try succeed { vae_trainer_fit(try? makeTrainer(whole, data), nil, nil, nil, $0) }

    let model = try makeModel()
    var first: OpaquePointer?
    var options = trainerOptions()
    try folder.withCString { path in
      options.run = path
      try succeed { vae_trainer_create(model, data, &options, &first, $0) }
    }
    for _ in 0..<5 { try succeed { vae_trainer_step(first, nil, $0) } }
    refuse(VAE_ERR_EXISTS) { error in
      var other: OpaquePointer?
      return folder.withCString { path in
        options.run = path
        return vae_trainer_create(try? makeModel(), data, &options, &other, error)
      }
    }
    vae_trainer_free(first)
    refuse(VAE_ERR_EXISTS, "existing_run=resume") { error in
      var other: OpaquePointer?
      return folder.withCString { path in
        options.run = path
        return vae_trainer_create(try? makeModel(), data, &options, &other, error)
      }
    }
    // A process of another day.
    let resumed = try makeModel()
    let second = try trainer(resumed, VAE_RUN_RESUME)
    XCTAssertEqual(try metric("step", ofTrainer: second), 5)
    // The first epoch, of five updates, was finished and is known again.
    let lines = try String(contentsOfFile: "\(folder)/metrics.jsonl", encoding: .utf8)
      .split(separator: "\n").map(String.init)
    XCTAssertEqual(lines.count, 1)
    let record = try text { vae_trainer_record_json(second, $0, $1, $2, $3) }
    var written = try XCTUnwrap(try json(lines[0]) as? [String: Any])
    XCTAssertNotNil(written.removeValue(forKey: "checksum"))
    XCTAssertEqual(try json(record) as? NSDictionary, written as NSDictionary)
    for name in ["train.elbo", "train.rate", "valid.distortion", "active_units"] {
      let parts = name.split(separator: ".").map(String.init)
      let stored = parts.reduce(try json(lines[0])) { ($0 as? [String: Any])?[$1] as Any }
      let number = try XCTUnwrap(stored as? Double, name)
      XCTAssertEqual(
        try metric(name, ofTrainer: second), number, accuracy: 1e-12 * abs(number), name)
    }
    XCTAssertEqual(try metric("epoch", ofTrainer: second), 1)
    refuse(VAE_ERR_NOT_FOUND) { error in
      var value = 0.0
      return vae_trainer_metric(second, "batch.elbo", &value, error)
    }
    try succeed { vae_trainer_fit(second, nil, nil, nil, $0) }
    XCTAssertEqual(try tensors(of: resumed), try tensors(of: whole))
    let metrics = try String(contentsOfFile: "\(folder)/metrics.jsonl", encoding: .utf8)
    XCTAssertEqual(metrics.split(separator: "\n").count, 2)
    vae_trainer_free(second)

    for path in [folder, "\(folder)/model.safetensors"] {
      let loaded = try made(freedBy: vae_model_free) { vae_model_load(path, $0, $1) }
      XCTAssertEqual(try tensors(of: loaded), try tensors(of: whole))
    }
    _ = try trainer(makeModel(), VAE_RUN_REPLACE)
    refuse(VAE_ERR_FORMAT, "no checkpoint") {
      var loaded: OpaquePointer?
      return vae_model_load(folder, &loaded, $0)
    }
  }

  func testTheAveragedWeightsAreTheModelsOnceTrainingIsDone() throws {
    let folder = try temporaryFolder() + "/run"
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    var options = trainerOptions()
    let settings = CSettings([("training.average_decay", "0.9")])
    (options.settings, options.setting_count) = (UnsafePointer(settings.pointer), 1)
    let model = try makeModel()
    try folder.withCString { path in
      options.run = path
      let trainer = try makeTrainer(model, data, options)
      try succeed { vae_trainer_fit(trainer, nil, nil, nil, $0) }
    }
    let plain = try makeModel()
    try succeed { vae_trainer_fit(try? makeTrainer(plain, data), nil, nil, nil, $0) }
    let exported = try made(freedBy: vae_model_free) {
      vae_model_load("\(folder)/model.safetensors", $0, $1)
    }
    XCTAssertEqual(try tensors(of: model), try tensors(of: exported))
    XCTAssertNotEqual(try tensors(of: model), try tensors(of: plain))
  }

  func testNamedOptionsCountMoreThanTheSameAmongListedSettings() throws {
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    let settings = CSettings([
      ("training.epochs", "7"), ("training.batch_size", "20"), ("training.learning_rate", "0.5"),
      ("training.seed", "9"),
    ])
    var options = trainerOptions()
    (options.epochs, options.batch_size, options.learning_rate) = (2, 8, 0.25)
    options.seed = 5
    (options.settings, options.setting_count) = (UnsafePointer(settings.pointer), 4)
    let model = try makeModel()
    _ = try makeTrainer(model, data, options)
    let json = try text { vae_model_recipe_json(model, $0, $1, $2, $3) }
    for part in ["\"epochs\": 2,", "\"batch_size\": 8,", "\"learning_rate\": 0.25,", "\"seed\": 5"]
    {
      XCTAssertTrue(json.contains(part), "\(part): \(json)")
    }
  }

  func testAResumedModelIsTrainedOnByAnotherTrainer() throws {
    let folder = try temporaryFolder() + "/run"
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    var options = trainerOptions()
    options.existing_run = VAE_RUN_RESUME
    let resumed = try makeModel()
    try folder.withCString { path in
      options.run = path
      var first: OpaquePointer?
      try succeed { vae_trainer_create(try? makeModel(), data, &options, &first, $0) }
      try succeed { vae_trainer_fit(first, nil, nil, nil, $0) }
      vae_trainer_free(first)
      _ = try makeTrainer(resumed, data, options)
    }
    let bias = try tensor("decoder.head.bias", of: resumed).floats
    var slow = trainerOptions(epochs: 1)
    slow.learning_rate = 1e-9
    try succeed { vae_trainer_fit(try? makeTrainer(resumed, data, slow), nil, nil, nil, $0) }
    for (before, after) in zip(bias, try tensor("decoder.head.bias", of: resumed).floats) {
      XCTAssertEqual(before, after, accuracy: 1e-6, "the model began again at the data's mean")
    }
  }

  // MARK: Bad input

  func testOptionsThatCannotBeAreRefused() throws {
    let data = try makeData(train: images(40))
    let model = try makeModel()
    let before = try tensors(of: model)
    func refusal(
      _ status: vae_status, _ words: String, line: UInt = #line,
      _ change: (inout vae_trainer_options) -> Void
    ) {
      var options = trainerOptions()
      change(&options)
      refuse(status, words, #filePath, line) {
        var trainer: OpaquePointer?
        return vae_trainer_create(model, data, &options, &trainer, $0)
      }
    }
    refusal(VAE_ERR_INVALID_ARGUMENT, "existing_run is 3") { $0.existing_run = 3 }
    "scratch".withCString { folder in
      refusal(VAE_ERR_INVALID_ARGUMENT, "options->run is NULL") { $0.checkpoint_dir = folder }
    }
    refusal(VAE_ERR_RECIPE, "epochs") { $0.epochs = -1 }
    refusal(VAE_ERR_RECIPE, "epochs") { $0.epochs = .max }
    refusal(VAE_ERR_RECIPE, "batch_size") { $0.batch_size = -5 }
    refusal(VAE_ERR_RECIPE, "batch_size") { $0.batch_size = .max }
    refusal(VAE_ERR_DATA, "fewer than a batch of 41") { $0.batch_size = 41 }
    for rate in [-1, .nan, .infinity, 1e30, 1e-30] {
      refusal(VAE_ERR_RECIPE, "learning_rate") { $0.learning_rate = rate }
    }
    refusal(VAE_ERR_RECIPE, "seed") { $0.seed = .max }
    let latent = CSettings([("latent", "3")])
    refusal(VAE_ERR_RECIPE, "latent is no hyper-parameter of training") {
      ($0.settings, $0.setting_count) = (UnsafePointer(latent.pointer), 1)
    }
    let unknown = CSettings([("training.speed", "3")])
    refusal(VAE_ERR_RECIPE, "training.speed") {
      ($0.settings, $0.setting_count) = (UnsafePointer(unknown.pointer), 1)
    }
    XCTAssertEqual(try tensors(of: model), before)
  }

  func testDataOfAnotherSizeOrRangeAreRefused() throws {
    let model = try makeModel()
    var trainer: OpaquePointer?
    for values in [
      CTensor([Float](repeating: 1, count: 60), [3, 4, 5]),
      CTensor([Float](repeating: 0.5, count: 160), [10, 4, 4]),
      CTensor([Float](repeating: -2, count: 160), [10, 4, 4]),
    ] {
      let data = try makeData(train: values)
      refuse(VAE_ERR_DATA, "the model takes") {
        vae_trainer_create(model, data, nil, &trainer, $0)
      }
      refuse(VAE_ERR_DATA, "the model takes") {
        vae_evaluate(model, data, try? self.trainOptions(), nil, &trainer, $0)
      }
    }
  }

  private func trainOptions() throws -> UnsafePointer<vae_evaluation_options> {
    let options = UnsafeMutablePointer<vae_evaluation_options>.allocate(capacity: 1)
    atEnd { options.deallocate() }
    options.initialize(to: vae_evaluation_options())
    options.pointee.struct_size = UInt32(MemoryLayout<vae_evaluation_options>.size)
    options.pointee.split = UnsafePointer(strdup("train"))
    let name = options.pointee.split
    atEnd { free(UnsafeMutablePointer(mutating: name)) }
    return UnsafePointer(options)
  }

  func testTrainingThatDivergesSaysSoAndTheModelStaysUsable() throws {
    let data = try makeData(
      train: CTensor((0..<160).map { Float($0 % 7) * 1e18 }, [10, 4, 4]))
    let model = try makeModel("gaussian-vae", Self.small, range: VAE_RANGE_REAL)
    var options = trainerOptions(epochs: 50, batchSize: 5)
    options.learning_rate = 1000
    let trainer = try makeTrainer(model, data, options)
    refuse(VAE_ERR_DIVERGED, "learning_rate") { vae_trainer_fit(trainer, nil, nil, nil, $0) }
    refuse(VAE_ERR_DIVERGED) { vae_trainer_fit(trainer, nil, nil, nil, $0) }
    _ = try made(freedBy: vae_array_free) { vae_sample(model, 2, 1, 0, $0, $1) }
  }

  func testAMetricThatIsNotThereIsNotFound() throws {
    let trainer = try makeTrainer(makeModel(), makeData(train: images(40)))
    XCTAssertEqual(try metric("step", ofTrainer: trainer), 0)
    XCTAssertEqual(try metric("total_steps", ofTrainer: trainer), 10)
    var value = 1.0
    for name in ["train.elbo", "batch.elbo", "", "ste", "stepp"] {
      refuse(VAE_ERR_NOT_FOUND) { vae_trainer_metric(trainer, name, &value, $0) }
      XCTAssertEqual(value, 0)
    }
    XCTAssertEqual(try text { vae_trainer_record_json(trainer, $0, $1, $2, $3) }, "null")
    try succeed { vae_trainer_fit(trainer, nil, nil, nil, $0) }
    let record = try text { vae_trainer_record_json(trainer, $0, $1, $2, $3) }
    // Foundation's own parser of JSON is some last digits off.
    let members = try JSON(parsing: Array(record.utf8), source: "record").object
    XCTAssertEqual(members?["epoch"]?.integer, 2)
    XCTAssertEqual(
      members?["train"]?.object?["elbo"]?.double, try metric("train.elbo", ofTrainer: trainer))
  }
}
