import Foundation
import VAEFiles
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
    // Every checkpoint is of the weights of the next step, which diverged.
    XCTAssertTrue(line.contains("begin again with a smaller --learning-rate or --set"), line)
    for settings in [["--learning-rate", "1e-4"], ["--set", "training.clip_norm=100"]] {
      let refused = try Command.run(["train", "--out", path("run"), "--resume"] + settings)
      XCTAssertEqual(refused.status, 64, refused.err)
    }
    try followAdvice(line)
    XCTAssertTrue(exists(path("run/model.safetensors")))
  }

  /// Runs the command that a line ends in, as it stands.
  private func followAdvice(
    _ line: String, file: StaticString = #filePath, at source: UInt = #line
  ) throws {
    let start = try XCTUnwrap(line.range(of: ": vae-zoo ")?.upperBound, line)
    let outcome = try Shell.run("\"$V\" \(line[start...])", in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err, file: file, line: source)
  }

  func testAResumedRunThatDivergesIsToBeBegunAgainFromItsWeightsByTheCommandThatIsPrinted() throws {
    let data = try makeData("some data")
    let folder = path("it's a run")
    try run(Small.train(data, folder, ["--epochs", "1", "--set", "training.optimizer=sgd"]))
    // A good checkpoint, whose recipe now ruins the weights before the next one.
    var recipe = try object(String(contentsOfFile: "\(folder)/recipe.json", encoding: .utf8))
    var training = try XCTUnwrap(recipe["training"] as? [String: Any])
    training["learning_rate"] = 1000
    recipe["training"] = training
    recipe["checksum"] = nil
    let text = try JSONSerialization.data(withJSONObject: recipe)
    let sealed = try XCTUnwrap(JSON(parsing: [UInt8](text), source: "recipe").object).sealedDocument
    try Data(sealed.utf8).write(to: URL(fileURLWithPath: "\(folder)/recipe.json"))

    let outcome = try Command.run([
      "train", "--out", folder, "--resume", "--epochs", "5", "--threads", "1",
    ])
    XCTAssertEqual(outcome.status, 65, outcome.err)
    let line = try XCTUnwrap(outcome.err.split(separator: "\n").last.map(String.init))
    XCTAssertTrue(
      line.contains("begin another run with its weights and a smaller --learning-rate"), line)
    try followAdvice(line)
    let again = try object(String(contentsOfFile: "\(folder)-2/recipe.json", encoding: .utf8))
    let stages = try XCTUnwrap(again["stages"] as? [[String: Any]])
    XCTAssertEqual(stages.map { $0["origin"] as? String }, [folder])
    XCTAssertEqual((again["training"] as? [String: Any])?["learning_rate"] as? Double, 0.001)
    XCTAssertTrue(exists("\(folder)-2/model.safetensors"))
    // The next one has a name of its own.
    XCTAssertTrue(
      try Command.run([
        "train", "--out", folder, "--resume", "--epochs", "5", "--threads", "1",
      ]).err.contains("it'\\''s a run-3'"))
  }

  func testWithoutACheckpointTheAdviceIsToBeginAgain() throws {
    let data = try makeData()
    let outcome = try Command.run([
      "train", "gaussian-vae", "--data", data, "--out", path("run"), "--batch-size", "1",
      "--learning-rate", "1e3", "--set", "training.optimizer=sgd", "--threads", "1",
    ])
    XCTAssertEqual(outcome.status, 65, outcome.err)
    XCTAssertTrue(
      outcome.err.contains("no checkpoint had been written; begin again with a smaller"),
      outcome.err)
    try run(Small.train(data, path("run"), ["--epochs", "1", "--force"]))
  }
}
