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
    for command in [
      ["sample"], ["reconstruct", "--data", data, "--split", "train"],
      ["interpolate", "--data", data, "--split", "train"], ["traverse"],
    ] {
      try assertRefused(
        [command[0], path("run")] + command.dropFirst() + ["--out", path("no.png")], status: 65,
        naming: ["a table has no picture", ".csv"])
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
