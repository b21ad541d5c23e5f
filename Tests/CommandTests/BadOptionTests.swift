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

  func testWhatWasMeantByAnUnknownOptionOrCommandIsNamed() throws {
    let train = ["train", "gaussian-vae", "--data", "shapes", "--out", path("run")]
    for (wrong, meant) in [
      ("--lr", "--learning-rate"), ("--batch", "--batch-size"), ("--epoch", "--epochs"),
      ("--pacience", "--patience"),
    ] {
      try assertWrong(
        train + [wrong, "3"],
        naming: ["no option \(wrong)", "did you mean \(meant)? see vae-zoo train --help"])
    }
    for more in [[], ["x"], ["x", "y"], ["help"], Array(train.dropFirst())] {
      try assertWrong(["trian"] + more, naming: ["no command \"trian\"", "did you mean train?"])
    }
    try assertWrong(["help", "trian"], naming: ["no command \"trian\"", "did you mean train?"])
    try assertWrong(["eval"], naming: ["did you mean evaluate?"])
    try assertWrong(train + ["--set", "lr=3"], naming: ["learning_rate?"])
    try assertWrong(
      ["train", "gausian-vae"] + train.dropFirst(2), naming: ["did you mean gaussian-vae?"])
    // Nothing that there is resembles it.
    let outcome = try Command.run(train + ["--dropout", "3"])
    XCTAssertEqual(outcome.status, 64)
    XCTAssertFalse(outcome.err.contains("did you mean"), outcome.err)
  }

  func testSettingsAreCheckedBeforeDataAreOpened() throws {
    let train = ["train", "gaussian-vae", "--data", path("none"), "--out", path("run")]
    try assertWrong(train + ["--set", "latnet=3"], naming: ["did you mean latent?"])
    try assertWrong(train + ["--set", "latent=-3"], naming: ["latent"])
    let sweep = ["sweep", "gaussian-vae", "--data", path("none"), "--out", path("runs"), "--set"]
    try assertWrong(sweep + ["latnet=2,3"], naming: ["did you mean latent?"])
    try assertWrong(sweep + ["latent=2,-3"], naming: ["latent"])
    // What only a likelihood has that the data may choose is no fault of the setting.
    try assertRefused(train + ["--set", "sigma=0.5"], status: 66, naming: [path("none")])
  }

  func testUnknownOptionsAndCommandsAreRefusedNamingThem() throws {
    try assertWrong(["list", "--jsn"], naming: ["--jsn"])
    try assertWrong(["evaluate", "run", "--data", "shapes", "--splits", "a"], naming: ["--splits"])
    try assertWrong(["trian"], naming: ["trian"])
    try assertWrong(
      Small.train("shapes", path("run"), ["--precision", "half"]),
      naming: ["--precision cannot be half", "float32", "bfloat16"])
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
    // The same setting said twice; of sweeps, where it also varies, SweepTests tell.
    for command in [
      Small.train("shapes", path("run"), ["--epochs", "1", "--set", "training.epochs=2"]),
      ["classifier", "--data", path("none"), "--out", path("n.safetensors"), "--epochs", "1"]
        + ["--set", "epochs=2"],
    ] {
      try assertWrong(command, naming: ["epochs=2", "--epochs 1 contradict each other"])
    }
    try assertWrong(
      Small.train("shapes", path("run"), ["--no-keep-best", "--set", "training.keep_best=true"]),
      naming: ["training.keep_best=true", "--no-keep-best contradict"])
    try assertRefused(
      ["train", "gaussian-vae", "--data", path("none"), "--out", path("run")]
        + ["--learning-rate", "0.001", "--set", "training.learning_rate=1e-3"],
      status: 66, naming: [path("none")])
    try assertWrong(["describe", "gaussian-vae", "--json", "--recipe"], naming: ["--json"])
    try assertWrong(["describe", "gaussian-vae", "--shapes", "--recipe"], naming: ["--shapes"])
    try assertWrong(["describe", "gaussian-vae", "--data", "shapes"], naming: ["--shapes"])
    try assertWrong(
      ["describe", "gaussian-vae", "--shapes", "--set", "latent"], naming: ["key=value"])
  }

  func testAnUnknownVariantIsRefusedListingTheKnownOnes() throws {
    let words = ["no variant gaussian-vea; did you mean gaussian-vae?", "there are: ", "iwae"]
    try assertWrong(["describe", "gaussian-vea"], naming: words)
    try assertWrong(
      ["train", "gaussian-vea", "--data", "shapes", "--out", path("run")], naming: words)
  }

  func testUnknownHyperparametersAreRefusedNamingWhatMayBeMeant() throws {
    let cases = [
      ("latnt", "did you mean latent?"), ("prior.latnet", "did you mean prior.latent?"),
      ("training.epoch", "did you mean training.epochs?"),
      ("learning-rate", "did you mean training.learning_rate?"),
      ("a.b.c", "no hyper-parameter a.b.c; vae-zoo"), (".", "no hyper-parameter .; vae-zoo"),
    ]
    for (key, words) in cases {
      try assertWrong(
        Small.train("shapes", path("run"), ["--set", "\(key)=3"]),
        naming: [
          "there is no hyper-parameter \(key);", words, "vae-zoo describe gaussian-vae lists all",
        ])
    }
  }

  func testHyperparametersOfOtherPartsAreRefusedNamingTheChoiceThatHasThem() throws {
    let cases = [
      ("sigma", "sigma belongs to likelihood gaussian, laplace"),
      ("channels", "channels belongs to architecture conv, resnet"),
    ]
    for (key, words) in cases {
      try assertWrong(
        Small.train("shapes", path("run"), ["--set", "\(key)=3"]),
        naming: [words, "choose it with"])
    }
    try assertWrong(
      Small.train("shapes", path("run"), ["--set", "codes=3"]),
      naming: ["codes belongs to prior uniform-codes", "as in the variant vq-vae"])
  }

  func testWrongValuesAreRefusedNamingThem() throws {
    let cases: [(options: [String], words: [String])] = [
      (["--epochs", "three"], ["epochs", "three"]),
      // Not which likelihoods have it, but what it may be.
      (["--set", "likelihood.components=0"], ["likelihood.components cannot be 0", "1…32"]),
      (["--epochs", "-1"], ["--epochs cannot be -1", "an integer: 0…"]),
      (["--holdout", "1"], ["--holdout cannot be 1", "a number: 0…0.9"]),
      (["--batch-size", "0"], ["--batch-size", "0"]),
      (["--learning-rate", "nan"], ["--learning-rate", "nan"]),
      (["--learning-rate", "-1"], ["--learning-rate cannot be -1", "a number: "]),
      (["--learning-rate", "1e9"], ["--learning-rate", "1e9"]),
      (["--seed", "-1"], ["--seed cannot be -1"]),
      (["--binarize", "half"], ["binarize", "half", "threshold", "dynamic"]),
      (["--dequantize", "half"], ["dequantize", "half", "none", "uniform"]),
      (["--threads", "0"], ["--threads", "0"]),
      (["--threads", "-1"], ["--threads must be between 1 and 256, not -1"]),
      (["--threads", "two"], ["--threads", "two"]),
      (["--set", "latent"], ["--set", "latent"]),
      (["--set", "=3"], ["--set"]),
      (["--set", "latent="], ["latent cannot be empty: it takes an integer"]),
      (["--set", "encoder.name="], ["encoder.name cannot be empty: there are: mlp"]),
      (["--set", "architecture="], ["architecture cannot be empty for", "there are: mlp"]),
      (["--set", "latent=99999999999999999999"], ["latent"]),
      (["--set", "hidden=4,,4"], ["hidden", "4,,4"]),
      (
        ["--set", "sigma=0", "--set", "likelihood=gaussian"],
        ["sigma cannot be 0: it takes a number from ", ", or learnt"]
      ),
      (
        ["--set", "architecture=transformer"],
        ["architecture cannot be transformer", "there are: mlp, conv"]
      ),
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
      (sample + ["--temperature", "-1"], "--temperature must be between 0 and 100, not -1"),
      (sample + ["--temperature", "nan"], "--temperature"),
      (evaluate + ["--importance-samples", "0"], "--importance-samples"),
      (evaluate + ["--seed", "x"], "--seed"), (reconstruct + ["--count", "0"], "--count"),
    ]
    for (arguments, word) in cases { try assertWrong(arguments, naming: [word]) }
  }

  func testAnUnknownWorkloadIsRefusedListingTheKnownOnes() throws {
    try assertWrong(["bench", "lenet"], naming: ["lenet", "mlp", "conv"])
  }

  func testNumbersBeyondTheirBoundsAreRefusedNamingThemAndThoseAtTheBoundsAreNot() throws {
    let data = ["--data", path("none")]
    let (png, csv) = (["--out", path("a.png")], ["--out", path("a.csv")])
    let run = path("no-run")
    let sweep = ["sweep", "gaussian-vae", "--set", "beta=1,2", "--out", path("runs")] + data
    let cases: [(command: [String], option: String, least: Int, most: Int)] = [
      (["sample", run] + png, "--count", 1, 1_000_000),
      (["sample", run] + png, "--temperature", 0, 100),
      (["reconstruct", run] + data + png, "--count", 1, 10_000),
      (["evaluate", run] + data, "--importance-samples", 1, 10_000_000),
      (["interpolate", run] + data + png, "--count", 1, 1000),
      (["interpolate", run] + data + png, "--steps", 2, 1000),
      (["traverse", run] + png, "--units", 1, 10_000),
      (["traverse", run] + png, "--steps", 2, 1000),
      (["score", run] + data + csv, "--importance-samples", 1, 10_000_000),
      (
        ["score", run, "--method", "typicality", "--reference", path("none")] + data + csv,
        "--importance-samples", 0, 10_000_000
      ),
      (
        ["score", run, "--method", "typicality", "--reference", path("none")] + data + csv,
        "--group", 1, 1_000_000_000
      ),
      (["score", run, "--method", "regret"] + data + csv, "--steps", 1, 100_000),
      (["impute", run] + data + png, "--count", 1, 10_000),
      (["impute", run] + data + png, "--importance-samples", 1, 10_000_000),
      (sweep, "--jobs", 1, 64), (["plugin", "check", run], "--time-limit", 1, 86_400),
      (["encode", run] + data + png, "--size", 1, 4096),
    ]
    for (command, option, least, most) in cases {
      for bound in [least, most] {
        let outcome = try Command.run(command + [option, "\(bound)"])
        XCTAssertFalse(
          outcome.status == 64 && outcome.err.contains("\(option) must"),
          "\(command[0]) \(option) \(bound): \(outcome.err)")
      }
      for beyond in [least - 1, most + 1] {
        try assertWrong(
          command + [option, "\(beyond)"],
          naming: ["\(option) must be between \(least) and \(most), not \(beyond)"])
      }
    }
  }

  func testOptionsThatBelongToOthersAreRefused() throws {
    let run = try TrainedRun.shared().run
    let latents = try write(ArrayFile.npy([1, 4], floats: [0, 0, 0, 0]), "z.npy")
    defer { try? FileManager.default.removeItem(atPath: latents) }
    let decode = ["decode", run, "--latents", latents, "--out", path("a.png")]
    let data = ["--data", path("none")]
    let score = ["score", run, "--out", path("a.csv")] + data
    for (arguments, words) in [
      (decode + ["--scaled"], ["--scaled and --channels-first belong to latents that are maps"]),
      (decode + ["--channels-first"], ["belong to latents that are maps"]),
      (decode + ["--tile", "64"], ["--tile and --precision belong to latents that are maps"]),
      (
        score + ["--method", "elbo", "--importance-samples", "5"],
        ["--importance-samples belongs to --method nll, ratio and typicality"]
      ),
      (score + ["--group", "5"], ["--group belongs to --method typicality"]),
      (score + ["--steps", "5"], ["--steps belongs to --method regret"]),
      (["encode", run, "--tile", "64", "--out", path("a.npy")] + data, ["belong to --images"]),
      (
        ["reconstruct", run, "--json", "--out", path("a.png")] + data,
        ["--json belongs to --images"]
      ),
      (
        ["evaluate", run, "--network-layer", "features"] + data,
        ["--network-layer names a layer of --network"]
      ),
      (
        ["train", "gaussian-vae", "--from", run, "--out", path("a")] + data,
        ["--stage and --from go together"]
      ),
      (["describe", "gaussian-vae", "--memory", "8x8", "--shapes"], ["choose one of --memory"]),
    ] as [([String], [String])] {
      try assertRefused(arguments, status: 64, naming: words)
    }
  }
}
