import Foundation
import VAEFiles
import XCTest

/// A table from the file to synthetic rows.
final class TableCommandTests: CommandTestCase {
  private var table: String {
    (0..<64).reduce(into: "size,kind,number\n") {
      $0 += "\(Double($1 % 7) * 50.5 - 99),\(["a", "b", "\"c, d\""][$1 % 3]),\($1 % 5)\n"
    }
  }

  func testATableTrainsAndGivesRowsLikeItsOwnAndNoPictures() throws {
    let data = try write(Array(table.utf8), "t.csv")
    try run(Small.train(data, path("run"), ["--epochs", "1", "--column", "size=real"]))
    try run(["sample", path("run"), "--count", "50", "--out", path("drawn.csv")])
    // What was drawn can be measured, so that it has the columns and the words of the data.
    for file in [data, path("drawn.csv")] {
      let found = try object(
        run(["evaluate", path("run"), "--data", file, "--split", "train", "--json"]).out)
      XCTAssertTrue(try number(found, "elbo").isFinite)
    }
    try run([
      "reconstruct", path("run"), "--data", data, "--split", "train", "--out", path("back.csv"),
    ])
    let back = try String(contentsOfFile: path("back.csv"), encoding: .utf8)
    XCTAssertEqual(back.split(separator: "\n").count, 65)
    XCTAssertTrue(back.hasPrefix("size,kind,number\n"))
    // What is read is not written over, by whatever name.
    try FileManager.default.createSymbolicLink(
      atPath: path("link.csv"), withDestinationPath: data)
    for command in [
      ["score", path("run"), "--data", data], ["reconstruct", path("run"), "--data", data],
    ] {
      try assertRefused(
        command + ["--out", path("link.csv")], status: 64, naming: ["link.csv", "would be lost"])
    }
    try run(["traverse", path("run"), "--steps", "3", "--units", "2", "--out", path("walks.tsv")])
    let walks = try String(contentsOfFile: path("walks.tsv"), encoding: .utf8).split(
      separator: "\n")
    XCTAssertEqual(walks[0], "walk\tstep\tsize\tkind\tnumber")
    XCTAssertEqual(
      walks.dropFirst().map { $0.split(separator: "\t")[1] }, ["0", "1", "2", "0", "1", "2"])
    XCTAssertEqual(Set(walks.dropFirst().map { $0.split(separator: "\t")[0] }).count, 2)
    for command in [
      ["sample"], ["reconstruct", "--data", data, "--split", "train"],
      ["interpolate", "--data", data, "--split", "train"], ["traverse"],
    ] {
      try assertRefused(
        [command[0], path("run")] + command.dropFirst() + ["--out", path("no.png")], status: 65,
        naming: [
          "a table has no picture",
          command[0].hasPrefix("t") || command[0].hasPrefix("i") ? ".npy" : ".csv",
        ])
    }
  }

  func testWhatIsSaidOfColumnsCannotChangeThoseOfAModel() throws {
    let data = try write(Array(table.utf8), "t.csv")
    try run(Small.train(data, path("run"), ["--epochs", "1", "--column", "number=ignore"]))
    let evaluate = ["evaluate", path("run"), "--data", data, "--split", "train"]
    for column in ["size=label", "kind=ignore", "size=count", "number=count"] {
      try assertRefused(
        evaluate + ["--column", column], status: 65, naming: ["trained on", "--column \(column)"])
    }
    try run(evaluate + ["--column", "number=label"])
  }

  func testARunOfATableGoesOnHoweverItsDataAndColumnsAreWritten() throws {
    let data = try write(Array(table.utf8), "t.csv")
    let begin = Small.train(data, path("run"))
    let columns = ["--column", "size=real", "--column", "number=count"]
    try run(begin + ["--epochs", "1"] + columns)
    let other = ["--column", "number=count", "--column", "size=real"]
    for (epochs, more) in zip(2..., [columns, other, Array(other.prefix(2)), []]) {
      let again = ["--resume", "--epochs", "\(epochs)"] + more
      try run(begin.map { $0 == data ? path("./t.csv") : $0 } + again)
      try run(
        ["train", "--out", path("run"), "--data", path(".//t.csv"), "--threads", "1"] + again)
    }
    XCTAssertEqual(
      try String(contentsOfFile: path("run/metrics.jsonl"), encoding: .utf8)
        .split(separator: "\n").count, 5)
  }

  func testALikelihoodThatDoesNotSuitAColumnIsRefusedSayingWhy() throws {
    let text = (0..<60).reduce(into: "code,hours,x\n") {
      $0 += "\($1 % 3 + 1),\($1 % 4 == 0 ? 0 : $1 * 7919 % 61).5,\($1 * 31 % 59).25\n"
    }
    let data = try write(Array(text.utf8), "t.csv")
    for (likelihood, more, words) in [
      (
        "student-t", [],
        ["column \"code\" has 3 different values and no others", "likelihood=mixed"]
      ),
      (
        "gaussian", ["--column", "code=ignore"],
        [
          "column \"hours\" has points at which mass gathers, such as 0.5",
          "choose --set likelihood=mixed, or leave it out by --column hours=ignore",
        ]
      ),
      ("gaussian", ["--column", "code=count"], ["column \"code\" is count"]),
      ("bernoulli", [], ["the data are a table", "likelihood=mixed"]),
      ("categorical", [], ["the data are a table", "likelihood=mixed"]),
      (
        "negative-binomial", ["--column", "code=real", "--column", "hours=ignore"],
        ["line 2, column \"x\": 0.25 is no whole number"]
      ),
    ] as [(String, [String], [String])] {
      try assertRefused(
        Small.train(data, path("run"), ["--set", "likelihood=\(likelihood)"] + more), status: 65,
        naming: words)
      XCTAssertFalse(exists(path("run")))
    }
    try assertRefused(
      Small.train(
        data, path("run"),
        [
          "--set", "likelihood=negative-binomial", "--column", "code=real", "--column",
          "hours=ignore", "--column", "x=ignore",
        ]), status: 65, naming: ["column \"code\" is real", "--column code=count"])
  }

  func testATableOfFewRowsIsTrainedByDefaultsThatSuitItAndStandInTheRecipe() throws {
    let data = try write(Array(table.utf8), "t.csv")
    let small = ["--set", "hidden=8", "--set", "latent=2", "--threads", "1"]
    let outcome = try run(["train", "gaussian-vae", "--data", data, "--out", path("run")] + small)
    XCTAssertTrue(
      outcome.err.contains("chosen for 64 rows, as nobody has: batch_size 8, epochs 100"),
      outcome.err)
    let training = try XCTUnwrap(
      object(String(contentsOfFile: path("run/recipe.json"), encoding: .utf8))["training"]
        as? [String: Any])
    XCTAssertEqual(training["batch_size"] as? Int, 8)
    XCTAssertEqual(training["epochs"] as? Int, 100)
    // What somebody says holds, and what stands in a recipe.
    let said = try run(
      ["train", "gaussian-vae", "--data", data, "--out", path("said"), "--epochs", "1"] + small)
    XCTAssertTrue(said.err.contains("as nobody has: batch_size 8;"), said.err)
    XCTAssertEqual(said.lines.count, 1)
  }

  func testTheColumnOfLabelsIsRememberedAndBelongsToWhatIsDrawn() throws {
    let data = try write(Array(table.utf8), "t.csv")
    let settings = ["--epochs", "1", "--set", "hidden=8", "--set", "latent=2", "--threads", "1"]
    let train = ["train", "conditional-vae", "--data", data, "--out", path("run")] + settings
    try assertRefused(train, status: 65, naming: ["no column of labels", "--column kind=label"])
    try run(train + ["--column", "kind=label"])
    try run(["evaluate", path("run"), "--data", data, "--split", "train"])
    try run(["score", path("run"), "--data", data, "--split", "train", "--out", path("s.csv")])
    try run(["sample", path("run"), "--count", "6", "--out", path("drawn.csv")])
    let drawn = try String(contentsOfFile: path("drawn.csv"), encoding: .utf8)
    XCTAssertEqual(
      drawn.split(separator: "\n").map {
        $0.split(separator: ",", maxSplits: 2).last.map(String.init)
      },
      ["kind", "a", "b", "\"c, d\"", "a", "b", "\"c, d\""])
    try run(["evaluate", path("run"), "--data", path("drawn.csv"), "--split", "train"])
  }

  func testRowsThatTrainingHasSetApartAreNoneOfThoseThatItSaw() throws {
    let data = try write(Array(table.utf8), "t.csv")
    try run(Small.train(data, path("run"), ["--epochs", "1", "--holdout", "0.25"]))
    let counted = { (data: String, split: String) in
      try self.run([
        "score", self.path("run"), "--data", data, "--split", split, "--out", self.path("s.csv"),
      ])
      return try String(contentsOfFile: self.path("s.csv"), encoding: .utf8).split(separator: "\n")
        .count - 1
    }
    XCTAssertEqual(try counted(data, "train"), 48)
    XCTAssertEqual(try counted(data, "valid"), 16)
    // Of other rows all are unseen.
    let lines = table.split(separator: "\n")
    let turned = (lines.prefix(1) + lines.dropFirst().reversed()).joined(separator: "\n")
    let other = try write(Array(turned.utf8), "o.csv")
    XCTAssertEqual(try counted(other, "train"), 64)
    try assertRefused(
      ["evaluate", path("run"), "--data", other, "--split", "valid"], status: 65,
      naming: ["o.csv has no split valid", "train"])
    for (command, file) in [("encode", "e.npy"), ("reconstruct", "r.csv")] {
      let said = try run([
        command, path("run"), "--data", data, "--split", "train", "--out", path(file),
      ])
      XCTAssertTrue(said.err.contains("48"), said.err)
    }
  }

  func testAVariantThatIsToldNoLabelsSaysThatItMakesNone() throws {
    let data = try write(Array(table.utf8), "t.csv")
    try run(Small.train(data, path("run"), ["--epochs", "1", "--column", "kind=label"]))
    let said = try run(["sample", path("run"), "--count", "3", "--out", path("s.csv")]).err
    XCTAssertTrue(said.contains("no column \"kind\"") && said.contains("conditional-vae"), said)
  }

  func testASweepSaysWhatCannotBeCompared() throws {
    let data = try makeData("binary", binary: true)
    let said = try run([
      "sweep", "log-cosh-vae", "--data", data, "--out", path("sweep"), "--epochs", "1", "--seeds",
      "2",
    ]).err
    XCTAssertTrue(said.contains("compared with probabilities"), said)
  }

  func testWeightsBelongToColumnsByTheirNames() throws {
    let data = try write(Array(table.utf8), "t.csv")
    try run(Small.train(data, path("run"), ["--epochs", "1", "--column", "size=real"]))
    func turned(_ name: String) -> String {
      table.split(separator: "\n").map { line in
        let cells = line.split(separator: ",", maxSplits: 1)
        return "\(cells[1]),\(cells[0] == "size" ? name : String(cells[0]))"
      }.joined(separator: "\n")
    }
    let other = try write(Array(turned("size").utf8), "other.csv")
    try run(
      Small.train(other, path("next"), ["--epochs", "0", "--from-weights", path("run")]))
    func bound(_ run: String) throws -> Double {
      try number(
        object(
          self.run(["evaluate", run, "--data", data, "--split", "train", "--json"]).out), "elbo")
    }
    XCTAssertEqual(try bound(path("next")), try bound(path("run")))
    let renamed = try write(Array(turned("length").utf8), "renamed.csv")
    try assertRefused(
      Small.train(renamed, path("none"), ["--epochs", "1", "--from-weights", path("run")]),
      status: 65, naming: ["no column \"size\"", "trained on"])
  }

  func testALineOfSeparatorsTakesNoMemoryForEach() throws {
    // Each would have taken eight bytes.
    let count = 1 << 25
    let file = try write([UInt8](repeating: UInt8(ascii: ","), count: count), "t.csv")
    try assertRefused(
      ["describe", "gaussian-vae", "--shapes", "--data", file], status: 65,
      naming: ["line 1", "\(count + 1) columns"], memoryLimit: 300)
  }

  func testATableIsResumedScoredRowByRowAndComparedByEachModelsOwnColumns() throws {
    // A number at which a fifth of the rows lie is a point; whole ones are written without a fraction.
    let rows = (0..<80).map {
      "\($0 % 5 == 0 ? 18 : 20.5 + Double($0 * 37 % 400) / 10),\(Double($0 % 9) - 3.25)"
    }
    let ages = try write(Array(("age,size\n" + rows.joined(separator: "\n")).utf8), "ages.csv")
    let settings = ["--epochs", "2", "--holdout", "0.2", "--set", "likelihood.components=2"]
    try run(Small.train(ages, path("run"), settings))
    try run(["train", "--out", path("run"), "--resume", "--epochs", "3", "--threads", "1"])
    // Every row of other data has a score, whatever a training sets apart of its own.
    let turned = Array(("age,size\n" + rows.reversed().joined(separator: "\n")).utf8)
    let data = try write(turned, "turned.csv")
    func scores(_ run: String, _ more: [String] = []) throws -> [Double] {
      try self.run(
        ["score", run, "--data", data, "--split", "train", "--out", path("scores.csv")] + more)
      return try String(contentsOfFile: path("scores.csv"), encoding: .utf8)
        .split(separator: "\n").dropFirst().map { line in
          try XCTUnwrap(line.split(separator: ",").last.flatMap { Double($0) })
        }
    }
    let own = try scores(path("run"))
    XCTAssertEqual(own.count, 80)
    try run(["encode", path("run"), "--data", data, "--split", "train", "--out", path("z.npy")])
    let made = try run(
      ["decode", path("run"), "--latents", path("z.npy"), "--out", path("back.csv")])
    XCTAssertTrue(made.err.contains("wrote 80 rows to"), made.err)
    // The background standardizes by its own rows, which are others.
    let other = (0..<80).map {
      "\($0 % 5 == 0 ? 18 : 30.5 + Double($0 * 37 % 400) / 5),\(Double($0 % 9) * 4 + 0.25)"
    }
    let others = try write(Array(("age,size\n" + other.joined(separator: "\n")).utf8), "other.csv")
    try run(Small.train(others, path("background"), ["--epochs", "1"]))
    let common = try scores(path("background"))
    let ratio = try scores(
      path("run"), ["--method", "ratio", "--background", path("background")])
    for place in ratio.indices {
      XCTAssertEqual(ratio[place], own[place] - common[place], accuracy: 1e-2 * abs(common[place]))
    }
  }

  func testATableOfAnOlderVersionIsResumedByTheColumnsThatItsRecipeHas() throws {
    let data = try write(Array(table.utf8), "t.csv")
    let train = Small.train(
      data, path("run"), ["--column", "kind=label", "--column", "size=real", "--epochs"])
    try run(train + ["1"])
    // Such a version recorded no column of labels and another checksum, and its means may differ in their last digits.
    let file = path("run/recipe.json")
    var recipe = try object(String(contentsOfFile: file, encoding: .utf8))
    var known = try XCTUnwrap(recipe["data"] as? [String: Any])
    XCTAssertNotNil(known.removeValue(forKey: "label_column"))
    var columns = try XCTUnwrap(known["columns"] as? [[String: Any]])
    columns[0]["centre"] = try number(columns[0], "centre") + 1e-9
    known["columns"] = columns
    recipe["data"] = known
    recipe["checksum"] = nil
    let sessions = path("run/records/sessions.jsonl")
    var line = try object(String(contentsOfFile: sessions, encoding: .utf8))
    XCTAssertNotNil(line.removeValue(forKey: "table_checksum"))
    line["data_checksum"] = "0123456789abcdef"
    line["checksum"] = nil
    for (file, object) in [(file, recipe), (sessions, line)] {
      let text = try JSONSerialization.data(withJSONObject: object)
      let object = try XCTUnwrap(JSON(parsing: [UInt8](text), source: file).object)
      let sealed = file == sessions ? object.sealedLine + "\n" : object.sealedDocument
      try Data(sealed.utf8).write(to: URL(fileURLWithPath: file))
    }
    try run(train + ["2", "--resume"])
    // Other rows are refused all the same.
    let other = try write(Array(table.replacing("-99.0", with: "-48.5").utf8), "other.csv")
    try assertRefused(
      Small.train(
        other, path("run"),
        ["--column", "kind=label", "--column", "size=real", "--epochs", "3", "--resume"]),
      status: 64, naming: ["\(other) has other rows"])
  }

  func testWhatIsSaidOfColumnsIsHeldToTheTable() throws {
    let data = try write(Array(table.utf8), "t.csv")
    for (column, words) in [
      ("size=length", ["\"length\" is not a type", "positive"]),
      ("width=real", ["no column \"width\""]),
      ("size=positive", ["is not above zero"]),
      ("kind=count", ["is no number, as all are of a column of type count"]),
    ] {
      try assertRefused(
        Small.train(data, path("none"), ["--column", column]), status: 65, naming: words)
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("none")))
  }

  func testArraysOfATableHaveTheNumbersOfItsText() throws {
    let text = (0..<64).reduce(into: "size,number\n") {
      $0 += "\(Double($1 % 7) * 50.5 - 99),\($1 % 5)\n"
    }
    let data = try write(Array(text.utf8), "t.csv")
    try run(Small.train(data, path("run"), ["--epochs", "1", "--column", "size=real"]))
    /// The numbers behind the first columns of a text.
    func cells(_ name: String, from first: Int) throws -> [Double] {
      try String(contentsOfFile: path(name), encoding: .utf8).split(separator: "\n").dropFirst()
        .flatMap { try $0.split(separator: ",").dropFirst(first).map { try XCTUnwrap(Double($0)) } }
    }
    for name in ["drawn.csv", "drawn.npy"] {
      try run(["sample", path("run"), "--count", "7", "--out", path(name)])
    }
    let drawn = try array(path("drawn.npy"))
    XCTAssertEqual(drawn.shape, [7, 2])
    XCTAssertEqual(drawn.doubles, try cells("drawn.csv", from: 0))
    for name in ["walks.csv", "walks.npy"] {
      try run(["traverse", path("run"), "--steps", "3", "--units", "2", "--out", path(name)])
    }
    let walks = try array(path("walks.npy"))
    XCTAssertEqual(walks.shape, [2, 3, 1, 2, 1])
    for (one, other) in zip(walks.doubles, try cells("walks.csv", from: 2)) {
      XCTAssertEqual(one, other, accuracy: 1e-4 * abs(other))
    }
    // Walks are named by their units, those of the largest rate first.
    let metrics = try object(
      String(
        XCTUnwrap(
          String(contentsOfFile: path("run/metrics.jsonl"), encoding: .utf8).split(separator: "\n")
            .last)))
    XCTAssertNil(metrics["valid"])
    let lines = try String(contentsOfFile: path("walks.csv"), encoding: .utf8).split(
      separator: "\n")
    let rates = lines.dropFirst().compactMap { line in
      line.firstMatch(of: #/^unit [0-3] ([0-9.]+) nats,/#).flatMap { Double($0.output.1) }
    }
    XCTAssertEqual(rates.count, 6)
    XCTAssertEqual(rates, rates.sorted(by: >))
  }
}
