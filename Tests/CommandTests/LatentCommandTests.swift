import Foundation
import XCTest

/// `encode`, `decode`, `interpolate` and `traverse`.
final class LatentCommandTests: CommandTestCase {
  private func encode(_ name: String, _ more: [String] = []) throws -> String {
    let shared = try TrainedRun.shared()
    try run(["encode", shared.run, "--data", shared.data, "--out", path(name)] + more)
    return path(name)
  }

  /// Type and shape in the header of an NPY file.
  private func header(_ path: String) throws -> String {
    let bytes = try bytes(path)
    let length = Int(bytes[8]) | Int(bytes[9]) << 8
    return try XCTUnwrap(String(bytes: bytes[10..<10 + length], encoding: .ascii))
  }

  func testEncodedMeansDecodeToImages() throws {
    let shared = try TrainedRun.shared()
    let means = try encode("means.npy")
    XCTAssertTrue(try header(means).contains("'<f4'"))
    XCTAssertTrue(
      try header(means).contains("(\(TrainedRun.testImages), \(TrainedRun.latent))"))
    try run(["decode", shared.run, "--latents", means, "--out", path("images.npy")])
    XCTAssertTrue(
      try header(path("images.npy")).contains("(\(TrainedRun.testImages), 8, 8, 1)"))
    for name in ["images.png", "images.gif", "images.apng"] {
      try run(["decode", shared.run, "--latents", means, "--out", path(name)])
      XCTAssertGreaterThan(try bytes(path(name)).count, 100)
    }
  }

  func testWhatIsWrittenCanBeChosen() throws {
    let means = try bytes(try encode("means.npy", ["--what", "means"]))
    XCTAssertEqual(means, try bytes(try encode("default.npy")))
    let variances = try encode("variances.npy", ["--what", "variances"])
    XCTAssertEqual(try header(variances), try header(path("means.npy")))
    XCTAssertNotEqual(try bytes(variances), means)
    XCTAssertNotEqual(
      try bytes(try encode("a.npy", ["--what", "draws"])),
      try bytes(try encode("b.npy", ["--what", "draws", "--seed", "1"])))
    XCTAssertTrue(try header(try encode("t.npy", ["--split", "train"])).contains("(64, 4)"))
    let shared = try TrainedRun.shared()
    let encode = ["encode", shared.run, "--data", shared.data, "--out", path("x.npy")]
    try assertRefused(encode + ["--what", "codes"], status: 65, naming: ["codes", "means"])
    try assertRefused(encode + ["--what", "logits"], status: 64, naming: ["logits", "variances"])
    try assertRefused(encode + ["--split", "half"], status: 64, naming: ["half"])
  }

  func testLatentsThatDoNotFitAreRefusedAndNothingIsWritten() throws {
    let run = try TrainedRun.shared().run
    let wide = try write(ArrayFile.npy([2, 5], floats: [Float](repeating: 0, count: 10)), "5.npy")
    let nan = try write(ArrayFile.npy([1, 4], floats: [0, 0, .nan, 0]), "nan.npy")
    let text = try write(Array("no array".utf8), "text.npy")
    let cases: [(file: String, status: Int32, words: [String])] = [
      (wide, 65, [wide, "[2, 5]", "[N, 4]"]), (nan, 65, ["\(nan)[0, 2] is nan"]),
      (text, 65, [text]), (path("missing.npy"), 66, ["missing.npy"]),
    ]
    for (file, status, words) in cases {
      try assertRefused(
        ["decode", run, "--latents", file, "--out", path("out.png")], status: status, naming: words)
    }
    XCTAssertFalse(exists(path("out.png")))
    try assertRefused(
      ["decode", run, "--latents", wide, "--out", path("out.jpg")], status: 64, naming: [".apng"])
  }

  func testWaysBetweenImagesAreDrawnAndAnimated() throws {
    let shared = try TrainedRun.shared()
    let interpolate = ["interpolate", shared.run, "--data", shared.data, "--threads", "1"]
    for name in ["a.png", "a.gif", "a.apng"] {
      try run(interpolate + ["--out", path(name)])
      XCTAssertGreaterThan(try bytes(path(name)).count, 500)
    }
    try run(interpolate + ["--out", path("ways.npy"), "--count", "3", "--steps", "5"])
    XCTAssertTrue(try header(path("ways.npy")).contains("(3, 5, 8, 8, 1)"))
    try run(interpolate + ["--out", path("s.npy"), "--from", "3", "--to", "17"])
    XCTAssertTrue(try header(path("s.npy")).contains("(1, 11, 8, 8, 1)"))
    try run(interpolate + ["--out", path("l.npy"), "--from", "3", "--to", "17", "--linear"])
    let (spherical, linear) = (try bytes(path("s.npy")), try bytes(path("l.npy")))
    XCTAssertNotEqual(spherical, linear)
    // They begin and end alike.
    XCTAssertEqual(spherical.prefix(128 + 256), linear.prefix(128 + 256))
    try assertRefused(
      interpolate + ["--out", path("x.png"), "--from", "3"], status: 64, naming: ["--to"])
    try assertRefused(
      interpolate + ["--out", path("x.png"), "--from", "-3", "--to", "1"], status: 64,
      naming: ["--from -3", "0 to"])
    try assertRefused(
      interpolate + ["--out", path("x.png"), "--from", "3", "--to", "40"], status: 64,
      naming: ["--to 40", "39"])
    try assertRefused(
      interpolate + ["--out", path("x.png"), "--steps", "1"], status: 64, naming: ["--steps"])
    try assertRefused(
      interpolate + ["--out", path("x.png"), "--from", "3", "--to", "4", "--count", "2"],
      status: 64, naming: ["--from", "--count"])
  }

  func testUnitsAreSweptByTheRatesOnRecordOrMeasured() throws {
    let shared = try TrainedRun.shared()
    let traverse = ["traverse", shared.run, "--threads", "1"]
    try run(traverse + ["--out", path("recorded.npy")])
    XCTAssertTrue(try header(path("recorded.npy")).contains("(4, 11, 8, 8, 1)"))
    for name in ["a.png", "a.gif", "a.apng"] { try run(traverse + ["--out", path(name)]) }
    try run(
      traverse + ["--out", path("b.png"), "--data", shared.data, "--from", "2", "--units", "2"])
    // An exported file has no record, so data must give the rates.
    try assertRefused(
      ["traverse", shared.model, "--out", path("x.png")], status: 65, naming: ["--data"])
    try run(["traverse", shared.model, "--data", shared.data, "--out", path("exported.png")])
    try assertRefused(
      traverse + ["--out", path("x.png"), "--from", "2"], status: 64, naming: ["--data"])
    try assertRefused(
      traverse + ["--out", path("x.png"), "--split", "test"], status: 64,
      naming: ["--split needs --data"])
    try assertRefused(
      traverse + ["--out", path("x.png"), "--data", shared.data, "--from", "40"], status: 64,
      naming: ["--from 40"])
    XCTAssertFalse(exists(path("x.png")))
  }

  func testARunWithoutMetricsIsRefusedSayingWhatIsMissing() throws {
    let (_, run) = try copyOfTrainedRun()
    try FileManager.default.removeItem(atPath: run + "/metrics.jsonl")
    try assertRefused(
      ["traverse", run, "--out", path("x.png")], status: 65,
      naming: ["rate of each unit", "--data"])
  }
}
