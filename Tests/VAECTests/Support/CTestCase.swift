import CVAE
import XCTest

/// What a refused call says.
struct Refusal {
  let status: vae_status
  let message: String
}

/// Helpers for calling the interface as C does, by the imported header.
class CTestCase: XCTestCase {
  private var cleanUps: [() -> Void] = []

  override func tearDown() {
    for cleanUp in cleanUps.reversed() { cleanUp() }
    cleanUps = []
    Kept.releaseAll()
    vae_set_log_callback(nil, nil)
    super.tearDown()
  }

  /// Runs something after the test, the last one first.
  func atEnd(_ cleanUp: @escaping () -> Void) { cleanUps.append(cleanUp) }

  /// Ends a test whose call has failed, which is on record already.
  private struct FailedCall: Error {}

  typealias ErrorSlot = UnsafeMutablePointer<OpaquePointer?>

  /// Makes a call that must succeed.
  func succeed(
    _ file: StaticString = #filePath, _ line: UInt = #line, _ body: (ErrorSlot) -> vae_status
  ) throws {
    var error: OpaquePointer? = OpaquePointer(bitPattern: 16)
    let status = body(&error)
    guard status == VAE_OK else {
      let message = String(cString: vae_error_message(error))
      vae_error_free(error)
      XCTFail("status \(status): \(message)", file: file, line: line)
      throw FailedCall()
    }
    XCTAssertNil(error, "a success leaves an error behind", file: file, line: line)
  }

  /// Makes a call that must be refused with a status and a message that holds some words, and once
  /// more without a place for the error.
  @discardableResult
  func refuse(
    _ status: vae_status, _ words: String = "", _ file: StaticString = #filePath,
    _ line: UInt = #line, _ body: (ErrorSlot?) -> vae_status
  ) -> Refusal {
    XCTAssertEqual(body(nil), status, "without an error slot", file: file, line: line)
    var error: OpaquePointer?
    let found = body(&error)
    let message = String(cString: vae_error_message(error))
    XCTAssertEqual(found, status, message, file: file, line: line)
    XCTAssertEqual(vae_error_status(error), status, file: file, line: line)
    XCTAssertTrue(
      words.isEmpty || message.contains(words), "\(message) lacks: \(words)", file: file, line: line
    )
    XCTAssertFalse(message.isEmpty, file: file, line: line)
    XCTAssertFalse(message.contains("\n"), message, file: file, line: line)
    XCTAssertFalse(
      message.contains(" --"), "\(message) speaks of the command line", file: file, line: line)
    vae_error_free(error)
    return Refusal(status: found, message: message)
  }

  /// The text that a function gives by the rule of two calls.
  func text(
    _ file: StaticString = #filePath, _ line: UInt = #line,
    _ body: (UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>?, ErrorSlot) -> vae_status
  ) throws -> String {
    var needed = 0
    try succeed(file, line) { body(nil, 0, &needed, $0) }
    XCTAssertGreaterThan(needed, 0, file: file, line: line)
    var buffer = [CChar](repeating: 0x55, count: needed)
    try succeed(file, line) { body(&buffer, needed - 1, &needed, $0) }
    XCTAssertEqual(
      buffer, [CChar](repeating: 0x55, count: needed), "too small a buffer was written",
      file: file, line: line)
    try succeed(file, line) { body(&buffer, needed, &needed, $0) }
    XCTAssertEqual(buffer.last, 0, file: file, line: line)
    return String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The handle that a function makes, freed after the test.
  func made(
    freedBy free: @escaping (OpaquePointer?) -> Void, _ file: StaticString = #filePath,
    _ line: UInt = #line, _ body: (UnsafeMutablePointer<OpaquePointer?>, ErrorSlot) -> vae_status
  ) throws -> OpaquePointer {
    var handle: OpaquePointer?
    try succeed(file, line) { body(&handle, $0) }
    let found = try XCTUnwrap(handle, file: file, line: line)
    atEnd { free(found) }
    return found
  }

  /// A folder that is removed after the test.
  func temporaryFolder() throws -> String {
    let path = NSTemporaryDirectory() + "vaec-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    atEnd { try? FileManager.default.removeItem(atPath: path) }
    return path
  }
}
