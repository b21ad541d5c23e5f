import Foundation
import XCTest

/// `vae-zoo score`: one number per example.
final class ScoreTests: CommandTestCase {
  func testATableHasARowForEachExampleAndTheRatioIsTheDifferenceOfTwoLikelihoods() throws {
    let (data, run) = try copyOfTrainedRun()
    try self.run(Small.train(data, path("other"), ["--epochs", "1", "--seed", "2"]))
    func scores(_ name: String, _ run: String, _ more: [String]) throws -> [Double] {
      let outcome = try self.run(
        ["score", run, "--data", data, "--out", path("\(name).csv"), "--threads", "1", "--json"]
          + more)
      let lines = try String(contentsOfFile: path("\(name).csv"), encoding: .utf8)
        .split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
      XCTAssertEqual(lines.first?.first, "example")
      XCTAssertEqual(lines.count, 1 + TrainedRun.testImages)
      let values = try lines.dropFirst().map { try XCTUnwrap($0.last.flatMap(Double.init)) }
      XCTAssertEqual(lines.dropFirst().map { Int($0[0]) }, Array(0..<TrainedRun.testImages))
      let mean = try number(object(outcome.lines[0]), "mean")
      XCTAssertEqual(values.reduce(0, +) / Double(values.count), mean, accuracy: 1e-4)
      return values
    }
    let draws = ["--importance-samples", "20"]
    let own = try scores("own", run, draws)
    let other = try scores("other", path("other"), draws)
    let ratio = try scores(
      "ratio", run, draws + ["--method", "ratio", "--background", path("other")])
    for place in ratio.indices {
      XCTAssertEqual(ratio[place], own[place] - other[place], accuracy: 1e-4)
    }
    // The weighted likelihood lies above the bound, and so does the best bound.
    let bound = try scores("elbo", run, ["--method", "elbo"])
    XCTAssertLessThan(own.reduce(0, +), bound.reduce(0, +))
    // All of a group have the distance of its mean from that of the same data; the last one is smaller.
    let size = TrainedRun.testImages
    let typical = try scores(
      "typicality", run,
      draws + ["--method", "typicality", "--reference", data, "--group", "\(size - 1)"])
    let mean = own.reduce(0, +) / Double(size)
    let first = own.dropLast().reduce(0, +) / Double(size - 1)
    for (place, score) in typical.enumerated() {
      let wanted = abs((place < size - 1 ? first : own[size - 1]) - mean)
      XCTAssertEqual(score, wanted, accuracy: 1e-3)
    }
    let regret = try scores("regret", run, ["--method", "regret", "--steps", "20"])
    XCTAssertGreaterThanOrEqual(try XCTUnwrap(regret.min()), 0)
    XCTAssertGreaterThan(try XCTUnwrap(regret.max()), 0)
  }

