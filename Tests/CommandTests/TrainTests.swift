import Foundation
import VAEFiles
import XCTest

/// What `train` prints and what it leaves in the run folder.
final class TrainTests: CommandTestCase {
  func testJSONIsOneObjectAnEpochWithTheDocumentedKeys() throws {
    let data = try makeData(binary: true)
    let outcome = try run(Small.train(data, path("run"), ["--epochs", "3", "--json"]))
    XCTAssertEqual(outcome.lines.count, 3)
    for (index, line) in outcome.lines.enumerated() {
      let record = try object(line)
      // A Gaussian latent adds its active units and the rate of each.
      XCTAssertEqual(
        Set(record.keys),
        ["epoch", "step", "train", "valid", "seconds", "active_units", "rate_per_unit"])
      XCTAssertEqual(
        (record["rate_per_unit"] as? [Double])?.reduce(0, +) ?? 0,
        try number(try XCTUnwrap(record["valid"] as? [String: Any]), "rate"), accuracy: 0.01)
      XCTAssertEqual(record["epoch"] as? Int, index + 1)
      XCTAssertEqual(record["step"] as? Int, 4 * (index + 1))
      XCTAssertGreaterThan(try number(record, "seconds"), 0)
      for part in ["train", "valid"] {
        let terms = try XCTUnwrap(record[part] as? [String: Any])
        XCTAssertEqual(Set(terms.keys), ["elbo", "rate", "distortion"])
        let bound = -(try number(terms, "rate") + number(terms, "distortion"))
        XCTAssertEqual(try number(terms, "elbo"), bound, accuracy: 1e-9)
        XCTAssertLessThan(bound, 0, "a bound on the probability of binary images")
      }
    }
  }

