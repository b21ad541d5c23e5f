import Foundation
import XCTest

/// Sweeps: what they train, leave alone, continue, compare and refuse.
final class SweepTests: CommandTestCase {
  /// A sweep of small models, with four updates an epoch.
  private func arguments(_ data: String, _ more: [String]) throws -> [String] {
    let recipe = path("recipe.json")
    if !exists(recipe) {
      let text = try run(["describe", "beta-vae", "--recipe"]).out
      _ = try write(Array(text.utf8), "recipe.json")
    }
    return [
      "sweep", "--recipe", recipe, "--data", data, "--out", path("grid"), "--batch-size", "16",
      "--threads", "1", "--set", "architecture=mlp", "--set", "hidden=[16,8]", "--set", "latent=3",
    ] + more
  }

  private func name(_ beta: Int, _ seed: Int) -> String {
    "architecture=mlp-hidden=16,8-latent=3-beta=\(beta)-seed=\(seed)"
  }

  func testEveryRunIsWhatTrainWouldMakeAndTheEndIsAComparison() throws {
    let data = try makeData(binary: true)
    let sweep = try arguments(
      data, ["--set", "beta=1,2", "--seeds", "2", "--seed", "3", "--epochs", "2"])
    let outcome = try run(sweep)
    XCTAssertEqual(
      Set(try FileManager.default.contentsOfDirectory(atPath: path("grid"))),
      [name(1, 3), name(1, 4), name(2, 3), name(2, 4), "compare.html"])
    try run([
      "train", "--recipe", path("recipe.json"), "--data", data, "--out", path("alone"),
      "--batch-size", "16", "--threads", "1", "--set", "architecture=mlp", "--set",
      "hidden=[16,8]", "--set", "latent=3", "--set", "objective.beta=2", "--seed", "4", "--epochs",
      "2",
    ])
    XCTAssertEqual(
      try bytes(path("alone/model.safetensors")),
      try bytes(path("grid/\(name(2, 4))/model.safetensors")))
    XCTAssertEqual(outcome.lines.count, 5 + 3, outcome.out)
    XCTAssertTrue(outcome.lines[0].hasPrefix("run "), outcome.out)
    XCTAssertTrue(outcome.lines[1].hasPrefix(name(1, 3)), outcome.out)
    XCTAssertTrue(outcome.lines[4].hasPrefix(name(2, 4)), outcome.out)
    XCTAssertTrue(outcome.lines[5].hasPrefix("settings"), outcome.out)
    XCTAssertTrue(outcome.lines[7].hasPrefix("objective.beta=2"), outcome.out)
    XCTAssertTrue(outcome.lines[7].contains(" ± "), outcome.out)
    let page = try String(contentsOfFile: path("grid/compare.html"), encoding: .utf8)
    XCTAssertTrue(page.contains("4 runs compared"))
    XCTAssertTrue(page.contains("over the seeds"))
    let places = [name(1, 3), name(2, 3), name(1, 4), name(2, 4)].map {
      outcome.err.range(of: $0)?.lowerBound
    }
    for (first, second) in zip(places, places.dropFirst()) {
      XCTAssertLessThan(try XCTUnwrap(first), try XCTUnwrap(second), outcome.err)
    }
  }

  func testASweepThatIsRefusedLeavesNothing() throws {
    let data = try makeData(binary: true)
    let alone = data + "/train-images-idx3-ubyte"
    for (data, more, words) in [
      (alone, ["--set", "beta=1,2", "--halving", "2", "--epochs", "4"], ["--holdout 0.1"]),
      (data, ["--set", "beta=1..2"], ["beta has a range", "--trials"]),
      (data, ["--set", "beta=1,2", "--halving", "1"], ["successive halving"]),
      (alone, ["--set", "beta=1,2", "--keep-best"], ["--keep-best needs", "--holdout 0.1"]),
    ] {
      try assertRefused(try arguments(data, more), status: 64, naming: words)
      XCTAssertFalse(exists(path("grid")))
    }
  }

