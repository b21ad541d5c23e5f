import Foundation
import XCTest

/// `train --from-weights`: another run's weights in place of fresh ones.
final class FromWeightsTests: CommandTestCase {
  func testATrainingWithoutUpdatesHasTheWeightsThatItBeganWith() throws {
    let shared = try TrainedRun.shared()
    for (number, source) in [shared.run, shared.model].enumerated() {
      let next = path("next\(number)")
      try run(
        Small.train(
          shared.data, next,
          ["--from-weights", source, "--epochs", "0", "--set", "beta=4"]))
      let (old, new) = (
        try SafetensorsFile(try bytes("\(shared.run)/weights.safetensors")),
        try SafetensorsFile(try bytes("\(next)/weights.safetensors"))
      )
      XCTAssertEqual(old.names.sorted(), new.names.sorted())
      for name in old.names { XCTAssertEqual(try old.floats(name), try new.floats(name), name) }
      let recipe = try object(String(contentsOfFile: "\(next)/recipe.json", encoding: .utf8))
      let stages = try XCTUnwrap(recipe["stages"] as? [[String: Any]])
      XCTAssertEqual(stages.map { $0["origin"] as? String }, [source])
    }
  }

  func testARunFromWeightsLearnsOnAndIsResumedBitForBit() throws {
    let (data, first) = try copyOfTrainedRun()
    let more = ["--from-weights", first, "--learning-rate", "0.0003"]
    try run(Small.train(data, path("whole"), more + ["--epochs", "4"]))
    try run(Small.train(data, path("parts"), more + ["--epochs", "2"]))
    // The weights that it began with are no longer needed.
    try FileManager.default.removeItem(atPath: first)
    try run(["train", "--out", path("parts"), "--resume", "--epochs", "4", "--threads", "1"])
    XCTAssertEqual(
      try bytes(path("whole/weights.safetensors")), try bytes(path("parts/weights.safetensors")))
  }

  func testTensorsThatDoNotFitAreRefusedByName() throws {
    let shared = try TrainedRun.shared()
    try assertRefused(
      Small.train(shared.data, path("next"), ["--from-weights", shared.run, "--set", "latent=5"]),
      status: 65, naming: [shared.run, "of shape", "keep the parts and sizes"])
    XCTAssertFalse(exists(path("next/recipe.json")))
    try assertRefused(
      Small.train(shared.data, path("next"), ["--from-weights", path("none")]), status: 66,
      naming: [path("none")])
  }

  func testTheSizesOfTheWeightsAreTakenWhereNoneAreGiven() throws {
    let shared = try TrainedRun.shared()
    let asked = [
      "train", "gaussian-vae", "--data", shared.data, "--out", path("next"), "--batch-size", "16",
      "--threads", "1", "--from-weights", shared.run, "--epochs", "1", "--set", "beta=2",
    ]
    let outcome = try run(asked)
    XCTAssertTrue(outcome.err.contains("as in \(shared.run): "), outcome.err)
    XCTAssertTrue(outcome.err.contains("prior.latent 4, not"), outcome.err)
    let recipe = try object(String(contentsOfFile: path("next/recipe.json"), encoding: .utf8))
    XCTAssertEqual((recipe["encoder"] as? [String: Any])?["hidden"] as? [Int], [32])
    XCTAssertEqual((recipe["objective"] as? [String: Any])?["beta"] as? Double, 2)
    // The same command goes on with it.
    try run(asked.map { $0 == "1" ? "2" : $0 } + ["--resume", "--epochs", "2"])
    // However the path of the weights is written.
    try run(
      asked.map { $0 == "1" ? "2" : $0 == shared.run ? "\(shared.run)/." : $0 }
        + ["--resume", "--epochs", "2"])
    try assertRefused(
      asked.map { $0 == path("next") ? path("other") : $0 } + ["--set", "latent=5"], status: 65,
      naming: ["\(shared.run) has prior.latent 4, not 5"])
  }

  func testAFurtherStageHasWeightsOfItsOwn() throws {
    let shared = try TrainedRun.shared()
    try assertRefused(
      [
        "train", "--stage", "prior", "--from", shared.run, "--data", shared.data, "--out",
        path("next"), "--from-weights", shared.run,
      ], status: 64, naming: ["--from-weights", "leave out"])
  }
}
