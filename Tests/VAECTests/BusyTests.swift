import CVAE
import XCTest

/// Calls that overlap, from other threads and from callbacks.
final class BusyTests: CTestCase {
  /// A training that stands still in its callback until it is let go.
  private final class Halt {
    let arrived = DispatchSemaphore(value: 0)
    let go = DispatchSemaphore(value: 0)
    var hasArrived = false
  }

  private let halting: vae_progress_callback = { _, user in
    guard let user else { return 1 }
    let halt = Unmanaged<Halt>.fromOpaque(user).takeUnretainedValue()
    guard !halt.hasArrived else { return 0 }
    halt.hasArrived = true
    halt.arrived.signal()
    halt.go.wait()
    return 0
  }

  func testCallsOfASecondThreadAreRefusedWhileATrainingRunsAndChangeNothing() throws {
    let model = try makeModel()
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    let trainer = try makeTrainer(model, data)
    let other = try makeTrainer(model, data)
    let halt = Halt()
    let status = Box<vae_status>(-1)
    let thread = BoxedThread {
      status.value = vae_trainer_fit(
        trainer, self.halting, Unmanaged.passUnretained(halt).toOpaque(), nil, nil)
    }
    halt.arrived.wait()
    let batch = images(4)
    var out: OpaquePointer?
    let calls: [(ErrorSlot?) -> vae_status] = [
      { vae_trainer_step(trainer, nil, $0) },
      { vae_trainer_step_on(trainer, batch.pointer, nil, $0) },
      { vae_trainer_fit(trainer, nil, nil, nil, $0) },
      { vae_trainer_step(other, nil, $0) },
      { vae_trainer_create(model, data, nil, &out, $0) },
      { vae_evaluate(model, data, nil, nil, &out, $0) },
      { vae_encode(model, batch.pointer, 0, &out, $0) },
      { vae_sample(model, 1, 1, 0, &out, $0) },
      { vae_reconstruct(model, batch.pointer, 0, &out, $0) },
      { vae_log_likelihood(model, batch.pointer, 0, 0, nil, &out, $0) },
      { vae_model_save_memory(model, &out, $0) },
      { vae_model_get_tensor(model, "decoder.head.bias", &out, $0) },
      { vae_model_set_tensor(model, "decoder.head.bias", batch.pointer, $0) },
    ]
    for call in calls { refuse(VAE_ERR_BUSY, "another call is using the") { call($0) } }
    XCTAssertNil(out)
    // What any thread may ask at any time.
    var info = vae_model_info()
    info.struct_size = UInt32(MemoryLayout<vae_model_info>.size)
    try succeed { vae_model_describe(model, &info, $0) }
    XCTAssertFalse(try text { vae_model_recipe_json(model, $0, $1, $2, $3) }.isEmpty)
    XCTAssertEqual(try metric("step", ofTrainer: trainer), 1)
    halt.go.signal()
    thread.wait()
    XCTAssertEqual(status.value, VAE_OK)

    let undisturbed = try makeModel()
    try succeed { vae_trainer_fit(try? makeTrainer(undisturbed, data), nil, nil, nil, $0) }
    XCTAssertEqual(try tensors(of: model), try tensors(of: undisturbed))
    try succeed { vae_trainer_step(other, nil, $0) }
  }