  func testRunsAtOnceAreTheRunsOneAfterTheOtherAndTheTableIsSorted() throws {
    let data = try makeData(binary: true)
    let more = [
      "--set", "beta=0.5..8", "--set", "training.learning_rate=log:1e-4..1e-2", "--trials", "3",
      "--epochs", "2", "--seed", "5", "--sort", "elbo",
    ]
    let first = try run(try arguments(data, more))
    let names = Set(try FileManager.default.contentsOfDirectory(atPath: path("grid")))
    XCTAssertEqual(names.count, 4, "\(names)")
    try FileManager.default.moveItem(atPath: path("grid"), toPath: path("one"))
    let second = try run(try arguments(data, more + ["--jobs", "3"]))
    XCTAssertEqual(Set(try FileManager.default.contentsOfDirectory(atPath: path("grid"))), names)
    for name in names where name != "compare.html" {
      XCTAssertEqual(
        try bytes(path("grid/\(name)/model.safetensors")),
        try bytes(path("one/\(name)/model.safetensors")), name)
    }
    func order(_ outcome: Outcome) -> [String] {
      outcome.lines.dropFirst().prefix(3).map { String($0.split(separator: " ")[0]) }
    }
    let costs = try order(first).map { name -> Double in
      let lines = try String(contentsOfFile: path("grid/\(name)/metrics.jsonl"), encoding: .utf8)
      let last = try object(String(try XCTUnwrap(lines.split(separator: "\n").last)))
      return -(try number(try XCTUnwrap(last["valid"] as? [String: Any]), "elbo"))
    }
    XCTAssertEqual(costs, costs.sorted())
    XCTAssertEqual(order(first), order(second))
    try assertRefused(
      arguments(data, ["--set", "beta=4..1", "--trials", "2"]), status: 64, naming: ["4..1"])
    try assertRefused(arguments(data, ["--set", "beta=1..4"]), status: 64, naming: ["trials"])
    // A path is no range, whichever folders it goes through.
    try assertRefused(
      [
        "sweep", "perceptual-vae", "--data", data, "--out", path("paths"), "--set",
        "network=../none.safetensors,\(path(""))/../other.safetensors",
      ], status: 66,
      naming: ["cannot use the frozen network ../none.safetensors", "name a file that is there"])
  }

  func testOnlyTheBetterRunsGoOnAndWhatTheyComeToIsWhatTheyWouldHaveComeToAlone() throws {
    let data = try makeData(binary: true)
    let rates = "training.learning_rate=0.00001,0.0001,0.001,0.01"
    try assertRefused(
      arguments(data, ["--set", "training.epochs=4,2", "--halving", "2"]), status: 64,
      naming: ["4 and 2", "training.epochs"])
    // Of a table the number of epochs follows from the size of batches, unless somebody says it.
    let rows = (0..<4000).reduce(into: "a,b\n") { $0 += "\($1),\($1 % 7)\n" }
    let table = try write(Array(rows.utf8), "t.csv")
    try assertRefused(
      [
        "sweep", "beta-vae", "--data", table, "--out", path("grid"), "--threads", "1", "--set",
        "hidden=8", "--set", "training.batch_size=8,64", "--holdout", "0.2", "--halving", "2",
      ], status: 64,
      naming: ["13 and 100", "give all of them one number by --epochs 100"])
    let sweep = try arguments(data, ["--set", rates, "--epochs", "4"])
    let outcome = try run(sweep + ["--halving", "2"])
    for line in ["2 of 4 runs go on to 2 epochs", "1 of 2 runs go on to 4 epochs"] {
      XCTAssertTrue(outcome.err.contains("\(line)\n"), outcome.err)
    }
    let ends = try ["0.00001", "0.0001", "0.001", "0.01"].map { rate -> Int in
      let name = "architecture=mlp-hidden=16,8-latent=3-training.learning_rate=\(rate)-seed=0"
      return try String(contentsOfFile: path("grid/\(name)/metrics.jsonl"), encoding: .utf8)
        .split(separator: "\n").count
    }
    XCTAssertEqual(ends.sorted(), [1, 1, 2, 4])
    let best = ends.firstIndex(of: 4).map { ["0.00001", "0.0001", "0.001", "0.01"][$0] } ?? ""
    let name = "architecture=mlp-hidden=16,8-latent=3-training.learning_rate=\(best)-seed=0"
    let halved = try bytes(path("grid/\(name)/model.safetensors"))
    try FileManager.default.moveItem(atPath: path("grid"), toPath: path("halved"))
    try run(sweep)
    XCTAssertEqual(try bytes(path("grid/\(name)/model.safetensors")), halved)
  }

