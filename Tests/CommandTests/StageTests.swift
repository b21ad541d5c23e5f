import Foundation
import XCTest

/// `train --stage`: a further stage of a finished run.
final class StageTests: CommandTestCase {
  private let small = [
    "--set", "codes=8", "--set", "code_size=4", "--set", "channels=8", "--batch-size", "16",
    "--threads", "1", "--seed", "1",
  ]

  private func train(_ data: String, _ name: String, epochs: Int = 2) throws {
    try run(
      ["train", "vq-vae", "--data", data, "--out", path(name), "--epochs", "\(epochs)"] + small)
  }

  private func stage(_ data: String, epochs: Int = 3) -> [String] {
    [
      "train", "--stage", "prior", "--from", path("first"), "--data", data, "--out", path("second"),
      "--epochs", "\(epochs)", "--set", "prior.channels=8", "--set", "prior.layers=1",
      "--batch-size",
      "16", "--threads", "1", "--learning-rate", "0.01",
    ]
  }

  func testAStageStartsFromAFinishedRunWhichStaysAsItIs() throws {
    let data = try makeData()
    try train(data, "first")
    let before = try snapshot(path("first"))
    try run(stage(data))
    XCTAssertEqual(try snapshot(path("first")), before)

    let measure = { (name: String) in
      try self.object(self.run(["evaluate", self.path(name), "--data", data, "--json"]).out)
    }
    let (first, second) = (try measure("first"), try measure("second"))
    XCTAssertEqual(try number(first, "distortion"), try number(second, "distortion"))
    XCTAssertLessThan(try number(second, "rate"), try number(first, "rate"))
    XCTAssertEqual(
      try number(first, "codebook_perplexity"), try number(second, "codebook_perplexity"))
    try run(["sample", path("second"), "--count", "4", "--out", path("samples.npy")])
    // Codes that are all alike are as likely at any temperature, those of a network are not.
    let cold = ["--count", "4", "--temperature", "0.5", "--out", path("cold.npy")]
    try assertRefused(["sample", path("first")] + cold, status: 64, naming: ["--temperature"])
    try run(["sample", path("second")] + cold)
    try run(["reconstruct", path("second"), "--data", data, "--out", path("images.png")])
  }

  func testAStageDoesNotReplaceTheRunThatItIsOf() throws {
    let data = try makeData()
    try train(data, "first")
    let before = try snapshot(path("first"))
    var own = stage(data)
    own[own.firstIndex(of: path("second")) ?? 0] = path("first")
    try assertRefused(own + ["--force"], status: 64, naming: ["would be replaced"])
    try assertRefused(
      [
        "train", "vq-vae", "--data", data, "--from-weights", path("first"), "--out", path("first"),
        "--force", "--threads", "1",
      ], status: 64, naming: ["would be replaced"])
    try assertRefused(
      [
        "train", "vq-vae", "--data", data, "--from-weights", path("first/model.safetensors"),
        "--out",
        path("first"), "--force", "--threads", "1",
      ], status: 64, naming: ["would be replaced"])
    XCTAssertEqual(try snapshot(path("first")), before)
  }

  func testARunThatGoesOnKeepsWhereItBegan() throws {
    let data = try makeData()
    try train(data, "first")
    let begin =
      ["train", "vq-vae", "--data", data, "--out", path("second"), "--epochs", "0"] + small
    try run(begin + ["--from-weights", path("first")])
    let stored = try bytes(path("second/recipe.json"))
    for other in [[], ["--from-weights", data]] {
      try assertRefused(begin + ["--resume"] + other, status: 64, naming: ["origin", "first"])
    }
    XCTAssertEqual(try bytes(path("second/recipe.json")), stored)
  }

  func testAStageGoesOnWhereverTheRunLiesNowThatItIsOf() throws {
    let data = try makeData()
    try train(data, "first")
    try run(stage(data, epochs: 1))
    try FileManager.default.moveItem(atPath: path("first"), toPath: path("moved"))
    try assertRefused(
      ["train", "--out", path("second"), "--resume", "--epochs", "2", "--threads", "1"], status: 64,
      naming: ["first", "does not exist", "--stage prior"])
    var again = stage(data, epochs: 2)
    again[again.firstIndex(of: path("first")) ?? 0] = path("moved")
    XCTAssertTrue(try run(again + ["--resume"]).err.contains("resum"))
  }

  func testAnInterruptedStageResumesToTheSameWeights() throws {
    let data = try makeData()
    try train(data, "first")
    try run(stage(data, epochs: 1))
    try run(["train", "--out", path("second"), "--resume", "--epochs", "3", "--threads", "1"])
    let resumed = try bytes(path("second/weights.safetensors"))
    try run(stage(data, epochs: 3) + ["--force"])
    XCTAssertEqual(try bytes(path("second/weights.safetensors")), resumed)
  }

