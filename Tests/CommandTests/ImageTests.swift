import Foundation
import XCTest

/// The files that `sample` and `reconstruct` write.
final class ImageTests: CommandTestCase {
  /// Width and height of a PNG file of 8-bit grey pixels.
  private func greySize(png path: String) throws -> (width: Int, height: Int) {
    let bytes = try bytes(path)
    XCTAssertEqual(Array(bytes.prefix(8)), [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    XCTAssertEqual(Array(bytes[12..<16]), Array("IHDR".utf8))
    XCTAssertEqual(Array(bytes[24..<26]), [8, 0], "eight bits of grey")
    XCTAssertEqual(Array(bytes.suffix(8).prefix(4)), Array("IEND".utf8))
    func number(_ start: Int) -> Int { bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    return (number(16), number(20))
  }

  private func sample(_ model: String, _ name: String, _ more: [String] = []) throws -> String {
    try run(
      ["sample", model, "--out", path(name), "--threads", "1"]
        + (more.contains("--count") ? more : ["--count", "10"] + more))
    return path(name)
  }

  // MARK: sample

  func testSamplesAsArrayAreMeansBetweenZeroAndOne() throws {
    let run = try TrainedRun.shared().run
    let array = try array(sample(run, "samples.npy"))
    XCTAssertEqual(array.shape, [10, 8, 8, 1])
    XCTAssertTrue(array.floats.allSatisfy { $0 >= 0 && $0 <= 1 })
    XCTAssertGreaterThan(Set(array.floats).count, 64, "the images differ")
  }

  /// The model has a Bernoulli likelihood.
  func testSamplesThatAreDrawnAreThoseOfTheLikelihood() throws {
    let run = try TrainedRun.shared().run
    let means = try array(sample(run, "means.npy"))
    let draws = try array(sample(run, "draws.npy", ["--draw"]))
    XCTAssertEqual(Set(draws.floats), [0, 1])
    func mean(_ array: StoredArray) -> Double {
      array.floats.reduce(0) { $0 + Double($1) } / Double(array.floats.count)
    }
    XCTAssertEqual(mean(draws), mean(means), accuracy: 0.08)
  }

  func testMoreSamplesBeginWithTheFewerOfTheSameSeed() throws {
    let run = try TrainedRun.shared().run
    let few = try array(sample(run, "few.npy"))
    let many = try array(sample(run, "many.npy", ["--count", "300"]))
    XCTAssertEqual(many.shape, [300, 8, 8, 1])
    for (a, b) in zip(few.floats, many.floats) { XCTAssertEqual(a, b, accuracy: 1e-5) }
  }

  func testSampleGridHoldsAllImagesEnlarged() throws {
    let size = try greySize(png: try sample(try TrainedRun.shared().run, "samples.png"))
    // Five columns and two rows of 8 × 8 pixels eight times as large, with less than an image of
    // gaps, and no place is empty.
    XCTAssertTrue((5 * 64..<6 * 64).contains(size.width), "\(size)")
    XCTAssertTrue((2 * 64..<3 * 64).contains(size.height), "\(size)")
  }

  func testPicturesOfValuesOfNoFixedRangeAreNotOfOneColour() throws {
    // All of them below zero, where black is what lies between zero and one.
    let values = TestImages(40).bytes.map { Float($0) / 127.5 - 3 }
    let content = values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
    let data = try write(ArrayFile.npy([40, 8, 8], type: "<f4", content), "x.npy")
    try run(Small.train(data, path("run"), ["--epochs", "1"]))
    for command in [
      ["sample", path("run"), "--count", "4"],
      ["reconstruct", path("run"), "--data", data, "--split", "train", "--count", "4"],
      ["interpolate", path("run"), "--data", data, "--split", "train"],
    ] {
      let pictures = try [1, 2].map { seed in
        try run(command + ["--seed", "\(seed)", "--threads", "1", "--out", path("\(seed).png")])
        return try bytes(path("\(seed).png"))
      }
      XCTAssertNotEqual(pictures[0], pictures[1], "\(command[0]) draws one colour")
    }
  }

  func testSameSeedGivesTheSameSamplesAndAnotherSeedOthers() throws {
    let run = try TrainedRun.shared().run
    let files = try ["3", "3", "4"].enumerated().map { number, seed in
      try bytes(try sample(run, "\(number).npy", ["--seed", seed]))
    }
    XCTAssertEqual(files[0], files[1])
    XCTAssertNotEqual(files[0], files[2])
  }

  func testTemperatureZeroGivesTheImageOfThePriorsMean() throws {
    let run = try TrainedRun.shared().run
    let array = try array(sample(run, "cold.npy", ["--temperature", "0"]))
    for number in 1..<10 {
      XCTAssertEqual(
        Array(array.floats[number * 64..<(number + 1) * 64]), Array(array.floats.prefix(64)))
    }
  }

  func testTheExportedFileSamplesAsItsRunDoes() throws {
    let shared = try TrainedRun.shared()
    XCTAssertEqual(
      try bytes(try sample(shared.run, "a.npy")), try bytes(try sample(shared.model, "b.npy")))
  }

  func testSamplesReplaceAnEarlierFile() throws {
    let file = try write(Array("old".utf8), "samples.npy")
    _ = try sample(try TrainedRun.shared().run, "samples.npy")
    XCTAssertEqual(try array(file).shape, [10, 8, 8, 1])
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["samples.npy"])
  }

  func testTemperatureScalesWhatIsDrawnOfThePrior() throws {
    let run = try TrainedRun.shared().run
    let files = try ["0", "0.5", "1", "2"].map { temperature in
      try array(
        sample(run, "\(temperature).npy", ["--temperature", temperature, "--count", "200"]))
    }
    XCTAssertEqual(
      files[2].floats, try array(sample(run, "plain.npy", ["--count", "200"])).floats)
    // The images lie ever further from that of the prior's mean.
    let spreads = files.map { array in
      zip(array.floats, files[0].floats).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    }
    for (one, other) in zip(spreads, spreads.dropFirst()) { XCTAssertGreaterThan(other, 1.5 * one) }
    XCTAssertEqual(spreads[0], 0)
  }

  // MARK: reconstruct

  func testReconstructionGridHoldsOriginalsAboveReconstructions() throws {
    let shared = try TrainedRun.shared()
    let arguments = ["reconstruct", shared.run, "--data", shared.data, "--threads", "1"]
    try run(arguments + ["--out", path("a.png"), "--count", "5"])
    let size = try greySize(png: path("a.png"))
    XCTAssertTrue((5 * 64..<6 * 64).contains(size.width), "\(size)")
    XCTAssertTrue((2 * 64..<3 * 64).contains(size.height), "\(size)")
    try run(arguments + ["--out", path("b.png"), "--count", "5"])
    XCTAssertEqual(try bytes(path("a.png")), try bytes(path("b.png")))
    try run(arguments + ["--out", path("c.png"), "--count", "5", "--seed", "9"])
    XCTAssertNotEqual(try bytes(path("a.png")), try bytes(path("c.png")))
  }

  func testManyReconstructionsStandInRowsOfOneLength() throws {
    let shared = try TrainedRun.shared()
    // Two rows of originals above theirs: ten to a row by default, seven of fourteen, nine of eighteen.
    for (count, columns, rows) in [
      ([], 10, 4), (["--count", "14"], 7, 4), (["--count", "18"], 9, 4),
      (["--count", "10"], 10, 2),
      (["--count", "11"], 10, 4),
    ] {
      let outcome = try run(
        ["reconstruct", shared.run, "--data", shared.data, "--out", path("a.png")] + count)
      // Eight pixels eight times as large, with two between them and around the whole.
      let size = try greySize(png: path("a.png"))
      XCTAssertEqual([size.width, size.height], [66 * columns + 2, 66 * rows + 2], "\(count)")
      XCTAssertEqual(
        outcome.err,
        "wrote \(count.last ?? "20") images and what the model makes of them to \(path("a.png"))\n")
    }
  }

  func testPicturesAreEnlargedByAWholeFactorOfTheirLongerSide() throws {
    let data = try makeData(binary: true, height: 5, width: 14)
    try run(Small.train(data, path("run"), ["--epochs", "0"]))
    try run(["sample", path("run"), "--count", "1", "--out", path("one.png")])
    let size = try greySize(png: path("one.png"))
    XCTAssertEqual([size.width, size.height], [4 * 14 + 4, 4 * 5 + 4])
  }

  func testMoreReconstructionsThanImagesAreAllThereAre() throws {
    let shared = try TrainedRun.shared()
    let outcome = try run([
      "reconstruct", shared.run, "--data", shared.data, "--out", path("all.png"), "--count", "1000",
    ])
    XCTAssertTrue(outcome.err.contains("\(TrainedRun.testImages) images"), outcome.err)
  }

  // MARK: Refusals

  func testAFileThatCannotBeWrittenIsRefusedNamingIt() throws {
    let shared = try TrainedRun.shared()
    let file = try write([1], "file")
    for parent in [file, "/proc", path("missing")] {
      for name in ["samples.png", "samples.npy"] {
        try assertRefused(
          ["sample", shared.run, "--count", "2", "--out", "\(parent)/\(name)"], status: 73,
          naming: ["\(parent)/\(name)"])
      }
      try assertRefused(
        ["reconstruct", shared.run, "--data", shared.data, "--out", "\(parent)/a.png"], status: 73,
        naming: ["\(parent)/a.png"])
    }
    XCTAssertEqual(try bytes(file), [1])
    XCTAssertFalse(exists(path("missing")))
  }

  func testAFolderInPlaceOfTheFileIsRefusedAndStays() throws {
    let file = try write([1], "samples.png/file")
    try assertRefused(
      ["sample", try TrainedRun.shared().run, "--count", "2", "--out", path("samples.png")],
      status: 73, naming: [path("samples.png")])
    XCTAssertEqual(try bytes(file), [1])
  }

  func testAnotherEndingIsRefusedNamingTheOnesThatGo() throws {
    let shared = try TrainedRun.shared()
    try assertRefused(
      ["sample", shared.run, "--count", "2", "--out", path("samples.jpg")], status: 64,
      naming: ["samples.jpg", ".png", ".npy"])
    try assertRefused(
      ["reconstruct", shared.run, "--data", shared.data, "--out", path("images.npy")], status: 64,
      naming: ["images.npy", ".png"])
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), [])
  }

  func testAPixelwiseDecoderDrawsByTheSeed() throws {
    let files = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Files"
    let model = files + "/runs/0.1.0/pixelcnn-vae/model.safetensors"
    let latents = try write(ArrayFile.npy([2, 2], floats: [0.5, -1, 1, 0]), "z.npy")
    let made = try [[], ["--seed", "0"], ["--seed", "1"]].enumerated().map { number, seed in
      try run(["decode", model, "--latents", latents, "--out", path("\(number).npy")] + seed)
      return try bytes(path("\(number).npy"))
    }
    XCTAssertEqual(made[0], made[1])
    XCTAssertNotEqual(made[0], made[2])
  }

  func testAWayNeedsTwoImages() throws {
    let data = try write(
      ArrayFile.npz([
        (name: "train", npy: ArrayFile.npy(TestImages(), binary: true)),
        (name: "test", npy: ArrayFile.npy(TestImages(1), binary: true)),
      ]), "one.npz")
    try assertRefused(
      ["interpolate", TrainedRun.shared().run, "--data", data, "--out", path("a.png")], status: 65,
      naming: ["\(data) has 1 image in its test split; a way needs 2"])
    XCTAssertFalse(exists(path("a.png")))
  }
}