  func testATableOfScoresNamesTheLinesAndTheFilesOfTheSource() throws {
    let text = (0..<40).reduce(into: "a,b\n\n") { $0 += "\($1 * $1 % 17).5,\($1 % 11).25\n" }
    let table = try write(Array(text.utf8), "t.csv")
    try run(Small.train(table, path("rows"), ["--epochs", "1", "--holdout", "0.2"]))
    func lines(_ run: String, _ data: String, _ more: [String]) throws -> [[String]] {
      try self.run(
        ["score", run, "--data", data, "--method", "elbo", "--out", path("s.csv")] + more)
      return try String(contentsOfFile: path("s.csv"), encoding: .utf8)
        .split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    }
    // A file of a model has no record of what it was trained on.
    let all = try lines(path("rows/model.safetensors"), table, ["--split", "train"])
    XCTAssertEqual(all[0], ["example", "line", "elbo"])
    XCTAssertEqual(all.dropFirst().map { $0[1] }, (3..<43).map(String.init))
    let held = try lines(path("rows"), table, ["--split", "valid"])
    XCTAssertEqual(held.count, 9)
    let seen = try lines(path("rows"), table, ["--split", "train"])
    XCTAssertEqual(
      Set(seen.dropFirst().map { $0[1] }),
      Set(all.dropFirst().map { $0[1] }).subtracting(held.map { $0[1] }))
    // Of the rows that are held out each has the line, and with it the score, that it has among all.
    for row in held.dropFirst() {
      XCTAssertEqual(all.first { $0[1] == row[1] }?[2], row[2])
    }

    for (number, name) in ["train/cat/b.png", "train/cat/a.png", "train/dog/c.png"].enumerated() {
      try FileManager.default.createDirectory(
        atPath: path("pictures/train/\(number == 2 ? "dog" : "cat")"),
        withIntermediateDirectories: true)
      let pixels = (0..<16).map { UInt8($0 * 3 + number * 40) }
      _ = try write(ArrayFile.png(height: 4, width: 4, grey: pixels), "pictures/\(name)")
    }
    let pictures = path("pictures")
    try run(Small.train(pictures, path("seen"), ["--epochs", "1", "--batch-size", "3"]))
    // Once from the files and once from what was kept of them.
    for _ in 0..<2 {
      let found = try lines(path("seen"), pictures, ["--split", "train"])
      XCTAssertEqual(found[0], ["example", "file", "class", "elbo"])
      XCTAssertEqual(
        found.dropFirst().map { [$0[1], $0[2]] },
        [["train/cat/a.png", "cat"], ["train/cat/b.png", "cat"], ["train/dog/c.png", "dog"]])
    }
  }

  func testWhatTypicalityComparesWithIsSaidAndCanBeChosen() throws {
    let data = try makeData("alone", binary: true)
    let file = data + "/train-images-idx3-ubyte"
    try run(Small.train(file, path("run"), ["--epochs", "1", "--holdout", "0.25"]))
    let asked = [
      "score", path("run"), "--data", file, "--split", "train", "--method", "typicality",
      "--importance-samples", "0", "--reference", file, "--out", path("s.csv"),
    ]
    XCTAssertTrue(try run(asked).err.contains("its split valid"))
    let chosen = try object(run(asked + ["--reference-split", "train", "--json"]).out)
    XCTAssertEqual(chosen["reference_split"] as? String, "train")
    let held = try object(run(asked + ["--json"]).out)
    XCTAssertEqual(
      try number(held, "reference_examples") * 3, try number(chosen, "reference_examples"))
    try assertRefused(
      [
        "score", path("run"), "--data", file, "--reference-split", "valid", "--out",
        path("none.csv"),
      ],
      status: 64, naming: ["--reference-split belongs to --reference"])
  }

  func testTypicalityComparesWithTheSplitForValidationWhereTheReferenceHasOneAndOneForTests() throws
  {
    let data = try makeData(binary: true)
    try run(Small.train(data, path("run"), ["--epochs", "1"]))
    func reference() throws -> [String: Any] {
      try object(
        run([
          "score", path("run"), "--data", data, "--method", "typicality", "--importance-samples",
          "0", "--reference", data, "--out", path("s.csv"), "--json",
        ]).out)
    }
    XCTAssertEqual(try reference()["reference_split"] as? String, "test")
    _ = try write(
      ArrayFile.idx(TestImages(16, seed: 9), binary: true), "data/valid-images-idx3-ubyte")
    let found = try reference()
    XCTAssertEqual(found["reference_split"] as? String, "valid")
    XCTAssertEqual(found["reference_examples"] as? Int, 16)
  }

