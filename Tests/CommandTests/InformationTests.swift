import Foundation
import XCTest

/// `list`, `describe`, `--help`, `--version`, and completion scripts.
final class InformationTests: CommandTestCase {
  // MARK: list

  func testListShowsNameOriginAndSummaryOnOneLineAVariant() throws {
    let outcome = try run(["list"])
    XCTAssertEqual(outcome.err, "")
    let line = try XCTUnwrap(outcome.lines.first { $0.hasPrefix("gaussian-vae ") }, outcome.out)
    XCTAssertTrue(line.contains(" built-in "), line)
    XCTAssertTrue(line.hasSuffix("evidence lower bound"), line)
  }

  func testListAsJSONIsOneArrayOfNameClassSummaryAndOrigin() throws {
    let outcome = try run(["list", "--json"])
    XCTAssertEqual(outcome.lines.count, 1)
    let value = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8))
    let entries = try XCTUnwrap(value as? [[String: String]])
    for entry in entries {
      XCTAssertEqual(Set(entry.keys), ["name", "class", "summary", "origin"])
    }
    let entry = try XCTUnwrap(entries.first { $0["name"] == "gaussian-vae" })
    XCTAssertEqual(entry["origin"], "built-in")
    XCTAssertNotEqual(entry["summary"], "")
  }

  // MARK: describe

  func testDescribeShowsTypeDefaultRangeAndHelpOfHyperparameters() throws {
    let text = try run(["describe", "gaussian-vae"]).out
    XCTAssertTrue(text.contains("arXiv:1312.6114"))
    let columns = ["prior.latent", "integer", "20"]
    let line = try XCTUnwrap(text.split(separator: "\n").first { $0.contains("prior.latent") })
    XCTAssertEqual(line.split(separator: " ").prefix(3).map(String.init), columns)
    for name in ["encoder.hidden", "objective.beta", "training.batch_size"] {
      XCTAssertTrue(text.contains("  \(name) "), name)
    }
    XCTAssertTrue(text.contains("--set encoder.name="), "the other components")
    let words = text.split { $0 == "\n" || $0 == " " }.joined(separator: " ")
    XCTAssertTrue(words.contains("Short names: architecture (mlp, conv"), words)
    XCTAssertTrue(words.contains("hidden = encoder.hidden + decoder.hidden, latent = prior.latent"))
  }

  func testTheTextOfADescriptionHasWhatItsJSONHas() throws {
    let words = try run(["describe", "beta-vae"]).out.split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
    let description = try object(run(["describe", "beta-vae", "--json"]).out)
    let items = try XCTUnwrap(description["hyperparameters"] as? [[String: Any]])
    for item in items {
      let texts = ["name", "type", "help", "range"].map { item[$0] as? String ?? "" }
      let start = try XCTUnwrap(words.range(of: "\(texts[0]) \(texts[1]) "), texts[0])
      let end = try XCTUnwrap(
        words.range(of: "\(texts[2]); \(texts[3])", range: start.upperBound..<words.endIndex),
        texts[0])
      // Between them the default alone.
      let value = words[start.upperBound..<end.lowerBound].trimmingCharacters(in: .whitespaces)
      XCTAssertFalse(value.contains(" ") || value.isEmpty, "\(texts[0]): \(value)")
      if let number = item["default"] as? Double, !(item["default"] is Bool) {
        XCTAssertEqual(Double(value) ?? number, number, texts[0])
      }
    }
    XCTAssertTrue(words.contains("--set prior.name= chooses another: standard-normal-map,"), words)
  }

  func testDescriptionsFitATerminalOf80Columns() throws {
    for variant in ["gaussian-vae", "factor-vae", "vq-vae"] {
      for line in try run(["describe", variant]).lines {
        XCTAssertLessThanOrEqual(line.count, 80, "\(variant): \(line)")
      }
    }
  }

  func testDescribeAsJSONNamesEveryHyperparameterWithItsDeclaration() throws {
    let outcome = try run(["describe", "gaussian-vae", "--json"])
    XCTAssertEqual(outcome.lines.count, 1)
    let description = try object(outcome.out)
    XCTAssertEqual(description["name"] as? String, "gaussian-vae")
    XCTAssertNotNil(description["summary"] as? String)
    XCTAssertNotNil(description["reference"] as? String)
    let shorthands = try XCTUnwrap(description["shorthands"] as? [String])
    XCTAssertTrue(Set(["architecture", "hidden", "latent", "beta"]).isSubset(of: shorthands))
    let items = try XCTUnwrap(description["hyperparameters"] as? [[String: Any]])
    for item in items {
      let isOpen = ["training.epochs", "training.batch_size"].contains(
        item["name"] as? String ?? "")
      XCTAssertEqual(
        Set(item.keys),
        Set(["name", "type", "default", "range", "help"]).union(isOpen ? ["chosen_by_data"] : []))
    }
    let recipe = try object(try run(["describe", "gaussian-vae", "--recipe"]).out)
    var expected: Set<String> = []
    for (part, value) in recipe {
      guard let members = value as? [String: Any] else { continue }
      for name in members.keys where name != "name" { expected.insert("\(part).\(name)") }
    }
    XCTAssertEqual(Set(items.compactMap { $0["name"] as? String }), expected)
  }

  func testSettingsOfWhichNoModelCanBeMadeAreDescribedWithTheReasonInPlaceOfMetrics() throws {
    func words(_ settings: [String]) throws -> String {
      try run(["describe", "gaussian-vae"] + settings).out.split(whereSeparator: \.isWhitespace)
        .joined(separator: " ")
    }
    let plain = try words([])
    XCTAssertTrue(plain.contains("Metrics: elbo, rate,"), plain)
    XCTAssertFalse(plain.contains("Note:"), plain)
    let text = try words(["--set", "decoder.name=ladder"])
    XCTAssertTrue(
      text.contains(
        "Note: these settings make no model for binary images: decoder ladder works with the ladder prior alone, but "
          + "the prior has one layer of 20 units; choose --set prior.name=ladder or another encoder and decoder"
      ), text)
    XCTAssertTrue(text.contains("decoder.depth"), text)
    XCTAssertFalse(text.contains("Metrics:"), text)
  }

  func testSettingsChooseThePartsWhoseHyperparametersAreDescribed() throws {
    let chosen = ["--set", "prior.name=vampprior", "--set", "latent=3", "--set", "hidden=7,5"]
    let description = try object(run(["describe", "gaussian-vae", "--json"] + chosen).out)
    let items = try XCTUnwrap(description["hyperparameters"] as? [[String: Any]])
    func value(_ path: String) -> Any? { items.first { $0["name"] as? String == path }?["default"] }
    XCTAssertNotNil(value("prior.pseudo_inputs"))
    XCTAssertEqual(value("prior.latent") as? Int, 3)
    XCTAssertEqual(value("decoder.hidden") as? [Int], [5, 7])
    let text = try run(["describe", "gaussian-vae"] + chosen).out
    XCTAssertTrue(text.contains("prior.pseudo_inputs"), text)
    let recipe = try object(run(["describe", "gaussian-vae", "--recipe"] + chosen).out)
    XCTAssertEqual((recipe["prior"] as? [String: Any])?["name"] as? String, "vampprior")
    try assertRefused(
      ["describe", "gaussian-vae", "--set", "pseudo_inputs=3"], status: 64,
      naming: ["pseudo_inputs"])
    for option in [["--column", "0=real"], ["--grey"], ["--shapes", "--size", "8"]] {
      try assertRefused(
        ["describe", "gaussian-vae"] + option, status: 64, naming: ["go with --data"])
    }
  }

  func testDescribeShowsTheLayersOfAModelForItsData() throws {
    let shapes = try object(try run(["describe", "gaussian-vae", "--shapes", "--json"]).out)
    // 1024-400-2·20 and 20-400-1024, with a bias for each unit.
    let count = 1024 * 400 + 400 + 400 * 40 + 40 + 20 * 400 + 400 + 400 * 1024 + 1024
    XCTAssertEqual(shapes["parameters"] as? Int, count)
    XCTAssertEqual(shapes["input"] as? [Int], [32, 32, 1])
    let layers = try XCTUnwrap(shapes["layers"] as? [[String: Any]])
    XCTAssertEqual(
      layers.compactMap { $0["path"] as? String },
      ["encoder.layers.0", "encoder.head", "decoder.layers.0", "decoder.head"])
    XCTAssertEqual(layers[1]["output"] as? [Int], [40])
    XCTAssertEqual(layers[1]["weights"] as? [String: [Int]], ["weights": [400, 40], "bias": [40]])

    let data = try makeData(binary: true)
    let text = try run([
      "describe", "gaussian-vae", "--shapes", "--data", data, "--set", "hidden=7",
    ]).out
    let line = try XCTUnwrap(text.split(separator: "\n").first { $0.contains("encoder.head") })
    XCTAssertTrue(line.contains("weights [7, 40], bias [40]"), String(line))
    XCTAssertTrue(text.contains("\nParameters: "), text)
  }

  func testDescribeTakesTheFileOfARecipe() throws {
    let recipe = try run(["describe", "gaussian-vae", "--recipe"]).out
    let file = try write(
      Array(recipe.replacingOccurrences(of: "400", with: "12").utf8), "small.json")
    let shapes = try object(try run(["describe", file, "--shapes", "--json"]).out)
    let layers = try XCTUnwrap(shapes["layers"] as? [[String: Any]])
    XCTAssertEqual(layers[0]["output"] as? [Int], [12])
  }

  func testShapesThatWouldNotFitAreRefusedAsTrainingWouldRefuseThem() throws {
    try assertRefused(
      ["describe", "gaussian-vae", "--shapes", "--set", "hidden=65536,65536"], status: 64,
      naming: ["encoder mlp of 4", "beyond the limit", "encoder.hidden or prior.latent"])
  }

  func testTheMemoryOfAPictureIsShownBeforeOneIsTried() throws {
    let found = try object(
      run(["describe", "autoencoder-kl", "--memory", "512x512", "--json"]).out)
    // A map of 256 channels, what the next convolution makes of it, and the weights of that, packed.
    XCTAssertEqual(
      try number(found, "decoding"), Double(4 * (2 * 256 * 512 * 512 + 256 * 256 * 9 + 256)))
    for size in ["512", "0x4", "4x", "x", "4x4x4", "-4x4", "99999999x2"] {
      try assertRefused(
        ["describe", "autoencoder-kl", "--memory=\(size)"], status: 64, naming: ["--memory", size])
    }
    try assertRefused(
      ["describe", "gaussian-vae", "--memory", "8x8"], status: 64, naming: ["images of one size"])
  }

  func testTheSidesOfAPictureAreItsHeightAndItsWidth() throws {
    let wide = try object(
      run(["describe", "autoencoder-kl", "--memory", "256x512", "--json"]).out)
    XCTAssertEqual(
      [try number(wide, "height"), try number(wide, "width")], [256, 512])
    XCTAssertTrue(wide["tile"] is NSNull)
    func amount(_ name: String) throws -> String {
      "\(Int(try number(wide, name) / 1e6)) MB"
    }
    let text = try run(["describe", "autoencoder-kl", "--memory", "256x512"]).out
    XCTAssertTrue(
      text.hasPrefix(
        "A picture of 256×512 takes about \(try amount("total")): \(try amount("weights")) for the weights, and "
          + "\(try amount("encoding")) while it is encoded or \(try amount("decoding")) while it is decoded; "
          + "opening the model takes \(try amount("opening")) for a moment. "), text)
    let tiled = try run(["describe", "autoencoder-kl", "--memory", "1024x512", "--tile", "256"]).out
    XCTAssertTrue(tiled.hasPrefix("A picture of 1024×512 in tiles of 256×256 takes about "), tiled)
  }

  func testTheTextOfShapesSaysWhatGoesInAndOut() throws {
    let data = try makeData(height: 6, width: 9)
    let text = try run([
      "describe", "gaussian-vae", "--shapes", "--data", data, "--set", "hidden=7", "--set",
      "latent=3",
    ]).lines
    XCTAssertEqual(
      text.first,
      "An example is [6, 9, 1], a decoder starts from [3], the likelihood takes [6, 9, 1].")
    let rows = text.dropFirst(2).dropLast().map { $0.split(separator: " ").map(String.init) }
    // 54-7-(2·3) and 3-7-54, with biases, and a learnt deviation.
    XCTAssertEqual(rows.map { $0.last }, ["385", "48", "28", "432", "1"])
    XCTAssertEqual(
      rows.map { $0.first },
      ["encoder.layers.0", "encoder.head", "decoder.layers.0", "decoder.head", "likelihood"])
    XCTAssertEqual(text.last, "Parameters: \(385 + 48 + 28 + 432 + 1)")
  }

  func testThePrintedRecipeTrainsAsItStands() throws {
    let data = try makeData(binary: true)
    let recipe = try write(
      Array(try run(["describe", "gaussian-vae", "--recipe"]).out.utf8), "recipe.json")
    let common = [
      "--data", data, "--epochs", "1", "--batch-size", "32", "--threads", "1", "--set", "hidden=16",
    ]
    try run(["train", "--recipe", recipe, "--out", path("recipe-run")] + common)
    try run(["train", "gaussian-vae", "--out", path("variant-run")] + common)
    XCTAssertEqual(
      try bytes(path("recipe-run/model.safetensors")),
      try bytes(path("variant-run/model.safetensors")))
  }

  // MARK: help

  /// How images are prepared, where data are read.
  private static let images: Set<String> = ["size", "crop", "grey", "cache", "column", "limit"]

  /// The options of each command that is built, as the documentation spells them.
  private static let options: [String: Set<String>] = [
    "list": ["plugin", "json"],
    "describe": images.union([
      "plugin", "json", "recipe", "shapes", "memory", "tile", "data", "set",
    ]),
    "train": images.union([
      "recipe", "stage", "from", "from-weights", "data", "out", "checkpoint-dir", "epochs",
      "batch-size", "learning-rate", "seed",
      "binarize", "dequantize", "precision", "set", "resume", "force", "report", "tensorboard",
      "no-records", "plugin", "threads", "json", "holdout", "shards", "patience", "keep-best",
    ]),
    "sweep": images.union([
      "recipe", "set", "seeds", "data", "out", "checkpoint-dir", "epochs", "batch-size",
      "learning-rate", "seed",
      "binarize", "dequantize", "precision", "force", "report", "tensorboard", "no-records",
      "plugin", "threads", "json", "holdout", "shards", "patience", "keep-best", "jobs", "trials",
      "sort",
      "halving",
    ]),
    "evaluate": images.union([
      "checkpoint", "data", "split", "metrics", "importance-samples", "network", "network-layer",
      "seed",
      "plugin", "threads", "json",
    ]),
    "classifier": images.union([
      "data", "out", "epochs", "batch-size", "learning-rate", "seed", "precision", "set", "threads",
      "json",
    ]),
    "metrics": ["json"],
    "score": images.union([
      "data", "out", "split", "method", "background", "reference", "reference-split", "group",
      "importance-samples",
      "steps", "seed",
      "checkpoint", "plugin", "threads", "json",
    ]),
    "impute": images.union([
      "data", "out", "truth", "split", "importance-samples", "draw", "count", "seed",
      "checkpoint", "plugin", "threads", "json",
    ]),
    "sample": [
      "checkpoint", "count", "out", "seed", "temperature", "condition", "draw", "plugin", "limit",
      "threads",
    ],
    "reconstruct": images.union([
      "checkpoint", "data", "images", "out", "split", "count", "seed", "json", "plugin", "threads",
      "tile", "precision",
    ]),
    "encode": images.union([
      "checkpoint", "data", "images", "scaled", "channels-first", "bytes", "out", "split", "what",
      "seed", "plugin", "threads", "tile", "precision",
    ]),
    "decode": [
      "checkpoint", "latents", "scaled", "channels-first", "out", "seed", "condition", "plugin",
      "limit", "threads", "tile", "precision",
    ],
    "import": ["out", "list", "size", "set", "json", "plugin", "limit", "threads"],
    "export": ["checkpoint", "format", "out", "json", "plugin", "limit", "threads"],
    "interpolate": images.union([
      "checkpoint", "data", "out", "split", "from", "to", "count", "steps", "linear", "seed",
      "condition",
      "plugin",
      "threads",
    ]),
    "traverse": images.union([
      "checkpoint", "out", "data", "split", "from", "units", "steps", "seed", "condition", "plugin",
      "threads",
    ]),
    "report": ["out", "limit"],
    "compare": ["out", "limit"],
    "bench": [
      "threads", "json", "profile", "precision", "batch-size", "image-size", "network", "ranks",
      "latency",
    ],
  ]

  func testHelpOfEveryCommandNamesItsOptionsAndNoOthers() throws {
    for (command, expected) in Self.options {
      let outcome = try run([command, "--help"])
      XCTAssertEqual(outcome.err, "", command)
      let start = try XCTUnwrap(outcome.out.range(of: "OPTIONS:"), command)
      let listed = outcome.out[start.upperBound...].split(separator: "\n")
        .compactMap { line -> String? in
          let text = line.drop { $0 == " " }
          guard text.hasPrefix("-"), let dashes = text.range(of: "--") else { return nil }
          return String(text[dashes.upperBound...].prefix { $0.isLetter || $0 == "-" })
        }
      XCTAssertEqual(Set(listed), expected.union(["help", "version"]), command)
      XCTAssertEqual(listed.count, Set(listed).count, "an option of \(command) is named twice")
    }
  }

  func testHelpOfTheCommandNamesEveryCommandAndTheExitStatus() throws {
    let text = try run(["--help"]).out
    for command in Self.options.keys { XCTAssertTrue(text.contains("\n  \(command) "), command) }
    let words = text.split(whereSeparator: \.isWhitespace)
    for status in ["64", "65", "66", "70", "73", "130"] {
      XCTAssertTrue(words.contains { $0 == status }, status)
    }
  }

  func testVersionIsThreeNumbers() throws {
    let outcome = try run(["--version"])
    XCTAssertNotNil(outcome.out.wholeMatch(of: #/[0-9]+\.[0-9]+\.[0-9]+\n/#), outcome.out)
  }

  func testCompletionScriptsOfferCommandsAndOptions() throws {
    for shell in ["bash", "zsh", "fish"] {
      let script = try run(["--generate-completion-script", shell]).out
      for word in ["reconstruct", "batch-size", "importance-samples"] {
        XCTAssertTrue(script.contains(word), "\(word) for \(shell)")
      }
    }
  }
}
