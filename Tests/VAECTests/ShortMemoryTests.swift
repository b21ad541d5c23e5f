import CVAE
import Tensors
import VAEZoo
import XCTest

/// Memory that is refused, one request after the other: an error or success, and nothing lost.
final class ShortMemoryTests: CTestCase {
  /// A call that may be refused memory: whether it succeeded.
  private func isMade(
    _ name: String, _ request: Int, _ body: (ErrorSlot) -> vae_status
  ) -> Bool {
    var error: OpaquePointer?
    let status = body(&error)
    guard status != VAE_OK else { return true }
    let message = String(cString: vae_error_message(error))
    XCTAssertEqual(status, VAE_ERR_OUT_OF_MEMORY, "\(name), request \(request): \(message)")
    XCTAssertTrue(message.contains("out of memory"), "\(name), request \(request): \(message)")
    vae_error_free(error)
    return false
  }

  /// Makes a model, trains it for two steps, saves and loads it, as far as there is memory.
  private func live(
    _ variant: String, _ settings: [(String, String)], data: OpaquePointer, path: String,
    request: Int
  ) {
    var (model, trainer, loaded): (OpaquePointer?, OpaquePointer?, OpaquePointer?)
    defer {
      vae_trainer_free(trainer)
      vae_model_free(loaded)
      vae_model_free(model)
    }
    var options = modelOptions()
    let settings = CSettings(settings)
    options.settings = UnsafePointer(settings.pointer)
    options.setting_count = UInt64(settings.count)
    let isComplete = variant.withCString { name in
      options.variant = name
      return isMade("vae_model_create", request) { vae_model_create(&options, &model, $0) }
    }
    guard isComplete else { return XCTAssertNil(model) }
    var training = trainerOptions(epochs: 1)
    guard
      isMade(
        "vae_trainer_create", request,
        {
          vae_trainer_create(model, data, &training, &trainer, $0)
        })
    else { return XCTAssertNil(trainer) }
    for _ in 0..<2 {
      guard isMade("vae_trainer_step", request, { vae_trainer_step(trainer, nil, $0) }) else {
        return
      }
    }
    guard isMade("vae_model_save", request, { vae_model_save(model, path, $0) }) else { return }
    guard isMade("vae_model_load", request, { vae_model_load(path, &loaded, $0) }) else {
      return XCTAssertNil(loaded)
    }
  }

  /// Refuses every request of a life in turn, or every so many.
  private func check(
    _ variant: String, _ settings: [(String, String)], every step: Int = 1
  ) throws {
    let data = try makeData(train: images(16), test: images(8))
    let path = try temporaryFolder() + "/model.safetensors"
    var request = 1
    while true {
      let (_, wasReached) = Memory.refusing(request: request) {
        live(variant, settings, data: data, path: path, request: request)
      }
      guard wasReached else { break }
      request += step
    }
    XCTAssertGreaterThan(request, 100, "too few requests were refused to show anything")
    // And with memory again all is well.
    live(variant, settings, data: data, path: path, request: 0)
  }

  func testEveryRefusedRequestIsAnErrorOrWithoutEffect() throws {
    try check("gaussian-vae", Self.small)
  }

  func testRefusedRequestsOfConvolutionsAreErrors() throws {
    try check(
      "gaussian-vae",
      [("architecture", "conv"), ("channels", "2,3"), ("latent", "2")], every: 3)
  }

  func testRefusedRequestsOfCodebooksAreErrors() throws {
    try check("vq-vae", [("codes", "4")], every: 5)
  }

  func testAStepThatIsRefusedMemoryChangesNothing() throws {
    let data = try makeData(train: images(16), test: images(8))
    func weights(refusing request: Int) throws -> (weights: [String: [Float]], wasReached: Bool) {
      let model = try makeModel()
      let trainer = try makeTrainer(model, data, trainerOptions(epochs: 1))
      var wasReached = false
      if request > 0 {
        let before = try tensors(of: model).mapValues(\.floats)
        var isDone = false
        (_, wasReached) = Memory.refusing(request: request) {
          isDone = isMade("vae_trainer_step", request) { vae_trainer_step(trainer, nil, $0) }
        }
        if !isDone {
          // But for what the encoder's input gets from the first batches, before the step begins.
          func isTrained(_ path: String) -> Bool {
            path.hasPrefix("encoder") && !path.hasPrefix("encoder.input")
          }
          XCTAssertEqual(
            try tensors(of: model).mapValues(\.floats).filter { isTrained($0.key) },
            before.filter { isTrained($0.key) }, "request \(request)")
        } else {
          XCTAssertFalse(wasReached, "request \(request) was refused without a word")
          return ([:], wasReached)
        }
      }
      try succeed { vae_trainer_step(trainer, nil, $0) }
      return (try tensors(of: model).mapValues(\.floats), wasReached)
    }
    let undisturbed = try weights(refusing: 0).weights
    var request = 1
    while true {
      let (found, wasReached) = try weights(refusing: request)
      guard wasReached else { break }
      XCTAssertEqual(found, undisturbed, "after request \(request) was refused")
      request += 3
    }
    XCTAssertGreaterThan(request, 50)
  }

  func testAResultThatThereIsNoMemoryForIsNoResult() throws {
    let model = try makeModel()
    var request = 1
    while true {
      var array: OpaquePointer?
      var isDone = false
      let (_, wasReached) = Memory.refusing(request: request) {
        isDone = isMade("vae_sample", request) { vae_sample(model, 3, 1, 0, &array, $0) }
      }
      XCTAssertEqual(isDone, array != nil, "request \(request)")
      vae_array_free(array)
      guard wasReached else { break }
      XCTAssertFalse(isDone, "request \(request) was refused without a word")
      request += 1
    }
    XCTAssertGreaterThan(request, 3)
  }
}
