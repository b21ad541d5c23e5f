import Foundation
import XCTest

/// Recipes that cannot be: one clear line, and no run folder.
final class BadRecipeTests: CommandTestCase {
  private func assertUnusable(
    _ recipe: [UInt8], status: Int32, naming words: [String], file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    let source = try write(recipe, "recipe.json")
    try assertRefused(
      [
        "train", "--recipe", source, "--data", try TrainedRun.shared().data, "--out", path("run"),
      ], status: status, naming: [source] + words, file: file, line: line)
    XCTAssertFalse(exists(path("run")), "a run folder was made", file: file, line: line)
  }

  /// The printed recipe with a member of a part changed, or one of its own where the part is empty.
  private func recipe(_ part: String, _ name: String, _ value: Any) throws -> [UInt8] {
    var recipe = try object(try run(["describe", "gaussian-vae", "--recipe"]).out)
    if part.isEmpty {
      recipe[name] = value
    } else {
      var members = try XCTUnwrap(recipe[part] as? [String: Any])
      members[name] = value
      recipe[part] = members
    }
    return [UInt8](try JSONSerialization.data(withJSONObject: recipe))
  }

  func testAMissingRecipeIsRefusedNamingIt() throws {
    try assertRefused(
      ["train", "--recipe", path("missing.json"), "--data", "shapes", "--out", path("run")],
      status: 66, naming: [path("missing.json")])
  }

  func testTextThatIsNoRecipeIsRefused() throws {
    let nested = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    let texts: [[UInt8]] = [
      [], Array("{".utf8), Array("[]".utf8), Array("null".utf8), Array("{}".utf8),
      Array("{\"format\": 1}".utf8), Array("{\"format\": 99, \"variant\": \"gaussian-vae\"}".utf8),
      [0xff, 0xfe, 0x00], nested,
    ]
    for text in texts { try assertUnusable(text, status: 65, naming: []) }
  }

  func testUnknownNamesAreRefusedListingTheKnownOnes() throws {
    let cases: [(part: String, name: String, value: Any, words: [String])] = [
      ("", "variant", "gaussian-vea", ["gaussian-vea", "gaussian-vae"]),
      ("", "encodr", ["name": "mlp"], ["encodr", "encoder"]),
      ("encoder", "name", "mpl", ["mpl", "mlp", "conv", "resnet"]),
      ("encoder", "hiden", [4], ["encoder.hiden", "hidden"]),
      ("likelihood", "name", "poisson", ["poisson", "bernoulli", "gaussian"]),
      ("training", "epoch", 3, ["training.epoch", "epochs"]),
      ("", "data", ["binarisation": "none"], ["data.binarisation", "range", "rule"]),
      ("training", "optimizer", "lion", ["training.optimizer", "lion", "adamw"]),
    ]
    for (part, name, value, words) in cases {
      try assertUnusable(try recipe(part, name, value), status: 64, naming: words)
    }
  }

  func testWrongTypesAreRefusedNamingPathAndType() throws {
    let cases: [(part: String, name: String, value: Any, words: [String])] = [
      ("prior", "latent", "20", ["prior.latent", "integer"]),
      ("prior", "latent", 2.5, ["prior.latent", "2.5", "integer"]),
      ("prior", "latent", NSNull(), ["prior.latent", "null"]),
      ("encoder", "hidden", ["400"], ["encoder.hidden", "integers"]),
      ("encoder", "activation", 3, ["encoder.activation", "relu"]),
      ("training", "drop_last", "yes", ["training.drop_last", "flag"]),
      ("training", "learning_rate", [0.1], ["training.learning_rate", "number"]),
    ]
    for (part, name, value, words) in cases {
      try assertUnusable(try recipe(part, name, value), status: 64, naming: words)
    }
    try assertUnusable(try recipe("", "encoder", 3), status: 65, naming: ["encoder", "object"])
    try assertUnusable(try recipe("", "variant", 3), status: 65, naming: ["variant"])
    try assertUnusable(try recipe("encoder", "name", 3), status: 65, naming: ["encoder.name"])
  }

  func testValuesOutOfRangeAreRefusedNamingPathValueAndRange() throws {
    let cases: [(part: String, name: String, value: Any, words: [String])] = [
      ("prior", "latent", 0, ["prior.latent", "0", "1…"]),
      ("prior", "latent", -1, ["prior.latent", "-1"]),
      ("encoder", "hidden", [400, 0], ["encoder.hidden", "400", "0"]),
      ("objective", "beta", -0.5, ["objective.beta", "-0.5"]),
      ("training", "batch_size", 0, ["training.batch_size"]),
      ("training", "learning_rate", 0, ["training.learning_rate"]),
      ("training", "seed", -1, ["training.seed"]),
      ("training", "beta1", 1, ["training.beta1"]),
    ]
    for (part, name, value, words) in cases {
      try assertUnusable(try recipe(part, name, value), status: 64, naming: words)
    }
  }

  func testAbsurdSizesAreRefusedBeforeMemoryIsTaken() throws {
    let wide = [Int](repeating: 65536, count: 8)
    try assertRefusedSize("encoder", "hidden", wide, naming: ["parameters"])
    try assertRefusedSize("decoder", "hidden", wide, naming: ["parameters"])
    try assertRefusedSize("prior", "latent", 1 << 40, naming: ["prior.latent"])
    try assertRefusedSize("training", "batch_size", 1 << 40, naming: ["training.batch_size"])
    try assertRefusedSize(
      "encoder", "hidden", [Int](repeating: 1, count: 10_000), naming: ["encoder.hidden"])
    let data: [String: Any] = [
      "height": 1 << 20, "width": 1 << 20, "channels": 1 << 20, "range": "binary",
      "rule": "binary",
    ]
    try assertRefusedSize("", "data", data, naming: ["images"])
  }

  private func assertRefusedSize(
    _ part: String, _ name: String, _ value: Any, naming words: [String], line: UInt = #line
  ) throws {
    let source = try write(try recipe(part, name, value), "recipe.json")
    try assertRefused(
      [
        "train", "--recipe", source, "--data", try TrainedRun.shared().data, "--out", path("run"),
      ], status: 64, naming: words, memoryLimit: 4096, line: line)
    XCTAssertFalse(exists(path("run")), line: line)
  }

  func testADamagedRecipeOfARunIsRefusedNamingTheFile() throws {
    let (data, run) = try copyOfTrainedRun()
    let file = "\(run)/recipe.json"
    try Data("{\"format\": 1, ".utf8).write(to: URL(fileURLWithPath: file))
    let before = try snapshot(run)
    try assertRefused(["evaluate", run, "--data", data], status: 65, naming: [file])
    try assertRefused(["sample", run, "--out", path("a.png")], status: 65, naming: [file])
    try assertRefused(
      TrainedRun.arguments(data: data, run: run) + ["--resume"], status: 65, naming: [file])
    XCTAssertEqual(try snapshot(run), before)
  }
}