  func testMetricsFileHoldsTheLinesThatJSONPrints() throws {
    let data = try makeData(binary: true)
    let outcome = try run(Small.train(data, path("run"), ["--epochs", "3", "--json"]))
    let metrics = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path("run/metrics.jsonl"))))
    let lines = JSONLines(parsing: metrics, source: "metrics")
    XCTAssertTrue(lines.isSealed)
    XCTAssertEqual(lines.objects.map { JSON.object($0).line }, outcome.lines)
  }

  /// The time is left out first: without it this line is short enough.
  func testALineKeepsTheTermsOfBothSplitsWhereTheyHaveRoom() throws {
    // Distortions of nine digits.
    let data = try makeData(height: 64, width: 64)
    let outcome = try run(
      Small.train(data, path("run"), ["--epochs", "1", "--set", "sigma=0.001"]))
    let line = try XCTUnwrap(outcome.lines.last)
    XCTAssertEqual(line.split(separator: "=").count, 3, line)
    XCTAssertTrue((93..<100).contains(line.count), "\(line.count): \(line)")
  }

  func testHumanOutputIsALineAnEpochAndMetricsAreWrittenAllTheSame() throws {
    let data = try makeData(binary: true)
    let outcome = try run(Small.train(data, path("run"), ["--epochs", "2"]))
    XCTAssertEqual(outcome.lines.count, 2)
    for (index, line) in outcome.lines.enumerated() {
      XCTAssertTrue(line.hasPrefix("epoch \(index + 1)/2 "), line)
      for word in ["  train ", " = ", " + "] { XCTAssertTrue(line.contains(word), line) }
      XCTAssertLessThan(line.count, 100)
    }
    let metrics = try String(contentsOfFile: path("run/metrics.jsonl"), encoding: .utf8)
    XCTAssertEqual(metrics.split(separator: "\n").count, 2)
    XCTAssertFalse(outcome.err.contains("\r"), "no bar where there is no terminal")
    // 64-32-(2·4) with biases, and 4-32-64.
    XCTAssertTrue(
      outcome.err.hasPrefix(
        "gaussian-vae: 4,616 parameters; 64 training images of 8×8×1; 2 epochs of 4 updates\n"),
      outcome.err)
    XCTAssertEqual(
      outcome.err.components(
        separatedBy:
          "\nnumbers are −ELBO = distortion + rate in nats per example, lower is better\n"
      ).count, 2, outcome.err)
  }

  func testTheProgressLineFitsIntoItsTerminal() throws {
    let data = try makeData(binary: true)
    for columns in [20, 80, 120] {
      let terminal = try Terminal(columns: columns)
      let command = try Command(
        Small.train(data, path("run\(columns)"), ["--epochs", "300", "--batch-size", "4"]),
        standardError: terminal.handle)
      let shown = terminal.read()
      XCTAssertEqual(try command.wait().status, 0)
      let lines = shown.split(whereSeparator: { $0.isNewline }).filter {
        $0.contains("epoch ") && !$0.contains("the best held-out")
      }
      XCTAssertFalse(lines.isEmpty, "no progress in \(shown)")
      for line in lines { XCTAssertLessThan(line.count, columns, String(line)) }
      // What is done is as many epochs, and as much of the bar.
      for line in lines where columns == 120 {
        let match = try XCTUnwrap(
          line.firstMatch(of: #/(━*)(╌*) ([0-9]+)%  epoch ([0-9]+)\/300  −ELBO [0-9]/#),
          String(line))
        let (done, left) = (match.output.1.count, match.output.2.count)
        let share = try XCTUnwrap(Double(match.output.3)) / 100
        XCTAssertEqual(done + left, 24, String(line))
        XCTAssertEqual(Double(done), 24 * share, accuracy: 1.2, String(line))
        XCTAssertEqual(
          try XCTUnwrap(Double(match.output.4)), 300 * share, accuracy: 2.6, String(line))
      }
      // The bar gives way first.
      XCTAssertEqual(lines.contains { $0.contains("╌╌╌╌") }, columns > 20)
      XCTAssertEqual(lines.contains { $0.contains("steps/s") }, columns > 20)
    }
  }

  func testALikelihoodThatTheDataDecideIsSaidWhereItIsADensity() throws {
    let (small, binary) = (try makeData("small"), try makeData("binary", binary: true))
    let grey = path("grey.npy")
    let photos = path("photos.npy")
    for (file, share) in [(grey, 91), (photos, 60)] {
      let pixels = (0..<64 * 784).map { UInt8($0 * 37 % 100 < share ? $0 % 2 * 255 : 60 + $0 % 90) }
      try Data(Self.npy(pixels)).write(to: URL(fileURLWithPath: file))
    }
    let sentence = "likelihood: gaussian with learnt sigma (auto); its distortion is a density"
    let train = { (data: String, name: String, more: [String]) in
      try self.run(Small.train(data, self.path(name), ["--epochs", "0"] + more)).err
    }
    let said = try train(grey, "auto", [])
    XCTAssertTrue(said.contains(sentence) && said.contains("use --binarize dynamic"), said)
    // Those of which many values lie between the ends, and of another size, are no digits that papers have made binary.
    let photographs = try train(photos, "photos-run", [])
    XCTAssertTrue(
      photographs.contains(sentence) && !photographs.contains("--binarize"), photographs)
    let other = try train(small, "small-run", [])
    XCTAssertTrue(other.contains(sentence) && !other.contains("--binarize"), other)
    for (number, more) in [["--binarize", "dynamic"], ["--set", "likelihood=gaussian"]].enumerated()
    {
      let other = try train(grey, "\(number)", more)
      XCTAssertFalse(other.contains("(auto)"), other)
    }
    XCTAssertFalse(try train(binary, "binary-run", []).contains("(auto)"))
  }

  /// An array of bytes `[64, 28, 28]`.
  private static func npy(_ bytes: [UInt8]) -> [UInt8] {
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (64, 28, 28)}"
    let header = text + String(repeating: " ", count: 117 - text.count) + "\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
      + bytes
  }

  func testTrainingMakesTheBoundBetter() throws {
    let data = try makeData(binary: true)
    let outcome = try run(
      Small.train(data, path("run"), ["--epochs", "20", "--learning-rate", "0.01", "--json"]))
    let records = try outcome.lines.map { try object($0) }
    let first = try XCTUnwrap(records.first?["valid"] as? [String: Any])
    let last = try XCTUnwrap(records.last?["valid"] as? [String: Any])
    XCTAssertGreaterThan(try number(last, "elbo"), try number(first, "elbo") + 5)
  }

  // MARK: What is said

  func testFallingBackToTheTestSplitIsSaidOnce() throws {
    let data = try makeData(binary: true)
    for more in [[], ["--json"]] {
      let outcome = try run(
        Small.train(data, path("run\(more.count)"), ["--epochs", "3"] + more))
      XCTAssertEqual(outcome.err.components(separatedBy: "test split").count - 1, 1, outcome.err)
    }
  }

  func testAValidationSplitIsUsedWithoutANotice() throws {
    let data = try makeData(binary: true)
    let images = ArrayFile.idx(TestImages(16, seed: 9), binary: true)
    _ = try write(images, "data/valid-images-idx3-ubyte")
    let outcome = try run(Small.train(data, path("run"), ["--epochs", "1", "--json"]))
    XCTAssertFalse(outcome.err.contains("test split"), outcome.err)
    // The same images as test split give the same numbers.
    try FileManager.default.removeItem(atPath: path("data/valid-images-idx3-ubyte"))
    _ = try write(images, "data/t10k-images-idx3-ubyte")
    let other = try run(Small.train(data, path("other"), ["--epochs", "1", "--json"]))
    let terms = try [outcome, other].map { outcome in
      try number(XCTUnwrap(object(outcome.out)["valid"] as? [String: Any]), "elbo")
    }
    XCTAssertEqual(terms[0], terms[1])
  }

  func testTheValueRuleIsPrintedAndStored() throws {
    for (isBinary, rule, range) in [(true, "binary", "binary"), (false, "bytes/255", "unit")] {
      let data = try makeData("data-\(isBinary)", binary: isBinary)
      let outcome = try run(Small.train(data, path("run-\(isBinary)"), ["--epochs", "1"]))
      let line = try XCTUnwrap(
        outcome.err.split(separator: "\n").first { $0.hasPrefix("values: ") }, outcome.err)
      XCTAssertTrue(line.contains(isBinary ? "0 and 1" : "255"), String(line))
      let recipe = try object(
        String(contentsOfFile: path("run-\(isBinary)/recipe.json"), encoding: .utf8))
      let description = try XCTUnwrap(recipe["data"] as? [String: Any])
      XCTAssertEqual(description["rule"] as? String, rule)
      XCTAssertEqual(description["range"] as? String, range)
    }
  }

  func testTheStoredRecipeIsFullAndTrainsTheSameModel() throws {
    let shared = try TrainedRun.shared()
    let outcome = try run([
      "train", "--recipe", shared.run + "/recipe.json", "--data", shared.data, "--out", path("run"),
      "--threads", "1",
    ])
    XCTAssertTrue(outcome.err.contains("finished"))
    XCTAssertEqual(try bytes(path("run/recipe.json")), try bytes(shared.run + "/recipe.json"))
    XCTAssertEqual(try bytes(path("run/model.safetensors")), try bytes(shared.model))
  }

  // MARK: The run folder

  func testRunFolderHoldsTheDocumentedFilesAndNothingElse() throws {
    let run = try TrainedRun.shared().run
    let manager = FileManager.default
    XCTAssertEqual(
      Set(try manager.contentsOfDirectory(atPath: run)),
      [
        ".lock", "recipe.json", "metrics.jsonl", "checkpoints", "latest", "best",
        "weights.safetensors",
        "optimizer.safetensors", "state.json", "model.safetensors", "records",
      ])
    XCTAssertEqual(
      Set(try manager.contentsOfDirectory(atPath: run + "/checkpoints")), ["8", "12"],
      "the two newest of the steps 4, 8 and 12")
    for step in ["8", "12"] {
      XCTAssertEqual(
        Set(try manager.contentsOfDirectory(atPath: "\(run)/checkpoints/\(step)")),
        ["weights.safetensors", "optimizer.safetensors", "state.json"])
    }
  }

  func testTopLevelFilesAreLinksThroughLatest() throws {
    let run = try TrainedRun.shared().run
    let manager = FileManager.default
    XCTAssertEqual(
      try manager.destinationOfSymbolicLink(atPath: run + "/latest"), "checkpoints/12")
    for name in ["weights.safetensors", "optimizer.safetensors", "state.json"] {
      XCTAssertEqual(
        try manager.destinationOfSymbolicLink(atPath: "\(run)/\(name)"), "latest/\(name)")
      XCTAssertEqual(
        try bytes("\(run)/\(name)"), try bytes("\(run)/checkpoints/12/\(name)"))
    }
  }

  func testStateTellsStepEpochGeneratorAndThreads() throws {
    let state = try object(
      String(contentsOfFile: try TrainedRun.shared().run + "/state.json", encoding: .utf8))
    XCTAssertEqual(state["step"] as? Int, 12)
    XCTAssertEqual(state["epoch"] as? Int, 3)
    XCTAssertEqual(state["threads"] as? Int, 1)
    XCTAssertNotNil(state["generator"])
  }

  func testAMovedRunFolderStillWorks() throws {
    let (data, run) = try copyOfTrainedRun()
    let moved = path("elsewhere")
    try FileManager.default.moveItem(atPath: run, toPath: moved)
    let shared = try TrainedRun.shared()
    XCTAssertEqual(
      try self.run(["evaluate", moved, "--data", data, "--json", "--threads", "1"]).out,
      try self.run(["evaluate", shared.run, "--data", data, "--json", "--threads", "1"]).out)
  }

  func testTheLineOfAnEpochNamesTheSplitThatWasHeldOut() throws {
    let outcome = try run(Small.train(makeData(), path("run"), ["--epochs", "1"]))
    XCTAssertTrue((outcome.out + outcome.err).contains("  test "), outcome.out)
  }

  func testWeightsAreSafetensorsNamedByTheirPathInTheModel() throws {
    let file = try SafetensorsFile(try bytes(try TrainedRun.shared().run + "/weights.safetensors"))
    XCTAssertTrue(file.names.allSatisfy { $0.hasPrefix("encoder.") || $0.hasPrefix("decoder.") })
    let count = try file.names.reduce(0) { try $0 + file.floats($1).count }
    // What is taken off 64 pixels and what they are multiplied by, 64-32-(2·4) with biases, and 4-32-64.
    XCTAssertEqual(count, 64 + 1 + 64 * 32 + 32 + 32 * 8 + 8 + 4 * 32 + 32 + 32 * 64 + 64)
  }

  // MARK: Other sources and settings

  func testEverySourceOfTheSameImagesTrainsTheSameModel() throws {
    let (train, test) = (TestImages(64, seed: 1), TestImages(40, seed: 2))
    let idx = try makeData(binary: true)
    let npz = try write(
      ArrayFile.npz([
        (name: "train", npy: ArrayFile.npy(train, binary: true)),
        (name: "test", npy: ArrayFile.npy(test, binary: true)),
      ]), "images.npz")
    for (name, images) in [("train", train), ("t10k", test)] {
      _ = try write(
        ArrayFile.gzip(ArrayFile.idx(images, binary: true)),
        "compressed/\(name)-images-idx3-ubyte.gz")
    }
    let files = try [idx, npz, path("compressed")].enumerated().map { number, data in
      try run(Small.train(data, path("run\(number)"), ["--epochs", "1"]))
      return try bytes(path("run\(number)/model.safetensors"))
    }
    XCTAssertEqual(files[0], files[1], "NPZ")
    XCTAssertEqual(files[0], files[2], "compressed IDX")
  }

  func testAnArrayFileTrainsWithoutHeldOutNumbersAndSaysSo() throws {
    let data = try write(ArrayFile.npy(TestImages(), binary: true), "images.npy")
    let outcome = try run(Small.train(data, path("run"), ["--epochs", "1", "--json"]))
    XCTAssertTrue(outcome.err.contains("no held-out"), outcome.err)
    XCTAssertNil(try object(outcome.out)["valid"])
  }

  func testBuiltInShapesTrain() throws {
    let outcome = try run(
      Small.train("shapes:32", path("run"), ["--epochs", "1", "--batch-size", "2048", "--json"]))
    XCTAssertEqual(outcome.lines.count, 1)
  }

  func testNoEpochsLeaveAModelThatCanBeSampled() throws {
    let data = try makeData(binary: true)
    let outcome = try run(Small.train(data, path("run"), ["--epochs", "0", "--json"]))
    XCTAssertEqual(outcome.out, "")
    try run(["sample", path("run"), "--count", "2", "--out", path("samples.npy")])
  }

  func testOptionsAreShorthandsForTheTrainingPartOfTheRecipe() throws {
    let data = try makeData()
    let options = [
      "--epochs", "1", "--batch-size", "8", "--learning-rate", "0.002", "--seed", "5", "--binarize",
      "threshold",
    ]
    let settings = [
      "training.epochs=1", "training.batch_size=8", "training.learning_rate=0.002",
      "training.seed=5", "training.binarize=threshold",
    ].flatMap { ["--set", $0] }
    let common = ["train", "gaussian-vae", "--data", data, "--threads", "1", "--set", "hidden=8"]
    try run(common + options + ["--out", path("options")])
    try run(common + settings + ["--out", path("settings")])
    XCTAssertEqual(try bytes(path("options/recipe.json")), try bytes(path("settings/recipe.json")))
    XCTAssertEqual(
      try bytes(path("options/model.safetensors")), try bytes(path("settings/model.safetensors")))
  }

  func testEveryOptionOfTrainingStandsInTheRecipe() throws {
    let data = try makeData()
    let options = [
      "--epochs", "0", "--batch-size", "8", "--learning-rate", "0.002", "--seed", "5",
      "--dequantize", "uniform", "--precision", "float32", "--holdout", "0.25", "--patience", "7",
      "--shards", "2", "--no-keep-best", "--binarize", "none",
    ]
    try run(
      ["train", "gaussian-vae", "--data", data, "--out", path("run"), "--threads", "1"] + options)
    let recipe = try object(String(contentsOfFile: path("run/recipe.json"), encoding: .utf8))
    let training = try XCTUnwrap(recipe["training"] as? [String: Any])
    for (name, value) in [
      ("epochs", 0), ("batch_size", 8), ("learning_rate", 0.002), ("seed", 5), ("holdout", 0.25),
      ("patience", 7), ("shards", 2), ("keep_best", 0),
    ] { XCTAssertEqual(try number(training, name), value, name) }
    for (name, value) in [
      ("dequantize", "uniform"), ("precision", "float32"), ("binarize", "none"),
    ] { XCTAssertEqual(training[name] as? String, value, name) }
  }

  /// The numbers of a line of an epoch, those of the training examples first.
  private func numbers(_ line: String) -> [String] {
    line.matches(of: #/−?[0-9]+(?:\.[0-9]+)?/#).map {
      $0.output.replacingOccurrences(of: "−", with: "-")
    }
  }

  func testTheLineOfAnEpochHasTheNumbersOfTheMetrics() throws {
    // Bounds of a hundred, of thousands and of many more have as many decimals as these leave a meaning.
    for (number, (settings, decimals)) in [
      (["--set", "sigma=0.5"], 2), (["--set", "sigma=0.02"], 1), (["--set", "sigma=0.002"], 0),
    ].enumerated() {
      let outcome = try run(
        Small.train(makeData(), path("run\(number)"), ["--epochs", "2"] + settings))
      let metrics = try String(contentsOfFile: path("run\(number)/metrics.jsonl"), encoding: .utf8)
      XCTAssertEqual(
        outcome.err.components(separatedBy: "finished: \(path("run\(number)"))\n").count, 2)
      for (line, text) in zip(outcome.lines, metrics.split(separator: "\n")) {
        let record = try object(String(text))
        let terms = try ["train", "valid"].map { try XCTUnwrap(record[$0] as? [String: Any]) }
        let wanted = try terms.flatMap { terms in
          [
            String(format: "%.\(decimals)f", -(try self.number(terms, "elbo"))),
            String(format: "%.\(decimals)f", try self.number(terms, "distortion")),
            String(format: "%.2f", try self.number(terms, "rate")),
          ]
        }
        let shown = numbers(line)
        XCTAssertEqual(Array(shown[2..<8]), wanted, line)
        XCTAssertTrue(
          line.contains(
            "  active units \(Int(try self.number(record, "active_units")))"), line
        )
      }
    }
  }

  func testTheCommandThatContinuesRepeatsWhatTheTrainingWasToldBesideItsRecipe() throws {
    for number in 0..<32 {
      let pixels = (0..<64).map { UInt8(($0 * 37 + number * 11) % 256) }
      _ = try write(ArrayFile.png(height: 8, width: 8, grey: pixels), "images/\(number).png")
    }
    let name = path("run")
    let shared = [
      "--checkpoint-dir", path("scratch"), "--threads", "1", "--report", "--tensorboard",
      path("events"), "--no-records", "--cache", path("cache"), "--limit", "picture_bytes=1000000",
    ]
    let command = try Command(
      Small.train(path("images"), name, ["--epochs", "1000000", "--batch-size", "8"] + shared))
    while command.isRunning && command.outputSoFar.split(separator: "\n").count < 2 { usleep(1000) }
    command.send(SIGINT)
    let outcome = try command.wait()
    XCTAssertEqual(outcome.status, 130, outcome.err)
    XCTAssertTrue(
      outcome.err.hasSuffix(
        "; continue with: vae-zoo train --out \(name) --resume \(shared.joined(separator: " "))\n"),
      outcome.err)
  }

  func testALineThatIsTooLongLeavesOutTheTermsOfTheTrainingExamples() throws {
    // Distortions of ten digits.
    var generator = Lehmer(seed: 3)
    func images(_ count: Int) -> [UInt8] {
      let pixels = (0..<count * 65_536).map { _ in UInt8(generator.below(256)) }
      return ArrayFile.npy([count, 256, 256], pixels)
    }
    let data = try write(
      ArrayFile.npz([(name: "train", npy: images(16)), (name: "test", npy: images(2))]), "x.npz")
    let outcome = try run(
      Small.train(data, path("run"), ["--epochs", "1", "--set", "sigma=0.001", "--no-records"]))
    let record = try object(String(contentsOfFile: path("run/metrics.jsonl"), encoding: .utf8))
    let terms = try ["train", "valid"].map { try XCTUnwrap(record[$0] as? [String: Any]) }
    func shown(_ terms: [String: Any], _ name: String) throws -> String {
      String(format: "%.0f", abs(try number(terms, name)))
    }
    let line = try XCTUnwrap(outcome.lines.last)
    XCTAssertTrue(
      line.hasPrefix(
        "epoch 1/1  train \(try shown(terms[0], "elbo"))  test \(try shown(terms[1], "elbo")) = "
          + "\(try shown(terms[1], "distortion")) + \(String(format: "%.2f", try number(terms[1], "rate")))  active units "
      ), line)
    XCTAssertTrue(line.hasSuffix(" s"), "there is room for the time then: \(line)")
  }
}
