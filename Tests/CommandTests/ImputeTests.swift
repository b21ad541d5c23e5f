import Foundation
import XCTest

/// `vae-zoo impute`: files of which something is missing, and what becomes of them.
final class ImputeTests: CommandTestCase {
  private let settings = [
    "--epochs", "1", "--batch-size", "16", "--set", "latent=2", "--set", "importance_samples=2",
  ]

  /// A table with a column that nobody looks at and a label beside, and the same with nothing missing.
  private func table(isTorn: Bool) -> String {
    (0..<64).reduce(into: "id,size,kind,\"the, class\"\n") { text, row in
      let size = isTorn && row % 4 == 1 ? "" : "\(Double(row % 7) * 50.25 - 99)"
      let kind = isTorn && row % 5 == 2 ? "NA" : ["a", "b", "\"c, d\""][row % 3]
      text += "\"r\(row), 0\(row)\",\(size),\(kind),\(row % 2 == 0 ? "x" : "y")\n"
    }
  }

  func testATableComesBackWithItsOtherCellsAndColumnsAsTheyWere() throws {
    let data = try write(Array(table(isTorn: true).utf8), "torn.csv")
    let truth = try write(Array(table(isTorn: false).utf8), "truth.csv")
    let columns = [
      "--column", "id=ignore", "--column", "the, class=label", "--column", "size=real",
    ]
    try run(
      ["train", "missing-vae", "--data", data, "--out", path("run"), "--threads", "1"] + settings
        + columns + ["--holdout", "0.25"])
    let outcome = try run(
      [
        "impute", path("run"), "--data", data, "--truth", truth, "--out", path("whole.csv"),
        "--importance-samples", "20", "--threads", "1", "--json", "--column", "the, class=label",
      ])
    let found = try object(outcome.lines[0])
    XCTAssertEqual(try number(found, "missing"), 29)
    XCTAssertEqual(try number(found, "categories"), 13)
    XCTAssertTrue(try number(found, "rmse").isFinite)
    try assertRefused(
      [
        "impute", path("run"), "--data", data, "--out", path("valid.csv"), "--split", "valid",
      ], status: 64, naming: ["all rows and columns", "--split valid", ".npy"])
    func lines(_ file: String) throws -> [String] {
      try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }
    let (before, after, whole) = try (lines(data), lines(path("whole.csv")), lines(truth))
    XCTAssertEqual(before.count, after.count)
    for row in before.indices {
      if (row - 1) % 4 != 1 && (row - 1) % 5 != 2 || row == 0 {
        XCTAssertEqual(after[row], before[row])
      } else {
        XCTAssertFalse(after[row].contains(",,") || after[row].contains("NA"), after[row])
        XCTAssertTrue(after[row].hasPrefix("\"r\(row - 1), 0\(row - 1)\","), after[row])
        XCTAssertEqual(after[row].last, whole[row].last)
      }
    }
  }

  func testATableIsFilledInWithTheSeparatorOfTheFileThatIsWritten() throws {
    let text = (0..<40).reduce(into: "a\tb\n") { text, row in
      text += (row % 4 == 1 ? "" : "\(row % 7).5") + "\t\(row)\n"
    }
    let data = try write(Array(text.utf8), "torn.tsv")
    try run(
      ["train", "missing-vae", "--data", data, "--out", path("run"), "--threads", "1"] + settings
        + ["--column", "a=real", "--column", "b=real"])
    for (name, separator) in [("whole.tsv", "\t"), ("whole.csv", ",")] {
      try run([
        "impute", path("run"), "--data", data, "--out", path(name), "--importance-samples", "5",
        "--threads", "1",
      ])
      let lines = try String(contentsOfFile: path(name), encoding: .utf8).split(separator: "\n")
      XCTAssertEqual(lines.first.map(String.init), "a\(separator)b")
      XCTAssertEqual(lines.count, 41)
      for line in lines {
        let cells = line.components(separatedBy: separator)
        XCTAssertEqual(cells.count, 2, String(line))
        XCTAssertFalse(cells.contains(""), String(line))
      }
    }
  }

  func testVectorsThatAreTakenForImagesComeBackAsVectors() throws {
    let values = (0..<40 * 6).map { (place: Int) -> Float in
      place % 7 == 3 ? .nan : Float(place * 5 % 16) / 15
    }
    let data = try write(ArrayFile.npy([40, 6], floats: values), "v.npy")
    try run(
      ["train", "missing-vae", "--data", data, "--out", path("run"), "--threads", "1"] + settings)
    try run([
      "impute", path("run"), "--data", data, "--out", path("whole.npy"), "--threads", "1",
      "--importance-samples", "5",
    ])
    let header = String(decoding: try bytes(path("whole.npy")).prefix(128), as: UTF8.self)
    XCTAssertTrue(header.contains("(40, 6)"), header)
  }