  func testRunsThatAreBegunAgainGoOnFromRoundToRound() throws {
    let sweep = try arguments(
      makeData(binary: true), ["--set", "beta=1,2", "--epochs", "2", "--halving", "2"])
    let first = try run(sweep)
    let again = try run(sweep + ["--force"])
    for outcome in [first, again] {
      XCTAssertEqual(
        outcome.err.components(separatedBy: "resuming at step").count, 2, outcome.err)
      XCTAssertTrue(outcome.err.contains("1 of 2 runs go on to 2 epochs\n"), outcome.err)
    }
    // The same command finds both where they are.
    let idle = try run(sweep)
    XCTAssertEqual(idle.err.components(separatedBy: ": has come to epoch 1 already").count, 3)
    XCTAssertEqual(idle.err.components(separatedBy: ": finished already").count, 2, idle.err)
  }

  func testMeansAndDeviationsAreThoseOfTheRuns() throws {
    let data = try makeData(binary: true)
    let outcome = try run(
      try arguments(data, ["--set", "beta=1", "--seeds", "3", "--epochs", "1"]))
    let bounds = try (0..<3).map { seed -> Double in
      let lines = try String(
        contentsOfFile: path("grid/\(name(1, seed))/metrics.jsonl"), encoding: .utf8)
      let valid = try XCTUnwrap(try object(lines)["valid"] as? [String: Any])
      return -(try number(valid, "elbo"))
    }
    let mean = bounds.reduce(0, +) / 3
    let deviation = (bounds.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2).squareRoot()
    let row = try XCTUnwrap(outcome.lines.last)
    XCTAssertTrue(
      row.contains(String(format: "%.2f ± %.2f", mean, deviation)), "\(row): \(mean) \(deviation)")
    XCTAssertTrue(row.hasPrefix("all"), row)
  }

  func testFinishedRunsAreLeftAloneAndAddedOnesTrained() throws {
    let data = try makeData(binary: true)
    try run(try arguments(data, ["--set", "beta=1,2", "--epochs", "1"]))
    try FileManager.default.removeItem(atPath: path("grid/compare.html"))
    let before = try snapshot(path("grid"))
    let outcome = try run(try arguments(data, ["--set", "beta=4,2,1", "--epochs", "1"]))
    XCTAssertEqual(outcome.err.components(separatedBy: "finished already").count, 3, outcome.err)
    let after = try snapshot(path("grid"))
    for (file, content) in before { XCTAssertEqual(after[file], content, file) }
    XCTAssertTrue(exists(path("grid/\(name(4, 0))/model.safetensors")))
    XCTAssertTrue(exists(path("grid/compare.html")))
    // More epochs continue what is there.
    try run(try arguments(data, ["--set", "beta=1,2", "--epochs", "2"]))
    let metrics = try String(
      contentsOfFile: path("grid/\(name(1, 0))/metrics.jsonl"), encoding: .utf8)
    XCTAssertEqual(metrics.split(separator: "\n").count, 2)
  }

  func testAnInterruptedSweepGoesOnWhereItStopped() throws {
    let data = try makeData(binary: true)
    let sweep = try arguments(data, ["--set", "beta=1,2", "--epochs", "100", "--json"])
    let command = try Command(sweep)
    while command.isRunning && command.outputSoFar.split(separator: "\n").count < 103 {
      usleep(1000)
    }
    command.send(SIGINT)
    let outcome = try command.wait()
    XCTAssertEqual(outcome.status, 130, outcome.err)
    XCTAssertTrue(outcome.err.contains("interrupted in \(name(2, 0)) at step"), outcome.err)
    XCTAssertFalse(exists(path("grid/compare.html")))
    XCTAssertFalse(exists(path("grid/\(name(2, 0))/model.safetensors")))
    let resumed = try run(sweep)
    XCTAssertTrue(resumed.err.contains("resuming at step"), resumed.err)
    XCTAssertTrue(resumed.err.contains("\(name(1, 0)): finished already"), resumed.err)
    try FileManager.default.moveItem(atPath: path("grid"), toPath: path("interrupted"))
    try run(sweep)
    for beta in [1, 2] {
      XCTAssertEqual(
        try bytes(path("interrupted/\(name(beta, 0))/model.safetensors")),
        try bytes(path("grid/\(name(beta, 0))/model.safetensors")))
    }
  }