  /// Calls that only read a model of two units.
  private func readingCalls(of model: OpaquePointer) -> [(_ out: OutSlot?) -> vae_status] {
    let batch = images(30)
    let latents = CTensor((0..<12).map { Float($0) / 6 - 1 }, [6, 2])
    let regret = scoring("regret")
    return [
      { vae_log_likelihood(model, batch.pointer, 3, 5, nil, $0, nil) },
      { vae_reconstruct(model, batch.pointer, 5, $0, nil) },
      { vae_sample(model, 20, 1, 5, $0, nil) },
      { vae_score(model, batch.pointer, nil, nil, $0, nil) },
      {
        var options = regret
        options.steps = 2
        return vae_score(model, batch.pointer, &options, nil, $0, nil)
      },
      {
        var encoding: OpaquePointer?
        let status = vae_encode(model, batch.pointer, 5, &encoding, nil)
        guard status == VAE_OK else { return status }
        defer { vae_encoding_free(encoding) }
        return vae_encoding_get(encoding, VAE_ENCODING_SAMPLE, 0, $0, nil)
      },
      {
        var layer: UnsafePointer<vae_tensor>? = UnsafePointer(latents.pointer)
        return vae_decode(model, &layer, 1, 5, $0, nil)
      },
    ]
  }

  /// Options of scores by a method.
  private func scoring(_ method: String) -> vae_score_options {
    let text = strdup(method)
    atEnd { free(text) }
    var options = vae_score_options()
    options.struct_size = UInt32(MemoryLayout<vae_score_options>.size)
    options.method = UnsafePointer(text)
    return options
  }

  func testNumbersOfAnotherMethodOfScoringAreRefused() throws {
    let model = try makeModel()
    let batch = images(4)
    for (method, set, name) in [
      ("nll", { $0.group = 5 }, "group"), ("regret", { $0.group = 5 }, "group"),
      ("elbo", { $0.importance_samples = 5 }, "importance_samples"),
      ("nll", { $0.steps = 5 }, "steps"),
    ] as [(String, (inout vae_score_options) -> Void, String)] {
      var options = scoring(method)
      set(&options)
      refuse(VAE_ERR_INVALID_ARGUMENT, "options->\(name) is 5, which the method \(method)") {
        var scores: OpaquePointer?
        return vae_score(model, batch.pointer, &options, nil, &scores, $0)
      }
    }
  }

  func testReadingCallsOfSeveralThreadsOverlapAndGiveTheBitsOfOne() throws {
    try checkOverlappingReads(of: makeModel())
    try checkOverlappingReads(
      of: makeModel(
        "gaussian-vae", [("architecture", "conv"), ("channels", "2,3"), ("latent", "2")]))
  }

  private func checkOverlappingReads(of model: OpaquePointer) throws {
    let batch = images(30)
    let calls = readingCalls(of: model)
    func answers() -> [ArrayContents?] {
      calls.map { call in
        var array: OpaquePointer?
        guard call(&array) == VAE_OK, let made = array else { return nil }
        defer { vae_array_free(made) }
        return try? self.contents(of: made)
      }
    }
    let alone = answers()
    XCTAssertFalse(alone.contains(nil))
    // One call stands still in its callback, so that all others are sure to overlap it.
    let arrived = DispatchSemaphore(value: 0)
    let go = DispatchSemaphore(value: 0)
    let halt = Pair(arrived, go)
    var options = vae_call_options()
    options.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
    options.user_data = Unmanaged.passUnretained(halt).toOpaque()
    options.progress = { _, user in
      guard let user else { return 1 }
      let halt = Unmanaged<Pair>.fromOpaque(user).takeUnretainedValue()
      halt.arrived.signal()
      halt.go.wait()
      halt.go.signal()
      return 0
    }
    let status = Box<vae_status>(-1)
    let first = BoxedThread {
      var array: OpaquePointer?
      status.value = vae_sample_with(model, 1, 1, 0, &options, &array, nil)
      vae_array_free(array)
    }
    arrived.wait()
    let found = (0..<5).map { _ in Box<[[ArrayContents?]]>([]) }
    let threads = found.map { box in
      BoxedThread { for _ in 0..<3 { box.value.append(answers()) } }
    }
    for thread in threads { thread.wait() }
    for box in found { XCTAssertEqual(box.value, Array(repeating: alone, count: 3)) }
    // What changes the model waits for its end.
    refuse(VAE_ERR_BUSY, "another call is using the") {
      vae_model_set_tensor(model, "decoder.head.bias", batch.pointer, $0)
    }
    go.signal()
    first.wait()
    XCTAssertEqual(status.value, VAE_OK)
    refuse(VAE_ERR_INVALID_ARGUMENT, "shape") {
      vae_model_set_tensor(model, "decoder.head.bias", batch.pointer, $0)
    }
  }