  func testImagesAreFilledInAsAnArrayAndAsAPicture() throws {
    let pixels = (0..<40 * 16).map { Float(($0 * 7) % 11) / 10 }
    let torn = pixels.enumerated().map { $0 % 16 > 11 ? Float.nan : $1 }
    let data = try write(
      ArrayFile.npz([
        (name: "train", npy: ArrayFile.npy([40, 4, 4], floats: pixels)),
        (name: "test", npy: ArrayFile.npy([40, 4, 4], floats: torn)),
      ]), "data.npz")
    try run(
      ["train", "missing-vae", "--data", data, "--out", path("run"), "--threads", "1"] + settings)
    let impute = [
      "impute", path("run"), "--data", data, "--importance-samples", "5", "--threads", "1", "--out",
    ]
    try run(impute + [path("whole.npy"), "--draw"])
    try run(impute + [path("whole.png"), "--count", "3"])
    XCTAssertEqual(try bytes(path("whole.png")).prefix(4), [0x89, 0x50, 0x4e, 0x47])
    let found = try bytes(path("whole.npy"))
    let values = stride(from: found.count - pixels.count * 4, to: found.count, by: 4).map { place in
      Float(
        bitPattern: found[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
    for (place, value) in values.enumerated() {
      if place % 16 > 11 {
        XCTAssertTrue((0...1).contains(value), "\(value)")
      } else {
        XCTAssertEqual(value, pixels[place])
      }
    }
    try run(impute + [path("train.npy"), "--split", "train"])
    try assertRefused(
      impute + [path("x.csv")], status: 65, naming: ["one of images", ".npy or .png"])
    try assertRefused(impute + [path("x.npy"), "--count", "3"], status: 64, naming: ["--count"])
    let shared = try TrainedRun.shared()
    try assertRefused(
      ["impute", shared.run, "--data", shared.data, "--out", path("x.npy")], status: 65,
      naming: ["missing-vae", "--set encoder.name=masked-mlp"])
    try assertRefused(
      ["impute", path("run"), "--data", shared.data, "--out", path("x.npy")], status: 65,
      naming: ["8x8x1", "4x4x1"])
    XCTAssertFalse(exists(path("x.npy")))
  }

  func testWhatIsFilledInIsSaidAndDrawsFollowTheSeed() throws {
    let data = try write(Array(table(isTorn: true).utf8), "torn.csv")
    let truth = try write(Array(table(isTorn: false).utf8), "truth.csv")
    let columns = [
      "--column", "id=ignore", "--column", "the, class=ignore", "--column", "size=real",
    ]
    try run(
      ["train", "missing-vae", "--data", data, "--out", path("run"), "--threads", "1"] + settings
        + columns)
    let impute = [
      "impute", path("run"), "--data", data, "--importance-samples", "20", "--threads", "1",
      "--out",
    ]
    let asked = impute + [path("means.csv"), "--truth", truth]
    let found = try object(run(asked + ["--json"]).lines[0])
    XCTAssertEqual(found["path"] as? String, path("means.csv"))
    let said = try run(asked).err
    let (rmse, means, wrong, draws) = (
      try number(found, "rmse"), try number(found, "rmse_of_means"),
      try number(found, "wrong_share"), try number(found, "effective_draws")
    )
    for line in [
      "filled in 29 values of 26 examples out of 64, wrote \(path("means.csv"))\n",
      String(format: "as good as %.1f draws of equal weight per example, on average\n", draws),
      String(
        format: "mean squared error %.4f standard deviations; of the columns' means %.4f\n", rmse,
        means), String(format: "%.1f %% of categories are wrong\n", 100 * wrong),
    ] { XCTAssertTrue(said.contains(line), "\(line): \(said)") }
    let files = try [[], ["--seed", "1"], ["--draw"], ["--draw", "--seed", "1"], ["--draw"]].map {
      try run(impute + [path("some.csv")] + $0)
      return try bytes(path("some.csv"))
    }
    XCTAssertEqual(files[2], files[4])
    XCTAssertEqual(Set(files).count, 4, "means, draws and seeds differ")
    XCTAssertEqual(files[0], try bytes(path("means.csv")))
  }
}
