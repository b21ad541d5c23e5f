import Foundation
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
        naming: ["a table has no picture", ".csv"])
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
    let data = try write(Array(("age,size\n" + rows.joined(separator: "\n")).utf8), "ages.csv")
    let settings = ["--epochs", "2", "--holdout", "0.2", "--set", "likelihood.components=2"]
    try run(Small.train(data, path("run"), settings))
    try run(["train", "--out", path("run"), "--resume", "--epochs", "3", "--threads", "1"])
    func scores(_ run: String, _ more: [String] = []) throws -> [Double] {
      try self.run(
        ["score", run, "--data", data, "--split", "train", "--out", path("scores.csv")] + more)
      return try String(contentsOfFile: path("scores.csv"), encoding: .utf8)
        .split(separator: "\n").dropFirst().map { line in
          try XCTUnwrap(line.split(separator: ",").last.flatMap { Double($0) })
        }
    }
    // Every row has a score, whatever a training sets apart.
    let own = try scores(path("run"))
    XCTAssertEqual(own.count, 80)
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

  func testWhatIsSaidOfColumnsIsHeldToTheTable() throws {
    let data = try write(Array(table.utf8), "t.csv")
    for (column, words) in [
      ("size=length", ["\"length\" is no type", "positive"]),
      ("width=real", ["no column \"width\""]),
      ("size=positive", ["is not above zero"]), ("kind=count", ["is no number"]),
    ] {
      try assertRefused(
        Small.train(data, path("none"), ["--column", column]), status: 65, naming: words)
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("none")))
  }
}
