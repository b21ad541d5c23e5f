import Foundation
import XCTest

/// `--resume` and `--force` on run folders that exist.
final class ResumeTests: CommandTestCase {
  /// Weights, optimizer state and the exported model, which must not depend on interruptions.
  private func results(_ run: String) throws -> [[UInt8]] {
    try ["weights.safetensors", "optimizer.safetensors", "model.safetensors", "recipe.json"].map {
      try bytes("\(run)/\($0)")
    }
  }

  func testResumingAFinishedRunEndsAtOnceAndChangesNothing() throws {
    let (data, run) = try copyOfTrainedRun()
    let before = try snapshot(run)
    let outcome = try self.run(TrainedRun.arguments(data: data, run: run) + ["--resume", "--json"])
    XCTAssertEqual(outcome.out, "")
    XCTAssertEqual(try snapshot(run), before)
  }

  func testResumingWhereNothingIsBeginsTheRun() throws {
    let shared = try TrainedRun.shared()
    try run(TrainedRun.arguments(data: shared.data, run: path("run")) + ["--resume"])
    XCTAssertEqual(try results(path("run")), try results(shared.run))
  }

  func testMoreEpochsContinueAsIfTheyHadBeenAskedForAtOnce() throws {
    let data = try makeData(binary: true)
    try run(Small.train(data, path("whole"), ["--epochs", "5"]))
    try run(Small.train(data, path("parts"), ["--epochs", "2"]))
    let outcome = try run(
      Small.train(data, path("parts"), ["--epochs", "5", "--resume", "--json"]))
    let epochs = try outcome.lines.map { try object($0)["epoch"] as? Int }
    XCTAssertEqual(epochs, [3, 4, 5])
    XCTAssertTrue(outcome.err.contains("step 8"), outcome.err)
    XCTAssertEqual(try results(path("parts")), try results(path("whole")))
    let metrics = try String(contentsOfFile: path("parts/metrics.jsonl"), encoding: .utf8)
    XCTAssertEqual(metrics.split(separator: "\n").count, 5)
  }

  func testALostExportIsMadeAgainFromTheLastCheckpoint() throws {
    let (data, run) = try copyOfTrainedRun()
    try FileManager.default.removeItem(atPath: run + "/model.safetensors")
    try self.run(TrainedRun.arguments(data: data, run: run) + ["--resume"])
    XCTAssertEqual(try results(run), try results(TrainedRun.shared().run))
  }

  func testFewerEpochsThanWereDoneAreRefusedAndChangeNothing() throws {
    let (data, run) = try copyOfTrainedRun()
    let before = try snapshot(run)
    try assertRefused(
      Small.train(data, run, ["--epochs", "2", "--resume"]), status: 64, naming: [run, "epochs"])
    XCTAssertEqual(try snapshot(run), before)
  }

  func testOtherSettingsAreRefusedNamingThem() throws {
    let (data, run) = try copyOfTrainedRun()
    let before = try snapshot(run)
    let cases: [(settings: [String], name: String)] = [
      (["--learning-rate", "0.01"], "learning_rate"),
      (["--batch-size", "8"], "batch_size"),
      (["--seed", "2"], "seed"),
      (["--set", "latent=5"], "latent"),
      (["--set", "encoder.hidden=16"], "hidden"),
      (["--set", "beta=2"], "beta"),
      (["--set", "training.optimizer=sgd"], "optimizer"),
    ]
    for (settings, name) in cases {
      try assertRefused(
        TrainedRun.arguments(data: data, run: run) + ["--resume"] + settings, status: 64,
        naming: [run, name, "--force"])
    }
    XCTAssertEqual(try snapshot(run), before)
  }

  func testOtherSettingsAreRefusedWithBothValuesOfEachPath() throws {
    let (data, run) = try copyOfTrainedRun()
    try assertRefused(
      TrainedRun.arguments(data: data, run: run)
        + ["--resume", "--set", "latent=5", "--learning-rate", "0.01"],
      status: 64,
      naming: ["begun with prior.latent 4, not 5, and with training.learning_rate 0.001, not 0.01;"]
    )
    try assertRefused(
      Small.train(data, run, ["--epochs", "1", "--resume"]), status: 64,
      naming: ["beyond the 1 epoch asked for"])
  }

