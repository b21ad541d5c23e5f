import Foundation
import XCTest

/// A run whose losses leave the finite numbers.
final class DivergenceTests: CommandTestCase {
  func testADivergingRunStopsNamingStepAndTermAndKeepsItsLastGoodCheckpoint() throws {
    let data = try makeData()
    // Batches of all images make every epoch one step, so that good checkpoints come before the
    // bad step.
    let arguments = Small.train(
      data, path("run"),
      [
        "--epochs", "200", "--batch-size", "64", "--learning-rate", "1e3", "--set",
        "training.optimizer=sgd", "--json",
      ])
    let outcome = try Command.run(arguments)
    XCTAssertEqual(outcome.status, 65, outcome.err)
    let line = try XCTUnwrap(outcome.err.split(separator: "\n").last.map(String.init))
    XCTAssertTrue(line.hasPrefix("vae-zoo: training diverged"), line)
    XCTAssertNotNil(
      line.firstMatch(of: #/ at step [0-9]+: the (distortion|rate|loss|gradient) of /#), line)
    XCTAssertTrue(line.contains("--learning-rate"), line)
    let state = try object(String(contentsOfFile: path("run/state.json"), encoding: .utf8))
    XCTAssertEqual(
      state["step"] as? Int,
      try FileManager.default.contentsOfDirectory(atPath: path("run/checkpoints"))
        .compactMap { Int($0) }.max())
    let weights = try SafetensorsFile(try bytes(path("run/weights.safetensors")))
    for name in weights.names {
      XCTAssertTrue(try weights.floats(name).allSatisfy(\.isFinite), name)
    }
    try run(["sample", path("run"), "--count", "4", "--out", path("samples.npy")])
    try run(["evaluate", path("run"), "--data", data, "--json"])
    XCTAssertFalse(exists(path("run/model.safetensors")))
    // Every checkpoint is of the weights of the next step, which diverged. What the message advises is done.
    XCTAssertTrue(line.contains("begin again by --force, with a smaller --learning-rate"), line)
    for settings in [["--learning-rate", "1e-4"], ["--set", "training.clip_norm=100"]] {
      let refused = try Command.run(["train", "--out", path("run"), "--resume"] + settings)
      XCTAssertEqual(refused.status, 64, refused.err)
    }
    try run(
      Small.train(data, path("run"), ["--epochs", "2", "--learning-rate", "1e-4", "--force"]))
  }

  func testWithoutACheckpointTheAdviceIsToBeginAgain() throws {
    let data = try makeData()
    let outcome = try Command.run([
      "train", "gaussian-vae", "--data", data, "--out", path("run"), "--batch-size", "1",
      "--learning-rate", "1e3", "--set", "training.optimizer=sgd", "--threads", "1",
    ])
    XCTAssertEqual(outcome.status, 65, outcome.err)
    XCTAssertTrue(
      outcome.err.contains("no checkpoint had been written; begin again by --force"), outcome.err)
    try run(Small.train(data, path("run"), ["--epochs", "1", "--force"]))
  }
}
