import Foundation
import XCTest

/// `encode`, `decode`, `interpolate` and `traverse`.
final class LatentCommandTests: CommandTestCase {
  private func encode(_ name: String, _ more: [String] = []) throws -> String {
    let shared = try TrainedRun.shared()
    try run(["encode", shared.run, "--data", shared.data, "--out", path(name)] + more)
    return path(name)
  }

  func testEncodedMeansDecodeToImages() throws {
    let shared = try TrainedRun.shared()
    let means = try encode("means.npy")
    XCTAssertEqual(try array(means).type, "<f4")
    XCTAssertEqual(try array(means).shape, [TrainedRun.testImages, TrainedRun.latent])
    try run(["decode", shared.run, "--latents", means, "--out", path("images.npy")])
    XCTAssertEqual(try array(path("images.npy")).shape, [TrainedRun.testImages, 8, 8, 1])
    for name in ["images.png", "images.gif", "images.apng"] {
      try run(["decode", shared.run, "--latents", means, "--out", path(name)])
      XCTAssertGreaterThan(try bytes(path(name)).count, 100)
    }
  }

  func testWhatIsWrittenCanBeChosen() throws {
    let means = try bytes(try encode("means.npy", ["--what", "means"]))
    XCTAssertEqual(means, try bytes(try encode("default.npy")))
    let variances = try encode("variances.npy", ["--what", "variances"])
    XCTAssertEqual(try array(variances).shape, try array(path("means.npy")).shape)
    XCTAssertNotEqual(try bytes(variances), means)
    XCTAssertNotEqual(
      try bytes(try encode("a.npy", ["--what", "draws"])),
      try bytes(try encode("b.npy", ["--what", "draws", "--seed", "1"])))
    XCTAssertEqual(try array(try encode("t.npy", ["--split", "train"])).shape, [64, 4])
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
    XCTAssertEqual(try array(path("ways.npy")).shape, [3, 5, 8, 8, 1])
    try run(interpolate + ["--out", path("s.npy"), "--from", "3", "--to", "17"])
    XCTAssertEqual(try array(path("s.npy")).shape, [1, 11, 8, 8, 1])
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
    XCTAssertEqual(try array(path("recorded.npy")).shape, [4, 11, 8, 8, 1])
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

  private func assertEqual(
    _ found: some Collection<Float>, _ wanted: some Collection<Float>, line: UInt = #line
  ) {
    XCTAssertEqual(found.count, wanted.count, line: line)
    for (one, other) in zip(found, wanted) {
      XCTAssertEqual(one, other, accuracy: 1e-5, line: line)
    }
  }

  /// What the shared model makes of latents, an image of 64 pixels each.
  private func decoded(_ latents: [[Float]], _ name: String) throws -> [[Float]] {
    let file = try write(
      ArrayFile.npy([latents.count, 4], floats: latents.flatMap(\.self)), "\(name)-z.npy")
    try run([
      "decode", TrainedRun.shared().run, "--latents", file, "--out", path("\(name)-x.npy"),
    ])
    let values = try array(path("\(name)-x.npy")).floats
    return stride(from: 0, to: values.count, by: 64).map { Array(values[$0..<$0 + 64]) }
  }

  func testAWayGoesFromTheImageOfFromToThatOfTo() throws {
    let shared = try TrainedRun.shared()
    let means = try array(encode("train.npy", ["--split", "train"])).floats
    let wanted = try decoded([Array(means[12..<16]), Array(means[200..<204])], "ends")
    for (from, to, ends) in [("3", "50", wanted), ("50", "3", wanted.reversed())] {
      try run([
        "interpolate", shared.run, "--data", shared.data, "--split", "train", "--from", from,
        "--to", to, "--steps", "3", "--out", path("way.npy"),
      ])
      let way = try array(path("way.npy")).floats
      assertEqual(way.prefix(64), ends[0])
      assertEqual(way.suffix(64), ends[1])
    }
    // A straight way is half of each in the middle.
    try run([
      "interpolate", shared.run, "--data", shared.data, "--split", "train", "--from", "3", "--to",
      "50", "--steps", "5", "--linear", "--out", path("straight.npy"),
    ])
    let quarter = zip(means[12..<16], means[200..<204]).map { 0.75 * $0 + 0.25 * $1 }
    assertEqual(
      try array(path("straight.npy")).floats[64..<128], try decoded([quarter], "quarter")[0])
  }

  func testUnitsRunOverTheQuantilesOfTheirPriorThoseOfTheLargestRateFirst() throws {
    let shared = try TrainedRun.shared()
    let metrics = try String(contentsOfFile: shared.run + "/metrics.jsonl", encoding: .utf8)
    let last = try object(String(XCTUnwrap(metrics.split(separator: "\n").last)))
    let rates = try XCTUnwrap(last["rate_per_unit"] as? [Double])
    XCTAssertEqual(Set(rates).count, 4, "the test needs units in an order")
    let order = rates.indices.sorted { rates[$0] > rates[$1] }
    // 1 %, 50 % and 99 % of the standard normal distribution.
    let quantiles: [Float] = [-2.326348, 0, 2.326348]
    func swept(_ start: [Float], _ units: some Sequence<Int>) -> [[Float]] {
      units.flatMap { unit in
        quantiles.map { value in
          var latents = start
          latents[unit] = value
          return latents
        }
      }
    }
    try run(["traverse", shared.run, "--steps", "3", "--out", path("all.npy")])
    assertEqual(
      try array(path("all.npy")).floats,
      try decoded(swept([0, 0, 0, 0], order), "all").flatMap(\.self))
    // From an example of a split, and by the rates that are measured on that.
    let means = try array(encode("train.npy", ["--split", "train"])).floats
    let measured = try object(
      run(["evaluate", shared.run, "--data", shared.data, "--split", "train", "--json"]).out)
    let other = try XCTUnwrap(measured["rate_per_unit"] as? [Double])
    let units = other.indices.sorted { other[$0] > other[$1] }.prefix(2)
    try run([
      "traverse", shared.run, "--data", shared.data, "--split", "train", "--from", "5", "--units",
      "2", "--steps", "3", "--out", path("some.npy"),
    ])
    assertEqual(
      try array(path("some.npy")).floats,
      try decoded(swept(Array(means[20..<24]), units), "some").flatMap(\.self))
  }

  /// The frames that an animation says it has.
  private func frames(apng path: String) throws -> Int {
    let bytes = try bytes(path)
    let name = Array("acTL".utf8)
    let place = try XCTUnwrap(bytes.indices.dropLast(8).first { Array(bytes[$0..<$0 + 4]) == name })
    return bytes[place + 4..<place + 8].reduce(0) { $0 << 8 | Int($1) }
  }

  func testAnimationsGoThereAndBackAndHaveMoreStepsThanPictures() throws {
    let shared = try TrainedRun.shared()
    let way = ["interpolate", shared.run, "--data", shared.data, "--out"]
    let said = try run(way + [path("way.apng")])
    XCTAssertEqual(try frames(apng: path("way.apng")), 24 + 22)
    XCTAssertEqual(said.err, "wrote the ways between 6 pairs of images to \(path("way.apng"))\n")
    let one = try run(way + [path("short.apng"), "--steps", "5", "--from", "1", "--to", "2"])
    XCTAssertEqual(try frames(apng: path("short.apng")), 5 + 3)
    XCTAssertEqual(one.err, "wrote the way between 1 pair of images to \(path("short.apng"))\n")
    try run(way + [path("way.npy")])
    XCTAssertEqual(try array(path("way.npy")).shape, [6, 11, 8, 8, 1])
    let units = try run(["traverse", shared.run, "--out", path("units.apng"), "--units", "2"])
    XCTAssertEqual(try frames(apng: path("units.apng")), 24 + 22)
    XCTAssertEqual(
      units.err, "wrote 2 traversals of latent units to \(path("units.apng"))\n")
    // Latents one after the other, and no way back.
    let means = try encode("means.npy")
    let decoded = try run([
      "decode", shared.run, "--latents", means, "--out", path("images.apng"),
    ])
    XCTAssertEqual(try frames(apng: path("images.apng")), 40)
    XCTAssertEqual(decoded.err, "wrote 40 images to \(path("images.apng"))\n")
  }

  func testTheSeedChoosesThePairsOfWays() throws {
    let shared = try TrainedRun.shared()
    let ways = try ["0", "0", "1"].enumerated().map { number, seed in
      try run([
        "interpolate", shared.run, "--data", shared.data, "--seed", seed, "--steps", "2", "--out",
        path("\(number).npy"),
      ])
      return try bytes(path("\(number).npy"))
    }
    XCTAssertEqual(ways[0], ways[1])
    XCTAssertNotEqual(ways[0], ways[2])
  }
}
