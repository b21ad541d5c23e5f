import Foundation
import XCTest

/// The best checkpoint beside the last one, early stopping, and examples set apart.
final class BestCheckpointTests: CommandTestCase {
  /// A learning rate at which small models become worse after their first epochs.
  private static let hasty = ["--learning-rate", "0.1", "--patience", "2", "--epochs", "40"]

  private func records(_ run: String) throws -> [(epoch: Int, step: Int, cost: Double)] {
    try String(contentsOfFile: "\(run)/metrics.jsonl", encoding: .utf8).split(separator: "\n").map {
      let line = try object(String($0))
      let valid = try XCTUnwrap(line["valid"] as? [String: Any])
      return (
        Int(try number(line, "epoch")), Int(try number(line, "step")), -(try number(valid, "elbo"))
      )
    }
  }

  func testToKeepTheBestCheckpointWithoutAHeldOutSplitIsRefused() throws {
    let data = try makeData(binary: true) + "/train-images-idx3-ubyte"
    try assertRefused(
      Small.train(data, path("run"), ["--epochs", "1", "--keep-best"]), status: 64,
      naming: ["--keep-best needs a held-out split", "--holdout 0.1"])
    XCTAssertFalse(exists(path("run")))
    try run(Small.train(data, path("run"), ["--epochs", "1", "--no-keep-best"]))
    try run(Small.train(data, path("held"), ["--epochs", "1", "--keep-best", "--holdout", "0.2"]))
  }

  func testATrainingStopsAfterItsPatienceAndKeepsTheBestCheckpointBesideTheLast() throws {
    let data = try makeData(binary: true)
    let outcome = try run(Small.train(data, path("run"), Self.hasty))
    let records = try records(path("run"))
    let best = try XCTUnwrap(records.min { $0.cost < $1.cost })
    let last = try XCTUnwrap(records.last)
    XCTAssertLessThan(last.epoch, 40, "the test needs a training that stops")
    XCTAssertEqual(last.epoch, best.epoch + 2)
    XCTAssertTrue(outcome.err.contains("stopped after epoch \(last.epoch)"), outcome.err)
    XCTAssertTrue(outcome.err.contains("--checkpoint best"), outcome.err)
    XCTAssertEqual(
      try FileManager.default.destinationOfSymbolicLink(atPath: path("run/best")),
      "checkpoints/\(best.step)")
    XCTAssertTrue(exists(path("run/model.safetensors")))

    // The numbers of each checkpoint are those of its own epoch.
    for (choice, record) in [("best", best), ("last", last), ("\(best.step)", best)] {
      let found = try object(
        run([
          "evaluate", path("run"), "--data", data, "--checkpoint", choice, "--json", "--threads",
          "1",
          "--seed", "1",
        ]).out)
      XCTAssertEqual(-(try number(found, "elbo")), record.cost, accuracy: 1e-3, choice)
    }
    try assertEveryCommandTakesTheCheckpointThatIsAskedFor(path("run"), data)
    try assertRefused(
      ["evaluate", path("run"), "--data", data, "--checkpoint", "1"], status: 66,
      naming: ["step 1", "\(best.step) (best)", "\(last.step)"])
    try assertRefused(
      ["evaluate", path("run/model.safetensors"), "--data", data, "--checkpoint", "best"],
      status: 64, naming: ["leave out --checkpoint best"])
    try assertRefused(
      ["sample", path("run"), "--checkpoint", "newest", "--out", path("x.png")], status: 64,
      naming: ["newest"])

    // It is finished; with more patience it goes on, as if it had had that from the beginning.
    let before = try snapshot(path("run"))
    try run(["train", "--out", path("run"), "--resume", "--threads", "1"])
    XCTAssertEqual(try snapshot(path("run")), before)
    let more = ["--patience", "4", "--epochs", "\(last.epoch + 1)"]
    try run(["train", "--out", path("run"), "--resume", "--threads", "1"] + more)
    try run(Small.train(data, path("whole"), ["--learning-rate", "0.1"] + more))
    XCTAssertEqual(
      try bytes(path("run/optimizer.safetensors")), try bytes(path("whole/optimizer.safetensors")))
    XCTAssertEqual(
      try FileManager.default.destinationOfSymbolicLink(atPath: path("run/best")),
      try FileManager.default.destinationOfSymbolicLink(atPath: path("whole/best")))
  }