  /// What a callback tries once, and what comes of it.
  private final class Attempt {
    let body: () -> [vae_status]
    var statuses: [vae_status] = []
    init(_ body: @escaping () -> [vae_status]) { self.body = body }
  }

  func testAPlugInsModelIsReadOneCallAtATimeAndByTheCallbackOfThatCall() throws {
    try succeed { vae_register_plugin(InProcessPlugin.entry, InProcessPlugin.origin, $0) }
    let settings = [("prior.name", "own-normal"), ("encoder.hidden", "4"), ("decoder.hidden", "4")]
    let model = try makeModel("gaussian-vae", settings)
    let background = try makeModel("gaussian-vae", settings)
    let batch = images(3)
    func statuses(of model: OpaquePointer) -> [vae_status] {
      readingCalls(of: model).map { call in
        var out: OpaquePointer?
        defer { vae_array_free(out) }
        return call(&out)
      }
    }
    for other in [background, model] {
      let attempt = Attempt {
        let found = Box<[vae_status]>([])
        BoxedThread { found.value = statuses(of: model) + statuses(of: other) }.wait()
        return statuses(of: model) + statuses(of: other) + found.value
          + [vae_model_set_tensor(other, "decoder.head.bias", batch.pointer, nil)]
      }
      var ratio = scoring("ratio")
      ratio.background = other
      var options = vae_call_options()
      options.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
      options.user_data = Unmanaged.passUnretained(attempt).toOpaque()
      options.progress = { _, user in
        guard let user else { return 1 }
        let attempt = Unmanaged<Attempt>.fromOpaque(user).takeUnretainedValue()
        if attempt.statuses.isEmpty { attempt.statuses = attempt.body() }
        return 0
      }
      let scores = try made(freedBy: vae_array_free) {
        vae_score(model, batch.pointer, &ratio, &options, $0, $1)
      }
      XCTAssertEqual(try contents(of: scores).shape, [3])
      let count = statuses(of: model).count
      XCTAssertEqual(
        attempt.statuses,
        Array(repeating: VAE_OK, count: 2 * count)
          + Array(repeating: VAE_ERR_BUSY, count: 2 * count + 1))
    }
  }

  private typealias OutSlot = UnsafeMutablePointer<OpaquePointer?>

  /// Two signals between threads.
  private final class Pair {
    let arrived: DispatchSemaphore
    let go: DispatchSemaphore
    init(_ arrived: DispatchSemaphore, _ go: DispatchSemaphore) {
      (self.arrived, self.go) = (arrived, go)
    }
  }

  /// What a callback tried.
  private final class Attempts {
    var model: OpaquePointer?
    var trainer: OpaquePointer?
    var data: OpaquePointer?
    var statuses: [vae_status] = []
    var step = -1.0
  }

