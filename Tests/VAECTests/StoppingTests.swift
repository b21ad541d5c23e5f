// Fields are named in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import VAEFiles
import VAEZoo
import XCTest

/// Calls that take options by which they are stopped, and tell how far they are.
final class StoppingTests: CTestCase {
  private typealias Call = (UnsafePointer<vae_call_options>?, ErrorSlot?) -> vae_status

  /// Every function that takes such options, on a small model and data; each frees what it makes.
  private func calls(_ model: OpaquePointer, images count: Int) throws -> [(String, Call)] {
    let data = try makeData(train: images(8), test: images(count))
    let batch = images(count)
    let masked = try makeModel("missing-vae", [("hidden", "8"), ("latent", "2")])
    let torn = CTensor(
      Self.pixels(count).enumerated().map { $0 % 5 == 0 ? .nan : $1 }, [count, 4, 4, 1])
    let latents = CTensor([Float](repeating: 0.5, count: 2 * count), [count, 2])
    let folder = try temporaryFolder()
    try succeed { vae_model_save(model, "\(folder)/model.safetensors", $0) }
    try NPYFile.write("\(folder)/images.npy", count: count)
    func call(
      _ free: @escaping (OpaquePointer?) -> Void,
      _ body:
        @escaping (
          UnsafePointer<vae_call_options>?, UnsafeMutablePointer<OpaquePointer?>, ErrorSlot?
        ) -> vae_status
    ) -> Call {
      { options, error in
        var out: OpaquePointer? = OpaquePointer(bitPattern: 8)
        let status = body(options, &out, error)
        XCTAssertEqual(out == nil, status != VAE_OK)
        free(out)
        return status
      }
    }
    return [
      (
        "vae_data_open_with",
        call(vae_data_free) { vae_data_open_with("\(folder)/images.npy", $0, $1, $2) }
      ),
      (
        "vae_model_load_with",
        call(vae_model_free) { vae_model_load_with("\(folder)/model.safetensors", $0, $1, $2) }
      ),
      (
        "vae_encode_with",
        call(vae_encoding_free) { vae_encode_with(model, batch.pointer, 1, $0, $1, $2) }
      ),
      (
        "vae_decode_with",
        call(vae_array_free) { options, out, error in
          var layer: UnsafePointer<vae_tensor>? = UnsafePointer(latents.pointer)
          return vae_decode_with(model, &layer, 1, 1, options, out, error)
        }
      ),
      (
        "vae_reconstruct_with",
        call(vae_array_free) { vae_reconstruct_with(model, batch.pointer, 1, $0, $1, $2) }
      ),
      (
        "vae_sample_with",
        call(vae_array_free) { vae_sample_with(model, Int64(count), 1, 1, $0, $1, $2) }
      ),
      (
        "vae_log_likelihood_with",
        call(vae_array_free) { vae_log_likelihood_with(model, batch.pointer, 2, 1, $0, $1, $2) }
      ),
      (
        "vae_score",
        call(vae_array_free) { vae_score(model, batch.pointer, nil, $0, $1, $2) }
      ),
      (
        "vae_impute",
        call(vae_array_free) { options, out, error in
          var few = vae_imputation_options()
          few.struct_size = UInt32(MemoryLayout<vae_imputation_options>.size)
          few.importance_samples = 4
          return vae_impute(masked, torn.pointer, &few, options, out, nil, error)
        }
      ),
      (
        "vae_evaluate_with",
        call(vae_metrics_free) { vae_evaluate_with(model, data, nil, $0, $1, $2) }
      ),
    ]
  }

  func testEveryCallWithOptionsStopsWhereItIsAskedTo() throws {
    let model = try makeModel()
    let token = try made(freedBy: vae_cancel_token_free) { vae_cancel_token_create($0, $1) }
    for (name, call) in try calls(model, images: 4) {
      try succeed { call(nil, $0) }
      var none = vae_call_options()
      none.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
      try succeed { call(&none, $0) }
      // The first thing that is told stops it, and nothing is told after that.
      let listener = ProgressListener()
      listener.stopsAfter = 1
      var stopping = listener.options
      XCTAssertEqual(refuse(VAE_ERR_CANCELLED) { call(&stopping, $0) }.status, VAE_ERR_CANCELLED)
      XCTAssertEqual(listener.fractions.count, 2, name)  // once with, once without an error slot
      var cancelled = none
      cancelled.token = token
      vae_cancel_token_cancel(token)
      refuse(VAE_ERR_CANCELLED) { call(&cancelled, $0) }
      vae_cancel_token_reset(token)
      try succeed { call(&cancelled, $0) }
      var newer = none
      newer.reserved = 1
      refuse(VAE_ERR_UNSUPPORTED, "reserved") { call(&newer, $0) }
      var foreign = none
      foreign.token = model
      refuse(VAE_ERR_INVALID_ARGUMENT, "token") { call(&foreign, $0) }
    }
  }

