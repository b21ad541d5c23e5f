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
    XCTAssertEqual(found, 18)
    for unknown in [-1, 18, 99, Int32.max, Int32.min] {
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
    XCTAssertTrue(message.contains("no\\u{a}such\\u{9}variant"), message)
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

  func testLimitsAreSetByNameAndGivenBack() throws {
    func limits() throws -> [String: Int] {
      let json = try text { vae_limits_json($0, $1, $2, $3) }
      return try XCTUnwrap(
        try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Int])
    }
    let before = try limits()
    defer { for (name, value) in before { _ = vae_set_limit(name, Int64(value), nil) } }
    try succeed { vae_set_limit("picture_bytes", 1000, $0) }
    var expected = before
    expected["picture_bytes"] = 1000
    XCTAssertEqual(try limits(), expected)
    refuse(VAE_ERR_INVALID_ARGUMENT, "inflated_bytes") { vae_set_limit("pixels", 1, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "picture_bytes") { vae_set_limit("picture_bytes", 0, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "name") { vae_set_limit(nil, 1, $0) }
    XCTAssertEqual(try limits(), expected, "a refused value was taken")
  }

  func testALimitIsInForceForWhatIsReadLater() throws {
    let model = try makeModel()
    let json = try text { vae_model_recipe_json(model, $0, $1, $2, $3) }
    defer { _ = vae_set_limit("text_bytes", 1 << 24, nil) }
    try succeed { vae_set_limit("text_bytes", 100, $0) }
    let file = try temporaryFolder() + "/model.safetensors"
    try succeed { vae_model_save(model, file, $0) }
    refuse(VAE_ERR_FORMAT, "the limit text_bytes=\(json.utf8.count)") { error in
      var found: OpaquePointer?
      return vae_model_load(file, &found, error)
    }
  }

  func testWhatMessagesQuoteIsShownAsItIs() throws {
    var error: OpaquePointer?
    var data: OpaquePointer?
    XCTAssertEqual(
      vae_data_open("/none/\u{1b}[31m\u{202e}\u{9b}\n", &data, &error), VAE_ERR_NOT_FOUND)
    let message = String(cString: try XCTUnwrap(vae_error_message(error)))
    XCTAssertTrue(message.contains("/none/\\u{1b}[31m\\u{202e}\\u{9b}\\u{a}"), message)
    vae_error_free(error)
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