  func testACallbackMayReadTheModelButNotChangeIt() throws {
    let attempts = Attempts()
    let model = try makeModel()
    attempts.model = model
    attempts.data = try makeData(train: images(40), test: images(12, seed: 7))
    attempts.trainer = try makeTrainer(model, try XCTUnwrap(attempts.data))
    let callback: vae_progress_callback = { _, user in
      guard let user else { return 1 }
      let attempts = Unmanaged<Attempts>.fromOpaque(user).takeUnretainedValue()
      guard attempts.statuses.isEmpty else { return 0 }
      var out: OpaquePointer?
      attempts.statuses.append(vae_sample(attempts.model, 2, 1, 0, &out, nil))
      vae_array_free(out)
      attempts.statuses.append(
        vae_evaluate(attempts.model, attempts.data, nil, nil, &out, nil))
      vae_metrics_free(out)
      attempts.statuses.append(vae_model_save_memory(attempts.model, &out, nil))
      vae_array_free(out)
      attempts.statuses.append(vae_trainer_metric(attempts.trainer, "step", &attempts.step, nil))
      attempts.statuses.append(vae_trainer_step(attempts.trainer, nil, nil))
      attempts.statuses.append(vae_trainer_fit(attempts.trainer, nil, nil, nil, nil))
      attempts.statuses.append(
        vae_trainer_create(attempts.model, attempts.data, nil, &out, nil))
      return 0
    }
    try succeed {
      vae_trainer_fit(
        attempts.trainer, callback, Unmanaged.passUnretained(attempts).toOpaque(), nil, $0)
    }
    XCTAssertEqual(
      attempts.statuses,
      [VAE_OK, VAE_OK, VAE_OK, VAE_OK, VAE_ERR_BUSY, VAE_ERR_BUSY, VAE_ERR_BUSY])
    XCTAssertEqual(attempts.step, 1)

    let undisturbed = try makeModel()
    let data = try XCTUnwrap(attempts.data)
    try succeed { vae_trainer_fit(try? makeTrainer(undisturbed, data), nil, nil, nil, $0) }
    XCTAssertEqual(try tensors(of: model), try tensors(of: undisturbed), "reading changed training")
  }

  func testACallbackThatFreesWhatItRunsInDoesNoHarm() throws {
    let attempts = Attempts()
    var options = modelOptions()
    var trainerOptions = trainerOptions()
    try "gaussian-vae".withCString { name in
      options.variant = name
      try succeed { vae_model_create(&options, &attempts.model, $0) }
    }
    attempts.data = try makeData(train: images(40))
    try succeed {
      vae_trainer_create(attempts.model, attempts.data, &trainerOptions, &attempts.trainer, $0)
    }
    try succeed {
      vae_trainer_fit(
        attempts.trainer,
        { _, user in
          guard let user else { return 1 }
          let attempts = Unmanaged<Attempts>.fromOpaque(user).takeUnretainedValue()
          vae_trainer_free(attempts.trainer)
          vae_model_free(attempts.model)
          attempts.statuses.append(VAE_OK)
          return 0
        }, Unmanaged.passUnretained(attempts).toOpaque(), nil, $0)
    }
    XCTAssertEqual(attempts.statuses.count, 12, "training went on to its end")
    refuse(VAE_ERR_INVALID_ARGUMENT, "was freed") {
      vae_trainer_step(attempts.trainer, nil, $0)
    }
  }

  func testModelsTrainInEightThreadsAtOnceAsTheyDoAlone() throws {
    let data = try makeData(train: images(40), test: images(12, seed: 7))
    let alone = try makeModel()
    try succeed { vae_trainer_fit(try? makeTrainer(alone, data), nil, nil, nil, $0) }
    let expected = try tensors(of: alone)
    let models = try (0..<8).map { _ in try makeModel() }
    let trainers = try models.map { try makeTrainer($0, data) }
    let threads = trainers.map { trainer in
      BoxedThread { _ = vae_trainer_fit(trainer, nil, nil, nil, nil) }
    }
    for thread in threads { thread.wait() }
    for model in models { XCTAssertEqual(try tensors(of: model), expected) }
  }
}

/// A value that a thread writes and the test reads when it has ended.
final class Box<Value>: @unchecked Sendable {
  var value: Value
  init(_ value: Value) { self.value = value }
}

/// A thread that runs a closure.
final class BoxedThread: @unchecked Sendable {
  private let body: () -> Void
  private let done = DispatchSemaphore(value: 0)

  init(_ body: @escaping () -> Void) {
    self.body = body
    let thread = Thread { [self] in
      self.body()
      done.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  func wait() { done.wait() }
}