  func testWhatIsToldRisesPartByPart() throws {
    let model = try makeModel()
    for (name, call) in try calls(model, images: 600) where name != "vae_data_open_with" {
      let listener = ProgressListener()
      var options = listener.options
      try succeed { call(&options, $0) }
      guard name != "vae_model_load_with" else {
        XCTAssertTrue(listener.fractions.allSatisfy { $0 == -1 }, "\(listener.fractions)")
        continue
      }
      XCTAssertEqual(listener.fractions.first, 0, name)
      XCTAssertEqual(listener.fractions, listener.fractions.sorted(), name)
      XCTAssertTrue(listener.fractions.allSatisfy { (0...1).contains($0) }, name)
      let tellsMore = ["vae_log_likelihood_with", "vae_evaluate_with", "vae_score", "vae_impute"]
      guard !tellsMore.contains(name) else { continue }
      // 250 images are a part. What several processes divide asks once more at its end.
      let asksAtItsEnd = ["vae_encode_with", "vae_reconstruct_with"].contains(name)
      XCTAssertEqual(
        listener.fractions, [0, 250.0 / 600, 500.0 / 600] + (asksAtItsEnd ? [1] : []), name)
      listener.fractions = []
      listener.stopsAfter = 2
      var error: OpaquePointer?
      XCTAssertEqual(call(&options, &error), VAE_ERR_CANCELLED, name)
      vae_error_free(error)
      XCTAssertEqual(listener.fractions.count, 2, "\(name) goes on after it was stopped")
    }
  }

  func testACallbackMayReadTheModelAndNotChangeIt() throws {
    let model = try makeModel()
    let values = images(1)
    let listener = ProgressListener()
    nonisolated(unsafe) var answers: [vae_status] = []
    var nested = ProgressListener().options
    listener.inside = {
      var array: OpaquePointer?
      // One with a callback of its own among them.
      answers.append(vae_sample_with(model, 1, 1, 0, &nested, &array, nil))
      vae_array_free(array)
      answers.append(vae_sample(model, 1, 1, 0, &array, nil))
      vae_array_free(array)
      answers.append(vae_model_set_tensor(model, "decoder.head.bias", values.pointer, nil))
    }
    var options = listener.options
    var array: OpaquePointer?
    try succeed { vae_sample_with(model, 2, 1, 0, &options, &array, $0) }
    vae_array_free(array)
    XCTAssertEqual(answers, [VAE_OK, VAE_OK, VAE_ERR_BUSY])
  }

  func testOptionsChangeNothingOfTheResult() throws {
    let model = try makeModel()
    var options = ProgressListener().options
    let plain = try made(freedBy: vae_array_free) { vae_sample(model, 300, 1, 9, $0, $1) }
    let watched = try made(freedBy: vae_array_free) {
      vae_sample_with(model, 300, 1, 9, &options, $0, $1)
    }
    XCTAssertEqual(try contents(of: plain), try contents(of: watched))
  }

  func testAFileIsReadInPartsBetweenWhichTheCallIsStopped() throws {
    let path = try temporaryFolder() + "/bytes"
    let size = 5 << 24
    XCTAssertTrue(FileManager.default.createFile(atPath: path, contents: Data(count: size)))
    var asked = 0
    XCTAssertEqual(try DurableFiles.read(path) { asked += 1 }.count, size)
    XCTAssertGreaterThanOrEqual(asked, 5)
    struct Stop: Error {}
    asked = 0
    XCTAssertThrowsError(
      try DurableFiles.read(path) {
        asked += 1
        if asked == 2 { throw Stop() }
      })
    XCTAssertEqual(asked, 2)
  }
}

/// A file of 4x4 images of floats.
private enum NPYFile {
  static func write(_ path: String, count: Int) throws {
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(count), 4, 4), }"
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    var bytes = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    bytes += [UInt8(header.utf8.count & 0xff), UInt8(header.utf8.count >> 8)]
    bytes += Array(header.utf8)
    CTestCase.pixels(count).withUnsafeBytes { bytes += $0 }
    try bytes.write(to: URL(fileURLWithPath: path))
  }
}