  func testWhatCannotBeScoredIsRefusedBeforeAnythingIsWritten() throws {
    let shared = try TrainedRun.shared()
    let wide = try makeData("wide", binary: true, height: 4, width: 4)
    try run(Small.train(wide, path("wide-run"), ["--epochs", "1"]))
    let asked = ["score", shared.run, "--data", shared.data, "--threads", "1", "--out"]
    let cases: [(more: [String], status: Int32, words: [String])] = [
      ([path("x.csv"), "--method", "ratio"], 64, ["--background"]),
      ([path("x.csv"), "--background", shared.run], 64, ["--background", "nll"]),
      (
        [path("x.csv"), "--method", "ratio", "--background", path("wide-run")], 65,
        ["4x4x1", "8x8x1"]
      ),
      (
        [path("x.csv"), "--method", "entropy"], 64,
        ["entropy", "nll, elbo, regret, ratio, typicality"]
      ),
      ([path("x.csv"), "--method", "typicality"], 64, ["--reference", "held-out"]),
      ([path("x.csv"), "--reference", shared.data], 64, ["--reference", "nll"]),
      ([path("x.csv"), "--group", "5"], 64, ["--group", "typicality"]),
      ([path("x.txt")], 64, [".csv or .npy"]),
      ([path("x.csv"), "--steps", "5"], 64, ["--steps", "regret"]),
    ]
    for (more, status, words) in cases {
      try assertRefused(asked + more, status: status, naming: words)
      XCTAssertFalse(exists(more[0]))
    }
  }

  func testWhatIsNotSaidOfAScoreIsTheDefaultThatHelpNames() throws {
    let shared = try TrainedRun.shared()
    func scored(_ more: [String]) throws -> [UInt8] {
      try run(
        ["score", shared.run, "--data", shared.data, "--threads", "1", "--out", path("s.csv")]
          + more)
      return try bytes(path("s.csv"))
    }
    let plain = try scored([])
    XCTAssertEqual(
      plain,
      try scored(
        ["--method", "nll", "--split", "test", "--seed", "0"] + ["--importance-samples", "16"]))
    XCTAssertNotEqual(plain, try scored(["--importance-samples", "15"]))
    XCTAssertNotEqual(plain, try scored(["--seed", "1"]))
    let typical = [
      "--method", "typicality", "--reference", shared.data, "--importance-samples", "0",
    ]
    let grouped = try scored(typical)
    XCTAssertEqual(grouped, try scored(typical + ["--group", "10", "--reference-split", "test"]))
    XCTAssertNotEqual(grouped, try scored(typical + ["--group", "9"]))
    XCTAssertNotEqual(grouped, try scored(typical + ["--reference-split", "train"]))
    let regret = try scored(["--method", "regret", "--steps", "3"])
    XCTAssertNotEqual(regret, try scored(["--method", "regret", "--steps", "4"]))
  }

  func testAnArrayOfScoresIsTheColumnOfTheTable() throws {
    let shared = try TrainedRun.shared()
    let asked = [
      "score", shared.run, "--data", shared.data, "--split", "train", "--method", "elbo",
      "--threads", "1", "--out",
    ]
    let said = try run(asked + [path("s.csv")])
    let table = try String(contentsOfFile: path("s.csv"), encoding: .utf8).split(separator: "\n")
    XCTAssertEqual(table.first, "example,elbo")
    let column = try table.dropFirst().map { line in
      try XCTUnwrap(line.split(separator: ",").last.flatMap { Float($0) })
    }
    let result = try object(run(asked + [path("s.npy"), "--json"]).out)
    let file = try bytes(path("s.npy"))
    XCTAssertTrue(String(decoding: file.prefix(128), as: UTF8.self).contains("(64,)"))
    XCTAssertEqual(
      Array(file.suffix(256)), column.flatMap { ArrayFile.littleEndian($0.bitPattern) })
    XCTAssertEqual(result["method"] as? String, "elbo")
    XCTAssertEqual(result["examples"] as? Int, 64)
    XCTAssertEqual(result["path"] as? String, path("s.npy"))
    XCTAssertEqual(Set(result.keys), ["method", "examples", "mean", "path"])
    let mean = String(format: "%.2f", try number(result, "mean"))
    XCTAssertEqual(
      said.err,
      "wrote the elbo of 64 examples of train, \(mean) nats on average, to \(path("s.csv"))\n")
    // The cost of an example is what evaluate adds up.
    let measured = try object(
      run([
        "evaluate", shared.run, "--data", shared.data, "--split", "train", "--metrics", "elbo",
        "--json", "--threads", "1",
      ]).out)
    XCTAssertEqual(
      -(try number(measured, "elbo")), try number(result, "mean"),
      accuracy: 4 * (try number(measured, "elbo_stderr")))
  }
}
