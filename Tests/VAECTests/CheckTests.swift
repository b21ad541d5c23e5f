import CVAE
import VAEFiles
import XCTest

/// `vae_check_json`.
final class CheckTests: CTestCase {
  func testAReportTellsOfEveryFileAndDamageIsNoError() throws {
    let path = try temporaryFolder() + "/model.safetensors"
    let model = try makeModel()
    try succeed { vae_model_save(model, path, $0) }
    func report() throws -> JSON.Object {
      let json = try text { vae_check_json(path, $0, $1, $2, $3) }
      return try XCTUnwrap(JSON(parsing: Array(json.utf8), source: "report").object)
    }
    XCTAssertEqual(try report()["sound"], .bool(true))
    let sound = try DurableFiles.read(path)
    let file = try Safetensors(parsing: sound, path: path)
    var bad = Safetensors()
    for (number, entry) in file.entries.enumerated() {
      var values = try file.floats(entry.name, shape: entry.shape)
      if number == 0 { values[0] = .nan }
      bad.add(entry.name, shape: entry.shape, values)
    }
    bad.metadata = file.metadata
    try DurableFiles.replace(path, with: bad.sealed())
    let unusable = try report()
    XCTAssertEqual(unusable["sound"], .bool(false))
    XCTAssertEqual(unusable["unusable"], .integer(1))
    let words = unusable["files"]?.array?.first?.object?["fault"]?.text
    XCTAssertTrue(words?.contains("tensor \"\(file.entries[0].name)\"") ?? false, words ?? "")
    try DurableFiles.replace(path, with: sound)
    var bytes = try DurableFiles.read(path)
    bytes[bytes.count - 2] ^= 1
    try DurableFiles.replace(path, with: bytes)
    let damaged = try report()
    XCTAssertEqual(damaged["damaged"], .integer(1))
    let first = try XCTUnwrap(damaged["files"]?.array?.first?.object)
    XCTAssertEqual(first["state"], .text("damaged"))
    XCTAssertTrue(first["fault"]?.text?.contains("tensor \"") ?? false)
    var needed = 0
    refuse(VAE_ERR_NOT_FOUND, "nothing-here") {
      vae_check_json("nothing-here", nil, 0, &needed, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT) { vae_check_json(nil, nil, 0, &needed, $0) }
  }
}
