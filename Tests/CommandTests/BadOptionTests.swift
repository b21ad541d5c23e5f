import Foundation
import XCTest

/// Wrong command lines: status 64, one clear line, and nothing written.
final class BadOptionTests: CommandTestCase {
  private func assertWrong(
    _ arguments: [String], naming words: [String], file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    try assertRefused(arguments, status: 64, naming: words, file: file, line: line)
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), [])
  }

  func testUnknownOptionsAndCommandsAreRefusedNamingThem() throws {
    try assertWrong(["list", "--jsn"], naming: ["--jsn"])
    try assertWrong(["evaluate", "run", "--data", "shapes", "--splits", "a"], naming: ["--splits"])
    try assertWrong(["trian"], naming: ["trian"])
    try assertWrong(
      Small.train("shapes", path("run"), ["--precision", "half"]),
      naming: ["training.precision", "half", "float32", "bfloat16"])
    try assertWrong(["bench", "mlp", "--precision", "half"], naming: ["--precision", "half"])
  }

  func testMissingArgumentsAreRefusedNamingThem() throws {
    try assertWrong(["train", "gaussian-vae", "--out", path("run")], naming: ["--data"])
    try assertWrong(["train", "gaussian-vae", "--data", "shapes"], naming: ["--out"])
    try assertWrong(["train", "--data", "shapes", "--out", path("run")], naming: ["--recipe"])
    try assertWrong(["evaluate", "--data", "shapes"], naming: ["run"])
    try assertWrong(["sample", "run", "--out"], naming: ["--out"])
  }

  func testContradictionsAreRefused() throws {
    try assertWrong(
      Small.train("shapes", path("run"), ["--resume", "--force"]), naming: ["--resume", "--force"])
    try assertWrong(
      Small.train("shapes", path("run"), ["--recipe", "a.json"]), naming: ["--recipe"])
    try assertWrong(["describe", "gaussian-vae", "--json", "--recipe"], naming: ["--json"])
  }

  func testAnUnknownVariantIsRefusedListingTheKnownOnes() throws {
    let words = ["gaussian-vea", "gaussian-vae"]
    try assertWrong(["describe", "gaussian-vea"], naming: words)
    try assertWrong(
      ["train", "gaussian-vea", "--data", "shapes", "--out", path("run")], naming: words)
  }

  func testUnknownHyperparametersAreRefusedListingTheKnownOnes() throws {
    for key in ["latnet", "prior.latnet", "codes", "training.epoch", "a.b.c", "."] {
      try assertWrong(
        Small.train("shapes", path("run"), ["--set", "\(key)=3"]), naming: [key, "prior.latent"])
    }
  }

  func testWrongValuesAreRefusedNamingThem() throws {
    let cases: [(options: [String], words: [String])] = [
      (["--epochs", "three"], ["epochs", "three"]),
      (["--epochs", "-1"], ["epochs"]),
      (["--batch-size", "0"], ["batch_size", "0"]),
      (["--learning-rate", "nan"], ["learning_rate", "nan"]),
      (["--learning-rate", "1e9"], ["learning_rate", "1e9"]),
      (["--seed", "-1"], ["seed"]),
      (["--binarize", "half"], ["binarize", "half", "threshold", "dynamic"]),
      (["--threads", "0"], ["--threads", "0"]),
      (["--threads", "two"], ["--threads", "two"]),
      (["--set", "latent"], ["--set", "latent"]),
      (["--set", "=3"], ["--set"]),
      (["--set", "latent="], ["latent"]),
      (["--set", "latent=99999999999999999999"], ["latent"]),
      (["--set", "hidden=4,,4"], ["hidden", "4,,4"]),
      (["--set", "sigma=0", "--set", "likelihood=gaussian"], ["sigma", "0"]),
      (["--set", "architecture=transformer"], ["transformer", "mlp", "conv"]),
      (["--set", "likelihood=poisson"], ["poisson", "bernoulli"]),
      (["--set", "activation=sine"], ["activation", "sine", "relu"]),
    ]
    for (options, words) in cases {
      try assertWrong(Small.train("shapes", path("run"), options), naming: words)
    }
  }

  func testCountsOutOfRangeAreRefused() throws {
    let shared = try TrainedRun.shared()
    let sample = ["sample", shared.run, "--out", path("a.png")]
    let evaluate = ["evaluate", shared.run, "--data", shared.data]
    let reconstruct = ["reconstruct", shared.run, "--data", shared.data, "--out", path("a.png")]
    let cases: [(arguments: [String], word: String)] = [
      (sample + ["--count", "0"], "--count"), (sample + ["--count", "x"], "--count"),
      (sample + ["--temperature=-1"], "--temperature"),
      (sample + ["--temperature", "nan"], "--temperature"),
      (evaluate + ["--importance-samples", "0"], "--importance-samples"),
      (evaluate + ["--seed", "x"], "--seed"), (reconstruct + ["--count", "0"], "--count"),
    ]
    for (arguments, word) in cases { try assertWrong(arguments, naming: [word]) }
  }

  func testAnUnknownWorkloadIsRefusedListingTheKnownOnes() throws {
    try assertWrong(["bench", "lenet"], naming: ["lenet", "mlp", "conv"])
  }
}
