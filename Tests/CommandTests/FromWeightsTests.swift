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

  func testAFurtherStageHasWeightsOfItsOwn() throws {
    let shared = try TrainedRun.shared()
    try assertRefused(
      [
        "train", "--stage", "prior", "--from", shared.run, "--data", shared.data, "--out",
        path("next"), "--from-weights", shared.run,
      ], status: 64, naming: ["--from-weights", "leave out"])
  }
}