  func testARunGoesOnWithoutSayingAgainWhatItIs() throws {
    let data = try makeData(binary: true)
    try run(Small.train(data, path("whole"), ["--epochs", "5"]))
    try run(Small.train(data, path("parts"), ["--epochs", "2"]))
    try run(["train", "--out", path("parts"), "--resume", "--epochs", "5", "--threads", "1"])
    XCTAssertEqual(try results(path("parts")), try results(path("whole")))
    let before = try snapshot(path("parts"))
    try run(["train", "--out", path("parts"), "--resume", "--threads", "1"])
    XCTAssertEqual(try snapshot(path("parts")), before)
  }

  func testNothingToResumeIsRefusedWhereNoVariantIsNamed() throws {
    try assertRefused(
      ["train", "--out", path("none"), "--resume"], status: 64,
      naming: ["\(path("none")) holds no run to resume", "name a variant"])
    XCTAssertFalse(exists(path("none")))
    let (data, run) = try copyOfTrainedRun()
    try FileManager.default.removeItem(atPath: run + "/records")
    try assertRefused(
      ["train", "--out", run, "--resume"], status: 64, naming: ["no record of its data", "--data"])
    try self.run(["train", "--out", run, "--resume", "--data", data, "--threads", "1"])
  }

  func testARunGoesOnWithTheDataOfItsLastSession() throws {
    let data = try makeData(binary: true)
    try run(Small.train(data, path("run"), ["--epochs", "1"]))
    try FileManager.default.copyItem(atPath: data, toPath: path("moved"))
    let resume = ["train", "--out", path("run"), "--resume", "--threads", "1", "--epochs"]
    try run(resume + ["2", "--data", path("moved")])
    try FileManager.default.removeItem(atPath: data)
    try run(resume + ["3"])
    XCTAssertEqual(
      try String(contentsOfFile: path("run/metrics.jsonl"), encoding: .utf8)
        .split(separator: "\n").count, 3)
  }

  func testOtherImagesOfTheSameSizeAreRefusedOnResumingNamingBoth() throws {
    let (data, run) = try copyOfTrainedRun()
    let before = try snapshot(run)
    let other = try write(ArrayFile.npy(TestImages(64, seed: 7), binary: true), "other.npy")
    try assertRefused(
      Small.train(other, run, ["--epochs", "4", "--resume"]), status: 64,
      naming: ["was begun with the data ", "\(other) has other images", "--force"])
    XCTAssertEqual(try snapshot(run), before)
    // The same images may lie elsewhere.
    try FileManager.default.copyItem(atPath: data, toPath: path("moved"))
    try self.run(Small.train(path("moved"), run, ["--epochs", "4", "--resume"]))
  }

  func testARunThatDidNotRecordItsImagesGoesOn() throws {
    let (data, run) = try copyOfTrainedRun()
    let sessions = run + "/records/sessions.jsonl"
    var line = try object(String(contentsOfFile: sessions, encoding: .utf8))
    for name in ["data_checksum", "checksum"] { XCTAssertNotNil(line.removeValue(forKey: name)) }
    try (JSONSerialization.data(withJSONObject: line) + Data("\n".utf8))
      .write(to: URL(fileURLWithPath: sessions))
    try self.run(Small.train(data, run, ["--epochs", "4", "--resume"]))
  }

  func testImagesOfAnotherSizeAreRefusedOnResuming() throws {
    let (_, run) = try copyOfTrainedRun()
    let before = try snapshot(run)
    let data = try makeData(binary: true, height: 9, width: 7)
    try assertRefused(
      TrainedRun.arguments(data: data, run: run) + ["--resume"], status: 64, naming: [run, "data"])
    XCTAssertEqual(try snapshot(run), before)
  }