  func testTheRecipeOfAStageTrainsThatStageOfItsRun() throws {
    let data = try makeData()
    try train(data, "first")
    try run(stage(data, epochs: 1))
    let recipe = ["train", "--recipe", path("second/recipe.json"), "--data", data]
    try run(recipe + ["--out", path("third"), "--threads", "1"])
    XCTAssertEqual(
      try bytes(path("third/weights.safetensors")), try bytes(path("second/weights.safetensors")))
    try assertRefused(
      recipe + ["--out", path("next"), "--from-weights", path("first")], status: 64,
      naming: ["stage prior", "leave out"])
  }

  func testAMixtureFittedToLatentsIsARunLikeAnyOther() throws {
    let data = try makeData()
    try run(Small.train(data, path("first"), ["--epochs", "6"]))
    let stage = ["train", "--stage", "mixture", "--from", path("first"), "--data", data]
    let said = try run(stage + ["--out", path("second"), "--threads", "1"]).err
    XCTAssertTrue(said.contains("the mixture has "), said)
    let measure = { (name: String) in
      try self.object(self.run(["evaluate", self.path(name), "--data", data, "--json"]).out)
    }
    let (first, second) = (try measure("first"), try measure("second"))
    XCTAssertEqual(try number(first, "distortion"), try number(second, "distortion"))
    XCTAssertNotEqual(try number(first, "rate"), try number(second, "rate"))
    try run(["sample", path("second"), "--count", "4", "--out", path("samples.npy")])
    try run(["sample", path("second/model.safetensors"), "--count", "4", "--out", path("own.npy")])
    XCTAssertEqual(try bytes(path("samples.npy")), try bytes(path("own.npy")))
    try run(["report", path("second"), "--out", path("page.html")])
    try run(["check", path("second")])
    // A second epoch goes on with the fit, in one go or not.
    try run(["train", "--out", path("second"), "--resume", "--epochs", "2", "--threads", "1"])
    try run(stage + ["--out", path("whole"), "--epochs", "2", "--threads", "1"])
    XCTAssertEqual(
      try bytes(path("second/weights.safetensors")), try bytes(path("whole/weights.safetensors")))

    try assertRefused(
      stage + ["--out", path("many"), "--set", "prior.components=50"], status: 65,
      naming: ["64 examples support 12 components of 4 units, not 50", "prior.components"])
    XCTAssertTrue(try run(["describe", "gaussian-vae"]).out.contains("--stage mixture"))
    XCTAssertFalse(try run(["describe", "ladder-vae"]).out.contains("--stage mixture"))
  }

  func testAFlowAndASecondStageTrainedOnLatentsAreRunsLikeAnyOther() throws {
    let data = try makeData()
    try run(Small.train(data, path("first"), ["--epochs", "2"]))
    for (stage, hidden) in [("flow", "flow_hidden"), ("two-stage", "stage_hidden")] {
      try run([
        "train", "--stage", stage, "--from", path("first"), "--data", data, "--out", path(stage),
        "--threads", "1", "--batch-size", "8", "--epochs", "2", "--set", "prior.\(hidden)=8",
      ])
      let measured = try object(run(["evaluate", path(stage), "--data", data, "--json"]).out)
      XCTAssertTrue(try number(measured, "rate").isFinite)
      try run(["sample", path(stage), "--count", "4", "--out", path("samples.npy")])
      try run(["report", path(stage), "--out", path("page.html")])
      try run(["check", path(stage)])
    }
  }

  func testStagesThatCannotBeAreRefused() throws {
    let data = try makeData()
    try assertRefused(stage(data), status: 66, naming: ["first"])
    try train(data, "first")
    let other = try makeData("other", height: 9, width: 7)
    try assertRefused(stage(other), status: 65, naming: ["9", "7"])
    try run(Small.train(data, path("plain"), ["--epochs", "1"]))
    try assertRefused(
      [
        "train", "--stage", "prior", "--from", path("plain"), "--data", data, "--out", path("next"),
      ], status: 64, naming: ["gaussian-vae has no stage prior"])
    try assertRefused(
      ["train", "--stage", "prior", "--data", data, "--out", path("next")], status: 64,
      naming: ["--from"])
    try assertRefused(
      [
        "train", "vq-vae", "--stage", "prior", "--from", path("first"), "--data", data, "--out",
        path("n"),
      ],
      status: 64, naming: ["--stage", "--recipe"])
    XCTAssertFalse(exists(path("next")))
    XCTAssertFalse(exists(path("n")))
  }

  func testARunThatIsNotFinishedIsRefused() throws {
    let data = try makeData()
    try train(data, "first")
    try FileManager.default.removeItem(atPath: path("first/model.safetensors"))
    try assertRefused(stage(data), status: 65, naming: ["first is not finished", "--resume"])
  }
}
