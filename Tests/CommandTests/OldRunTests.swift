import Foundation
import VAEFiles
import XCTest

/// A run folder and a model that version 0.1 wrote, before there were checksums: `Files/run-0.1`.
final class OldRunTests: CommandTestCase {
  private static let files =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Files"
  private let data = files + "/data-0.1"
  private let notice = "of a version that stored no checksums"

  private func copyOfOldRun() throws -> String {
    try FileManager.default.copyItem(atPath: Self.files + "/run-0.1", toPath: path("run"))
    return path("run")
  }

  private func train(_ run: String, _ more: [String] = []) -> [String] {
    [
      "train", "gaussian-vae", "--data", data, "--out", run, "--batch-size", "16", "--seed", "1",
      "--threads", "1", "--set", "hidden=8", "--set", "latent=2",
    ] + more
  }

  func testAnOldRunAndItsModelGiveTheNumbersTheyGaveAndANotice() throws {
    let run = try copyOfOldRun()
    let wanted = try object(
      String(contentsOfFile: Self.files + "/evaluate-0.1.json", encoding: .utf8))
    for path in [run, run + "/model.safetensors"] {
      let outcome = try self.run(["evaluate", path, "--data", data, "--json", "--threads", "1"])
      let found = try object(outcome.out)
      for name in ["elbo", "rate", "distortion", "elbo_stderr"] {
        XCTAssertEqual(try number(found, name), try number(wanted, name), accuracy: 1e-4, name)
      }
      XCTAssertTrue(outcome.err.contains("\(path) is \(notice)"), outcome.err)
    }
    try self.run(["report", run])
  }

  func testAnOldRunGoesOnWithANoticeAndGetsChecksums() throws {
    let run = try copyOfOldRun()
    let before = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
    var outcome = try self.run(["check", run])
    XCTAssertTrue(outcome.err.contains("without checksums"), outcome.err)
    XCTAssertFalse(outcome.out.contains("sound"), outcome.out)
    outcome = try self.run(train(run, ["--epochs", "3", "--resume"]))
    XCTAssertTrue(outcome.err.contains("\(run) is \(notice)"), outcome.err)
    let metrics = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
    XCTAssertTrue(metrics.hasPrefix(before))
    let report = try object(try self.run(["check", run, "--json"]).out)
    XCTAssertEqual(report["damaged"] as? Int, 0)
    let states = try XCTUnwrap(report["files"] as? [[String: Any]]).map {
      "\($0["path"] ?? "") \($0["state"] ?? "")"
    }
    for state in [
      "recipe.json sound", "checkpoints/8/state.json unchecked", "checkpoints/12/state.json sound",
      "checkpoints/12/optimizer.safetensors sound", "model.safetensors sound",
      "metrics.jsonl unchecked", "records/0.safetensors unchecked", "records/12.safetensors sound",
    ] { XCTAssertTrue(states.contains(state), "\(state): \(states)") }
    XCTAssertFalse(try self.run(["evaluate", run, "--data", data]).err.contains(notice))

    // The same numbers as of a run that was never interrupted, to rounding on other processors.
    try self.run(train(path("whole"), ["--epochs", "3"]))
    let lines = try [run, path("whole")].map { run in
      try object(
        XCTUnwrap(
          String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8).split(separator: "\n")
            .map(String.init).last))
    }
    for part in ["train", "valid"] {
      let terms = try lines.map { try XCTUnwrap($0[part] as? [String: Any]) }
      for name in ["elbo", "rate", "distortion"] {
        XCTAssertEqual(try number(terms[0], name), try number(terms[1], name), accuracy: 1e-3)
      }
    }
  }

  func testACheckpointThatIsHalfOldIsRefused() throws {
    let run = try copyOfTrainedRun().run
    let checkpoint = run + "/checkpoints/12"
    let sealed = try bytes(checkpoint + "/weights.safetensors")
    let plain = try SafetensorsFile(sealed).unsealed()
    _ = try write(plain, "run/checkpoints/12/weights.safetensors")
    try assertRefused(
      ["evaluate", run, "--data", data], status: 65,
      naming: ["weights.safetensors has no checksums"])
    try unseal(checkpoint)
    _ = try write(sealed, "run/checkpoints/12/weights.safetensors")
    try assertRefused(
      ["evaluate", run, "--data", data], status: 65, naming: ["weights.safetensors has checksums"])
  }

  func testAStateOfANewerFormatIsRefused() throws {
    let run = try copyOfTrainedRun().run
    let file = run + "/checkpoints/12/state.json"
    var state = try SealedObject(parsing: try bytes(file), source: file).object
    for (format, word) in [(JSON.integer(3), "format 3"), (.text("2"), "\"format\"")] {
      state["format"] = format
      _ = try write(Array(state.sealedDocument.utf8), "run/checkpoints/12/state.json")
      try assertRefused(
        ["evaluate", run, "--data", data], status: 65, naming: ["state.json", word])
    }
    state["format"] = .integer(2)
    _ = try write(Array(JSON.object(state).document.utf8), "run/checkpoints/12/state.json")
    try assertRefused(
      ["evaluate", run, "--data", data], status: 65, naming: ["state.json", "lost its checksum"])
  }

  // MARK: Recipes

  func testARunsRecipeThatWasChangedOrLostItsChecksumIsRefusedSayingWhatToDo() throws {
    let (data, run) = try copyOfTrainedRun()
    let file = run + "/recipe.json"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let object = try SealedObject(parsing: Array(text.utf8), source: file).object
    let changed = text.replacingOccurrences(of: "\"beta\": 1", with: "\"beta\": 2")
    XCTAssertNotEqual(changed, text)
    for (content, words) in [
      (changed, ["changed by hand", "copy"]),
      (JSON.object(object).document, ["lost its checksum", "copy"]),
    ] {
      _ = try write(Array(content.utf8), "run/recipe.json")
      for command in [
        ["evaluate", run, "--data", data], ["train", "--out", run, "--resume", "--data", data],
        Small.train(data, run, ["--epochs", "4", "--resume"]), ["report", run],
      ] { try assertRefused(command, status: 65, naming: [file] + words) }
      let outcome = try Command.run(["check", run])
      XCTAssertEqual(outcome.status, 65)
      XCTAssertTrue(outcome.out.contains("DAMAGED  recipe.json"), outcome.out)
    }
  }

  func testARecipeOfAUserNeedsNoChecksumButOneThatItHasMustFit() throws {
    let (data, run) = try copyOfTrainedRun()
    let text = try String(contentsOfFile: run + "/recipe.json", encoding: .utf8)
    let changed = text.replacingOccurrences(of: "\"latent\": 4", with: "\"latent\": 3")
    func train(_ recipe: String, _ out: String) -> [String] {
      ["train", "--recipe", recipe, "--data", data, "--out", path(out), "--threads", "1"]
    }
    let edited = try write(Array(changed.utf8), "edited.json")
    try assertRefused(
      train(edited, "a"), status: 65, naming: [edited, "\"checksum\"", "remove that member"])
    let object = try XCTUnwrap(JSON(parsing: Array(changed.utf8), source: edited).object)
    var plain = object
    plain["checksum"] = nil
    try self.run(train(try write(Array(JSON.object(plain).line.utf8), "plain.json"), "b"))
    try self.run(train(run + "/recipe.json", "c"))
  }
}
