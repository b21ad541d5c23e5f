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
    var bytes = try DurableFiles.read(path)
    bytes[bytes.count - 2] ^= 1
    try DurableFiles.replace(path, with: bytes)
    let damaged = try report()
    XCTAssertEqual(damaged["damaged"], .integer(1))
    let file = try XCTUnwrap(damaged["files"]?.array?.first?.object)
    XCTAssertEqual(file["state"], .text("damaged"))
    XCTAssertTrue(file["fault"]?.text?.contains("tensor \"") ?? false)
    var needed = 0
    refuse(VAE_ERR_NOT_FOUND, "nothing-here") {
      vae_check_json("nothing-here", nil, 0, &needed, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT) { vae_check_json(nil, nil, 0, &needed, $0) }
  }
}