  func testAFaultOfOneRunStopsThoseBesideIt() throws {
    let data = try makeData(binary: true)
    // A file is where the events of the first run would go.
    _ = try write([1], "logs/\(name(1, 0))")
    let sweep = try arguments(
      data,
      ["--set", "beta=1,2", "--epochs", "2000", "--jobs", "2", "--tensorboard", path("logs")])
    let outcome = try Command.run(sweep)
    XCTAssertEqual(outcome.status, 73, outcome.err)
    XCTAssertTrue(outcome.err.contains(path("logs/\(name(1, 0))")), outcome.err)
    // The other run may not have begun yet.
    XCTAssertEqual(
      outcome.err.contains("stopped \(name(2, 0)) at step"), exists(path("grid/\(name(2, 0))")),
      outcome.err)
    XCTAssertFalse(exists(path("grid/\(name(2, 0))/model.safetensors")))
  }

  func testLinesForProgramsNameTheirRun() throws {
    let data = try makeData(binary: true)
    let outcome = try run(
      try arguments(
        data,
        ["--set", "beta=1,2", "--epochs", "2", "--json", "--report", "--tensorboard"]
          + [path("logs")]))
    XCTAssertEqual(outcome.lines.count, 5)
    let lines = try outcome.lines.map { try object($0) }
    XCTAssertEqual(
      lines.prefix(4).map { $0["run"] as? String },
      [name(1, 0), name(1, 0), name(2, 0), name(2, 0)])
    XCTAssertEqual(lines.prefix(4).map { $0["epoch"] as? Int }, [1, 2, 1, 2])
    let runs = try XCTUnwrap(lines[4]["runs"] as? [[String: Any]])
    XCTAssertEqual(runs.map { $0["run"] as? String }, [name(1, 0), name(2, 0)])
    XCTAssertEqual(runs.map { $0["path"] as? String }, runs.map { path("grid/\($0["run"] ?? "")") })
    let settings = try XCTUnwrap(runs[1]["settings"] as? [String: Any])
    XCTAssertEqual(settings["beta"] as? Int, 2)
    XCTAssertEqual(settings["hidden"] as? [Int], [16, 8])
    XCTAssertEqual(settings["architecture"] as? String, "mlp")
    let final = try XCTUnwrap(runs[1]["final"] as? [String: Any])
    let valid = try XCTUnwrap(lines[3]["valid"] as? [String: Any])
    XCTAssertEqual(try number(final, "elbo"), try number(valid, "elbo"))
    for beta in [1, 2] {
      XCTAssertTrue(exists(path("grid/\(name(beta, 0))/report.html")))
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: path("logs/\(name(beta, 0))")).count, 1)
    }
  }

  func testARunThatDivergesIsNamedAndTheOthersAreCompared() throws {
    let data = try makeData()
    let outcome = try Command.run(
      try arguments(
        data,
        ["--set", "training.optimizer=sgd", "--set", "training.learning_rate=1e3,1e-6"]
          + ["--set", "beta=1", "--seeds", "2", "--epochs", "40"] + [
            "--limit", "inflation_ratio=99",
          ]))
    XCTAssertEqual(outcome.status, 65, outcome.err)
    let last = try XCTUnwrap(outcome.err.split(separator: "\n").last)
    XCTAssertTrue(last.hasPrefix("vae-zoo: 2 runs diverged"), outcome.err)
    XCTAssertTrue(last.contains("learning_rate=1e3"), outcome.err)
    XCTAssertEqual(outcome.lines.count, 3 + 2, outcome.out)
    XCTAssertFalse(outcome.out.contains("learning_rate=1e3"), outcome.out)
    // What is advised is a command, and leaves the run of the sweep as it is.
    let advice = try XCTUnwrap(outcome.err.firstMatch(of: #/vae-zoo train --recipe .*/#)?.output)
    let words = advice.dropFirst("vae-zoo ".count).split(separator: " ").map(String.init)
    XCTAssertFalse(words.contains("--force"), outcome.err)
    XCTAssertTrue(words.contains("inflation_ratio=99"), outcome.err)
    let name = try XCTUnwrap(words.firstIndex(of: "--out").map { words[$0 + 1] })
    XCTAssertTrue(name.hasSuffix("-2"), name)
    let other = try Command.run(words + ["--epochs", "1"])
    XCTAssertEqual(other.status, 0, "\(words): \(other.err)")
  }

  func testWhatCannotBeTrainedIsRefusedBeforeTheFirstRun() throws {
    let data = try makeData(binary: true)
    for (more, status, words) in [
      (["--set", "beta=1,-2"], 64, ["beta=-2", "beta cannot be -2"]),
      (["--set", "beta=1,2", "--set", "betta=1"], 64, ["no hyper-parameter betta"]),
      (["--set", "beta=1,,2"], 64, ["beta=1,,2"]),
      (["--set", "latent=1"], 64, ["latent is set twice"]),
      (["--set", "beta=1"], 64, ["one run"]),
      (["--seeds", "0"], 64, ["seeds"]),
      (["--seeds", "many"], 64, ["many"]),
      (["--set", "training.batch_size=8,16"], 64, ["training.batch_size cannot both vary"]),
      (["--set", "training.epochs=1,-1"], 64, ["training.epochs=-1"]),
      (["--set", "beta=1,2", "--epochs", "-1"], 64, ["epochs"]),
      (["--set", "beta=1,2", "--sort", "elbow"], 64, ["did you mean elbo?"]),
      (["--set", "beta=1,2", "--sort", "active_units"], 65, ["cannot be sorted by active_units"]),
      (["--set", "beta=1,2", "--sort", "nll"], 65, ["nll, which training does not", "elbo"]),
      (["--set", "beta=1,2", "--sort", "psnr"], 65, ["psnr, which training does not measure"]),
      (["gaussian-vae", "--set", "beta=1,2"], 64, ["--recipe"]),
    ] as [([String], Int32, [String])] {
      try assertRefused(
        try arguments(data, more), status: status, naming: words)
      XCTAssertFalse(exists(path("grid")), "\(more)")
    }
    try assertRefused(
      try arguments(path("missing"), ["--set", "beta=1,2"]), status: 66, naming: [path("missing")])
    try assertRefused(
      [
        "sweep", "gaussian-vae", "--data", data, "--out", path("grid"), "--set",
        "training.batch_size=16,65",
      ], status: 65, naming: ["training.batch_size=65-seed=0", "64 training"])
    try assertRefused(
      ["sweep", "--recipe", path("none.json"), "--data", data, "--out", path("grid")], status: 66,
      naming: [path("none.json")])
    XCTAssertFalse(exists(path("grid")))
  }

  func testAFolderThatIsTakenIsLeftAlone() throws {
    let data = try makeData(binary: true)
    let sweep = try arguments(data, ["--set", "beta=1,2", "--epochs", "1"])
    let file = try write([1], "grid")
    try assertRefused(sweep, status: 73, naming: [path("grid")])
    XCTAssertEqual(try bytes(file), [1])
    try FileManager.default.removeItem(atPath: file)
    _ = try write([1], "grid/\(name(2, 0))/photo")
    try assertRefused(sweep, status: 73, naming: [name(2, 0)])
    XCTAssertEqual(try snapshot(path("grid")).count, 2)
    try FileManager.default.removeItem(atPath: path("grid"))
    try FileManager.default.copyItem(atPath: TrainedRun.shared().run, toPath: path("grid"))
    try assertRefused(sweep, status: 73, naming: [path("grid"), "run folder"])
  }

  func testRunsOfOtherSettingsAreRefusedBeforeTheFirstRunUnlessForced() throws {
    let data = try makeData(binary: true)
    try run(try arguments(data, ["--set", "beta=1,2", "--epochs", "2"]))
    let before = try snapshot(path("grid"))
    try assertRefused(
      try arguments(data, ["--set", "beta=4,2", "--epochs", "2", "--learning-rate", "0.01"]),
      status: 64, naming: [name(2, 0), "learning_rate", "--force"])
    try assertRefused(
      try arguments(data, ["--set", "beta=4,2", "--epochs", "1"]), status: 64,
      naming: [name(2, 0), "epoch 2", "--epochs"])
    XCTAssertEqual(try snapshot(path("grid")), before)
    try run(
      try arguments(
        data, ["--set", "beta=1,2", "--epochs", "1", "--learning-rate", "0.01", "--force"]))
    let metrics = try String(
      contentsOfFile: path("grid/\(name(2, 0))/metrics.jsonl"), encoding: .utf8)
    XCTAssertEqual(metrics.split(separator: "\n").count, 1)
  }

  func testASortedSweepNamesTheNumbersOfEachRunAndKeepsWhatItIsTold() throws {
    let data = try makeData(binary: true)
    let sweep = try arguments(
      data,
      ["--set", "training.learning_rate=0.00001,0.02", "--epochs", "3", "--sort", "elbo", "--json"]
        + ["--seed", "6", "--checkpoint-dir", path("scratch"), "--no-records"])
    let first = try run(sweep)
    let end = try object(XCTUnwrap(first.lines.last))
    let runs = try XCTUnwrap(end["runs"] as? [[String: Any]])
    XCTAssertEqual(end["page"] as? String, path("grid/compare.html"))
    XCTAssertEqual(
      runs.compactMap { ($0["settings"] as? [String: Any])?["training.learning_rate"] as? Double },
      [0.02, 0.00001], "the better one first")
    for entry in runs {
      XCTAssertEqual(entry["seed"] as? Int, 6)
      let folder = try XCTUnwrap(entry["path"] as? String)
      XCTAssertEqual(folder, path("grid/\(entry["run"] ?? "")"))
      let lines = try String(contentsOfFile: "\(folder)/metrics.jsonl", encoding: .utf8)
      let last = try object(String(XCTUnwrap(lines.split(separator: "\n").last)))
      XCTAssertEqual(
        entry["final"] as? [String: Double], last["valid"] as? [String: Double], folder)
      XCTAssertFalse(exists("\(folder)/checkpoints"))
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/records"), ["sessions.jsonl"]
      )
    }
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: path("scratch")).count, 2)
    let places = ["run 1 of 2, ", "run 2 of 2, "].map { first.err.range(of: $0)?.lowerBound }
    XCTAssertLessThan(try XCTUnwrap(places[0]), try XCTUnwrap(places[1]))

    // Of a listed few no more can be drawn, and one that lacks a number stands as it did.
    let again = try run(sweep + ["--trials", "9"])
    XCTAssertTrue(
      again.err.contains("there are only 2 combinations of these values, not 9\n"), again.err)
    XCTAssertEqual(again.err.components(separatedBy: ": finished already").count, 3, again.err)
    let other = try run(
      sweep.map { $0 == "elbo" ? "codebook_perplexity" : $0 })
    XCTAssertTrue(
      other.err.contains(
        "none of the runs has codebook_perplexity, so that they stand in the order of their settings"
      ),
      other.err)
    XCTAssertEqual(
      try XCTUnwrap(object(XCTUnwrap(other.lines.last))["runs"] as? [[String: Any]]).compactMap {
        ($0["settings"] as? [String: Any])?["training.learning_rate"] as? Double
      }, [0.00001, 0.02])
  }

  func testOneRunThatDivergesIsNamedInTheEnd() throws {
    let outcome = try Command.run(
      try arguments(
        try makeData(),
        ["--set", "training.optimizer=sgd", "--set", "training.learning_rate=1e-6,1e3,1e-7"]
          + ["--epochs", "10"]))
    XCTAssertEqual(outcome.status, 65, outcome.err)
    let name =
      "architecture=mlp-hidden=16,8-latent=3-training.optimizer=sgd-training.learning_rate=1e3-seed=0"
    XCTAssertTrue(outcome.err.hasSuffix("vae-zoo: \(name) diverged; see above\n"), outcome.err)
    XCTAssertTrue(outcome.err.contains("\(name): training diverged"), outcome.err)
    XCTAssertEqual(outcome.lines.count, 3, "a header and two runs: \(outcome.out)")
  }

  func testASweepOfATableTakesWhatIsSaidOfItsColumns() throws {
    let rows = (0..<64).reduce(into: "size,kind,x\n") { text, row in
      text += "\(Double(row % 7) * 50.5),\(["a", "b", "c"][row % 3]),\(row % 11).25\n"
    }
    let table = try write(Array(rows.utf8), "t.csv")
    try run([
      "sweep", "gaussian-vae", "--data", table, "--out", path("grid"), "--threads", "1", "--epochs",
      "1", "--set", "hidden=8", "--set", "latent=1,2", "--column", "kind=ignore", "--column",
      "size=real",
    ])
    for latent in 1...2 {
      let file = path("grid/hidden=8-latent=\(latent)-seed=0/recipe.json")
      let recipe = try object(String(contentsOfFile: file, encoding: .utf8))
      let data = try XCTUnwrap(recipe["data"] as? [String: Any])
      let columns = try XCTUnwrap(data["columns"] as? [[String: Any]])
      XCTAssertEqual(columns.compactMap { $0["name"] as? String }, ["size", "x"])
    }
  }
}
