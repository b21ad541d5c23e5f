import CVAE
import XCTest

/// Wrong, freed and missing handles, for every function that takes one.
final class HandleTests: CTestCase {
  /// A function that is given a handle of one kind, and nothing else that is wrong.
  private struct Taker {
    let name: String
    let kind: String
    let call: (OpaquePointer?, ErrorSlot?) -> vae_status
  }

  private func takers() throws -> [Taker] {
    let model = try makeModel()
    let data = try makeData(train: images(16), test: images(8))
    let batch = images(4)
    let latents = CTensor([0, 0], [1, 2])
    let one = UnsafeMutablePointer<UnsafePointer<vae_tensor>?>.allocate(capacity: 1)
    one.initialize(to: UnsafePointer(latents.pointer))
    let out = UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: 1)
    out.initialize(to: nil)
    let view = UnsafeMutablePointer<vae_tensor>.allocate(capacity: 1)
    let info = UnsafeMutablePointer<vae_model_info>.allocate(capacity: 1)
    let dataInfo = UnsafeMutablePointer<vae_data_info>.allocate(capacity: 1)
    let number = UnsafeMutablePointer<Double>.allocate(capacity: 1)
    let needed = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    view.initialize(to: vae_tensor())
    info.initialize(to: vae_model_info())
    dataInfo.initialize(to: vae_data_info())
    view.pointee.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    info.pointee.struct_size = UInt32(MemoryLayout<vae_model_info>.size)
    dataInfo.pointee.struct_size = UInt32(MemoryLayout<vae_data_info>.size)
    atEnd {
      for pointer in [
        UnsafeMutableRawPointer(one), UnsafeMutableRawPointer(out), UnsafeMutableRawPointer(view),
        UnsafeMutableRawPointer(info), UnsafeMutableRawPointer(dataInfo),
        UnsafeMutableRawPointer(number), UnsafeMutableRawPointer(needed),
      ] { pointer.deallocate() }
    }
    return [
      Taker(name: "vae_array_view", kind: "array") { vae_array_view($0, view, $1) },
      Taker(name: "vae_array_to_dlpack", kind: "array") { vae_array_to_dlpack($0, out, $1) },
      Taker(name: "vae_array_to_dlpack_versioned", kind: "array") {
        vae_array_to_dlpack_versioned($0, out, $1)
      },
      Taker(name: "vae_data_describe", kind: "data") { vae_data_describe($0, dataInfo, $1) },
      Taker(name: "vae_data_images", kind: "data") {
        vae_data_images($0, "train", 0, 1, out, $1)
      },
      Taker(name: "vae_model_save", kind: "model") { vae_model_save($0, "/nowhere/x", $1) },
      Taker(name: "vae_model_save_memory", kind: "model") { vae_model_save_memory($0, out, $1) },
      Taker(name: "vae_model_describe", kind: "model") { vae_model_describe($0, info, $1) },
      Taker(name: "vae_model_recipe_json", kind: "model") {
        vae_model_recipe_json($0, nil, 0, needed, $1)
      },
      Taker(name: "vae_model_tensor_name", kind: "model") {
        vae_model_tensor_name($0, 0, nil, 0, needed, $1)
      },
      Taker(name: "vae_model_get_tensor", kind: "model") {
        vae_model_get_tensor($0, "x", out, $1)
      },
      Taker(name: "vae_model_set_tensor", kind: "model") {
        vae_model_set_tensor($0, "x", batch.pointer, $1)
      },
      Taker(name: "vae_trainer_create of model", kind: "model") {
        vae_trainer_create($0, data, nil, out, $1)
      },
      Taker(name: "vae_trainer_create of data", kind: "data") {
        vae_trainer_create(model, $0, nil, out, $1)
      },
      Taker(name: "vae_trainer_step", kind: "trainer") { vae_trainer_step($0, nil, $1) },
      Taker(name: "vae_trainer_step_on", kind: "trainer") {
        vae_trainer_step_on($0, batch.pointer, nil, $1)
      },
      Taker(name: "vae_trainer_fit", kind: "trainer") { vae_trainer_fit($0, nil, nil, nil, $1) },
      Taker(name: "vae_trainer_metric", kind: "trainer") {
        vae_trainer_metric($0, "step", number, $1)
      },
      Taker(name: "vae_trainer_record_json", kind: "trainer") {
        vae_trainer_record_json($0, nil, 0, needed, $1)
      },
      Taker(name: "vae_evaluate of model", kind: "model") {
        vae_evaluate($0, data, nil, nil, out, $1)
      },
      Taker(name: "vae_evaluate of data", kind: "data") {
        vae_evaluate(model, $0, nil, nil, out, $1)
      },
      Taker(name: "vae_metrics_get", kind: "metrics") { vae_metrics_get($0, "elbo", number, $1) },
      Taker(name: "vae_metrics_json", kind: "metrics") {
        vae_metrics_json($0, nil, 0, needed, $1)
      },
      Taker(name: "vae_encode", kind: "model") { vae_encode($0, batch.pointer, 0, out, $1) },
      Taker(name: "vae_encoding_get", kind: "encoding") {
        vae_encoding_get($0, VAE_ENCODING_MEAN, 0, out, $1)
      },
      Taker(name: "vae_decode", kind: "model") { vae_decode($0, one, 1, 0, out, $1) },
      Taker(name: "vae_reconstruct", kind: "model") {
        vae_reconstruct($0, batch.pointer, 0, out, $1)
      },
      Taker(name: "vae_sample", kind: "model") { vae_sample($0, 1, 1, 0, out, $1) },
      Taker(name: "vae_log_likelihood", kind: "model") {
        vae_log_likelihood($0, batch.pointer, 0, 0, nil, out, $1)
      },
    ]
  }

  /// A handle of every kind, with the function that frees it.
  private func handles() throws -> [(
    kind: String, handle: OpaquePointer, free: (OpaquePointer?) -> Void
  )] {
    func make(
      _ body: (UnsafeMutablePointer<OpaquePointer?>, ErrorSlot) -> vae_status
    ) throws -> OpaquePointer {
      var handle: OpaquePointer?
      try succeed { body(&handle, $0) }
      return try XCTUnwrap(handle)
    }
    let model = try makeModel()
    let data = try makeData(train: images(16), test: images(8))
    var options = trainerOptions()
    var modelOptions = modelOptions()
    let batch = images(2)
    var error: OpaquePointer?
    _ = vae_set_threads(0, &error)
    return [
      ("error", try XCTUnwrap(error), vae_error_free),
      ("token", try make(vae_cancel_token_create), vae_cancel_token_free),
      ("array", try make { vae_sample(model, 1, 1, 0, $0, $1) }, vae_array_free),
      (
        "data", try make { vae_data_open("shapes:32", $0, $1) }, vae_data_free
      ),
      (
        "model",
        try make { slot, error in
          "gaussian-vae".withCString {
            modelOptions.variant = $0
            return vae_model_create(&modelOptions, slot, error)
          }
        }, vae_model_free
      ),
      (
        "trainer", try make { vae_trainer_create(model, data, &options, $0, $1) },
        vae_trainer_free
      ),
      ("metrics", try make { vae_evaluate(model, data, nil, nil, $0, $1) }, vae_metrics_free),
      ("encoding", try make { vae_encode(model, batch.pointer, 0, $0, $1) }, vae_encoding_free),
    ]
  }

  func testMissingHandlesAreRefusedByEveryFunction() throws {
    for taker in try takers() {
      let refusal = refuse(VAE_ERR_INVALID_ARGUMENT, "is NULL") { taker.call(nil, $0) }
      XCTAssertTrue(refusal.message.hasPrefix(taker.kind), "\(taker.name): \(refusal.message)")
    }
  }

  func testHandlesOfAnotherKindAreRefusedByEveryFunction() throws {
    let handles = try handles()
    for taker in try takers() {
      for (kind, handle, _) in handles where kind != taker.kind {
        let refusal = refuse(VAE_ERR_INVALID_ARGUMENT, "is a handle of another kind") {
          taker.call(handle, $0)
        }
        XCTAssertTrue(
          refusal.message.hasPrefix(taker.kind), "\(taker.name), \(kind): \(refusal.message)")
      }
    }
    for (_, handle, free) in handles { free(handle) }
  }

  func testFreedHandlesAreRefusedByEveryFunction() throws {
    let handles = try handles()
    for (_, handle, free) in handles { free(handle) }
    for taker in try takers() {
      for (kind, handle, _) in handles where kind == taker.kind {
        refuse(VAE_ERR_INVALID_ARGUMENT, "was freed before") { taker.call(handle, $0) }
      }
    }
  }

  func testFreeingTwiceOrAnotherKindChangesNothing() throws {
    let handles = try handles()
    for (kind, handle, _) in handles {
      for (other, _, free) in handles where other != kind { free(handle) }
    }
    for taker in try takers() where taker.name == "vae_model_describe" {
      let model = try XCTUnwrap(handles.first { $0.kind == "model" })
      try succeed { taker.call(model.handle, $0) }
    }
    for (_, handle, free) in handles {
      free(handle)
      free(handle)
      free(nil)
    }
  }

  func testMemoryThatIsNoHandleIsRefused() throws {
    let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: 8)
    memory.initialize(repeating: 0x5641_455f_0000_0000, count: 8)
    defer { memory.deallocate() }
    let odd = OpaquePointer(UnsafeMutableRawPointer(memory) + 3)
    for taker in try takers() {
      refuse(VAE_ERR_INVALID_ARGUMENT, "is no handle of this library") {
        taker.call(OpaquePointer(memory), $0)
      }
      refuse(VAE_ERR_INVALID_ARGUMENT, "is no handle of this library") { taker.call(odd, $0) }
    }
    vae_model_free(OpaquePointer(memory))
    vae_error_free(odd)
    XCTAssertEqual(String(cString: vae_error_message(OpaquePointer(memory))), "")
  }

  func testATokenOfAnotherKindIsRefusedWhereOneIsOptional() throws {
    let model = try makeModel()
    let data = try makeData(train: images(16), test: images(8))
    let trainer = try makeTrainer(model, data)
    let batch = images(2)
    var out: OpaquePointer?
    refuse(VAE_ERR_INVALID_ARGUMENT, "token is a handle of another kind") {
      vae_evaluate(model, data, nil, model, &out, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "token") { vae_trainer_fit(trainer, nil, nil, data, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "token") {
      vae_log_likelihood(model, batch.pointer, 0, 0, data, &out, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "token") { vae_bench("mlp", data, &out, $0) }
    vae_cancel_token_cancel(model)
    vae_cancel_token_reset(model)
  }

  func testAMillionHandlesTakeNoMoreMemoryThanAFew() throws {
    func addresses() throws -> Set<OpaquePointer> {
      var found: Set<OpaquePointer> = []
      for _ in 0..<50_000 {
        let token = UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: 1)
        token.initialize(to: nil)
        defer { token.deallocate() }
        try succeed { vae_cancel_token_create(token, $0) }
        found.insert(try XCTUnwrap(token.pointee))
        vae_cancel_token_free(token.pointee)
      }
      return found
    }
    XCTAssertLessThan(try addresses().count, 15_000)
  }

  func testMissingResultsAreRefused() throws {
    let model = try makeModel()
    let data = try makeData(train: images(16), test: images(8))
    let batch = images(2)
    let trainer = try makeTrainer(model, data)
    let metrics = try made(freedBy: vae_metrics_free) {
      vae_evaluate(model, data, nil, nil, $0, $1)
    }
    let encoding = try made(freedBy: vae_encoding_free) {
      vae_encode(model, batch.pointer, 0, $0, $1)
    }
    let array = try made(freedBy: vae_array_free) { vae_sample(model, 1, 1, 0, $0, $1) }
    var options = modelOptions()
    var latent: UnsafePointer<vae_tensor>? = UnsafePointer(batch.pointer)
    let calls: [(ErrorSlot?) -> vae_status] = [
      { vae_cancel_token_create(nil, $0) },
      { vae_array_view(array, nil, $0) }, { vae_array_to_dlpack(array, nil, $0) },
      { vae_array_to_dlpack_versioned(array, nil, $0) },
      { vae_tensor_from_dlpack(nil, nil, $0) },
      { vae_tensor_from_dlpack_versioned(nil, nil, $0) },
      { vae_data_open("shapes:32", nil, $0) },
      { vae_data_from_tensors(batch.pointer, nil, 0, nil, $0) },
      { vae_data_describe(data, nil, $0) }, { vae_data_images(data, "train", 0, 1, nil, $0) },
      { vae_model_create(&options, nil, $0) }, { vae_model_load("x", nil, $0) },
      { vae_model_create_stage(model, "prior", nil, 0, nil, $0) },
      { vae_model_create_stage_on(model, "mixture", data, nil, 0, nil, $0) },
      { vae_model_load_memory("x", 1, nil, $0) }, { vae_model_save_memory(model, nil, $0) },
      { vae_model_describe(model, nil, $0) }, { vae_model_get_tensor(model, "x", nil, $0) },
      { vae_trainer_create(model, data, nil, nil, $0) },
      { vae_trainer_metric(trainer, "step", nil, $0) },
      { vae_evaluate(model, data, nil, nil, nil, $0) },
      { vae_metrics_get(metrics, "elbo", nil, $0) },
      { vae_encode(model, batch.pointer, 0, nil, $0) },
      { vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, nil, $0) },
      { vae_decode(model, &latent, 1, 0, nil, $0) },
      { vae_reconstruct(model, batch.pointer, 0, nil, $0) },
      { vae_sample(model, 1, 1, 0, nil, $0) },
      { vae_log_likelihood(model, batch.pointer, 0, 0, nil, nil, $0) },
      { vae_bench("mlp", nil, nil, $0) },
      { vae_build_info_json(nil, 0, nil, $0) }, { vae_list_variants_json(nil, 0, nil, $0) },
      { vae_list_metrics_json(nil, 0, nil, $0) },
      { vae_model_recipe_json(model, nil, 0, nil, $0) },
      { vae_metrics_json(metrics, nil, 0, nil, $0) },
      { vae_trainer_record_json(trainer, nil, 0, nil, $0) },
    ]
    for call in calls { refuse(VAE_ERR_INVALID_ARGUMENT, "is NULL") { call($0) } }
  }
}