  func testAnotherNumberOfExamplesIsRefusedOnResuming() throws {
    let (_, run) = try copyOfTrainedRun()
    let data = try makeData(binary: true)
    _ = try write(
      ArrayFile.idx(TestImages(160), binary: true), "data/train-images-idx3-ubyte")
    try assertRefused(
      Small.train(data, run, ["--epochs", "4", "--resume"]), status: 65, naming: [run])
  }

  func testAnExistingRunIsRefusedWithoutResumeOrForce() throws {
    let (data, run) = try copyOfTrainedRun()
    let before = try snapshot(run)
    try assertRefused(
      TrainedRun.arguments(data: data, run: run), status: 73, naming: [run, "--resume", "--force"])
    XCTAssertEqual(try snapshot(run), before)
  }

  func testForceReplacesARun() throws {
    let (data, run) = try copyOfTrainedRun()
    try self.run(Small.train(data, run, ["--epochs", "1", "--force", "--set", "latent=3"]))
    try self.run(Small.train(data, path("fresh"), ["--epochs", "1", "--set", "latent=3"]))
    XCTAssertEqual(try results(run), try results(path("fresh")))
    XCTAssertEqual(Set(try snapshot(run).keys), Set(try snapshot(path("fresh")).keys))
  }

  func testForceReplacesNothingButARun() throws {
    let shared = try TrainedRun.shared()
    _ = try write(Array("precious".utf8), "thesis/chapter.txt")
    _ = try write(Array("precious".utf8), "notes.txt")
    for name in ["thesis", "notes.txt"] {
      for option in ["--force", "--resume"] {
        try assertRefused(
          TrainedRun.arguments(data: shared.data, run: path(name)) + [option], status: 73,
          naming: [path(name)])
      }
    }
    XCTAssertEqual(try bytes(path("thesis/chapter.txt")), Array("precious".utf8))
    XCTAssertEqual(try bytes(path("notes.txt")), Array("precious".utf8))
  }

  func testARefusedTrainingDoesNotReplaceTheRunItWasToReplace() throws {
    let (data, run) = try copyOfTrainedRun()
    let before = try snapshot(run)
    try assertRefused(
      TrainedRun.arguments(data: data, run: run) + ["--force", "--set", "beta=-1"], status: 64,
      naming: ["beta"])
    try assertRefused(
      TrainedRun.arguments(data: path("missing"), run: run) + ["--force"], status: 66,
      naming: [path("missing")])
    try assertRefused(
      TrainedRun.arguments(data: data, run: run) + ["--force", "--batch-size", "100"], status: 65,
      naming: ["64", "100"])
    XCTAssertEqual(try snapshot(run), before)
  }

  func testResumingWithAnotherThreadCountIsSaid() throws {
    let data = try makeData(binary: true)
    try run(Small.train(data, path("run"), ["--epochs", "1"]))
    let outcome = try run(
      Small.train(data, path("run"), ["--epochs", "2", "--resume", "--threads", "2"]))
    XCTAssertTrue(outcome.err.contains("1 thread"), outcome.err)
  }

  func testAveragedWeightsAndScheduleResumeBitForBit() throws {
    let data = try makeData()
    let settings = [
      "average_decay=0.9", "schedule=step", "schedule_epochs=1", "warmup_updates=6",
      "optimizer=adamw", "weight_decay=0.01", "clip_norm=5", "binarize=dynamic", "drop_last=false",
      "batch_size=24",
    ].flatMap { ["--set", "training.\($0)"] }
    try run(Small.train(data, path("whole"), ["--epochs", "4"]).withoutBatchSize + settings)
    for epochs in 1...4 {
      try run(
        Small.train(data, path("parts"), ["--epochs", "\(epochs)", "--resume"]).withoutBatchSize
          + settings)
    }
    XCTAssertEqual(try results(path("parts")), try results(path("whole")))
  }
}

extension [String] {
  /// The arguments without `--batch-size` and its value.
  fileprivate var withoutBatchSize: [String] {
    guard let index = firstIndex(of: "--batch-size") else { return self }
    return Array(self[..<index] + self[(index + 2)...])
  }
}
