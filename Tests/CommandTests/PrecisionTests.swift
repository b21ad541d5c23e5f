import Foundation
import VAEFiles
import XCTest

/// `--precision bfloat16`: what it changes, what it leaves, and where it cannot be had.
final class PrecisionTests: CommandTestCase {
  private static let option = ["--precision", "bfloat16"]

  /// Whether the processor says that it has the instructions, and nothing hides them.
  private var isSupported: Bool {
    let cap = ProcessInfo.processInfo.environment["VAE_MAX_CPU_ISA"]
    let facts = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    return facts?.contains("avx512_bf16") == true && cap.map { $0 == "avx512" } != false
  }

  private func skipUnlessSupported() throws {
    try XCTSkipUnless(isSupported, "the processor has no bfloat16 products")
  }

  private func precision(of run: String) throws -> String? {
    let recipe = try object(String(decoding: bytes("\(run)/recipe.json"), as: UTF8.self))
    return (recipe["training"] as? [String: Any])?["precision"] as? String
  }

  func testARunKeepsItsPrecisionAndItsFilesStay32Bits() throws {
    try skipUnlessSupported()
    let data = try makeData(binary: true)
    try run(Small.train(data, path("short"), ["--epochs", "2"] + Self.option))
    try run(Small.train(data, path("full"), ["--epochs", "2"]))
    XCTAssertEqual(try precision(of: path("short")), "bfloat16")
    XCTAssertEqual(try precision(of: path("full")), "float32")
    for name in ["weights", "optimizer", "model"] {
      let (short, full) = try (
        bytes(path("short/\(name).safetensors")), bytes(path("full/\(name).safetensors"))
      )
      XCTAssertNotEqual(short, full, name)
      let text = String(decoding: short, as: UTF8.self)
      XCTAssertTrue(text.contains("\"F32\""), name)
      XCTAssertFalse(text.contains("\"BF16\""), name)
    }
  }

  func testAnInterruptedRunEndsBitForBitAsAWholeOne() throws {
    try skipUnlessSupported()
    let data = try makeData(binary: true)
    try run(Small.train(data, path("whole"), ["--epochs", "4"] + Self.option))
    try run(Small.train(data, path("parts"), ["--epochs", "2"] + Self.option))
    try run(Small.train(data, path("parts"), ["--epochs", "4", "--resume"] + Self.option))
    for name in ["weights", "optimizer", "model"] {
      XCTAssertEqual(
        try bytes(path("parts/\(name).safetensors")), try bytes(path("whole/\(name).safetensors")))
    }
    try assertRefused(
      Small.train(data, path("parts"), ["--epochs", "5", "--resume"]), status: 64,
      naming: ["precision", "bfloat16", "float32", "--force"])
  }

  func testAProcessorWithoutItIsSaidInOneLineAndNothingIsBegun() throws {
    let data = try makeData(binary: true)
    for command in [
      Small.train(data, path("run"), Self.option), ["bench", "mlp"] + Self.option,
    ] {
      let outcome = try Command.run(command, environment: ["VAE_MAX_CPU_ISA": "avx2"])
      XCTAssertEqual(outcome.status, 64, outcome.err)
      XCTAssertEqual(outcome.out, "")
      XCTAssertEqual(outcome.err.split(separator: "\n").count, 1, outcome.err)
      for word in ["bfloat16", "AVX-512", "VAE_MAX_CPU_ISA", "float32"] {
        XCTAssertTrue(outcome.err.contains(word), outcome.err)
      }
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("run")))
  }

  func testWhatWasTrainedWithItServesOnEveryProcessor() throws {
    try skipUnlessSupported()
    let data = try makeData(binary: true)
    try run(Small.train(data, path("run"), ["--epochs", "1"] + Self.option))
    let command = ["evaluate", path("run"), "--data", data, "--threads", "1", "--json"]
    let short = try object(run(command, environment: ["VAE_MAX_CPU_ISA": "avx2"]).out)
    let full = try object(run(command).out)
    XCTAssertEqual(try number(short, "elbo"), try number(full, "elbo"), accuracy: 1e-3)
  }

  func testARecipeOfAVersionWithoutTheOptionResumesWith32Bits() throws {
    let (data, run) = try copyOfTrainedRun()
    var recipe = try object(String(decoding: bytes("\(run)/recipe.json"), as: UTF8.self))
    var training = try XCTUnwrap(recipe["training"] as? [String: Any])
    XCTAssertNotNil(training.removeValue(forKey: "precision"))
    recipe["training"] = training
    recipe["checksum"] = nil
    let text = try JSONSerialization.data(withJSONObject: recipe)
    let sealed = try XCTUnwrap(JSON(parsing: [UInt8](text), source: "recipe").object).sealedDocument
    try Data(sealed.utf8).write(to: URL(fileURLWithPath: "\(run)/recipe.json"))
    try self.run(TrainedRun.arguments(data: data, run: run) + ["--resume"])
    XCTAssertEqual(try precision(of: run), "float32")
  }

  func testBenchNamesTheTypeItMeasured() throws {
    try skipUnlessSupported()
    let outcome = try run(["bench", "mlp", "--threads", "1", "--json"] + Self.option)
    let value = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8))
    let result = try XCTUnwrap((value as? [[String: Any]])?.first)
    XCTAssertEqual(result["dtype"] as? String, "bfloat16")
  }
}
