import Foundation
import XCTest

/// What the same seed promises.
final class DeterminismTests: CommandTestCase {
  private func model(
    _ name: String, _ data: String, seed: Int = 1, threads: Int
  ) throws -> [UInt8] {
    try run([
      "train", "gaussian-vae", "--data", data, "--out", path(name), "--epochs", "2", "--batch-size",
      "16", "--binarize", "dynamic", "--seed", "\(seed)", "--threads", "\(threads)", "--set",
      "hidden=128",
    ])
    return try SafetensorsFile(try bytes(path("\(name)/weights.safetensors"))).data
  }

  func testSameSeedAndThreadsGiveTheSameBits() throws {
    let data = try makeData(height: 28, width: 28)
    for threads in [1, 2] {
      XCTAssertEqual(
        try model("a\(threads)", data, threads: threads),
        try model("b\(threads)", data, threads: threads))
    }
  }

  func testAnotherSeedGivesOtherWeights() throws {
    let data = try makeData(height: 28, width: 28)
    XCTAssertNotEqual(
      try model("a", data, seed: 1, threads: 1), try model("b", data, seed: 2, threads: 1))
  }

  func testOneAndTwoThreadsAgreeOnTheLossesOfTheFirstTwentySteps() throws {
    // Batches of all images make every epoch one step, whose loss the metrics tell.
    let data = try makeData(binary: true, height: 28, width: 28)
    for (architecture, size) in [("mlp", "hidden=128"), ("conv", "channels=8,16")] {
      let losses = try [1, 2].map { threads in
        let name = path("\(architecture)-\(threads)")
        let outcome = try run([
          "train", "gaussian-vae", "--data", data, "--out", name, "--epochs", "20", "--batch-size",
          "64", "--seed", "1", "--threads", "\(threads)", "--set", "architecture=\(architecture)",
          "--set", size, "--json",
        ])
        return try outcome.lines.map { line in
          try number(XCTUnwrap(object(line)["train"] as? [String: Any]), "elbo")
        }
      }
      XCTAssertEqual(losses[0].count, 20)
      for (one, two) in zip(losses[0], losses[1]) {
        XCTAssertEqual(one, two, accuracy: 1e-4 * abs(one), architecture)
      }
    }
  }
}
