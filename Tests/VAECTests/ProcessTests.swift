import CVAE
import VAEZoo
import XCTest

final class ProcessTests: CTestCase {
  func testVersionsAreThoseOfHeaderAndPackage() {
    XCTAssertEqual(vae_abi_version(), UInt32(VAE_ABI_MAJOR) << 16 | UInt32(VAE_ABI_MINOR))
    XCTAssertEqual(String(cString: vae_version()), VAEZooVersion.text)
    XCTAssertEqual(vae_version(), vae_version(), "the text moves")
  }

  func testEveryStatusHasItsNameAndOthersAreUnknown() throws {
    let header = try String(contentsOfFile: Repository.path("include/vae.h"), encoding: .utf8)
    var found = 0
    for line in header.split(separator: "\n") where line.hasPrefix("#define VAE_") {
      let words = line.split(separator: " ")
      guard words.count > 2, words[1] == "VAE_OK" || words[1].hasPrefix("VAE_ERR_"),
        let value = Int32(words[2])
      else { continue }
      XCTAssertEqual(String(cString: vae_status_name(value)), String(words[1]))
      found += 1
    }
    XCTAssertEqual(found, 16)
    for unknown in [-1, 15, 99, Int32.max, Int32.min] {
      XCTAssertEqual(String(cString: vae_status_name(unknown)), "unknown status")
    }
  }

  func testNoErrorIsFineAndEmpty() {
    XCTAssertEqual(vae_error_status(nil), VAE_OK)
    XCTAssertEqual(String(cString: vae_error_message(nil)), "")
    vae_error_free(nil)
  }

  func testAnErrorOutlivesTheObjectItIsAboutAndQuotesOnOneLine() throws {
    var error: OpaquePointer?
    var model: OpaquePointer?
    var options = modelOptions()
    "no\nsuch\tvariant".withCString { name in
      options.variant = name
      XCTAssertEqual(vae_model_create(&options, &model, &error), VAE_ERR_RECIPE)
    }
    XCTAssertNil(model)
    let message = String(cString: vae_error_message(error))
    XCTAssertTrue(message.contains("no?such?variant"), message)
    XCTAssertEqual(vae_error_status(error), VAE_ERR_RECIPE)
    vae_error_free(error)
  }

  func testAVeryLongArgumentIsNotQuotedWhole() {
    let long = String(repeating: "x", count: 1_000_000)
    var needed = 0
    let refusal = refuse(VAE_ERR_RECIPE) { vae_describe_json(long, nil, 0, &needed, $0) }
    XCTAssertLessThan(refusal.message.utf8.count, 5000)
  }

  func testThreadsAreSetWithinTheirRange() throws {
    let before = vae_threads()
    defer { _ = vae_set_threads(before, nil) }
    for count in [1, 2, 256] as [Int32] {
      try succeed { vae_set_threads(count, $0) }
      XCTAssertEqual(vae_threads(), count)
    }
    for count in [0, -1, 257, Int32.max, Int32.min] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "1 to 256") { vae_set_threads(count, $0) }
    }
    XCTAssertEqual(vae_threads(), 256, "a refused number was taken")
  }

  func testBuildInfoHasItsMembers() throws {
    let info = try XCTUnwrap(json(text { vae_build_info_json($0, $1, $2, $3) }) as? [String: Any])
    XCTAssertEqual(
      Set(info.keys), ["version", "abi_version", "isa", "onednn", "threads"])
    XCTAssertEqual(info["abi_version"] as? Int, Int(vae_abi_version()))
    XCTAssertEqual(info["threads"] as? Int, Int(vae_threads()))
    XCTAssertEqual(info["isa"] as? String, Engine.instructionSet)
  }

  func testTheLogCallbackHearsNoticesOnTheCallingThreadUntilItIsTakenAway() throws {
    final class Listener {
      var sentences: [String] = []
      let thread = pthread_self()
      var wasElsewhere = false
    }
    let listener = Listener()
    let callback: vae_log_callback = { message, user in
      guard let message, let user else { return }
      let listener = Unmanaged<Listener>.fromOpaque(user).takeUnretainedValue()
      listener.sentences.append(String(cString: message))
      if pthread_equal(pthread_self(), listener.thread) == 0 { listener.wasElsewhere = true }
    }
    vae_set_log_callback(callback, Unmanaged.passUnretained(listener).toOpaque())
    let data = try makeData(train: images(16))
    let model = try makeModel()
    _ = try makeTrainer(model, data)
    XCTAssertTrue(
      listener.sentences.contains { $0.contains("no held-out split") }, "\(listener.sentences)")
    XCTAssertFalse(listener.wasElsewhere)

    vae_set_log_callback(nil, nil)
    let count = listener.sentences.count
    _ = try makeTrainer(model, data)
    XCTAssertEqual(listener.sentences.count, count)
  }

  func testATokenIsSetClearedAndStopsCalls() throws {
    let token = try made(freedBy: vae_cancel_token_free) { vae_cancel_token_create($0, $1) }
    let model = try makeModel()
    let data = try makeData(train: images(16), test: images(8, seed: 2))
    var metrics: OpaquePointer?
    vae_cancel_token_cancel(token)
    refuse(VAE_ERR_CANCELLED) { vae_evaluate(model, data, nil, token, &metrics, $0) }
    XCTAssertNil(metrics)
    vae_cancel_token_reset(token)
    try succeed { vae_evaluate(model, data, nil, token, &metrics, $0) }
    vae_metrics_free(metrics)
    vae_cancel_token_cancel(nil)
    vae_cancel_token_reset(nil)
    vae_cancel_token_free(nil)
  }
}