  /// The best checkpoint and the last one give other files, and the last one is what is taken without a word.
  private func assertEveryCommandTakesTheCheckpointThatIsAskedFor(
    _ run: String, _ data: String
  ) throws {
    let latents = try write(ArrayFile.npy([2, 4], floats: [1, 0, -1, 0.5, 2, 1, 0, -2]), "in.npy")
    let of = ["--data", data]
    for (command, more, ending) in [
      ("sample", ["--count", "3"], "npy"), ("encode", of, "npy"),
      ("decode", ["--latents", latents], "npy"), ("score", of + ["--method", "elbo"], "npy"),
      ("reconstruct", of + ["--count", "3"], "png"), ("interpolate", of + ["--steps", "3"], "npy"),
      ("traverse", of + ["--steps", "3"], "npy"),
    ] {
      let files = try [[], ["--checkpoint", "last"], ["--checkpoint", "best"]].map { choice in
        let out = path("out.\(ending)")
        try self.run([command, run, "--threads", "1", "--out", out] + more + choice)
        return try bytes(out)
      }
      XCTAssertEqual(files[0], files[1], command)
      XCTAssertNotEqual(files[0], files[2], command)
    }
  }

  func testExamplesThatAreSetApartAreNeitherTrainedOnNorAmongThoseThatWere() throws {
    let data = try write(ArrayFile.npy(TestImages(50, height: 4, width: 4, seed: 3)), "only.npy")
    try assertRefused(
      Small.train(data, path("none"), ["--patience", "2"]), status: 64,
      naming: ["--patience 2", "--holdout 0.1"])
    let outcome = try run(
      Small.train(data, path("run"), ["--holdout", "0.2", "--epochs", "1", "--json"]))
    XCTAssertTrue(outcome.err.contains("10 training examples"), outcome.err)
    XCTAssertNotNil(try object(outcome.lines[0])["valid"])
    for (split, count) in [("train", 40), ("valid", 10)] {
      try run([
        "encode", path("run"), "--data", data, "--split", split, "--out", path("\(split).npy"),
        "--threads", "1",
      ])
      let header = String(decoding: try bytes(path("\(split).npy")).prefix(128), as: UTF8.self)
      XCTAssertTrue(header.contains("(\(count), "), header)
    }
    // Data that have the split already are left as they are.
    let both = ArrayFile.npz([
      ("train", ArrayFile.npy(TestImages(40, height: 4, width: 4, seed: 3))),
      ("valid", ArrayFile.npy(TestImages(9, height: 4, width: 4, seed: 4))),
    ])
    let divided = try write(both, "both.npz")
    try assertRefused(
      Small.train(divided, path("none"), ["--holdout", "0.2"]), status: 64,
      naming: ["leave out --holdout 0.2"])
  }

  func testWeightsOfAnUnfinishedRunAreUsedWithAWordAboutIt() throws {
    let (data, run) = try copyOfTrainedRun()
    let asked = ["evaluate", run, "--data", data, "--threads", "1"]
    XCTAssertFalse(try self.run(asked).err.contains("not finished"))
    // A run of more epochs that was stopped after these, as far as it can be told from outside.
    let more = try Command(
      TrainedRun.arguments(data: data, run: run) + ["--epochs", "100000", "--resume"])
    while try records(run).count < 5 { usleep(10_000) }
    more.send(SIGINT)
    _ = try more.wait()
    XCTAssertTrue(try self.run(asked).err.contains("\(run) is not finished"))
    let outcome = try self.run(
      Small.train(data, path("next"), ["--from-weights", run, "--epochs", "1"]))
    XCTAssertTrue(outcome.err.contains("\(run) is not finished"), outcome.err)
  }
}
